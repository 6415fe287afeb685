import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = path.join(import.meta.dirname, '..', '..');
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'commands-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: 'start' | 'lab', args: readonly string[], config?: string): Promise<Result> {
  const env = { ...process.env, NO_COLOR: '1', ...(config ? { NIGHTSHIFT_CONFIG: config } : {}) };
  const program = path.join(root, 'bin', `${command}.ts`);
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [program, ...args],
      { env, cwd: directory },
      (_, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

describe('npm start', () => {
  test('prints its help', async () => {
    const { code, stdout } = await run('start', ['--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('NIGHTSHIFT_CONFIG=path');
  });

  test('refuses an option that it does not know', async () => {
    const { code, stdout, stderr } = await run('start', ['--quick']);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain("Unknown option '--quick'");
    expect(stderr).not.toContain('    at ');
  });

  test('reports an invalid config without a stack trace', async () => {
    const file = path.join(directory, 'wrong.config.ts');
    await writeFile(
      file,
      `export default { schedules: { office: { timeZone: 'Asia/Tokio', up: ['Mon-Fri 08:00-22:00'] } }, environments: {
        develop: { account: '111111111111', region: 'ap-northeast-1', cluster: 'develop', schedule: 'office' } } };`,
    );
    const { code, stdout, stderr } = await run('start', ['--exit'], file);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain('Asia/Tokio');
    expect(stderr).not.toContain('    at ');
  });
});

describe('npm run lab', () => {
  test('reports a missing config', async () => {
    const { code, stderr } = await run('lab', [], path.join(directory, 'nowhere.ts'));
    expect(code).toBe(1);
    expect(stderr).toContain('the file does not exist');
  });

  test('refuses an invalid time', async () => {
    const { code, stderr } = await run('lab', ['--from', 'tomorrow']);
    expect(code).toBe(1);
    expect(stderr).toContain("'tomorrow' is not a valid time");
  });
});

describe('npm ci', () => {
  const report = (agent: string) =>
    new Promise<string>((resolve) => {
      execFile(
        process.execPath,
        [path.join(root, 'bin/report-node.ts')],
        { env: { ...process.env, npm_config_user_agent: agent } },
        (_, stdout) => resolve(stdout),
      );
    });

  test('says on Node 20 which Node the scripts run with', async () => {
    expect(await report('npm/10.8.2 node/v20.20.2 linux x64')).toMatch(
      /^Your shell has Node 20\.20\.2\. The npm scripts run with Node 2\d\.[^\n]*\n$/,
    );
  });

  test('says nothing on Node 22 and 24', async () => {
    expect(await report('npm/10.8.2 node/v22.18.0 linux x64')).toBe('');
    expect(await report('npm/11.4.0 node/v24.21.0 linux x64')).toBe('');
  });
});

import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const STARTER = fileURLToPath(new URL('../../bin/nightshift.mjs', import.meta.url));

/** Runs the real program in a process of its own. */
function start(args: readonly string[], environment: NodeJS.ProcessEnv = {}, folder?: string) {
  return new Promise<{ code: number | null; out: string; err: string }>((resolve, reject) => {
    const starter = folder === undefined ? STARTER : join(folder, 'bin/nightshift.mjs');
    const child = spawn(process.execPath, [starter, ...args], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

describe('the program', () => {
  test('plans from the sample config', async () => {
    const { code, out, err } = await start(['plan', '--days', '1', '--from', '2026-11-24']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(
      'develop, staging: office, up Mon-Fri 08:00-22:00 (Asia/Tokyo, UTC+09:00), calendar japan',
    );
  });

  test('reports an invalid request as one message on stderr, with exit code 1 and no stack trace', async () => {
    const { code, out, err } = await start(['plan'], { NIGHTSHIFT_CONFIG: '/nowhere/none.config.ts' });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toBe(
      'nightshift: /nowhere/none.config.ts is invalid:\n  the file does not exist: create it, or set NIGHTSHIFT_CONFIG=path\n',
    );
  });

  test('prints its version', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(await start(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' });
  });

  test.for([
    ['20.19.5', 'in a package', 'unsupported Node 20.19.5: install Node 22.18 or newer'],
    ['22.17.1', 'in a package', 'unsupported Node 22.17.1: install Node 22.18 or newer'],
    [
      '22.23.3',
      'in a checkout without its packages',
      'unsupported Node 22.23.3: run npm ci, which brings Node 24',
    ],
  ] as const)('on Node %s %s says what helps', async ([version, place, message]) => {
    const folder = mkdtempSync(join(tmpdir(), 'nightshift-starter-'));
    mkdirSync(join(folder, 'bin'));
    cpSync(STARTER, join(folder, 'bin/nightshift.mjs'));
    if (place !== 'in a package') writeFileSync(join(folder, 'bin/nightshift.ts'), '');
    const old = `Object.defineProperty(process, 'versions', { value: { node: '${version}' } })`;
    const { code, err } = await start(
      [],
      { NODE_OPTIONS: `--import="data:text/javascript,${encodeURIComponent(old)}"` },
      folder,
    );
    rmSync(folder, { recursive: true });
    expect({ code, err }).toEqual({ code: 1, err: `nightshift: ${message}\n` });
  });
});

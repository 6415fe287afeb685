import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { fileProblem } from '#lib/file-problem.ts';
import { runApp } from '#lib/run-app.ts';

const problem = (code: string, other: object = {}) =>
  fileProblem(Object.assign(new Error('x'), { code, path: 'cdk.out/a.json', syscall: 'open', ...other }));

describe('an error of the file system is one line', () => {
  test.for([
    ['ENOSPC', {}, 'cdk.out/a.json cannot be written: the disk is full: free some space'],
    ['EROFS', { syscall: 'mkdir' }, 'cdk.out/a.json cannot be created: the file system is read-only'],
    ['EACCES', {}, 'cdk.out/a.json cannot be written: permission denied: change the permissions'],
    ['ENOSPC', { path: undefined, syscall: 'write' }, 'the output cannot be written: the disk is full'],
  ] as const)('%s %j', ([code, other, message]) => {
    expect(problem(code, other)).toContain(message);
  });

  test('also where another error has it as its cause', () => {
    const cause = Object.assign(new Error('x'), { code: 'ENOSPC', path: '/out/b', syscall: 'write' });
    expect(fileProblem(new Error('synthesis failed', { cause }))).toContain('/out/b cannot be written');
  });

  test('and no other error is one', () => {
    expect(problem('ECONNREFUSED')).toBeUndefined();
    expect(fileProblem(new TypeError('x'))).toBeUndefined();
    expect(fileProblem('x')).toBeUndefined();
  });
});

describe('the app', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nightshift-run-app-'));
  const lines: string[] = [];
  beforeEach(() => {
    lines.length = 0;
    vi.spyOn(process.stderr, 'write').mockImplementation((line) => lines.push(String(line).trimEnd()) > 0);
  });
  afterEach(() => {
    vi.restoreAllMocks();
    process.exitCode = undefined;
  });

  const run = async (outdir: string) => {
    await runApp({ configPath: 'nightshift.config.ts', outdir });
    const code = process.exitCode;
    process.exitCode = undefined;
    return { code, lines };
  };

  test('says in one line that its folder cannot be written', async () => {
    const file = join(folder, 'cdk.out');
    writeFileSync(file, '');
    const { code, lines } = await run(join(file, 'below'));
    expect(code).toBe(1);
    expect(lines).toEqual([
      `${file}/below cannot be created: a part of the path is a file: remove it, or use another folder`,
    ]);
  });

  test('says in one line where the config throws', async () => {
    const configPath = join(folder, 'throwing.ts');
    writeFileSync(
      configPath,
      `const team: string | undefined = undefined;\n\nexport default { environments: { develop: { account: team!.trim() } } };\n`,
    );
    await runApp({ configPath, outdir: join(folder, 'out') });
    expect(process.exitCode).toBe(1);
    expect(lines).toEqual([
      `${configPath} is invalid:\n  line 3: loading it failed (cannot read properties of undefined (reading 'trim')): correct the expression`,
    ]);
    rmSync(folder, { recursive: true });
  });
});

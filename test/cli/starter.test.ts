import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const STARTER = fileURLToPath(new URL('../../bin/nightshift.mjs', import.meta.url));

/** Runs the real program in a process of its own. */
function start(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  return new Promise<{ code: number | null; out: string; err: string }>((resolve, reject) => {
    const child = spawn(process.execPath, [STARTER, ...args], {
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
    expect(out).toContain('develop: office, up Mon-Fri 08:00-22:00 (Asia/Tokyo, UTC+09:00), calendar japan');
  });

  test('reports an invalid request as one message on stderr, with exit code 1 and no stack trace', async () => {
    const { code, out, err } = await start(['plan'], { NIGHTSHIFT_CONFIG: '/nowhere/none.config.ts' });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toBe(
      'nightshift: /nowhere/none.config.ts is invalid:\n  the file does not exist: create it, or set NIGHTSHIFT_CONFIG=path\n',
    );
  });
});

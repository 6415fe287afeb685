import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startProgram, untilReady } from './servers/control-plane-program.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightshift-programs-'));
  await program('brief', 'echo "no such flag: $1" >&2; exit 3');
  await program('lasting', 'echo $$ > "$1"; while :; do sleep 0.05; done');
});
afterAll(() => rm(folder, { recursive: true }));

async function program(name: string, script: string): Promise<void> {
  const file = path.join(folder, name);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
}

async function pidIn(file: string): Promise<number> {
  for (;;) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (text.endsWith('\n')) return Number(text);
    await wait(10);
  }
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function untilGone(pid: number): Promise<void> {
  while (runs(pid)) await wait(10);
}

describe('a program of a control plane', () => {
  test('that ends by itself is reported with its last output', async () => {
    const brief = startProgram(folder, 'brief', ['--wrong']);
    const waiting = untilReady('it', async () => false, [brief], 10_000);
    await expect(waiting).rejects.toThrow('brief ended with 3:\nno such flag: --wrong');
    await brief.end();
  });

  test('that is not ready in time is reported too', async () => {
    const pid = path.join(folder, 'slow.pid');
    const slow = startProgram(folder, 'lasting', [pid]);
    const never = async () => {
      throw new Error('refused');
    };
    await expect(untilReady('slow', never, [slow], 1)).rejects.toThrow('slow was not ready after 0.001 s');
    await slow.end();
  });

  test('is ended, also while it stands still', async () => {
    const file = path.join(folder, 'ended.pid');
    const lasting = startProgram(folder, 'lasting', [file]);
    const pid = await pidIn(file);
    lasting.suspend();
    await lasting.end();
    await untilGone(pid);
    expect(() => lasting.mustRun()).toThrow('lasting ended');
  });

  test('ends with the process that started it, however that ends', async () => {
    const file = path.join(folder, 'orphan.pid');
    const module = new URL('./servers/control-plane-program.ts', import.meta.url).href;
    const script = `import { startProgram } from ${JSON.stringify(module)};
      startProgram(${JSON.stringify(folder)}, 'lasting', [${JSON.stringify(file)}]);
      setInterval(() => undefined, 1_000);`;
    const starter = spawn(process.execPath, ['--input-type=module', '--eval', script]);
    const pid = await pidIn(file);
    starter.kill('SIGKILL');
    await once(starter, 'exit');
    await untilGone(pid);
    expect(runs(pid)).toBe(false);
  });
});

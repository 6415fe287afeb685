import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { anAssembly } from './an-assembly.ts';

it('a function ends when the lab was killed without a farewell', async () => {
  const written = await anAssembly({ functions: { Fn: 'export const handler = async () => 1;' } });
  try {
    const program = path.join(import.meta.dirname, 'a-lonely-process.ts');
    const lab = spawn(process.execPath, [program, path.join(written.directory, 'asset.Fn')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = (await once(lab.stdout, 'data')) as [Buffer];
    const pid = Number(said.toString().trim());
    expect(isAlive(pid)).toBe(true);
    lab.kill('SIGKILL');
    await once(lab, 'exit');
    for (let looked = 0; looked < 100 && isAlive(pid); looked++) await sleep(50);
    expect(isAlive(pid)).toBe(false);
  } finally {
    await written.remove();
  }
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

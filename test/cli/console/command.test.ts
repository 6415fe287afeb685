import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { showConsole } from '#cli/console/console.ts';
import type { Io } from '#cli/io.ts';
import { loadConfig } from '#lib/config-file.ts';
import { nightshift } from '../a-terminal.ts';

const CONFIG = fileURLToPath(new URL('../fixtures/three.config.ts', import.meta.url));
const now = new Date('2026-11-24T12:00:00Z');

it('prints the address with its key, and serves until it is interrupted', async () => {
  const said: string[] = [];
  const io: Io = {
    out: (text) => said.push(text),
    err: (text) => said.push(text),
    now: () => now,
    color: false,
    user: 'ana',
    cloud: () => Promise.reject(new Error('nobody looks')),
  };
  let interrupt: () => void = () => undefined;
  const interrupted = new Promise<void>((resolve) => {
    interrupt = resolve;
  });
  const running = showConsole(await loadConfig(CONFIG), {}, io, interrupted);
  while (said.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  const url = /http:\/\/127\.0\.0\.1:\d+\/\?token=\S{32}/.exec(said[0] ?? '')?.[0] ?? '';
  expect((await fetch(url, { redirect: 'manual' })).status).toBe(303);

  const { port } = new URL(url);
  const second = await nightshift(['--config', CONFIG, 'console', '--port', port], { now });
  expect(second).toMatchObject({ code: 1, err: expect.stringContaining('something else listens there') });

  interrupt();
  await running;
  await expect(fetch(url)).rejects.toThrow();
});

it.each(['eighty', '-1', '70000'])('refuses the port %s', async (port) => {
  const { code, err } = await nightshift(['--config', CONFIG, 'console', `--port=${port}`], { now });
  expect(code).toBe(1);
  expect(err).toContain(`--port ${port}: write a number`);
});

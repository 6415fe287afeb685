import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { showConsole } from '#cli/console/show-console.ts';
import type { Io } from '#cli/io.ts';
import { loadConfig } from '#lib/config-file.ts';
import { nightshift } from '../run-nightshift.ts';

const CONFIG = fileURLToPath(new URL('../fixtures/three.config.ts', import.meta.url));
const now = new Date('2026-11-24T12:00:00Z');

test('prints the address with its token, and serves until it is interrupted', async () => {
  const output: string[] = [];
  const io: Io = {
    out: (text) => output.push(text),
    err: (text) => output.push(text),
    now: () => now,
    color: false,
    user: 'ana',
    cloud: () => Promise.reject(new Error('no page is open')),
  };
  let interrupt: () => void = () => undefined;
  const interrupted = new Promise<void>((resolve) => {
    interrupt = resolve;
  });
  const running = showConsole(await loadConfig(CONFIG), {}, io, interrupted);
  while (output.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  const url = /http:\/\/127\.0\.0\.1:\d+\/\?token=\S{32}/.exec(output[0] ?? '')?.[0] ?? '';
  expect((await fetch(url, { redirect: 'manual' })).status).toBe(303);

  const { port } = new URL(url);
  const second = await nightshift(['--config', CONFIG, 'console', '--port', port], { now });
  expect(second).toMatchObject({ code: 1, err: expect.stringContaining('the port is in use') });

  interrupt();
  await running;
  await expect(fetch(url)).rejects.toThrow();
});

test.each(['eighty', '-1', '70000'])('refuses the port %s', async (port) => {
  const { code, err } = await nightshift(['--config', CONFIG, 'console', `--port=${port}`], { now });
  expect(code).toBe(1);
  expect(err).toContain(`--port ${port}: use a number`);
});

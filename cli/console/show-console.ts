/** `console`: serves the page until it is interrupted. */
import type { LoadedConfig } from '#lib/config-file.ts';
import { RefusedError } from '../errors.ts';
import type { Io } from '../io.ts';
import { type Console, serveConsole } from './server.ts';

export interface ShowConsoleOptions {
  readonly port?: string;
}

export async function showConsole(
  loaded: LoadedConfig,
  options: ShowConsoleOptions,
  io: Io,
  interrupted: Promise<void>,
): Promise<void> {
  const page = await serveOn(options.port, (port) => serveConsole({ loaded, io, port }));
  const note = 'It only accepts connections from this machine, and uses your credentials.';
  await untilInterrupted(page, note, io, interrupted);
}

/** `console --demo`: a recorded day, without a config, an account or credentials. */
export async function showDemo(
  options: ShowConsoleOptions,
  io: Io,
  interrupted: Promise<void>,
): Promise<void> {
  const { createDemo } = await import('./demo/demo.ts');
  const startedAt = performance.now();
  const demo = createDemo(io.user, () => performance.now() - startedAt);
  const page = await serveOn(options.port, (port) =>
    serveConsole({ ...demo, port, every: 1_000, demo: true }),
  );
  const note = 'It shows a recorded day at 60 times its speed, and reaches no account.';
  await untilInterrupted(page, note, io, interrupted);
}

async function serveOn(
  given: string | undefined,
  serve: (port: number) => Promise<Console>,
): Promise<Console> {
  const port = given === undefined ? 0 : Number(given);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RefusedError(`--port ${given}: use a number from 1 to 65535`);
  }
  try {
    return await serve(port);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new RefusedError(`--port ${port}: the port is in use: choose another, or omit --port`);
  }
}

async function untilInterrupted(
  page: Console,
  note: string,
  io: Pick<Io, 'out'>,
  interrupted: Promise<void>,
): Promise<void> {
  io.out(`The console is at\n\n  ${page.url}\n\n${note} Press Ctrl-C to stop it.`);
  try {
    await interrupted;
  } finally {
    await page.close();
  }
}

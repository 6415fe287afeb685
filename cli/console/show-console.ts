/** `console`: serves the page until it is interrupted. */
import type { LoadedConfig } from '#lib/config-file.ts';
import { RefusedError } from '../errors.ts';
import type { Io } from '../io.ts';
import { serveConsole } from './server.ts';

export async function showConsole(
  loaded: LoadedConfig,
  options: { readonly port?: string },
  io: Io,
  interrupted: Promise<void>,
): Promise<void> {
  const port = options.port === undefined ? 0 : Number(options.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RefusedError(`--port ${options.port}: use a number from 1 to 65535`);
  }
  let page: Awaited<ReturnType<typeof serveConsole>>;
  try {
    page = await serveConsole({ loaded, io, port });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new RefusedError(`--port ${port}: the port is in use: choose another, or omit --port`);
  }
  io.out(
    `The console is at\n\n  ${page.url}\n\nIt only accepts connections from this machine, and uses your credentials. Press Ctrl-C to stop it.`,
  );
  try {
    await interrupted;
  } finally {
    await page.close();
  }
}

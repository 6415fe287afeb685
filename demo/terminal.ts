/** Shared by `npm start` and `npm run lab`: colours, signals, error output. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { AssemblyError } from '@nightshift/lab/assembly/errors.ts';
import picocolors from 'picocolors';
import { ConfigError } from '#lib/config-file.ts';
import { LabError } from './errors.ts';
import type { Screen } from './sample/timeline.ts';
import { SynthesisError } from './synthesize.ts';

/** Colours only on a terminal, and not if NO_COLOR is set. */
export function screenOf(stream: NodeJS.WriteStream): Screen {
  const live = stream.isTTY === true && process.env['TERM'] !== 'dumb';
  const colors = picocolors.createColors(live && !process.env['NO_COLOR']);
  return {
    get columns() {
      return stream.columns ?? 80;
    },
    live,
    colors,
    write: (text) => void stream.write(text),
  };
}

/** Folder of the CA certificate and the kubeconfigs. */
export async function labDirectory(): Promise<string> {
  const directory = path.resolve('.lab');
  await mkdir(directory, { recursive: true });
  return directory;
}

/** Aborted by SIGINT, SIGTERM and SIGHUP; the second signal exits at once. */
export function untilInterrupted(): AbortSignal {
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (abort.signal.aborted) process.exit(130);
      abort.abort();
    });
  }
  return abort.signal;
}

/** Prints the message of an error that the user can fix, and the stack trace of any other one. Sets the exit code. */
export async function main(run: () => Promise<number>): Promise<void> {
  // The reader has closed the pipe: `npm start -- --json | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  try {
    process.exitCode = await run();
  } catch (error) {
    const expected =
      error instanceof ConfigError ||
      error instanceof AssemblyError ||
      error instanceof LabError ||
      error instanceof SynthesisError ||
      error instanceof UsageError;
    console.error(expected ? error.message : error);
    process.exitCode = 1;
  }
}

export class UsageError extends Error {
  override name = 'UsageError';
}

/** What the commands of the lab share: colours, signals, and how errors end. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { AssemblyError } from '@nightshift/lab/assembly/errors.ts';
import picocolors from 'picocolors';
import { ConfigError } from '#lib/config-file.ts';
import { LabError } from './errors.ts';
import type { Screen } from './sample/timeline.ts';
import { SynthesisError } from './synthesize.ts';

/** Colours only on a terminal, and not where NO_COLOR is set to anything. */
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

/** Where the lab keeps what a person needs to reach it: the CA and the kubeconfigs. */
export async function labDirectory(): Promise<string> {
  const directory = path.resolve('.lab');
  await mkdir(directory, { recursive: true });
  return directory;
}

/** Aborted by Ctrl-C and by whoever ends the process politely; a second time ends it at once. */
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

/** One clear message for what the user can mend, and the whole error for what is ours. Sets the exit code. */
export async function main(run: () => Promise<number>): Promise<void> {
  // Whoever reads has seen enough: `npm start -- --json | head`.
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

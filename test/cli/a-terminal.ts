import { createCloud } from '#cli/cloud.ts';
import type { Io } from '#cli/io.ts';
import { run } from '#cli/program.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs one command line with a clock of its own, and gives what it said. */
export async function nightshift(
  commandLine: readonly string[],
  options: { readonly now: Date; readonly cloud?: Io['cloud'] },
): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const now = () => options.now;
  const code = await run(commandLine, {
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    now,
    color: false,
    user: 'ana',
    cloud: options.cloud ?? ((name, environment) => createCloud(name, environment, now)),
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

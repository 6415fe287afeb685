import { createCloud } from '#cli/cloud.ts';
import type { Io } from '#cli/io.ts';
import { runCommand } from '#cli/program.ts';

export interface CommandResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs one command line at a fixed time, and returns its exit code and output. */
export async function nightshift(
  commandLine: readonly string[],
  options: { readonly now: Date; readonly cloud?: Io['cloud']; readonly columns?: number },
): Promise<CommandResult> {
  const out: string[] = [];
  const err: string[] = [];
  const now = () => options.now;
  const code = await runCommand(commandLine, {
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    now,
    color: false,
    columns: options.columns,
    user: 'ana',
    cloud: options.cloud ?? ((name, environment) => createCloud(name, environment, now)),
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

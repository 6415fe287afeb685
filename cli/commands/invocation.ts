/** What the commands share: one command line, its exit code, and the texts of common options. */

import { Command } from 'commander';
import { type LoadedConfig, loadConfig } from '#lib/config-file.ts';
import type { Io } from '../io.ts';

export const EXIT = { done: 0, refused: 1, cloud: 2 } as const;

/** One command line: its terminal, the config that it names, and its exit code. */
export class Invocation {
  readonly io: Io;
  readonly program: Command;
  exitCode: number = EXIT.done;

  constructor(io: Io) {
    this.io = io;
    this.program = new Command('nightshift');
  }

  config(): Promise<LoadedConfig> {
    return loadConfig(this.program.opts<{ config?: string }>().config);
  }

  /** `complete`: every environment was reachable. `healthy`: nothing is wrong. */
  finish({ complete = true, healthy = true }: { complete?: boolean; healthy?: boolean }): void {
    if (!complete) this.exitCode = EXIT.cloud;
    if (!healthy) this.exitCode = EXIT.refused;
  }
}

/** A subcommand with examples in its help. */
export function command(
  program: Command,
  name: string,
  description: string,
  examples: readonly string[],
): Command {
  return program
    .command(name)
    .description(description)
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`);
}

/** For an option that may be given several times. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

export const TAG_OPTION = 'only environments with this tag; may be repeated';

export const ACCOUNT_OPTION = 'only environments of this AWS account';

export const JSON_OPTION = 'print one JSON document';

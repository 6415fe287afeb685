/** Shared start of `npm start` and `npm run lab`: options, config, synthesis. */
import path from 'node:path';
import type { Screen } from '#demo/sample/timeline.ts';
import { synthesize } from '#demo/synthesize.ts';
import { screenOf, UsageError, untilInterrupted } from '#demo/terminal.ts';
import { type LoadedConfig, loadConfig } from '#lib/config-file.ts';

export interface Beginning {
  readonly loaded: LoadedConfig;
  /** The synthesized cloud assembly. */
  readonly assemblyDir: string;
  readonly screen: Screen;
  readonly signal: AbortSignal;
}

/** Throws `ConfigError` or `SynthesisError`. Prints its progress unless `quiet`. */
export async function begin({ quiet }: { readonly quiet: boolean }): Promise<Beginning> {
  const loaded = await loadConfig();
  const signal = untilInterrupted();
  const screen = screenOf(process.stdout);
  const assemblyDir = path.resolve('cdk.out');
  if (!quiet) screen.write('Synthesizing the stacks …');
  await synthesize({ configPath: loaded.path, directory: assemblyDir });
  if (!quiet) screen.write(' done.\n');
  return { loaded, assemblyDir, screen, signal };
}

/** Returns the parsed options. Throws `UsageError` with the message and the help text. */
export function optionsOr<T>(help: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${message}\n\n${help}`);
  }
}

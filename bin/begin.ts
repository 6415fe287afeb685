/** How `npm start` and `npm run lab` begin: the options, the config, and the artifacts that would be deployed. */
import path from 'node:path';
import type { Screen } from '#demo/sample/timeline.ts';
import { synthesize } from '#demo/synthesize.ts';
import { screenOf, UsageError, untilInterrupted } from '#demo/terminal.ts';
import { type LoadedConfig, loadConfig } from '#lib/config-file.ts';

export interface Beginning {
  readonly loaded: LoadedConfig;
  /** Where the artifacts are now. */
  readonly assemblyDir: string;
  readonly screen: Screen;
  readonly signal: AbortSignal;
}

/** Throws `ConfigError` or `SynthesisError`. Says on the screen what it does unless it is to be quiet. */
export async function begin({ quiet }: { readonly quiet: boolean }): Promise<Beginning> {
  const loaded = await loadConfig();
  const signal = untilInterrupted();
  const screen = screenOf(process.stdout);
  const assemblyDir = path.resolve('cdk.out');
  if (!quiet) screen.write('Synthesizing what would be deployed …');
  await synthesize({ configPath: loaded.path, directory: assemblyDir });
  if (!quiet) screen.write(' done.\n');
  return { loaded, assemblyDir, screen, signal };
}

/** What `parse` makes of the options; where it throws, the message and then the help. */
export function optionsOr<T>(help: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${message}\n\n${help}`);
  }
}

/** The first steps of `npm start` and `npm run lab`: parse the options, load the config, synthesize the artifacts. */
import path from 'node:path';
import type { Screen } from '#demo/sample/timeline.ts';
import { synthesize } from '#demo/synthesize.ts';
import { screenOf, UsageError, untilInterrupted } from '#demo/terminal.ts';
import { type LoadedConfig, loadConfig } from '#lib/config-file.ts';

export interface PreparedRun {
  readonly loaded: LoadedConfig;
  /** The folder of the synthesized artifacts. */
  readonly assemblyDir: string;
  readonly screen: Screen;
  readonly signal: AbortSignal;
}

/** Throws `ConfigError` or `SynthesisError`. Reports its progress on the screen unless `quiet`. */
export async function prepareRun({ quiet }: { readonly quiet: boolean }): Promise<PreparedRun> {
  const loaded = await loadConfig();
  const signal = untilInterrupted();
  const screen = screenOf(process.stdout);
  const assemblyDir = path.resolve('cdk.out');
  if (!quiet) screen.write('Synthesizing the artifacts …');
  await synthesize({ configPath: loaded.path, directory: assemblyDir });
  if (!quiet) screen.write(' done.\n');
  return { loaded, assemblyDir, screen, signal };
}

/** The parsed options. Throws a `UsageError` with the message and the help text when they are invalid. */
export function parseOptions<T>(help: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${message}\n\n${help}`);
  }
}

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
  const progress = quiet
    ? undefined
    : showSeconds(screen, 'Synthesizing the stacks and bundling the functions …');
  await synthesize({ configPath: loaded.path, directory: assemblyDir }).finally(() => progress?.done());
  return { loaded, assemblyDir, screen, signal };
}

/** A line that counts the seconds on a terminal, until it is done. */
function showSeconds(screen: Screen, text: string): { done(): void } {
  const start = performance.now();
  const seconds = () => `${((performance.now() - start) / 1000).toFixed(0)} s`;
  screen.write(text);
  const timer = screen.live ? setInterval(() => screen.write(`\r${text} ${seconds()}`), 1_000) : undefined;
  return {
    done() {
      clearInterval(timer);
      screen.write(screen.live ? `\r${text} ${seconds()}\n` : ` ${seconds()}\n`);
    },
  };
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

/** The first steps of `npm start` and `npm run lab`: parse the options, load the config, synthesize the artifacts. */
import path from 'node:path';
import type { Screen } from '#demo/sample/timeline.ts';
import { synthesize } from '#demo/synthesize.ts';
import { screenOf, UsageError, untilInterrupted } from '#demo/terminal.ts';
import { type LoadedConfig, loadConfig } from '#lib/config-file.ts';

/** The example in `examples/platform`: its app synthesizes the clusters as well, and Argo CD reads `gitops`. */
const EXAMPLE = path.join(import.meta.dirname, '..', 'examples', 'platform');

export interface PreparedRun {
  readonly loaded: LoadedConfig;
  /** The folder of the synthesized artifacts. */
  readonly assemblyDir: string;
  /** The manifests of the platform. */
  readonly gitops?: string;
  readonly screen: Screen;
  readonly signal: AbortSignal;
}

/** Throws `ConfigError` or `SynthesisError`. Reports its progress on the screen unless `quiet`. */
export async function prepareRun({
  quiet,
  platform = false,
}: {
  readonly quiet: boolean;
  readonly platform?: boolean;
}): Promise<PreparedRun> {
  const loaded = await loadConfig(platform ? path.join(EXAMPLE, 'nightshift.config.ts') : undefined);
  const signal = untilInterrupted();
  const screen = screenOf(process.stdout);
  const assemblyDir = path.resolve(platform ? 'cdk.out/platform' : 'cdk.out');
  const progress = quiet
    ? undefined
    : showSeconds(screen, 'Synthesizing the stacks and bundling the functions …');
  const app = platform ? { app: path.join(EXAMPLE, 'app.ts') } : {};
  await synthesize({ configPath: loaded.path, directory: assemblyDir, ...app }).finally(() =>
    progress?.done(),
  );
  return {
    loaded,
    assemblyDir,
    screen,
    signal,
    ...(platform ? { gitops: path.join(EXAMPLE, 'gitops') } : {}),
  };
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

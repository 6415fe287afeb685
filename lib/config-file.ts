/** Finds, loads and checks the config file. */
import { existsSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { NightshiftConfig } from '#model/config.ts';
import { ConfigError } from './config-error.ts';

export { ConfigError, type ConfigProblem } from './config-error.ts';

export const CONFIG_VARIABLE = 'NIGHTSHIFT_CONFIG';
export const DEFAULT_CONFIG = 'nightshift.config.ts';

export interface LoadedConfig {
  readonly config: NightshiftConfig;
  /** Absolute. */
  readonly path: string;
}

/** Loads `path`, or what NIGHTSHIFT_CONFIG names, or `./nightshift.config.ts`. Throws a `ConfigError` with every mistake. */
export async function loadConfig(path?: string): Promise<LoadedConfig> {
  const chosen = path ?? (process.env[CONFIG_VARIABLE] || DEFAULT_CONFIG);
  const absolute = resolve(chosen);
  const shown = relative(process.cwd(), absolute) || absolute;
  if (!existsSync(absolute)) {
    throw new ConfigError(shown, [
      { path: '', message: `there is no such file: write one, or name another with ${CONFIG_VARIABLE}=path` },
    ]);
  }
  const loaded = (await import(pathToFileURL(absolute).href)) as { default?: NightshiftConfig };
  if (!loaded.default) {
    throw new ConfigError(shown, [
      { path: '', message: 'it exports no config: write `export default defineConfig({ … })`' },
    ]);
  }
  return { config: loaded.default, path: absolute };
}

/** Finds, loads and checks the config file. Every problem is reported in one `ConfigError`. */
import { readFile } from 'node:fs/promises';
import { extname, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Message, transform } from 'esbuild';
import { checkConfig, discoverProblems } from '#model/config/check.ts';
import type { ConfigProblem } from '#model/config/problem.ts';
import type { DiscoverConfig, NightshiftConfig } from '#model/config.ts';
import { isRecord } from '#model/record-schema.ts';
import { KNOWN_HOLIDAYS } from './checked-environment.ts';
import { ConfigError, UnknownEnvironmentError } from './config-error.ts';
import { withDiscovered } from './lock-file.ts';

export type { ConfigProblem } from '#model/config/problem.ts';
export { ConfigError, UnknownEnvironmentError } from './config-error.ts';

export const CONFIG_VARIABLE = 'NIGHTSHIFT_CONFIG';
export const DEFAULT_CONFIG = 'nightshift.config.ts';

export interface LoadedConfig {
  readonly config: NightshiftConfig;
  /** Absolute path of the config file. */
  readonly path: string;
}

const LOADERS = { '.ts': 'ts', '.mts': 'ts', '.js': 'js', '.mjs': 'js', '.json': 'json' } as const;

/** Loads `path`, or the file in NIGHTSHIFT_CONFIG, or `./nightshift.config.ts`. Throws a `ConfigError` with every problem. */
export async function loadConfig(path?: string): Promise<LoadedConfig> {
  const absolute = resolve(path ?? (process.env[CONFIG_VARIABLE] || DEFAULT_CONFIG));
  const shown = shownPath(absolute);

  const source = await readSource(absolute, shown);
  const duplicates = await checkSource(source, absolute, shown);
  const exported = await importDefault(source, absolute, shown);
  const discovered = withDiscovered(exported, absolute);
  if (discovered.problems.length > 0) throw new ConfigError(shown, [...duplicates, ...discovered.problems]);
  const { config, problems } = checkConfig(discovered.config, KNOWN_HOLIDAYS);
  if (!config || duplicates.length > 0) throw new ConfigError(shown, [...duplicates, ...problems]);
  return { config, path: absolute };
}

/** What `nightshift discover` reads of the config, whose environments are not known before. */
export interface DiscoverSource {
  readonly discover: DiscoverConfig;
  /** The names of the schedules. */
  readonly schedules: readonly string[];
  /** Absolute path of the config file. */
  readonly path: string;
}

/** Undefined where the config has no `discover`. Throws a `ConfigError` for a mistake in it. */
export async function loadDiscover(path?: string): Promise<DiscoverSource | undefined> {
  const absolute = resolve(path ?? (process.env[CONFIG_VARIABLE] || DEFAULT_CONFIG));
  const shown = shownPath(absolute);
  const exported = await importDefault(await readSource(absolute, shown), absolute, shown);
  if (!isRecord(exported) || exported['discover'] === undefined) return undefined;
  const problems = discoverProblems(exported['discover']);
  if (problems.length > 0) throw new ConfigError(shown, problems);
  const schedules = isRecord(exported['schedules']) ? Object.keys(exported['schedules']) : [];
  return { discover: exported['discover'] as DiscoverConfig, schedules, path: absolute };
}

/** The environment of that name. Throws an `UnknownEnvironmentError` that suggests existing names. */
export function environmentOf({ config, path }: LoadedConfig, name: string) {
  const environment = Object.hasOwn(config.environments, name) ? config.environments[name] : undefined;
  if (environment) return environment;
  throw new UnknownEnvironmentError(name, Object.keys(config.environments), shownPath(path));
}

async function readSource(absolute: string, shown: string): Promise<string> {
  try {
    return await readFile(absolute, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const message =
      code === 'ENOENT'
        ? `the file does not exist: create it, or set ${CONFIG_VARIABLE}=path`
        : code === 'EISDIR'
          ? 'this is a directory: use the path of a file'
          : `it cannot be read (${code}): check its permissions`;
    throw new ConfigError(shown, [{ path: '', message }], { cause });
  }
}

/**
 * Syntax errors with their line; and duplicate keys of an object, like two environments of one name, of which JavaScript
 * silently uses the last.
 */
async function checkSource(source: string, absolute: string, shown: string): Promise<ConfigProblem[]> {
  const loader = LOADERS[extname(absolute) as keyof typeof LOADERS];
  if (!loader) {
    throw new ConfigError(shown, [
      { path: '', message: `unsupported file type: use one of ${Object.keys(LOADERS).join(', ')}` },
    ]);
  }
  try {
    const { warnings } = await transform(source, { loader, logLevel: 'silent' });
    return warnings
      .filter((warning) => warning.id === 'duplicate-object-key')
      .map((warning) => ({
        path: lineOf(warning),
        value: /"(.*)"/.exec(warning.text)?.[0] ?? '',
        message: `duplicate name in one object (first on line ${warning.notes[0]?.location?.line}): rename or remove one`,
      }));
  } catch (cause) {
    const errors = (cause as { errors?: Message[] }).errors;
    if (!errors) throw cause;
    throw new ConfigError(
      shown,
      errors.map((error) => ({
        path: lineOf(error),
        value: error.location?.lineText.trim() ?? '',
        message: `invalid ${loader === 'json' ? 'JSON' : 'TypeScript'}: ${lowerFirst(error.text)}`,
      })),
      { cause },
    );
  }
}

async function importDefault(source: string, absolute: string, shown: string): Promise<unknown> {
  if (absolute.endsWith('.json')) return JSON.parse(source);
  let loaded: { default?: unknown };
  try {
    loaded = (await import(pathToFileURL(absolute).href)) as { default?: unknown };
  } catch (cause) {
    throw new ConfigError(shown, [importProblem(cause, absolute)], { cause });
  }
  if (loaded.default === undefined) {
    throw new ConfigError(shown, [
      { path: '', message: 'it has no default export: add export default defineConfig({ … })' },
    ]);
  }
  return loaded.default;
}

function importProblem(cause: unknown, absolute: string): ConfigProblem {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  const text = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause);
  const path = placeOf(cause, absolute);
  if (code === 'ERR_MODULE_NOT_FOUND') {
    return {
      path,
      message: `an import does not exist (${lowerFirst(text)}): a config in another place does not need defineConfig, use export default { … }`,
    };
  }
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return {
      path,
      message: `it uses TypeScript syntax that Node cannot strip (${lowerFirst(text)}): avoid enum and namespace`,
    };
  }
  return { path, message: `loading it failed (${lowerFirst(text)}): correct the expression` };
}

/** Where the config, or a file that it imports, threw: the innermost frame outside of packages and of Node. */
function placeOf(cause: unknown, absolute: string): string {
  const stack = cause instanceof Error ? (cause.stack ?? '') : '';
  for (const [, place = '', line] of stack.matchAll(
    /(?:\(|at (?:async )?)((?:file:\/\/)?\/[^()]+?):(\d+):\d+/g,
  )) {
    const file = place.startsWith('file:') ? fileURLToPath(place.split('?')[0] ?? place) : place;
    if (file.includes('/node_modules/')) continue;
    return file === absolute ? `line ${line}` : `${shownPath(file)} line ${line}`;
  }
  return '';
}

/** Relative where it is below the current folder. */
function shownPath(absolute: string): string {
  const fromHere = relative(process.cwd(), absolute);
  return fromHere === '' || fromHere.startsWith('..') ? absolute : fromHere;
}

function lineOf(message: Message): string {
  return message.location ? `line ${message.location.line}` : '';
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

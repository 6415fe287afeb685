/** An override of several environments: each on its own, so that one that is refused or unreachable stops no other. */
import type { LoadedConfig } from '#lib/config-file.ts';
import { CloudError, RefusedError } from './errors.ts';
import type { Io } from './io.ts';
import { cancelOverride, type OverrideOptions, type OverrideRequest, setOverride } from './override.ts';
import { type EnvironmentFilter, isFiltered, selectEnvironments } from './select-environments.ts';

export interface ManyResult {
  /** Every environment was reachable. */
  readonly complete: boolean;
  /** None was refused. */
  readonly healthy: boolean;
}

const DONE: ManyResult = { complete: true, healthy: true };

/** One environment by name, or those of a filter that can be overridden. */
export async function overrideMany(
  loaded: LoadedConfig,
  given: Omit<OverrideRequest, 'environment'> & { readonly environment?: string | undefined },
  options: OverrideOptions & EnvironmentFilter,
  io: Io,
): Promise<ManyResult> {
  return forEach(
    loaded,
    { command: given.command, name: given.environment, filter: options },
    io,
    (environment, out) => setOverride(loaded, { ...given, environment }, options, out),
  );
}

export async function cancelMany(
  loaded: LoadedConfig,
  name: string | undefined,
  options: OverrideOptions & EnvironmentFilter,
  io: Io,
): Promise<ManyResult> {
  return forEach(loaded, { command: 'cancel', name, filter: options }, io, (environment, out) =>
    cancelOverride(loaded, environment, options, out),
  );
}

interface Targets {
  readonly command: string;
  readonly name: string | undefined;
  readonly filter: EnvironmentFilter & OverrideOptions;
}

async function forEach(
  loaded: LoadedConfig,
  { command, name, filter }: Targets,
  io: Io,
  apply: (environment: string, io: Io) => Promise<void>,
): Promise<ManyResult> {
  if (name !== undefined && !isFiltered(filter)) {
    await apply(name, io);
    return DONE;
  }
  if (!isFiltered(filter))
    throw new RefusedError(
      `name an environment, or several by --tag or --account: nightshift ${command} ${Object.keys(loaded.config.environments)[0]}`,
    );
  const names = sleepingIn(loaded, name, filter, command);
  const errors: Error[] = [];
  const documents: string[] = [];
  // Several documents of JSON are none: they become a list.
  const each: Io = filter.json ? { ...io, out: (text) => documents.push(text) } : io;
  for (const one of names) {
    try {
      await apply(one, each);
    } catch (error) {
      if (!(error instanceof CloudError || error instanceof RefusedError)) throw error;
      errors.push(error);
      io.err(`nightshift: ${error.message.startsWith(`${one}: `) ? '' : `${one}: `}${error.message}`);
    }
  }
  if (filter.json) io.out(`[\n${documents.join(',\n')}\n]`);
  if (errors.length > 0)
    io.err(`nightshift: ${errors.length} of ${names.length} environments were not changed`);
  return {
    complete: !errors.some((error) => error instanceof CloudError),
    healthy: !errors.some((error) => error instanceof RefusedError),
  };
}

/** Production and clusters that are never stopped are no targets of a filter. */
function sleepingIn(
  loaded: LoadedConfig,
  name: string | undefined,
  filter: EnvironmentFilter,
  command: string,
): readonly string[] {
  const selected = selectEnvironments(loaded, name, filter);
  const names = selected
    .filter(({ environment }) => !environment.production && environment.schedule !== undefined)
    .map((one) => one.name);
  if (names.length === 0)
    throw new RefusedError(
      `${selected.map((one) => one.name).join(', ')}: production or without a schedule, which ${command} does not change`,
    );
  return names;
}

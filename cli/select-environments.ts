/** Which environments a command works on. */
import { environmentOf, type LoadedConfig } from '#lib/config-file.ts';
import type { EnvironmentConfig } from '#model/config.ts';
import { CloudError } from './errors.ts';
import type { Io } from './io.ts';

export interface NamedEnvironment {
  readonly name: string;
  readonly environment: EnvironmentConfig;
}

/** The environment of that name, or all of them. Throws an `UnknownEnvironmentError` for an unknown name. */
export function selectEnvironments(loaded: LoadedConfig, name: string | undefined): NamedEnvironment[] {
  if (name !== undefined) return [{ name, environment: environmentOf(loaded, name) }];
  return Object.entries(loaded.config.environments).map(([key, environment]) => ({ name: key, environment }));
}

export interface QueryResults<T> {
  readonly results: readonly T[];
  /** False when at least one environment was unreachable. */
  readonly complete: boolean;
}

/**
 * Queries each environment. Each usually has its own account, so an unreachable one is reported and the others are
 * shown; if all of them fail, this throws a `CloudError`.
 */
export async function queryEach<T>(
  io: Pick<Io, 'err'>,
  environments: readonly NamedEnvironment[],
  query: (named: NamedEnvironment) => Promise<T>,
): Promise<QueryResults<T>> {
  const settled = await Promise.allSettled(environments.map(query));
  const results: T[] = [];
  const errors: CloudError[] = [];
  for (const one of settled) {
    if (one.status === 'fulfilled') results.push(one.value);
    else if (one.reason instanceof CloudError) errors.push(one.reason);
    else throw one.reason;
  }
  if (results.length === 0 && errors.length > 0) {
    throw new CloudError(errors.map((error) => error.message).join('\n'), { cause: errors[0] });
  }
  for (const error of errors) io.err(`nightshift: ${error.message}`);
  return { results, complete: errors.length === 0 };
}

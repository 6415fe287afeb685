/** Which environments a command works on. */
import { environmentOf, type LoadedConfig } from '#lib/config-file.ts';
import type { EnvironmentConfig } from '#model/config.ts';
import { CloudError, type Io } from './io.ts';

export interface Named {
  readonly name: string;
  readonly environment: EnvironmentConfig;
}

/** The one of that name, or all of them. */
export function chosen(loaded: LoadedConfig, name: string | undefined): Named[] {
  if (name !== undefined) return [{ name, environment: environmentOf(loaded, name) }];
  return Object.entries(loaded.config.environments).map(([key, environment]) => ({ name: key, environment }));
}

/**
 * Asks each environment. They are in different accounts as a rule, so one that does not answer is reported and the
 * others are shown; where none answers, that is the error.
 */
export async function askEach<T>(
  io: Io,
  environments: readonly Named[],
  ask: (named: Named) => Promise<T>,
): Promise<{ readonly answers: readonly T[]; readonly failed: boolean }> {
  const results = await Promise.allSettled(environments.map(ask));
  const answers: T[] = [];
  const errors: CloudError[] = [];
  for (const result of results) {
    if (result.status === 'fulfilled') answers.push(result.value);
    else if (result.reason instanceof CloudError) errors.push(result.reason);
    else throw result.reason;
  }
  if (answers.length === 0 && errors.length > 0) {
    throw new CloudError(errors.map((error) => error.message).join('\n'), { cause: errors[0] });
  }
  for (const error of errors) io.err(`nightshift: ${error.message}`);
  return { answers, failed: errors.length > 0 };
}

/** Which environments a command works on. */
import { environmentOf, type LoadedConfig } from '#lib/config-file.ts';
import type { EnvironmentConfig } from '#model/config.ts';
import { didYouMean } from '#model/nearest.ts';
import { CloudError, RefusedError } from './errors.ts';
import type { Io } from './io.ts';

export interface NamedEnvironment {
  readonly name: string;
  readonly environment: EnvironmentConfig;
}

/** What a command line says about the environments that it means. All of it has to match. */
export interface EnvironmentFilter {
  /** Each `team=web`, or `team` for any value. */
  readonly tag?: readonly string[];
  readonly account?: string;
}

/** The environment of that name, or all of them. Throws an `UnknownEnvironmentError` for an unknown name. */
export function selectEnvironments(
  loaded: LoadedConfig,
  name: string | undefined,
  filter: EnvironmentFilter = {},
): NamedEnvironment[] {
  const all =
    name === undefined
      ? Object.entries(loaded.config.environments).map(([key, environment]) => ({ name: key, environment }))
      : [{ name, environment: environmentOf(loaded, name) }];
  const tags = (filter.tag ?? []).map((tag) => parseTag(tag));
  const selected = all.filter(
    ({ environment }) =>
      tags.every((tag) => hasTag(environment, tag)) &&
      (filter.account === undefined || environment.account === filter.account),
  );
  if (selected.length === 0) throw nothingSelected(loaded, filter);
  return selected;
}

/** Whether the command line chooses environments in any way. */
export function isFiltered({ tag, account }: EnvironmentFilter): boolean {
  return (tag ?? []).length > 0 || account !== undefined;
}

interface Tag {
  readonly key: string;
  /** Undefined for any. */
  readonly value: string | undefined;
}

function parseTag(text: string): Tag {
  const [key = '', ...value] = text.split('=');
  if (key === '') throw new RefusedError(`--tag ${text}: write a name and a value, like --tag team=web`);
  return { key, value: value.length === 0 ? undefined : value.join('=') };
}

function hasTag({ tags = {} }: EnvironmentConfig, { key, value }: Tag): boolean {
  return Object.hasOwn(tags, key) && (value === undefined || tags[key] === value);
}

function nothingSelected({ config }: LoadedConfig, { tag = [], account }: EnvironmentFilter): RefusedError {
  const environments = Object.values(config.environments);
  const known = [
    ...new Set(
      environments.flatMap(({ tags }) => Object.entries(tags ?? {}).map(([key, value]) => `${key}=${value}`)),
    ),
  ];
  const asked = [
    ...tag.map((one) => `--tag ${one}`),
    ...(account === undefined ? [] : [`--account ${account}`]),
  ];
  const [first] = tag;
  const hint =
    account !== undefined && !environments.some((one) => one.account === account)
      ? `no environment is in this account: ${didYouMean(account, [...new Set(environments.map((one) => one.account))])}`
      : first !== undefined
        ? `no environment has this tag: ${known.length === 0 ? 'no environment has tags in the config' : didYouMean(first, known)}`
        : 'no environment matches';
  return new RefusedError(`${asked.join(' ')}: ${hint}`);
}

export interface QueryResults<T> {
  readonly results: readonly T[];
  /** False when at least one environment was unreachable. */
  readonly complete: boolean;
}

/** An environment that could not be queried, and why. */
export interface Unreachable {
  readonly named: NamedEnvironment;
  readonly error: CloudError;
}

/** Queries each environment; every one gives its result, or why it was unreachable. Any other error is thrown. */
export async function tryEach<T>(
  environments: readonly NamedEnvironment[],
  query: (named: NamedEnvironment) => Promise<T>,
): Promise<{ readonly results: readonly T[]; readonly unreachable: readonly Unreachable[] }> {
  const settled = await Promise.allSettled(environments.map(query));
  const results: T[] = [];
  const unreachable: Unreachable[] = [];
  for (const [index, one] of settled.entries()) {
    const named = environments[index];
    if (one.status === 'fulfilled') results.push(one.value);
    else if (one.reason instanceof CloudError && named) unreachable.push({ named, error: one.reason });
    else throw one.reason;
  }
  return { results, unreachable };
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
  const { results, unreachable } = await tryEach(environments, query);
  const [first] = unreachable;
  if (results.length === 0 && first) {
    const message = unreachable.map(({ error }) => error.message).join('\n');
    throw new CloudError(message, { cause: first.error });
  }
  for (const { error } of unreachable) io.err(`nightshift: ${error.message}`);
  return { results, complete: unreachable.length === 0 };
}

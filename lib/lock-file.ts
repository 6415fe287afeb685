/** `nightshift.lock.json`: the clusters that `nightshift discover` found, to be reviewed and committed beside the config. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { discoverProblems } from '#model/config/check.ts';
import type { ConfigProblem } from '#model/config/problem.ts';
import type { DiscoverConfig } from '#model/config.ts';
import { isRecord } from '#model/record-schema.ts';
import { ConfigError } from './config-error.ts';

export const LOCK_FILE = 'nightshift.lock.json';

const lockedCluster = z.strictObject({
  environment: z.string(),
  account: z.string(),
  region: z.string(),
  cluster: z.string(),
  schedule: z.string().optional(),
  production: z.literal(true).optional(),
});
const lockSchema = z.strictObject({ tag: z.string(), clusters: z.array(lockedCluster) });

export type LockedCluster = z.infer<typeof lockedCluster>;
export type LockFile = z.infer<typeof lockSchema>;

/** Beside the config. */
export function lockPathOf(configPath: string): string {
  return join(dirname(configPath), LOCK_FILE);
}

/** Undefined where there is none. Throws a `ConfigError` for one that cannot be read. */
export function readLock(configPath: string): LockFile | undefined {
  const path = lockPathOf(configPath);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
  const parsed = lockSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ConfigError(LOCK_FILE, [
    {
      path: issue?.path.join('.') ?? '',
      message: 'it is not as "nightshift discover" writes it: run that again, and review the difference',
    },
  ]);
}

export interface Discovered {
  /** The config without `discover`, with the clusters of the lock file among its environments. */
  readonly config: unknown;
  /** Absent where the config has none. */
  readonly discover?: DiscoverConfig;
  readonly problems: readonly ConfigProblem[];
}

/** An environment that the config names too keeps its own keys. */
export function withDiscovered(exported: unknown, configPath: string): Discovered {
  if (!isRecord(exported) || exported['discover'] === undefined) return { config: exported, problems: [] };
  const { discover: raw, environments: written = {}, ...rest } = exported;
  const problems = discoverProblems(raw);
  if (problems.length > 0) return { config: { ...rest, environments: written }, problems };
  const discover = raw as DiscoverConfig;
  const lock = readLock(configPath);
  const problem = lockProblem(discover, lock);
  if (problem) return { config: { ...rest, environments: written }, discover, problems: [problem] };
  const own = isRecord(written) ? written : {};
  const found = (lock?.clusters ?? []).map(({ environment, ...cluster }) => {
    const access = accessIn(discover, cluster.account);
    const ownKeys = isRecord(own[environment]) ? own[environment] : {};
    return [environment, { ...access, ...cluster, ...ownKeys }] as const;
  });
  return {
    config: { ...rest, environments: { ...own, ...Object.fromEntries(found) } },
    discover,
    problems: [],
  };
}

function lockProblem({ tag }: DiscoverConfig, lock: LockFile | undefined): ConfigProblem | undefined {
  if (!lock)
    return {
      path: 'discover',
      message: `there is no ${LOCK_FILE} beside the config: run "nightshift discover", and commit the file`,
    };
  if (lock.tag !== tag)
    return {
      path: 'discover.tag',
      value: JSON.stringify(tag),
      message: `${LOCK_FILE} was written for ${JSON.stringify(lock.tag)}: run "nightshift discover" again`,
    };
  return undefined;
}

function accessIn({ accounts }: DiscoverConfig, account: string): object {
  const { profile, roleArn, externalId } = accounts.find((one) => one.account === account) ?? {};
  return {
    ...(profile === undefined ? {} : { profile }),
    ...(roleArn === undefined ? {} : { roleArn }),
    ...(externalId === undefined ? {} : { externalId }),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

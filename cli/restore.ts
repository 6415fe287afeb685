/**
 * `restore`: gives a cluster its sizes, autoscaler and NodePools back from the table, with the operator's own credentials.
 * For the morning on which no function does it: the stack is gone, or Lambda is down.
 */
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EKSClient } from '@aws-sdk/client-eks';
import { createBuiltInPools } from '#functions/adapters/aws/built-in-pools.ts';
import { describeCluster } from '#functions/adapters/aws/eks-cluster.ts';
import { createGroups } from '#functions/adapters/aws/groups.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import { createTable } from '#functions/adapters/dynamodb/table.ts';
import { autoscalersOf } from '#functions/adapters/kubernetes/autoscaler.ts';
import { createKubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import { createCronJobs } from '#functions/adapters/kubernetes/cron-jobs.ts';
import { createTokenSource } from '#functions/adapters/kubernetes/token.ts';
import type { Memory, Store } from '#functions/night-schedule/ports.ts';
import { type RestorePorts, type RestoreProgress, restore } from '#functions/night-schedule/restore.ts';
import { wrongRegion, wrongTimeZone } from '#model/config/values.ts';
import { MINUTE_MS } from '#model/duration.ts';
import { parseDuration } from '#model/when.ts';
import { awsErrorKind, networkErrorOf } from './aws-errors.ts';
import { CloudError, RefusedError } from './errors.ts';
import type { Io } from './io.ts';
import { plain } from './text.ts';

export interface RestoreOptions {
  readonly table: string;
  readonly cluster: string;
  readonly region: string;
  readonly force?: boolean;
  readonly timeout?: string;
  /** Of the schedule, for the dates of the ledger; without it UTC. */
  readonly timeZone?: string;
}

export interface RestoreIo extends Pick<Io, 'out' | 'now'> {
  pause(ms: number): Promise<void>;
}

export function createRestoreIo({ out, now }: Pick<Io, 'out' | 'now'>): RestoreIo {
  return { out, now, pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) };
}

const DEFAULT_TIMEOUT = '20m';
const LOOK_EVERY_MS = 10_000;
/** night-schedule writes down every few minutes that it ran. */
const RUNS_MS = 15 * MINUTE_MS;

/**
 * False where something was not restored. Throws a `RefusedError` where night-schedule still runs, and a `CloudError`
 * when AWS denies the request or is unreachable.
 */
export async function restoreFromTable(options: RestoreOptions, io: RestoreIo): Promise<boolean> {
  const timeoutMs = timeoutOf(options.timeout ?? DEFAULT_TIMEOUT);
  const timeZone = options.timeZone ?? 'UTC';
  refuse(`--time-zone ${timeZone}`, wrongTimeZone(timeZone));
  refuse(`--region ${options.region}`, wrongRegion(options.region));
  const clients = clientsFor(options, io);
  try {
    const store = createNightStore(createTable(clients.dynamodb, options.table), options.cluster);
    const memory = await explained(() => loaded(options, store));
    refuseIfItRuns(memory, options, io.now());
    const { saved, autoscaler, cronJobs, corrupt, foreign } = memory;
    if (saved.size + autoscaler.size + cronJobs.size + corrupt.length === 0) {
      if (foreign !== undefined) throw new RefusedError(ofAnother(options, foreign));
      io.out(`${options.table}: nothing is saved for the cluster ${options.cluster}: nothing to restore`);
      return true;
    }
    const ports: RestorePorts = {
      groups: createGroups(clients, options.cluster),
      store,
      cronJobs: createCronJobs(clients.kubernetes, undefined),
      autoscalersOf: (objects) =>
        autoscalersOf(clients.kubernetes, objects, createBuiltInPools(options.cluster, clients.eks)),
      now: io.now,
      timeZone,
      record: ({ target, action, reason }) => io.out(plain(`${target}: ${action}: ${reason}`)),
    };
    const isComplete = report(await untilRestored(ports, timeoutMs, io), io);
    if (foreign !== undefined) io.out(plain(ofAnother(options, foreign)));
    return isComplete && foreign === undefined;
  } finally {
    clients.kubernetes.close();
    for (const client of [clients.autoScaling, clients.dynamodb, clients.eks]) client.destroy();
  }
}

function refuse(what: string, problem: string | undefined): void {
  if (problem !== undefined) throw new RefusedError(`${what}: ${problem}`);
}

/** Its milliseconds. Throws a `RefusedError`. */
export function timeoutOf(text: string): number {
  const timeout = parseDuration(text);
  if ('problem' in timeout) throw new RefusedError(`--timeout ${text}: ${timeout.problem}`);
  return timeout.ms;
}

/** Else a wrong name would look like a cluster of which nothing sleeps. */
function ofAnother({ table, cluster }: RestoreOptions, item: string): string {
  return `${table}: ${item} was saved for another cluster than ${cluster}: write the name of that cluster as --cluster to restore it`;
}

function clientsFor({ cluster, region }: RestoreOptions, io: RestoreIo) {
  const options = { region, maxAttempts: 3 };
  const eks = new EKSClient(options);
  return {
    eks,
    autoScaling: new AutoScalingClient(options),
    dynamodb: new DynamoDBClient(options),
    kubernetes: createKubernetesClient({
      cluster,
      region,
      describeCluster: () => describeCluster(eks, cluster),
      token: createTokenSource({
        cluster,
        region,
        credentials: () => eks.config.credentials(),
        now: io.now,
      }),
      maxSockets: 16,
    }),
  };
}

/** Both would work against each other: at night it stops what was restored. */
function refuseIfItRuns({ notes }: Memory, { table, force }: RestoreOptions, now: Date): void {
  const at = notes.seen?.value.at;
  if (force || at === undefined || now.getTime() - Date.parse(at) > RUNS_MS) return;
  throw new RefusedError(
    `night-schedule ran on the table ${table} at ${at} and would stop the cluster again: use \`nightshift wake\`, or --force`,
  );
}

/** Ends early where only what needs a person is left. */
async function untilRestored(
  ports: RestorePorts,
  timeoutMs: number,
  io: RestoreIo,
): Promise<RestoreProgress> {
  const deadline = io.now().getTime() + timeoutMs;
  const shown = new Set<string>();
  while (true) {
    const progress = await explained(() => restore(ports));
    if (progress.waiting.length === 0 || io.now().getTime() >= deadline) return progress;
    for (const { target, reason } of progress.waiting) {
      const line = plain(`${target}: waiting: ${reason}`);
      if (!shown.has(line)) io.out(line);
      shown.add(line);
    }
    await io.pause(LOOK_EVERY_MS);
  }
}

function report({ waiting, failed, gone }: RestoreProgress, io: RestoreIo): boolean {
  for (const { target, reason } of [...waiting, ...failed])
    io.out(plain(`${target}: NOT restored: ${reason}`));
  for (const { target, reason } of gone) io.out(plain(`${target}: skipped: ${reason}`));
  const isComplete = waiting.length + failed.length + gone.length === 0;
  io.out(
    isComplete
      ? 'restored: every group has its sizes, and the autoscaler runs as before; the nodes join in the next minutes'
      : 'not everything is restored: correct what is named above, and run the command again',
  );
  return isComplete;
}

/** What the table has. Its name or its place may be wrong. */
async function loaded({ table, region }: RestoreOptions, store: Pick<Store, 'load'>): Promise<Memory> {
  try {
    return await store.load();
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    if (cause.name === 'ResourceNotFoundException')
      throw new CloudError(
        `there is no table ${table} in ${region} with these credentials: it is called nightshift-<environment>, and is in the account and region of the cluster`,
        { cause },
      );
    // The key is not ours.
    if (cause.name === 'ValidationException')
      throw new CloudError(`${table} is no table of eks-nightshift: correct --table (${cause.message})`, {
        cause,
      });
    throw cause;
  }
}

/** An error of AWS in words that an operator can act on. */
async function explained<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    if (!(cause instanceof Error) || cause instanceof CloudError) throw cause;
    const network = networkErrorOf(cause);
    if (cause.name === 'ResourceNotFoundException')
      throw new CloudError(`AWS does not find something: ${cause.message}`, { cause });
    if (network !== undefined)
      throw new CloudError(`AWS is unreachable (${network}): check the network and AWS_ENDPOINT_URL`, {
        cause,
      });
    switch (awsErrorKind(cause)) {
      case 'denied':
        throw new CloudError(`AWS denied the request: ${cause.message}`, { cause });
      case 'no-credentials':
        throw new CloudError('no AWS credentials found: set AWS_PROFILE or AWS_ACCESS_KEY_ID', { cause });
      case 'rejected-credentials':
        throw new CloudError(`AWS rejected the credentials (${cause.message}): sign in again`, { cause });
      default:
        throw cause;
    }
  }
}

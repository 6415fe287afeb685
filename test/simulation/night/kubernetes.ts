/** Karpenter's NodePools and NodeClaims, and CronJobs, of one night: drawn from a series of their own, and checked at its end. */
import {
  AUTOSCALER_PREFIX,
  CRON_JOB_PREFIX,
  NIGHT,
  STATE_KEY,
} from '#functions/adapters/dynamodb/table-keys.ts';
import type { Autoscaler, AutoscalerView, CronJobs, CronJobView } from '#functions/night-schedule/ports.ts';
import type { NodePoolSetting, SavedCronJob } from '#functions/night-schedule/records.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import type { Pass } from '../faults.ts';
import type { PromiseId } from '../outcome.ts';
import { createRandom } from '../random.ts';
import type { MemoryTable } from '../table.ts';

export interface KubernetesPlan {
  readonly pools: Readonly<Record<string, NodePoolSetting>>;
  /** A budget holds each NodeClaim of these pools until its termination time. */
  readonly held: readonly string[];
  /** It cannot be read from then on, in minutes after the stop. */
  readonly malformed: { readonly pool: string; readonly minute: number } | undefined;
  readonly cronJobs: readonly CronJobView[];
  readonly settings: Pick<NightScheduleSettings, 'autoscaler' | 'suspendCronJobs'>;
}

/** `seed`: another series than that of the groups, so that a seed keeps its night. */
export function createKubernetesPlan(seed: number, hasAutoscaler: boolean): KubernetesPlan {
  const random = createRandom(seed ^ 0x5eed);
  const hasKarpenter = !hasAutoscaler && random.chance(0.5);
  const names = hasKarpenter ? ['default', 'batch', 'constructor'].slice(0, random.between(1, 3)) : [];
  const pools = Object.fromEntries(
    names.map((name) => [
      name,
      random.chance(0.3)
        ? { limits: null, replicas: random.between(1, 3) }
        : { limits: random.chance(0.5) ? { cpu: '100' } : null, replicas: null },
    ]),
  );
  const cronJobs = Array.from({ length: random.chance(0.5) ? random.between(1, 12) : 0 }, (_, index) => ({
    namespace: 'shop',
    name: `job-${index}`,
    uid: `uid-${index}`,
    isSuspended: random.chance(0.2),
  }));
  const malformed =
    names.length > 1 && random.chance(0.3)
      ? { pool: names[0] ?? '', minute: random.between(40, 400) }
      : undefined;
  const autoscaler = random.chance(0.5)
    ? ({ kind: 'auto-mode' } as const)
    : ({ kind: 'karpenter', namespace: 'karpenter', deployment: 'karpenter' } as const);
  return {
    pools,
    held: names.filter(() => random.chance(0.4)),
    malformed,
    cronJobs,
    settings: {
      ...(hasKarpenter ? { autoscaler } : {}),
      ...(cronJobs.length > 0 ? { suspendCronJobs: { selector: 'night=suspend' } } : {}),
    },
  };
}

const FREE_DRAIN_MS = 30_000;
/** As the program resumes them at most, in one pass. */
const MOST_AT_ONCE = 5;

interface Claim {
  readonly name: string;
  readonly nodePool: string;
  deletedAt?: number;
  terminateAt?: string;
}

interface Context {
  readonly now: () => number;
  readonly stop: number;
  readonly table: Pick<MemoryTable, 'all' | 'read'>;
  readonly violate: (promise: PromiseId, what: string) => void;
}

export type NightKubernetes = ReturnType<typeof createNightKubernetes>;

export function createNightKubernetes(plan: KubernetesPlan, { now, stop, table, violate }: Context) {
  const pools = new Map(Object.entries(plan.pools));
  const cronJobs = new Map(plan.cronJobs.map((job) => [job.name, job]));
  const when = () => new Date(now()).toISOString();
  let claims: Claim[] = [];
  let made = 0;
  const isOpen = ({ limits, replicas }: NodePoolSetting) => (replicas ?? 1) > 0 && limits?.['cpu'] !== '0';

  /** What Karpenter has done until now: ended claims are gone, and each open pool has one. */
  const settle = () => {
    claims = claims.filter(({ nodePool, deletedAt, terminateAt }) => {
      if (deletedAt === undefined) return true;
      const end = plan.held.includes(nodePool)
        ? Date.parse(terminateAt ?? '9999-01-01T00:00:00Z')
        : deletedAt + FREE_DRAIN_MS;
      return now() < end;
    });
    for (const [nodePool, setting] of pools)
      if (isOpen(setting) && !claims.some((claim) => claim.nodePool === nodePool && !claim.deletedAt))
        claims.push({ name: `${nodePool}-${made++}`, nodePool });
  };
  settle();

  const isMalformed = (name: string) =>
    plan.malformed?.pool === name && now() >= stop + plan.malformed.minute * 60_000;

  const observe = (): AutoscalerView => {
    settle();
    const readable = [...pools].filter(([name]) => !isMalformed(name));
    const malformed = [...pools.keys()].filter(isMalformed);
    return {
      kind: 'karpenter',
      pools: Object.fromEntries(readable),
      claims: claims.map(({ name, nodePool, deletedAt, terminateAt }) => ({
        name,
        nodePool,
        isDeleting: deletedAt !== undefined,
        ...(terminateAt === undefined ? {} : { terminateAt }),
      })),
      ...(malformed.length > 0 ? { malformed } : {}),
    };
  };
  const pause: Autoscaler['pause'] = async (view, terminateAt) => {
    settle();
    if (view.kind !== 'karpenter') return [];
    for (const [name, setting] of pools) {
      if (!Object.hasOwn(view.pools, name) || !isOpen(setting)) continue;
      if (table.all(NIGHT, `${AUTOSCALER_PREFIX}nodepool#${name}`).length === 0)
        violate(1, `${when()} the NodePool ${name} was closed before its limits were saved`);
      pools.set(
        name,
        setting.replicas === null
          ? { ...setting, limits: { ...setting.limits, cpu: '0' } }
          : { ...setting, replicas: 0 },
      );
    }
    for (const claim of claims) {
      if (view.malformed?.includes(claim.nodePool)) continue;
      if (terminateAt !== undefined) claim.terminateAt = terminateAt;
      claim.deletedAt ??= now();
    }
    return [];
  };
  const setSuspended = ({ name, uid }: Pick<SavedCronJob, 'name' | 'uid'>, isSuspended: boolean) => {
    const job = cronJobs.get(name);
    if (job?.uid !== uid) return false;
    cronJobs.set(name, { ...job, isSuspended });
    return true;
  };

  const portsOf = (pass: () => Pass): { autoscaler: Autoscaler; cronJobs: CronJobs } => ({
    autoscaler: {
      observe: () => pass().around('autoscaler.observe', observe),
      pause: (view, at) => pass().around('autoscaler.pause', () => pause(view, at)),
      deleteClaims: async () => [],
      resume: (saved) =>
        pass().around('autoscaler.resume', () => {
          if (saved.kind !== 'karpenter' || !pools.has(saved.nodePool)) return 'gone';
          pools.set(saved.nodePool, saved.setting);
          return 'resumed';
        }),
    },
    cronJobs: {
      list: () => pass().around('cronJobs.list', () => [...cronJobs.values()]),
      suspend: (job) =>
        pass().around('cronJobs.suspend', () => {
          if (table.all(NIGHT, `${CRON_JOB_PREFIX}shop/${job.name}`).length === 0)
            violate(1, `${when()} the CronJob ${job.name} was suspended before that was written down`);
          return setSuspended(job, true);
        }),
      resume: (saved) =>
        pass().around('cronJobs.resume', () => (setSuspended(saved, false) ? 'resumed' : 'gone')),
    },
  });

  return {
    portsOf,
    /** After each pass: a cluster that is recorded as asleep has no NodeClaim. Resumed CronJobs do not come all at once. */
    checkPass(suspendedBefore: number) {
      settle();
      const state = table.read<ClusterState>(NIGHT, STATE_KEY);
      if (plan.settings.autoscaler && state?.phase === 'asleep' && claims.length > 0)
        violate(4, `${when()} the state is asleep, and ${claims[0]?.name} is there`);
      const resumed = suspendedBefore - this.suspended();
      // Two passes may run at once.
      if (resumed > 2 * MOST_AT_ONCE) violate(3, `${when()} ${resumed} CronJobs were resumed at once`);
    },
    suspended: () => [...cronJobs.values()].filter(({ isSuspended }) => isSuspended).length,
    checkAsleep() {
      settle();
      // A NodePool that cannot be read when it is to be stopped is left alone, with its NodeClaims, and reported.
      const isLeftAlone = (pool: string) => {
        const setting = pools.get(pool);
        return setting !== undefined && isOpen(setting) && isMalformed(pool);
      };
      for (const { name } of claims.filter(({ nodePool }) => !isLeftAlone(nodePool)))
        violate(3, `the NodeClaim ${name} is still there in the night`);
      for (const { name, isSuspended } of cronJobs.values())
        if (!isSuspended) violate(3, `the CronJob ${name} is not suspended in the night`);
    },
    checkAwake() {
      for (const [name, setting] of Object.entries(plan.pools))
        if (JSON.stringify(pools.get(name)) !== JSON.stringify(setting))
          violate(
            1,
            `the NodePool ${name} had ${JSON.stringify(setting)} and has ${JSON.stringify(pools.get(name))}`,
          );
      for (const { name, isSuspended } of plan.cronJobs)
        if (cronJobs.get(name)?.isSuspended !== isSuspended)
          violate(
            1,
            `the CronJob ${name} was ${isSuspended ? '' : 'not '}suspended before the night, and is ${isSuspended ? 'not ' : ''}now`,
          );
    },
  };
}

/** Karpenter's NodePools and NodeClaims, and CronJobs, of one night: drawn from a series of their own, and checked at its end. */
import {
  AUTOSCALER_PREFIX,
  CRON_JOB_PREFIX,
  NIGHT,
  STATE_KEY,
} from '#functions/adapters/dynamodb/table-keys.ts';
import { builtInToStop } from '#functions/night-schedule/decide-autoscaler.ts';
import type { Autoscaler, AutoscalerView, CronJobs, CronJobView } from '#functions/night-schedule/ports.ts';
import {
  BUILT_IN_OBJECT,
  type NodePoolSetting,
  type SavedAutoscaler,
  type SavedCronJob,
} from '#functions/night-schedule/records.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import { BUILT_IN_POOLS } from '#model/names.ts';
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
  /** It is deleted and created again with this setting, in minutes after the stop. */
  readonly recreated:
    | { readonly pool: string; readonly minute: number; readonly to: NodePoolSetting }
    | undefined;
  /** The built-in NodePools of EKS Auto Mode, which are stopped too. */
  readonly builtIn: readonly string[];
  /** In the morning its first NodeClaim cannot launch, and stops those of all NodePools. */
  readonly unlaunchable: string | undefined;
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
      {
        ...(random.chance(0.3)
          ? { limits: null, replicas: random.between(1, 3) }
          : { limits: random.chance(0.5) ? { cpu: '100' } : null, replicas: null }),
        uid: `${name}-1`,
      },
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
  const isAutoMode = random.chance(0.5);
  const held = names.filter(() => random.chance(0.4));
  // A series of its own as well.
  const more = createRandom(seed ^ 0xa070);
  const builtIn =
    (hasKarpenter && isAutoMode) || (!hasAutoscaler && !hasKarpenter) ? more.chance(0.5) : false;
  const unlaunchable = more.chance(0.4) ? names.find((name) => name !== malformed?.pool) : undefined;
  const autoscaler =
    builtIn || isAutoMode
      ? ({ kind: 'auto-mode', ...(builtIn ? { builtIn } : {}) } as const)
      : ({ kind: 'karpenter', namespace: 'karpenter', deployment: 'karpenter' } as const);
  return {
    pools,
    held,
    malformed,
    recreated: recreation(
      seed,
      names.filter((name) => name !== malformed?.pool && !held.includes(name)),
    ),
    builtIn: builtIn ? BUILT_IN_POOLS : [],
    unlaunchable,
    cronJobs,
    settings: {
      ...(hasKarpenter || builtIn ? { autoscaler } : {}),
      ...(cronJobs.length > 0 ? { suspendCronJobs: { selector: 'night=suspend' } } : {}),
    },
  };
}

/** A series of its own: the other series stay as they were. */
function recreation(seed: number, [first, ...others]: readonly string[]): KubernetesPlan['recreated'] {
  const random = createRandom(seed ^ 0x6170);
  if (first === undefined || !random.chance(0.4)) return undefined;
  const pool = random.pick([first, ...others]);
  const setting = random.pick<NodePoolSetting>([
    { limits: { cpu: '7' }, replicas: null },
    { limits: null, replicas: null },
    { limits: { cpu: '0' }, replicas: null },
    { limits: null, replicas: 4 },
  ]);
  return { pool, minute: random.between(-10, 480), to: { ...setting, uid: `${pool}-2` } };
}

const NODE_ROLE = 'arn:aws:iam::111111111111:role/eks-auto';
/** An update of the cluster. */
const UPDATE_MS = 4 * 60_000;
const FREE_DRAIN_MS = 30_000;
/** As the program resumes them at most, in one pass. */
const MOST_AT_ONCE = 5;

/** What appears while the cluster sleeps is observed every five minutes, and then stopped. */
const FOUND_WITHIN_MS = 45 * 60_000;
/** The API server refuses a change that is meant for another object of the name. */
const isSame = (meant: NodePoolSetting | undefined, there: NodePoolSetting) =>
  (meant?.uid ?? there.uid) === there.uid;
const limitsOf = ({ limits, replicas }: NodePoolSetting) => JSON.stringify([limits, replicas]);

interface Claim {
  readonly name: string;
  readonly nodePool: string;
  deletedAt?: number;
  terminateAt?: string;
  /** It has no instance since then. */
  unlaunchedSince?: number;
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
  let hasFailed = false;
  let isCreatedAgain = false;
  let builtIn = plan.builtIn;
  let update: { readonly endsAt: number; readonly pools: readonly string[] } | undefined;
  const isOpen = ({ limits, replicas }: NodePoolSetting) => (replicas ?? 1) > 0 && limits?.['cpu'] !== '0';

  /** What Karpenter has done until now: ended claims are gone, and each open pool has one. */
  const settle = () => {
    createAgain();
    if (update && now() >= update.endsAt) {
      builtIn = update.pools;
      update = undefined;
    }
    claims = claims.filter(({ nodePool, deletedAt, terminateAt, unlaunchedSince }) => {
      if (plan.builtIn.includes(nodePool)) return builtIn.includes(nodePool);
      if (deletedAt === undefined) return true;
      if (unlaunchedSince !== undefined) return false;
      const end = plan.held.includes(nodePool)
        ? Date.parse(terminateAt ?? '9999-01-01T00:00:00Z')
        : deletedAt + FREE_DRAIN_MS;
      return now() < end;
    });
    for (const nodePool of [...openPools(), ...builtIn]) {
      // Until one that has no instance is gone, Karpenter makes no other.
      if (claims.some(({ unlaunchedSince }) => unlaunchedSince !== undefined)) break;
      if (claims.some((claim) => claim.nodePool === nodePool && !claim.deletedAt)) continue;
      const isFirst = plan.unlaunchable === nodePool && now() > stop + 60 * 60_000 && !hasFailed;
      hasFailed ||= isFirst;
      claims.push({
        name: `${nodePool}-${made++}`,
        nodePool,
        ...(isFirst ? { unlaunchedSince: now() } : {}),
      });
    }
  };
  function createAgain() {
    const { recreated } = plan;
    if (!recreated || isCreatedAgain || now() < stop + recreated.minute * 60_000) return;
    isCreatedAgain = true;
    pools.set(recreated.pool, recreated.to);
    for (const claim of claims) if (claim.nodePool === recreated.pool) claim.deletedAt ??= now();
  }
  const openPools = () => [...pools].flatMap(([name, setting]) => (isOpen(setting) ? [name] : []));
  settle();

  const isMalformed = (name: string) =>
    plan.malformed?.pool === name && now() >= stop + plan.malformed.minute * 60_000;

  const observe = (): AutoscalerView => {
    settle();
    const readable = [...pools].filter(([name]) => !isMalformed(name));
    const malformed = [...pools.keys()].filter(isMalformed);
    const unlaunched = claims.flatMap(({ name, nodePool, deletedAt, unlaunchedSince }) =>
      unlaunchedSince === undefined
        ? []
        : [
            {
              name,
              nodePool,
              isDeleting: deletedAt !== undefined,
              since: new Date(unlaunchedSince).toISOString(),
              isOurs: true,
            },
          ],
    );
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
      ...(unlaunched.length > 0 ? { unlaunched } : {}),
      ...(plan.builtIn.length > 0
        ? {
            builtIn: {
              nodePools: builtIn,
              ...(builtIn.length > 0 ? { nodeRoleArn: NODE_ROLE } : {}),
              isUpdating: update !== undefined,
              neededBy: [],
            },
          }
        : {}),
    };
  };
  /** UpdateClusterConfig: one at a time, and with the role only where a pool is named. */
  const setBuiltIn = (names: readonly string[], role: string): 'accepted' | 'busy' => {
    settle();
    if (update) return 'busy';
    if (names.length > 0 && role !== NODE_ROLE) throw new Error('the nodeRoleArn cannot be changed');
    if (names.length === 0 && table.all(NIGHT, `${AUTOSCALER_PREFIX}${BUILT_IN_OBJECT}`).length === 0)
      violate(1, `${when()} the built-in NodePools were switched off before their role was saved`);
    update = { endsAt: now() + UPDATE_MS, pools: names };
    return 'accepted';
  };
  const deleteClaims: Autoscaler['deleteClaims'] = async (given) => {
    for (const claim of claims) if (given.some(({ name }) => name === claim.name)) claim.deletedAt ??= now();
    settle();
    return [];
  };
  const pause: Autoscaler['pause'] = async (view, terminateAt) => {
    settle();
    if (view.kind !== 'karpenter') return [];
    if (builtInToStop(view)) setBuiltIn([], '');
    for (const [name, setting] of pools) {
      if (!Object.hasOwn(view.pools, name) || !isOpen(setting) || !isSame(view.pools[name], setting))
        continue;
      const saved = table.all<SavedAutoscaler>(NIGHT, `${AUTOSCALER_PREFIX}nodepool#${name}`);
      if (!saved.some((one) => one.kind === 'karpenter' && limitsOf(one.setting) === limitsOf(setting)))
        violate(1, `${when()} the NodePool ${name} was closed before its limits were saved`);
      pools.set(
        name,
        setting.replicas === null
          ? { ...setting, limits: { ...setting.limits, cpu: '0' } }
          : { ...setting, replicas: 0 },
      );
    }
    for (const claim of claims) {
      if (view.malformed?.includes(claim.nodePool) || plan.builtIn.includes(claim.nodePool)) continue;
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

  const portsOf = (pass: () => Pick<Pass, 'around'>): { autoscaler: Autoscaler; cronJobs: CronJobs } => ({
    autoscaler: {
      observe: () => pass().around('autoscaler.observe', observe),
      pause: (view, at) => pass().around('autoscaler.pause', () => pause(view, at)),
      deleteClaims: (given) => pass().around('autoscaler.deleteClaims', () => deleteClaims(given)),
      resume: (saved) =>
        pass().around('autoscaler.resume', () => {
          if (saved.kind === 'built-in-pools')
            return setBuiltIn(saved.nodePools, saved.nodeRoleArn) === 'busy' ? 'busy' : 'resumed';
          settle();
          const pool = saved.kind === 'karpenter' ? pools.get(saved.nodePool) : undefined;
          if (saved.kind !== 'karpenter' || !pool || !isSame(saved.setting, pool)) return 'gone';
          const { uid } = pool;
          pools.set(saved.nodePool, { ...saved.setting, ...(uid === undefined ? {} : { uid }) });
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
      // The nodes of a NodePool that somebody has just created are found by a later pass.
      const [left] = claims.filter(({ nodePool }) => !isCreatedAgain || nodePool !== plan.recreated?.pool);
      if (plan.settings.autoscaler && state?.phase === 'asleep' && left)
        violate(4, `${when()} the state is asleep, and ${left.name} is there`);
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
      if (builtIn.length > 0) violate(3, `the built-in NodePools ${builtIn.join(', ')} are on in the night`);
      const { pool: newPool, minute = 0 } = plan.recreated ?? {};
      const isNew = now() - (stop + minute * 60_000) < FOUND_WITHIN_MS;
      for (const { name } of claims.filter(
        ({ nodePool }) => !isLeftAlone(nodePool) && !(isNew && nodePool === newPool),
      ))
        violate(3, `the NodeClaim ${name} is still there in the night`);
      for (const { name, isSuspended } of cronJobs.values())
        if (!isSuspended) violate(3, `the CronJob ${name} is not suspended in the night`);
    },
    checkAwake() {
      settle();
      if (builtIn.length < plan.builtIn.length) violate(1, 'the built-in NodePools are off in the morning');
      for (const name of [...openPools(), ...builtIn])
        if (!claims.some((claim) => claim.nodePool === name && claim.unlaunchedSince === undefined))
          violate(3, `the NodePool ${name} has no node in the morning`);
      const { pool: newPool = '', to } = (isCreatedAgain && plan.recreated) || {};
      for (const [name, setting] of Object.entries({ ...plan.pools, ...(to ? { [newPool]: to } : {}) }))
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

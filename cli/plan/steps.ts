/**
 * `plan --steps`: what a stop and a start of this config do, and in which order. The order is not written down here: the
 * decisions of night-schedule are played on a cluster that has one group, or NodePool, of each kind that the config names.
 */
import { type AutoscalerStep, isResumed } from '#functions/night-schedule/decide-autoscaler.ts';
import { decideCluster, type Plan } from '#functions/night-schedule/decide-cluster.ts';
import type { GroupStep } from '#functions/night-schedule/decide-group.ts';
import { decideWarmPool } from '#functions/night-schedule/decide-warm-pool.ts';
import type { AutoscalerView, Group, Memory } from '#functions/night-schedule/ports.ts';
import { objectOf, type SavedAutoscaler, type SavedSize } from '#functions/night-schedule/records.ts';
import { policyOf, type Snapshot } from '#functions/night-schedule/snapshot.ts';
import type { Versioned } from '#functions/shared/versioned.ts';
import { MINUTE_MS } from '#model/duration.ts';
import { BUILT_IN_POOLS } from '#model/names.ts';
import type { SleepState } from '#model/schedule.ts';
import type { DoorbellRules, NightScheduleSettings } from '#model/settings.ts';

export interface PlannedStep {
  readonly transition: 'stop' | 'start';
  readonly target: string;
  readonly what: string;
}

interface Cluster {
  groups: Group[];
  view: AutoscalerView | undefined;
  state: Memory['state'];
  readonly saved: Map<string, Versioned<SavedSize>>;
  readonly paused: Map<string, Versioned<SavedAutoscaler>>;
}

/** Longer than an update may take to show. */
const PASS_MS = 2 * MINUTE_MS;
/** No order needs so many. */
const MAX_PASSES = 30;

export function stepsOf(settings: NightScheduleSettings): readonly PlannedStep[] {
  const cluster: Cluster = {
    groups: groupsOf(settings),
    view: viewOf(settings.autoscaler),
    state: undefined,
    saved: new Map(),
    paused: new Map(),
  };
  return [...play(cluster, settings, 'stop'), ...play(cluster, settings, 'start')];
}

function play(cluster: Cluster, settings: NightScheduleSettings, transition: 'stop' | 'start') {
  const steps: PlannedStep[] = [];
  const state: SleepState = transition === 'stop' ? 'asleep' : 'awake';
  // Any day will do: the order is the same each night.
  const begin = transition === 'stop' ? 0 : MAX_PASSES * PASS_MS;
  const cronJobs = settings.suspendCronJobs?.selector;
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const now = new Date(begin + pass * PASS_MS);
    const plan = decideCluster(snapshotOf(cluster, state, now), { ...policyOf(settings), decideWarmPool });
    steps.push(...apply(cluster, plan).map((step) => ({ ...step, transition })));
    if (cronJobs !== undefined && transition === 'stop' && pass === 0)
      steps.push({ transition, target: 'cronjobs', what: `those that ${cronJobs} selects are suspended` });
    cluster.state = { value: plan.state, version: pass + 1 };
    if (plan.state.phase === state) break;
  }
  if (cronJobs !== undefined && transition === 'start')
    steps.push({ transition, target: 'cronjobs', what: 'resumed, a few a minute' });
  if (settings.doorbell && !settings.dryRun)
    steps.push({ transition, target: 'doorbell', what: switchedRules(settings.doorbell, transition) });
  return steps;
}

function switchedRules({ hosts, from, to }: DoorbellRules, transition: 'stop' | 'start'): string {
  return transition === 'stop'
    ? `rules of priority ${from}-${to} lead ${hosts.join(', ')} to the waiting page`
    : 'its rules are removed when the application has healthy targets, ten minutes later at the latest';
}

function snapshotOf(cluster: Cluster, state: SleepState, now: Date): Snapshot {
  const { groups, view, saved, paused } = cluster;
  const memory = { overrides: [], saved, autoscaler: paused, cronJobs: new Map(), notes: {}, corrupt: [] };
  return {
    now,
    desired: { state, reason: 'as the schedule says', source: 'schedule' },
    groups,
    released: new Set(),
    missing: [],
    memory: cluster.state ? { ...memory, state: cluster.state } : memory,
    ready: new Set(groups.flatMap(({ instances }) => instances.map(({ id }) => id))),
    autoscaler: view,
  };
}

type Applied = Omit<PlannedStep, 'transition'>;

function apply(cluster: Cluster, { before, stages, after }: Plan): readonly Applied[] {
  return [
    ...before.flatMap((step) => applyAutoscaler(cluster, step)),
    ...stages.flat().flatMap((step) => applyGroup(cluster, step)),
    ...after.flatMap((step) => applyAutoscaler(cluster, step)),
  ];
}

function applyGroup(cluster: Cluster, { target, record, resize, warmPool, action }: GroupStep): Applied[] {
  if (record?.next === 'clear') cluster.saved.delete(target);
  else if (record) cluster.saved.set(target, { value: record.next, version: (record.over ?? 0) + 1 });
  cluster.groups = cluster.groups.map((group) => {
    if (group.name !== target) return group;
    const { warmPool: before, ...rest } = group;
    const pool = warmPool === 'off' ? undefined : (warmPool ?? before);
    const size = resize ?? group.size;
    return {
      ...rest,
      ...(pool ? { warmPool: pool } : {}),
      size,
      instances: instancesOf(target, size.desired),
    };
  });
  const what =
    warmPool === 'off'
      ? 'a warm pool is saved and switched off'
      : warmPool
        ? 'the warm pool is restored'
        : resize
          ? resize.desired === 0
            ? 'its sizes are saved, then it is set to zero'
            : 'its sizes are restored'
          : TEXTS[action];
  return what === undefined ? [] : [{ target, what }];
}

const TEXTS: Readonly<Partial<Record<GroupStep['action'], string>>> = {
  'confirm-stop': 'confirmed: no instance is left',
  'confirm-start': 'confirmed: its nodes are Ready',
};

function applyAutoscaler(cluster: Cluster, step: AutoscalerStep): Applied[] {
  const { target, pause, save = [], resume = [], clear = [] } = step;
  for (const value of save) cluster.paused.set(objectOf(value), { value, version: 1 });
  for (const { value } of clear) cluster.paused.delete(objectOf(value));
  if (pause) cluster.view = pausedView(pause);
  for (const { value } of resume) if (cluster.view) cluster.view = resumedView(cluster.view, value);
  if (resume.some(({ value }) => cluster.view && !isResumed(cluster.view, value)))
    throw new Error(`the plan does not resume ${target}`);
  if (pause) return [{ target, what: PAUSES[pause.kind] }];
  return resume.length > 0 ? [{ target, what: 'resumed as it was saved' }] : [];
}

const PAUSES = {
  'cluster-autoscaler': 'its replicas are saved, then it is scaled to zero',
  karpenter: 'its settings are saved, its NodePools are closed, and its NodeClaims are ended',
} as const;

function pausedView(view: AutoscalerView): AutoscalerView {
  if (view.kind === 'cluster-autoscaler') return { ...view, replicas: 0 };
  const pools = Object.fromEntries(
    Object.keys(view.pools).map((name) => [name, { limits: { cpu: '0' }, replicas: null }]),
  );
  return {
    ...view,
    pools,
    claims: [],
    ...(view.builtIn ? { builtIn: { ...view.builtIn, nodePools: [] } } : {}),
  };
}

function resumedView(view: AutoscalerView, saved: SavedAutoscaler): AutoscalerView {
  if (view.kind === 'cluster-autoscaler')
    return saved.kind === view.kind ? { ...view, replicas: saved.replicas } : view;
  if (saved.kind === 'karpenter')
    return { ...view, pools: { ...view.pools, [saved.nodePool]: saved.setting } };
  if (saved.kind === 'built-in-pools' && view.builtIn)
    return { ...view, builtIn: { ...view.builtIn, nodePools: saved.nodePools } };
  return view;
}

function groupsOf({ nodegroups, keep, autoscaler, warmPools }: NightScheduleSettings): Group[] {
  const host = autoscaler?.kind === 'auto-mode' ? undefined : autoscaler?.hostGroup;
  const named = nodegroups === 'all' ? ['every group'] : nodegroups;
  const names = [...new Set([...named, ...(host ? [host] : [])])].filter((name) => !keep.includes(name));
  return names.map((name) => ({
    name,
    kind: 'managed',
    autoScalingGroup: name,
    size: { min: 1, desired: 1, max: 1 },
    instances: instancesOf(name, 1),
    ...(warmPools === 'keep' || name === host
      ? {}
      : { warmPool: { min: 0, state: 'Stopped' as const, reuse: false } }),
  }));
}

function instancesOf(group: string, desired: number): Group['instances'] {
  return Array.from({ length: desired }, (_, index) => ({ id: `${group}-${index}`, inService: true }));
}

function viewOf(autoscaler: NightScheduleSettings['autoscaler']): AutoscalerView | undefined {
  if (autoscaler === undefined) return undefined;
  if (autoscaler.kind === 'cluster-autoscaler') {
    const { kind, namespace, deployment } = autoscaler;
    return { kind, deployment: `${namespace}/${deployment}`, replicas: 1, readyReplicas: 1 };
  }
  const pools = (autoscaler.nodePools ?? ['every NodePool']).map(
    (name) => [name, { limits: null, replicas: null }] as const,
  );
  const builtIn = {
    nodePools: BUILT_IN_POOLS,
    nodeRoleArn: 'the node role',
    isUpdating: false,
    neededBy: [],
  };
  return {
    kind: 'karpenter',
    pools: Object.fromEntries(pools),
    claims: [],
    ...(autoscaler.kind === 'auto-mode' && autoscaler.builtIn ? { builtIn } : {}),
  };
}

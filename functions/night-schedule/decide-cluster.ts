/** The order of a pass: autoscaler, groups, host group. Pure: a snapshot in, a plan out. */
import type { Versioned } from '#functions/shared/versioned.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { Action } from '#model/decision.ts';
import { MINUTE_MS } from '#model/duration.ts';
import { effectiveOverride } from '#model/override.ts';
import type { Desired } from '#model/schedule.ts';
import { decideGroup, type GroupStep, isAsleepSize } from './decide-group.ts';
import type { AutoscalerView, CorruptItem, Group, Memory } from './ports.ts';
import {
  deploymentObject,
  nodePoolObject,
  objectOf,
  type SavedAutoscaler,
  type SavedSize,
} from './records.ts';

export interface Policy {
  readonly onManualChange: 'respect' | 'enforce';
  readonly stopDeadlineMinutes: number;
  readonly startDeadlineMinutes: number;
  /** The group on which the autoscaler runs: stopped last, started first. */
  readonly hostGroup?: string | undefined;
}

export interface Snapshot {
  readonly now: Date;
  readonly desired: Desired;
  /** The groups that this environment stops, and the released ones. */
  readonly groups: readonly Group[];
  /** Groups that sleep although the config does not stop them any more: they are woken. */
  readonly released: ReadonlySet<string>;
  /** Names that the config asks for and the account does not have. */
  readonly missing: readonly string[];
  readonly memory: Memory;
  readonly ready: ReadonlySet<string> | undefined;
  /** Absent where none is configured or needed, `unknown` where the request failed. */
  readonly autoscaler: AutoscalerView | 'unknown' | undefined;
}

const RELEASED: Desired = {
  state: 'awake',
  reason: 'the config does not stop this group any more',
  source: 'schedule',
};

export interface AutoscalerStep {
  readonly target: string;
  readonly action: Action;
  readonly reason: string;
  /** Written first. */
  readonly save?: readonly SavedAutoscaler[];
  readonly clear?: readonly Versioned<SavedAutoscaler>[];
  readonly pause?: AutoscalerView;
  /** One by one: an object that fails does not keep the others paused. */
  readonly resume?: readonly SavedAutoscaler[];
}

/** Steps of one stage may run at once; a stage begins when the one before it has ended. */
export interface Plan {
  readonly before: readonly AutoscalerStep[];
  readonly stages: readonly (readonly GroupStep[])[];
  readonly after: readonly AutoscalerStep[];
  /** The stop is past its deadline: groups no longer wait for an autoscaler that cannot be paused. */
  readonly isLate: boolean;
  readonly state: ClusterState;
}

export function decideCluster(snapshot: Snapshot, policy: Policy): Plan {
  const { desired, memory, now } = snapshot;
  const view = snapshot.autoscaler;
  const isSettled = memory.state?.value.phase === 'asleep';
  const steps = decideGroups(snapshot, policy, isSettled);
  const host = steps.find(({ target }) => target === policy.hostGroup);
  const others = steps.filter((step) => step !== host);
  const hosts = host ? [host] : [];

  const isLate =
    desired.state === 'asleep' &&
    memory.state?.value.phase === 'stopping' &&
    now.getTime() - Date.parse(memory.state.value.since) >= policy.stopDeadlineMinutes * MINUTE_MS;
  const before: AutoscalerStep[] = [];
  const after: AutoscalerStep[] = [];
  const stages: GroupStep[][] = [reportsOf(memory.corrupt, snapshot.missing)];
  if (desired.state === 'awake') {
    stages.push(hosts, others);
    resumeStep(snapshot, view, policy.hostGroup, after);
  } else {
    const wait = view === undefined ? undefined : pauseStep(snapshot, view, memory.autoscaler, before);
    if (isLate) stages.push(others, hosts);
    else
      stages.push(
        others.map((step) => waitingFor(wait, step)),
        hosts.map((step) => waitingFor(wait ?? hostWait(snapshot, policy.hostGroup), step)),
      );
  }
  return { before, stages, after, isLate, state: stateOf(snapshot, isSettled, stages, after) };
}

/** One step for each name of a group whose record can be read. */
function decideGroups(snapshot: Snapshot, policy: Policy, settled: boolean): readonly GroupStep[] {
  const { desired, memory, now, ready, autoscaler: view } = snapshot;
  const corrupt = corruptNames(memory, 'saved');
  const autoscalerRuns =
    memory.autoscaler.size > 0 && view !== undefined && view !== 'unknown' && isRunning(view);
  const overrideSince =
    desired.source === 'override' ? effectiveOverride(memory.overrides, now)?.from : undefined;
  const steps = new Map<string, GroupStep>();
  for (const group of snapshot.groups) {
    if (corrupt.includes(group.name)) continue;
    const step = decideGroup({
      ...policy,
      group,
      saved: memory.saved.get(group.name),
      desired: snapshot.released.has(group.name) ? RELEASED : desired,
      now,
      ready,
      settled,
      autoscalerRuns,
      overrideSince,
    });
    steps.set(group.name, step);
  }
  return [...steps.values()];
}

/** What people must correct themselves. */
function reportsOf(corrupt: Memory['corrupt'], missing: readonly string[]): GroupStep[] {
  const reports: GroupStep[] = corrupt.map(({ item, kind, name }) => ({
    target: name,
    action: 'fail',
    reason: `${UNREADABLE[kind](name)}; check the item ${item}`,
    once: `corrupt#${item}`,
  }));
  for (const name of missing)
    reports.push({
      target: name,
      action: 'fail',
      reason: `no group ${name} carries the cluster's tag: correct "nodegroups" in the config, or tag the Auto Scaling group`,
      once: `missing#${name}`,
    });
  return reports;
}

const UNREADABLE: { readonly [K in CorruptItem['kind']]: (name: string) => string } = {
  saved: (name) => `the saved sizes of ${name} cannot be read: the group is left alone`,
  autoscaler: (name) => `the saved setting of ${name} cannot be read: it is left alone`,
  override: (name) => `the override ${name} cannot be read: it does not count`,
  state: () => 'the state of the night cannot be read: it is written again',
  note: (name) => `the note ${name} cannot be read: it is written again`,
};

/** The groups, or the objects of the autoscaler, whose record cannot be read. */
function corruptNames({ corrupt }: Memory, kind: CorruptItem['kind']): readonly string[] {
  return corrupt.filter((item) => item.kind === kind).map(({ name }) => name);
}

/** Why the host group must not be stopped yet, if so. */
function hostWait(
  { groups, released, memory, autoscaler: view }: Snapshot,
  host: string | undefined,
): string | undefined {
  const running = groups.filter(
    (group) => group.name !== host && !released.has(group.name) && !atRest(group, memory),
  );
  if (running.length > 0) return `stopped last: waits for ${running.map((group) => group.name).join(', ')}`;
  const claims = view !== undefined && view !== 'unknown' && view.kind === 'karpenter' ? view.claims : 0;
  return claims > 0 ? `stopped last: ${claims} NodeClaims of Karpenter remain` : undefined;
}

/** Adds what pauses the autoscaler; returns why the groups must wait, where they must. */
function pauseStep(
  snapshot: Snapshot,
  view: AutoscalerView | 'unknown',
  paused: Memory['autoscaler'],
  steps: AutoscalerStep[],
): string | undefined {
  if (view === 'unknown')
    return 'waits: the request to the autoscaler failed, and a running autoscaler would undo the stop';
  const known = withoutCorrupt(view, corruptNames(snapshot.memory, 'autoscaler'));
  if (!known)
    return 'waits: the saved setting of the autoscaler cannot be read, and a running autoscaler would undo the stop';
  if (!isRunning(known)) return undefined;
  const what =
    view.kind === 'cluster-autoscaler' ? `${view.replicas} replicas are saved` : 'limits are saved';
  steps.push({
    target: view.kind,
    action: 'pause',
    reason:
      paused.size > 0
        ? 'it runs again although the cluster sleeps: paused again'
        : `before the stop; ${what}`,
    save: toSave(known, paused, snapshot.now.toISOString()),
    pause: known,
  });
  return undefined;
}

function resumeStep(
  snapshot: Snapshot,
  view: AutoscalerView | 'unknown' | undefined,
  host: string | undefined,
  steps: AutoscalerStep[],
): void {
  const saved = [...snapshot.memory.autoscaler.values()];
  const target = saved[0]?.value.kind;
  if (!target) return;
  const hostGroup = snapshot.groups.find((group) => group.name === host);
  const hostReady =
    hostGroup === undefined ||
    hostGroup.instances.some((instance) => instance.inService && snapshot.ready?.has(instance.id));
  const unrestored = snapshot.groups.filter((group) => {
    const record = snapshot.memory.saved.get(group.name)?.value;
    return record !== undefined && isAsleepSize(group) && record.phase !== 'restored';
  });
  if (view === 'unknown')
    return void steps.push({ target, action: 'none', reason: 'the request for its state failed' });
  const waiting = saved.filter(({ value }) => view === undefined || !isResumed(view, value));
  if (waiting.length === 0) {
    steps.push({ target, action: 'resume', reason: 'it runs as before the stop', clear: saved });
    return;
  }
  if (!hostReady || unrestored.length > 0) {
    const wait = hostReady
      ? `the sizes of ${unrestored.map((group) => group.name).join(', ')} are restored first`
      : `waits for a Ready node of ${host}`;
    steps.push({ target, action: 'none', reason: wait });
    return;
  }
  steps.push({
    target,
    action: 'resume',
    reason: `its host group is Ready: ${resumption(waiting[0]?.value)}`,
    resume: waiting.map(({ value }) => value),
  });
}

function resumption(saved: SavedAutoscaler | undefined): string {
  return saved?.kind === 'cluster-autoscaler'
    ? `back to ${saved.replicas} replicas`
    : 'the limits of its NodePools are restored';
}

function isRunning(view: AutoscalerView): boolean {
  return view.kind === 'cluster-autoscaler'
    ? view.replicas > 0
    : view.claims > 0 || Object.keys(openPools(view.pools)).length > 0;
}

/** The pools that may still start nodes. */
function openPools(pools: Extract<AutoscalerView, { kind: 'karpenter' }>['pools']) {
  return Object.fromEntries(
    Object.entries(pools).filter(([, pool]) =>
      pool.replicas === null ? pool.limits?.['cpu'] !== '0' : pool.replicas > 0,
    ),
  );
}

export function isResumed(view: AutoscalerView, saved: SavedAutoscaler): boolean {
  if (saved.kind === 'cluster-autoscaler')
    return (
      view.kind === 'cluster-autoscaler' &&
      view.deployment === saved.deployment &&
      view.replicas >= saved.replicas
    );
  if (view.kind !== 'karpenter') return false;
  return saved.nodePool in openPools(view.pools) || !(saved.nodePool in view.pools);
}

/** What was saved is never overwritten: only what is newly found running is added. */
function toSave(
  view: AutoscalerView,
  saved: Memory['autoscaler'],
  since: string,
): readonly SavedAutoscaler[] {
  const running: SavedAutoscaler[] =
    view.kind === 'cluster-autoscaler'
      ? [{ kind: view.kind, deployment: view.deployment, replicas: view.replicas, since }]
      : Object.entries(openPools(view.pools)).map(([nodePool, setting]) => ({
          kind: view.kind,
          nodePool,
          setting,
          since,
        }));
  return running.filter((one) => !saved.has(objectOf(one)));
}

/** What may be paused: an object whose record cannot be read would never be resumed. */
function withoutCorrupt(view: AutoscalerView, corrupt: readonly string[]): AutoscalerView | undefined {
  if (view.kind === 'cluster-autoscaler')
    return corrupt.includes(deploymentObject(view.deployment)) ? undefined : view;
  const pools = Object.entries(view.pools).filter(([name]) => !corrupt.includes(nodePoolObject(name)));
  return { ...view, pools: Object.fromEntries(pools) };
}

/** A step that resizes nothing does not wait. */
function waitingFor(wait: string | undefined, step: GroupStep): GroupStep {
  return wait && step.resize ? { target: step.target, action: 'none', reason: wait } : step;
}

/** The group has no instance, or is left alone. */
function atRest(group: Group, memory: Memory): boolean {
  const phase = memory.saved.get(group.name)?.value.phase;
  return (
    phase === 'manual' ||
    corruptNames(memory, 'saved').includes(group.name) ||
    (isAsleepSize(group) && group.instances.length === 0)
  );
}

/** The state as it will be when the plan's writes have taken place; its phase rests on what was observed. */
function stateOf(
  snapshot: Snapshot,
  settled: boolean,
  stages: Plan['stages'],
  after: Plan['after'],
): ClusterState {
  const { desired, memory, now } = snapshot;
  const written = new Map<string, SavedSize | 'clear'>();
  for (const stage of stages)
    for (const { target, record } of stage) if (record) written.set(target, record.next);
  const recordOf = (group: Group) => {
    const next = written.get(group.name);
    return next === undefined ? memory.saved.get(group.name)?.value : next === 'clear' ? undefined : next;
  };
  const isResting = (group: Group) => {
    if (corruptNames(memory, 'saved').includes(group.name) || snapshot.released.has(group.name)) return true;
    const record = recordOf(group);
    if (record) return record.phase === 'asleep' || record.phase === 'manual';
    // Scaled up after the whole cluster slept: by somebody, and no part of the stop.
    return settled || (isAsleepSize(group) && group.instances.length === 0);
  };
  const cleared = after.reduce((sum, step) => sum + (step.clear?.length ?? 0), 0);
  const isAutoscalerPaused = memory.autoscaler.size > cleared;
  const phase: ClusterState['phase'] =
    desired.state === 'asleep'
      ? snapshot.groups.every(isResting)
        ? 'asleep'
        : 'stopping'
      : isAutoscalerPaused || snapshot.groups.some((group) => recordOf(group) !== undefined)
        ? 'starting'
        : 'awake';
  const before = memory.state?.value;
  const isNamed = (group: Group) => {
    const record = recordOf(group);
    if (record) return record.phase !== 'manual';
    // Another pass may have saved its sizes and zeroed it after this one had read.
    const isStopping = phase === 'stopping' && before?.phase === 'stopping';
    return isStopping && before.groups.includes(group.name) && isAsleepSize(group);
  };
  const groups: string[] = [];
  for (const group of snapshot.groups) if (isNamed(group)) groups.push(group.name);
  const state = {
    phase,
    desired: desired.state,
    reason: desired.reason,
    since: before && before.phase === phase ? before.since : now.toISOString(),
    groups,
  };
  return desired.until ? { ...state, until: desired.until.toISOString() } : state;
}

/** When the autoscaler is paused and resumed. Pure. */
import type { Versioned } from '#functions/shared/versioned.ts';
import type { Action } from '#model/decision.ts';
import { MINUTE_MS } from '#model/duration.ts';
import { BUILT_IN_POOLS } from '#model/names.ts';
import { isLeftAlone, isTerminatedBy, terminationTime } from './decide-claims.ts';
import { isAsleepSize, isSettled } from './decide-group.ts';
import type { AutoscalerView, Group, Memory, NodeClaimView } from './ports.ts';
import {
  BUILT_IN_OBJECT,
  deploymentObject,
  type NodePoolSetting,
  nodePoolObject,
  objectOf,
  type SavedAutoscaler,
} from './records.ts';
import { corruptNames, minutesOverdue, type Policy, type Snapshot, settledSince } from './snapshot.ts';

type KarpenterView = Extract<AutoscalerView, { kind: 'karpenter' }>;

export interface AutoscalerStep {
  readonly target: string;
  readonly action: Action;
  readonly reason: string;
  /** Written first. */
  readonly save?: readonly SavedAutoscaler[];
  /** Written over the records of what is paused again, or of NodePools that were created again since. */
  readonly replace?: readonly Versioned<SavedAutoscaler>[];
  readonly clear?: readonly Versioned<SavedAutoscaler>[];
  readonly pause?: AutoscalerView;
  /** Until then its NodeClaims are gone. */
  readonly terminateAt?: string | undefined;
  /** One by one: an object that fails does not keep the others paused. */
  readonly resume?: readonly Versioned<SavedAutoscaler>[];
  /** The config names something else now, so that nothing is observed: the record ends when the request was accepted. */
  readonly clearResumed?: true;
  /** Recorded once an hour under this key, not every minute. */
  readonly once?: string | undefined;
  /** What it says is true only where every request succeeded. */
  readonly isReportedWhenDone?: true;
}

/** Adds what pauses the autoscaler; returns why the groups must wait, where they must. */
export function pauseStep(
  snapshot: Snapshot,
  view: AutoscalerView | 'unknown',
  policy: Policy,
  steps: AutoscalerStep[],
): string | undefined {
  if (view === 'unknown')
    return 'waits: the request to the autoscaler failed, and a running autoscaler would undo the stop';
  const known = withoutCorrupt(view, corruptNames(snapshot.memory, 'autoscaler'));
  if (!known)
    return 'waits: the saved setting of the autoscaler cannot be read, and a running autoscaler would undo the stop';
  const terminateAt = isForced(view, policy) ? terminationOf(snapshot, policy) : undefined;
  const toEnd = claimsIn(known).filter(
    (claim) =>
      !isLeftAlone(known, claim) &&
      (!claim.isDeleting || (terminateAt !== undefined && !isTerminatedBy(claim, terminateAt))),
  );
  const isOpen = isAllowed(known);
  if (!isOpen && toEnd.length === 0) return undefined;
  const paused = snapshot.memory.autoscaler;
  const running = openObjects(known, snapshot.now.toISOString());
  const save = running.filter((one) => !paused.has(objectOf(one)));
  const replace = toReplace(running, paused);
  const isRenewed = replace.some(({ value }) => running.includes(value));
  const isUndone = isOpen && save.length === 0 && !isRenewed;
  const what =
    view.kind === 'cluster-autoscaler' ? `${view.replicas} replicas are saved` : 'limits are saved';
  steps.push({
    target: view.kind,
    action: 'pause',
    reason: isUndone
      ? `${undoneText(snapshot)}${ofPods(view)}; paused again`
      : isOpen
        ? `${isRenewed ? 'a NodePool was created again' : 'before the stop'}; ${what}`
        : `${toEnd.length} NodeClaims are to be gone by ${terminateAt ?? 'the end of their drains'}`,
    save,
    ...(replace.length > 0 ? { replace } : {}),
    pause: known,
    terminateAt,
    // NodePools and NodeClaims that somebody makes all night, or that cannot be deleted, are reported once an hour.
    once: isUndone
      ? `undone#${view.kind}`
      : isRenewed
        ? 'created-again'
        : isOpen
          ? undefined
          : 'claims-to-end',
    ...(isUndone ? { isReportedWhenDone: true } : {}),
  });
  return undefined;
}

/** Before the cluster was observed asleep, a pause that was saved may never have reached the API server. */
function undoneText({ memory }: Snapshot): string {
  return settledSince(memory) === undefined
    ? 'it still runs although its pause was saved: the request failed or was lost, or something undid it'
    : 'it runs again although the cluster sleeps: something undoes the pause';
}

function isForced(view: AutoscalerView, policy: Policy): boolean {
  return view.kind === 'karpenter' && policy.forceAtNight !== false;
}

function ofPods(view: AutoscalerView): string {
  return view.kind === 'cluster-autoscaler' && view.readyReplicas === 0
    ? ' (none of its pods is Ready, so it scaled nothing)'
    : '';
}

function terminationOf({ memory, now }: Snapshot, policy: Policy): string {
  const state = memory.state?.value;
  const since = state?.phase === 'stopping' ? new Date(state.since) : now;
  return terminationTime(since, policy.stopDeadlineMinutes * MINUTE_MS, now);
}

export function resumeStep(snapshot: Snapshot, policy: Policy, steps: AutoscalerStep[]): void {
  const { autoscaler: view, groups, memory, ready } = snapshot;
  const saved = [...memory.autoscaler.values()];
  const target = saved[0]?.value.kind;
  if (!target) return;
  const hostGroup = groups.find((group) => group.name === policy.hostGroup);
  const hostReady =
    hostGroup === undefined ||
    hostGroup.instances.some((instance) => instance.inService && ready?.has(instance.id));
  const unrestored = groups.filter((group) => {
    const record = memory.saved.get(group.name)?.value;
    return record !== undefined && isAsleepSize(group) && record.phase !== 'restored';
  });
  // Past the deadline one group that cannot be restored, because it is being deleted for example, holds up nothing else.
  const isOverdue = minutesOverdue(snapshot, policy, 'awake') !== undefined;
  if (view === 'unknown' && !isOverdue)
    return void steps.push({ target, action: 'none', reason: 'the request for its state failed' });
  // What cannot be observed can still be resumed from its record.
  const known = view === 'unknown' ? undefined : view;
  const foreign = saved.filter(({ value }) => !known || !isObserved(known, value));
  const ours = saved.filter((one) => !foreign.includes(one));
  const waiting = ours.filter(({ value }) => known && !isResumed(known, value));
  // Another pass may have saved one just before, and pause it next.
  const clear = waiting.length > 0 ? [] : ours.filter(({ value }) => isSettled(value, snapshot.now));
  if (clear.length > 0)
    steps.push({
      target: known?.kind ?? target,
      action: 'resume',
      reason: 'it runs as before the stop',
      clear,
    });
  if (waiting.length + foreign.length === 0) return;
  if (!isOverdue && (!hostReady || unrestored.length > 0)) {
    const wait = hostReady
      ? `the sizes of ${unrestored.map((group) => group.name).join(', ')} are restored first`
      : `waits for a Ready node of ${policy.hostGroup}`;
    steps.push({ target, action: 'none', reason: wait });
    return;
  }
  steps.push(...resumeObserved(waiting, known, { target, hostGroup, hostReady, isOverdue }));
  for (const one of foreign)
    steps.push({
      target: objectOf(one.value),
      action: 'resume',
      reason: `from its record alone: ${resumption(one.value)}`,
      resume: [one],
      clearResumed: true,
    });
}

interface Resumption {
  readonly target: string;
  readonly hostGroup: Group | undefined;
  readonly hostReady: boolean;
  readonly isOverdue: boolean;
}

/** EKS takes one update of a cluster at a time: while one is in progress the built-in NodePools are not requested again. */
function resumeObserved(
  waiting: readonly Versioned<SavedAutoscaler>[],
  view: AutoscalerView | undefined,
  { target, hostGroup, hostReady, isOverdue }: Resumption,
): readonly AutoscalerStep[] {
  const steps: AutoscalerStep[] = [];
  const isUpdating = view?.kind === 'karpenter' && view.builtIn?.isUpdating === true;
  const isBuiltIn = ({ value }: Versioned<SavedAutoscaler>) => value.kind === 'built-in-pools';
  const kind = view?.kind ?? target;
  const why = !hostReady
    ? 'the start is overdue'
    : hostGroup
      ? 'its host group is Ready'
      : 'with the start of the cluster';
  // Each its own: EKS may be busy while the API server is not.
  for (const resume of [waiting.filter((one) => !isBuiltIn(one)), waiting.filter(isBuiltIn)]) {
    const [first] = resume;
    if (!first) continue;
    if (isUpdating && isBuiltIn(first))
      steps.push({
        target: kind,
        action: 'none',
        reason: `an update of the cluster is in progress: ${resumption(first.value)} with it or after it`,
        once: 'cluster-updates',
      });
    else
      steps.push({
        target: kind,
        action: 'resume',
        reason: `${why}: ${resumption(first.value)}`,
        resume,
        once: isOverdue ? `resume-again#${first.value.kind}` : undefined,
      });
  }
  return steps;
}

/**
 * Whether the view shows the object of this record. A NodePool that it does not show may be gone, or cannot be read, or the
 * config does not name it any more: only the API server knows, when the record is restored.
 */
export function isObserved(view: AutoscalerView, saved: SavedAutoscaler): boolean {
  if (view.kind === 'cluster-autoscaler')
    return saved.kind === view.kind && view.deployment === saved.deployment;
  if (saved.kind === 'built-in-pools') return view.builtIn !== undefined;
  return saved.kind === view.kind && Object.hasOwn(view.pools, saved.nodePool);
}

function resumption(saved: SavedAutoscaler): string {
  return saved.kind === 'cluster-autoscaler'
    ? `back to ${saved.replicas} replicas`
    : saved.kind === 'built-in-pools'
      ? `the built-in NodePools ${saved.nodePools.join(', ')} are switched on`
      : 'the limits of its NodePools are restored';
}

/** Whether it may start nodes. */
function isAllowed(view: AutoscalerView): boolean {
  return view.kind === 'cluster-autoscaler'
    ? view.replicas > 0
    : Object.keys(openPools(view.pools)).length > 0 || builtInToStop(view) !== undefined;
}

/** Built-in NodePools that are to be switched off now. */
export function builtInToStop({ builtIn }: KarpenterView): KarpenterView['builtIn'] {
  const isToStop =
    builtIn && builtIn.nodePools.length > 0 && builtIn.neededBy.length === 0 && !builtIn.isUpdating;
  return isToStop ? builtIn : undefined;
}

/** Whether it may have scaled a group: replicas of which no pod is Ready have not, and Karpenter scales none. */
export function isScaling(view: AutoscalerView): boolean {
  return view.kind === 'cluster-autoscaler' && view.replicas > 0 && view.readyReplicas !== 0;
}

/** The pools that may still start nodes. */
function openPools(pools: KarpenterView['pools']) {
  return Object.fromEntries(Object.entries(pools).filter(([, pool]) => isOpenPool(pool)));
}

function isOpenPool({ limits, replicas }: NodePoolSetting): boolean {
  return replicas === null ? !isZeroed(limits) : replicas > 0;
}

/** As the pause writes it; anything else is somebody's own. */
function isZeroed(limits: NodePoolSetting['limits']): boolean {
  return limits?.['cpu'] === '0';
}

export function isResumed(view: AutoscalerView, saved: SavedAutoscaler): boolean {
  if (!isObserved(view, saved)) return false;
  if (view.kind === 'cluster-autoscaler') return saved.kind === view.kind && view.replicas >= saved.replicas;
  // A stop that was requested just before may still take effect: then nothing would switch them on again.
  if (saved.kind === 'built-in-pools' && view.builtIn?.isUpdating) return false;
  if (saved.kind === 'built-in-pools')
    return saved.nodePools.every((name) => view.builtIn?.nodePools.includes(name));
  if (saved.kind !== view.kind) return false;
  const pool = view.pools[saved.nodePool];
  return pool !== undefined && (isOtherPool(pool, saved.setting) || isOpenPool(pool));
}

/**
 * It was deleted, and another one has its name: what was saved is not its own. What an earlier release saved has no uid;
 * but Kubernetes turns no dynamic NodePool into a static one or back.
 */
function isOtherPool(pool: NodePoolSetting, saved: NodePoolSetting): boolean {
  return (saved.uid ?? pool.uid) !== pool.uid || (pool.replicas === null) !== (saved.replicas === null);
}

/** What may start nodes, as it is now. */
function openObjects(view: AutoscalerView, since: string): readonly SavedAutoscaler[] {
  if (view.kind === 'cluster-autoscaler')
    return [{ kind: view.kind, deployment: view.deployment, replicas: view.replicas, since }];
  const pools = Object.entries(openPools(view.pools));
  return [
    ...pools.map(([nodePool, setting]) => ({ kind: view.kind, nodePool, setting, since })),
    ...savedBuiltIn(view, since),
  ];
}

/**
 * What was saved of an object stays, but is written again: another pass that has just resumed it may have cleared its record,
 * and then it must not be paused; nor must that pass clear it now.
 */
function toReplace(
  running: readonly SavedAutoscaler[],
  saved: Memory['autoscaler'],
): readonly Versioned<SavedAutoscaler>[] {
  return running.flatMap((one) => {
    const before = saved.get(objectOf(one));
    if (!before) return [];
    const { value, version } = before;
    return [{ value: isOfOther(one, value) ? one : { ...value, since: one.since }, version }];
  });
}

function isOfOther(one: SavedAutoscaler, before: SavedAutoscaler): boolean {
  return one.kind === 'karpenter' && before.kind === 'karpenter' && isOtherPool(one.setting, before.setting);
}

function savedBuiltIn(view: KarpenterView, since: string): readonly SavedAutoscaler[] {
  const { nodePools, nodeRoleArn } = builtInToStop(view) ?? {};
  return nodePools && nodeRoleArn ? [{ kind: 'built-in-pools', nodePools, nodeRoleArn, since }] : [];
}

/** What may be paused: an object whose record cannot be read would never be resumed. */
function withoutCorrupt(view: AutoscalerView, corrupt: readonly string[]): AutoscalerView | undefined {
  if (view.kind === 'cluster-autoscaler')
    return corrupt.includes(deploymentObject(view.deployment)) ? undefined : view;
  const isCorrupt = (name: string) => corrupt.includes(nodePoolObject(name));
  const { builtIn, ...rest } = view;
  const isBuiltInCorrupt = corrupt.includes(BUILT_IN_OBJECT);
  const pools = Object.entries(view.pools).filter(([name]) => !isCorrupt(name));
  const malformed = [
    ...(view.malformed ?? []),
    ...Object.keys(view.pools).filter(isCorrupt),
    ...(isBuiltInCorrupt ? BUILT_IN_POOLS : []),
  ];
  return {
    ...rest,
    pools: Object.fromEntries(pools),
    ...(builtIn && !isBuiltInCorrupt ? { builtIn } : {}),
    ...(malformed.length > 0 ? { malformed } : {}),
  };
}

/** Undefined where none was observed. */
export function karpenterIn(view: Snapshot['autoscaler']): KarpenterView | undefined {
  return view !== undefined && view !== 'unknown' && view.kind === 'karpenter' ? view : undefined;
}

export function claimsIn(view: Snapshot['autoscaler']): readonly NodeClaimView[] {
  return karpenterIn(view)?.claims ?? [];
}

/** When the autoscaler is paused and resumed. Pure. */
import type { Versioned } from '#functions/shared/versioned.ts';
import type { Action } from '#model/decision.ts';
import { MINUTE_MS } from '#model/duration.ts';
import { BUILT_IN_POOLS } from '#model/names.ts';
import { isLeftAlone, isTerminatedBy, terminationTime } from './decide-claims.ts';
import { isAsleepSize } from './decide-group.ts';
import type { AutoscalerView, Memory, NodeClaimView } from './ports.ts';
import {
  BUILT_IN_OBJECT,
  deploymentObject,
  type NodePoolSetting,
  nodePoolObject,
  objectOf,
  type SavedAutoscaler,
} from './records.ts';
import { corruptNames, minutesOverdue, type Policy, type Snapshot } from './snapshot.ts';

type KarpenterView = Extract<AutoscalerView, { kind: 'karpenter' }>;

export interface AutoscalerStep {
  readonly target: string;
  readonly action: Action;
  readonly reason: string;
  /** Written first. */
  readonly save?: readonly SavedAutoscaler[];
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
  const save = toSave(known, paused, snapshot.now.toISOString());
  const isUndone = isOpen && save.length === 0;
  const what =
    view.kind === 'cluster-autoscaler' ? `${view.replicas} replicas are saved` : 'limits are saved';
  steps.push({
    target: view.kind,
    action: 'pause',
    reason: isUndone
      ? `it runs again although the cluster sleeps: something undoes the pause${ofPods(view)}; paused again`
      : isOpen
        ? `before the stop; ${what}`
        : `${toEnd.length} NodeClaims are to be gone by ${terminateAt ?? 'the end of their drains'}`,
    save,
    pause: known,
    terminateAt,
    // NodeClaims that somebody makes all night, or that cannot be deleted, are reported once an hour.
    once: isUndone ? `undone#${view.kind}` : isOpen ? undefined : 'claims-to-end',
  });
  return undefined;
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
  if (ours.length > 0 && waiting.length === 0)
    steps.push({
      target: known?.kind ?? target,
      action: 'resume',
      reason: 'it runs as before the stop',
      clear: ours,
    });
  if (waiting.length + foreign.length === 0) return;
  if (!isOverdue && (!hostReady || unrestored.length > 0)) {
    const wait = hostReady
      ? `the sizes of ${unrestored.map((group) => group.name).join(', ')} are restored first`
      : `waits for a Ready node of ${policy.hostGroup}`;
    steps.push({ target, action: 'none', reason: wait });
    return;
  }
  if (waiting.length > 0)
    steps.push({
      target: known?.kind ?? target,
      action: 'resume',
      reason: `${hostReady ? 'its host group is Ready' : 'the start is overdue'}: ${resumption(waiting[0]?.value)}`,
      resume: waiting,
      once: isOverdue ? 'resume-again' : undefined,
    });
  for (const one of foreign)
    steps.push({
      target: objectOf(one.value),
      action: 'resume',
      reason: `from its record alone: ${resumption(one.value)}`,
      resume: [one],
      clearResumed: true,
    });
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

function resumption(saved: SavedAutoscaler | undefined): string {
  return saved?.kind === 'cluster-autoscaler'
    ? `back to ${saved.replicas} replicas`
    : saved?.kind === 'built-in-pools'
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
  return Object.fromEntries(
    Object.entries(pools).filter(([, pool]) =>
      pool.replicas === null ? !isZeroed(pool.limits) : pool.replicas > 0,
    ),
  );
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
  return saved.kind === view.kind && Object.hasOwn(openPools(view.pools), saved.nodePool);
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
      : [
          ...Object.entries(openPools(view.pools)).map(([nodePool, setting]) => ({
            kind: view.kind,
            nodePool,
            setting,
            since,
          })),
          ...savedBuiltIn(view, since),
        ];
  return running.filter((one) => !saved.has(objectOf(one)));
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

export function claimsIn(view: Snapshot['autoscaler']): readonly NodeClaimView[] {
  return view !== undefined && view !== 'unknown' && view.kind === 'karpenter' ? view.claims : [];
}

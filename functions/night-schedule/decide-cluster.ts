import type { ClusterState } from '#model/cluster-state.ts';
import { effectiveOverride } from '#model/override.ts';
import type { Desired } from '#model/schedule.ts';
import {
  type AutoscalerStep,
  claimsIn,
  isScaling,
  karpenterIn,
  pauseStep,
  resumeStep,
} from './decide-autoscaler.ts';
import { decideGroup, type GroupStep, isAsleepSize, runningIn } from './decide-group.ts';
import type { AutoscalerView, Group, Memory } from './ports.ts';
import { BUILT_IN_OBJECT, type SavedSize } from './records.ts';
import { corruptNames, minutesOverdue, type Policy, type Snapshot, settledSince } from './snapshot.ts';

const RELEASED: Desired = {
  state: 'awake',
  reason: 'the config does not stop this group any more',
  source: 'schedule',
};

/** Steps of one stage may run at once; a stage begins when the one before it has ended. */
export interface Plan {
  readonly before: readonly AutoscalerStep[];
  readonly stages: readonly (readonly GroupStep[])[];
  readonly after: readonly AutoscalerStep[];
  /** The stop is past its deadline: groups no longer wait for an autoscaler that cannot be paused. */
  readonly isLate: boolean;
  readonly state: ClusterState;
  /** Recorded when the state was written: a group reports its own end. */
  readonly confirmed?: AutoscalerStep | undefined;
}

export function decideCluster(snapshot: Snapshot, policy: Policy): Plan {
  const { desired, memory } = snapshot;
  const view = snapshot.autoscaler;
  const isSettled = settledSince(memory) !== undefined;
  const steps = decideGroups(snapshot, policy, isSettled);
  const hosts = steps.filter(({ target }) => isHost(target, policy));
  const others = steps.filter((step) => !hosts.includes(step));

  const isLate = minutesOverdue(snapshot, policy, 'asleep') !== undefined;
  const before: AutoscalerStep[] = [];
  const after: AutoscalerStep[] = [];
  const stages: (readonly GroupStep[])[] = [policy.reportsOf?.(snapshot, policy) ?? []];
  if (desired.state === 'awake') {
    stages.push(hosts, others);
    resumeStep(snapshot, policy, after);
  } else {
    const wait = view === undefined ? undefined : pauseStep(snapshot, view, policy, before);
    // Karpenter must run until its NodeClaims are gone: nobody else would terminate their instances.
    const hostWaits = isLate ? claimsWait(view, policy) : (wait ?? hostWait(snapshot, policy));
    stages.push(
      isLate ? others : others.map((step) => waitingFor(wait, step)),
      hosts.map((step) => waitingFor(hostWaits, step)),
    );
  }
  const state = stateOf(snapshot, policy, stages, after);
  return { before, stages, after, isLate, state, confirmed: endOfClaims(snapshot, state) };
}

function endOfClaims(
  { autoscaler: view, memory }: Snapshot,
  state: ClusterState,
): AutoscalerStep | undefined {
  const karpenter = karpenterIn(view);
  if (!karpenter || state.phase !== 'asleep' || memory.state?.value.phase === 'asleep') return undefined;
  return { target: karpenter.kind, action: 'confirm-stop', reason: 'no NodeClaim is left' };
}

/** One step for each name of a group whose record can be read. */
function decideGroups(snapshot: Snapshot, policy: Policy, settled: boolean): readonly GroupStep[] {
  const { desired, memory, now, ready, autoscaler: view } = snapshot;
  const corrupt = corruptNames(memory, 'saved');
  const autoscalerRuns =
    memory.autoscaler.size > 0 && view !== undefined && view !== 'unknown' && isScaling(view);
  const state = memory.state?.value;
  const isInTransition = state?.phase === (desired.state === 'asleep' ? 'stopping' : 'starting');
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
      transitionSince: isInTransition ? state?.since : undefined,
    });
    steps.set(group.name, step);
  }
  return [...steps.values()];
}

/** Whether people may have to correct something themselves. */
export function mayReport(snapshot: Snapshot, { nodePools }: Policy): boolean {
  const { autoscaler, missing, memory } = snapshot;
  const karpenter = karpenterIn(autoscaler);
  return (
    missing.length + memory.corrupt.length > 0 ||
    (karpenter && (nodePools ?? karpenter.malformed ?? karpenter.builtIn?.neededBy[0])) !== undefined ||
    isNothingFound(snapshot)
  );
}

/** Groups without a tag, Auto Mode, Karpenter or Fargate that the config does not name: such a cluster never sleeps. */
export function isNothingFound({ desired, groups, memory, autoscaler: view }: Snapshot): boolean {
  if (desired.state !== 'asleep' || view === 'unknown') return false;
  if (groups.length + memory.saved.size > 0 || memory.corrupt.some(({ kind }) => kind === 'saved'))
    return false;
  // At night the built-in NodePools are gone: their record says that they were there.
  if ([...memory.autoscaler.values()].some(({ value }) => value.kind !== 'cluster-autoscaler')) return false;
  if (view?.kind !== 'karpenter') return true;
  return (
    Object.keys(view.pools).length +
      view.claims.length +
      (view.malformed?.length ?? 0) +
      (view.builtIn?.nodePools.length ?? 0) ===
    0
  );
}

/** What runs there is needed until the others have stopped: the autoscaler, or the controller of the load balancers. */
function isHost(group: string, { hostGroup, stopLast = [] }: Policy): boolean {
  return group === hostGroup || stopLast.includes(group);
}

/** Why the host groups must not be stopped yet, if so. */
function hostWait(
  { groups, released, memory, autoscaler: view }: Snapshot,
  policy: Policy,
): string | undefined {
  const running = groups.filter(
    (group) => !isHost(group.name, policy) && !released.has(group.name) && !atRest(group, memory),
  );
  if (running.length > 0) return `stopped last: waits for ${running.map((group) => group.name).join(', ')}`;
  return claimsWait(view, policy);
}

function claimsWait(view: Snapshot['autoscaler'], policy: Policy): string | undefined {
  if (view === 'unknown')
    return policy.autoscalerKind === 'karpenter'
      ? 'stopped last: whether NodeClaims of Karpenter remain is unknown'
      : undefined;
  const claims = claimsIn(view).length;
  return claims > 0 ? `stopped last: ${claims} NodeClaims of Karpenter remain` : undefined;
}

/** A step that changes nothing does not wait. */
function waitingFor(wait: string | undefined, step: GroupStep): GroupStep {
  return wait && (step.resize ?? step.warmPool)
    ? { target: step.target, action: 'none', reason: wait }
    : step;
}

/** The group has no instance, or is left alone. */
function atRest(group: Group, memory: Memory): boolean {
  const phase = memory.saved.get(group.name)?.value.phase;
  return (
    phase === 'manual' ||
    corruptNames(memory, 'saved').includes(group.name) ||
    (isAsleepSize(group) && runningIn(group) === 0)
  );
}

/** It is observed in every pass that could find the cluster asleep for the first time. */
function isWithoutStrays({ running, memory }: Snapshot): boolean {
  // A request that fails at night is no node that has appeared.
  if (running === 'unknown') return memory.state?.value.phase === 'asleep';
  return (running?.strays.length ?? 0) === 0;
}

function keptIn({ running, memory }: Snapshot): readonly string[] {
  return running === undefined || running === 'unknown' ? (memory.state?.value.kept ?? []) : running.kept;
}

/** Where nothing was observed in this pass, what was observed before counts. */
function isWithoutClaims({ autoscaler: view, memory }: Snapshot, policy: Policy): boolean {
  const karpenter = karpenterIn(view);
  if (karpenter) return karpenter.claims.length === 0 && isOff(karpenter.builtIn, memory);
  if (view !== 'unknown') return true;
  return policy.autoscalerKind === 'cluster-autoscaler' || memory.state?.value.phase === 'asleep';
}

/** An update of EKS may be a start of them that was asked for before this stop. */
function isOff(
  builtIn: Extract<AutoscalerView, { kind: 'karpenter' }>['builtIn'],
  { autoscaler }: Memory,
): boolean {
  return (
    !builtIn || (builtIn.nodePools.length === 0 && !(builtIn.isUpdating && autoscaler.has(BUILT_IN_OBJECT)))
  );
}

/** The state as it will be when the plan's writes have taken place; its phase rests on what was observed. */
function stateOf(
  snapshot: Snapshot,
  policy: Policy,
  stages: Plan['stages'],
  after: Plan['after'],
): ClusterState {
  const { desired, memory, now } = snapshot;
  const settled = settledSince(memory);
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
    return settled !== undefined || (isAsleepSize(group) && runningIn(group) === 0);
  };
  const cleared = after.reduce((sum, step) => sum + (step.clear?.length ?? 0), 0);
  const isStarting =
    memory.autoscaler.size > cleared || snapshot.groups.some((group) => recordOf(group) !== undefined);
  const phase = phaseOf(snapshot, policy, snapshot.groups.every(isResting), isStarting);
  const before = memory.state?.value;
  const isNamed = (group: Group) => {
    const record = recordOf(group);
    if (record) return record.phase !== 'manual';
    if (written.has(group.name) || snapshot.released.has(group.name)) return false;
    // Another pass is about to save its sizes and zero it, or has since this one read.
    return phase === 'stopping' && before?.phase === 'stopping' && before.groups.includes(group.name);
  };
  const listed = new Set(snapshot.groups.map(({ name }) => name));
  // A reply that lacks a group does not end its stop.
  const isUnlisted = (name: string) =>
    !listed.has(name) && !snapshot.released.has(name) && memory.saved.get(name)?.value.phase !== 'manual';
  const stopping = phase === 'stopping' && before?.phase === 'stopping' ? before.groups : [];
  // A garbled reply may name a group twice.
  const named = snapshot.groups.filter(isNamed).map(({ name }) => name);
  const groups = [...new Set([...named, ...stopping.filter(isUnlisted)])];
  const kept = desired.state === 'asleep' ? keptIn(snapshot) : [];
  const since = before && before.phase === phase ? before.since : now.toISOString();
  const asleepSince = settled ?? (phase === 'asleep' ? since : undefined);
  const state: ClusterState = {
    phase,
    desired: desired.state,
    reason: phase === 'asleep' && kept.length > 0 ? `${desired.reason}; ${keptText(kept)}` : desired.reason,
    since,
    groups,
    ...(desired.state === 'asleep' && asleepSince !== undefined ? { asleepSince } : {}),
    ...(kept.length > 0 ? { kept } : {}),
  };
  return desired.until ? { ...state, until: desired.until.toISOString() } : state;
}

function phaseOf(
  snapshot: Snapshot,
  policy: Policy,
  isResting: boolean,
  isStarting: boolean,
): ClusterState['phase'] {
  const isUnlisted = (snapshot.unlisted?.length ?? 0) > 0;
  if (snapshot.desired.state === 'awake') return isUnlisted || isStarting ? 'starting' : 'awake';
  if (isNothingFound(snapshot)) return 'awake';
  const isEmpty = isWithoutClaims(snapshot, policy) && isWithoutStrays(snapshot);
  return isResting && isEmpty && !isUnlisted ? 'asleep' : 'stopping';
}

/** Named in the reason of asleep: it costs money all night. */
function keptText(kept: readonly string[]): string {
  const more = kept.length > 5 ? ` and ${kept.length - 5} more` : '';
  return `still running: ${kept.slice(0, 5).join(', ')}${more}`;
}

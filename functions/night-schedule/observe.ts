/** What a pass observes besides the groups: only where the answer can change a decision. */
import type { DecisionRecorder } from '#functions/shared/decision-recorder.ts';
import { MINUTE_MS } from '#model/duration.ts';
import type { SleepState } from '#model/schedule.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import { isAsleepSize, runningIn } from './decide-group.ts';
import type { Autoscaler, AutoscalerView, Group, Memory, Nodes } from './ports.ts';
import { corruptNames, type Snapshot, settledSince } from './snapshot.ts';

/** While asleep the autoscaler is observed when a group grew, and otherwise every so many minutes; so are the nodes. */
const OBSERVE_MINUTES = 5;

function isObservedNow(now: Date): boolean {
  return now.getUTCMinutes() % OBSERVE_MINUTES === 0;
}

/** The groups that this environment stops, those that it stopped and must restore, and names that no group has. */
export function select(all: readonly Group[], settings: NightScheduleSettings, memory: Memory) {
  const configured = settings.nodegroups;
  const isStopped = (group: Group) =>
    group.name !== settings.fallbackGroup &&
    !settings.keep.includes(group.name) &&
    (configured === 'all' || configured.includes(group.name));
  const groups: Group[] = [];
  const released = new Set<string>();
  for (const group of all) {
    if (isStopped(group)) groups.push(group);
    else if (memory.saved.has(group.name)) {
      released.add(group.name);
      groups.push(group);
    }
  }
  const missing =
    configured === 'all' ? [] : configured.filter((name) => !all.some((group) => group.name === name));
  return { groups, released, missing };
}

/** More than what was saved is somebody's, or that of a rollout of EKS, which ends with the rollout. */
export function isRaised(group: Group, { saved }: Memory): boolean {
  const size = saved.get(group.name)?.value.size;
  if (group.kind !== 'managed' || size === undefined) return false;
  return group.size.desired > size.desired || group.size.max > size.max;
}

export function hasWarmPool(groups: readonly Group[], { saved }: Memory): boolean {
  return groups.some(({ name, warmPool }) => (warmPool ?? saved.get(name)?.value.warmPool) !== undefined);
}

/** Only while a restore waits to be confirmed, or an autoscaler waits for its host. */
export function needsNodes({ saved, autoscaler }: Memory, desired: SleepState): boolean {
  if (desired === 'awake' && autoscaler.size > 0) return true;
  for (const { value } of saved.values())
    if (value.phase === 'restoring' || value.phase === 'restored') return true;
  return false;
}

/** Undefined where the request failed. */
export async function observeNodes(
  nodes: Nodes,
  recorder: DecisionRecorder,
  cluster: string,
): Promise<ReadonlySet<string> | undefined> {
  return recorder.guard(cluster, () => nodes.ready());
}

/** Whether its state can change a decision. */
export function needsAutoscaler(seen: {
  readonly memory: Memory;
  readonly groups: readonly Group[];
  readonly desired: SleepState;
  readonly now: Date;
  readonly kind: NonNullable<NightScheduleSettings['autoscaler']>['kind'];
}): boolean {
  const { memory, groups, desired, now, kind } = seen;
  if (desired === 'awake')
    return memory.autoscaler.size > 0 || (kind !== 'cluster-autoscaler' && isUp(memory, now));
  return memory.state?.value.phase !== 'asleep' || isObservedNow(now) || !groups.every(isAsleepSize);
}

/** NodeClaims that cannot launch show only once Karpenter runs again and the pods ask for nodes. */
const NEW_NODES_MS = 30 * MINUTE_MS;

/** A group that does not start may keep the cluster from being awake for hours, and Karpenter runs long since. */
function isUp({ state }: Memory, now: Date): boolean {
  const { phase, since = '' } = state?.value ?? {};
  return phase === 'starting' || (phase === 'awake' && now.getTime() - Date.parse(since) < NEW_NODES_MS);
}

/** When the cluster is about to count as asleep, and every few minutes while it does: what appears then is found too. */
export function needsRunning(
  seen: Pick<Snapshot, 'memory' | 'groups' | 'released' | 'desired' | 'now'>,
  { dryRun, autoscaler }: Pick<NightScheduleSettings, 'dryRun' | 'autoscaler'>,
): boolean {
  const { memory, groups, desired, now } = seen;
  if (desired.state !== 'asleep' || dryRun || (groups.length === 0 && !autoscaler)) return false;
  if (memory.state?.value.phase === 'asleep') return isObservedNow(now);
  return groups.every((group) => isAtRest(group, seen));
}

/** Nothing of the stop is left to do for it. */
function isAtRest(group: Group, { memory, released }: Pick<Snapshot, 'memory' | 'released'>): boolean {
  const record = memory.saved.get(group.name)?.value;
  return (
    (isAsleepSize(group) && runningIn(group) === 0) ||
    record?.phase === 'manual' ||
    (record === undefined && settledSince(memory) !== undefined) ||
    released.has(group.name) ||
    corruptNames(memory, 'saved').includes(group.name)
  );
}

/** `unknown` where the request failed. */
export async function observeAutoscaler(
  autoscaler: Autoscaler,
  recorder: DecisionRecorder,
): Promise<AutoscalerView | 'unknown'> {
  return (await recorder.guard('autoscaler', () => autoscaler.observe())) ?? 'unknown';
}

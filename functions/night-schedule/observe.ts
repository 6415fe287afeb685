/** What a pass observes besides the groups: only where the answer can change a decision. */
import type { DecisionRecorder } from '#functions/shared/decision-recorder.ts';
import { MINUTE_MS } from '#model/duration.ts';
import { BUILT_IN_POOLS } from '#model/names.ts';
import type { SleepState } from '#model/schedule.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import { isAsleepSize, runningIn } from './decide-group.ts';
import type { Autoscaler, AutoscalerView, Group, Memory, Nodes } from './ports.ts';

/** While asleep the autoscaler is observed when a group grew, and otherwise every so many minutes. */
const OBSERVE_AUTOSCALER_MINUTES = 5;

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
    return memory.autoscaler.size > 0 || (kind !== 'cluster-autoscaler' && isJustAwake(memory, now));
  return (
    memory.state?.value.phase !== 'asleep' ||
    now.getUTCMinutes() % OBSERVE_AUTOSCALER_MINUTES === 0 ||
    !groups.every(isAsleepSize)
  );
}

/** NodeClaims that cannot launch show only once Karpenter runs again and the pods ask for nodes. */
const NEW_NODES_MS = 30 * MINUTE_MS;

function isJustAwake({ state }: Memory, now: Date): boolean {
  return state?.value.phase === 'awake' && now.getTime() - Date.parse(state.value.since) < NEW_NODES_MS;
}

/** Only when the cluster is about to count as asleep. Where the config names its groups, all others are kept. */
export function needsStrayNodes(seen: {
  readonly memory: Memory;
  readonly groups: readonly Group[];
  readonly desired: SleepState;
  readonly settings: NightScheduleSettings;
}): boolean {
  const { memory, groups, desired, settings } = seen;
  return (
    desired === 'asleep' &&
    !settings.dryRun &&
    settings.nodegroups === 'all' &&
    memory.state?.value.phase === 'stopping' &&
    groups.every((group) => isAsleepSize(group) && runningIn(group) === 0)
  );
}

/** The nodes on instances that no group and no NodePool accounts for. `unknown` where the request failed. */
export async function observeStrayNodes(
  nodes: Nodes,
  recorder: DecisionRecorder,
  all: readonly Group[],
  settings: NightScheduleSettings,
): Promise<readonly string[] | 'unknown'> {
  const known = new Set(all.flatMap(({ instances }) => instances.map(({ id }) => id)));
  const found = await recorder.guard(settings.cluster, () => nodes.all());
  if (!found) return 'unknown';
  return found
    .filter(({ kind, instanceId, nodePool }) => {
      if (kind !== 'instance' || known.has(instanceId)) return false;
      return nodePool === undefined || !isKeptPool(nodePool, settings.autoscaler);
    })
    .map(({ name }) => name);
}

function isKeptPool(nodePool: string, autoscaler: NightScheduleSettings['autoscaler']): boolean {
  if (autoscaler === undefined || autoscaler.kind === 'cluster-autoscaler') return false;
  if (autoscaler.kind === 'auto-mode' && BUILT_IN_POOLS.includes(nodePool)) return !autoscaler.builtIn;
  return autoscaler.nodePools?.includes(nodePool) === false;
}

/** `unknown` where the request failed. */
export async function observeAutoscaler(
  autoscaler: Autoscaler,
  recorder: DecisionRecorder,
): Promise<AutoscalerView | 'unknown'> {
  return (await recorder.guard('autoscaler', () => autoscaler.observe())) ?? 'unknown';
}

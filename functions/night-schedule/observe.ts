/** What a pass observes besides the groups: only where the answer can change a decision. */
import type { DecisionRecorder } from '#functions/shared/decision-recorder.ts';
import type { SleepState } from '#model/schedule.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import { isAsleepSize } from './decide-group.ts';
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
}): boolean {
  const { memory, groups, desired, now } = seen;
  if (desired === 'awake') return memory.autoscaler.size > 0;
  return (
    memory.state?.value.phase !== 'asleep' ||
    now.getUTCMinutes() % OBSERVE_AUTOSCALER_MINUTES === 0 ||
    !groups.every(isAsleepSize)
  );
}

/** `unknown` where the request failed. */
export async function observeAutoscaler(
  autoscaler: Autoscaler,
  recorder: DecisionRecorder,
): Promise<AutoscalerView | 'unknown'> {
  return (await recorder.guard('autoscaler', () => autoscaler.observe())) ?? 'unknown';
}

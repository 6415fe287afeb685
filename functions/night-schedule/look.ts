/** What a pass looks at besides the groups: only where the answer can change what it does. */
import type { SleepState } from '#model/schedule.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import { isAsleepSize } from './decide-group.ts';
import type { Journal } from './journal.ts';
import type { Autoscaler, AutoscalerView, Group, Memory, Nodes } from './ports.ts';

/** While asleep the autoscaler is looked at when something grew, and otherwise every so many minutes. */
const LOOK_AT_AUTOSCALER_MINUTES = 5;

/** The groups that this environment stops, those that it stopped and must give back, and names that nobody has. */
export function select(all: readonly Group[], settings: NightScheduleSettings, memory: Memory) {
  const wanted = settings.nodegroups;
  const isStopped = (group: Group) =>
    group.name !== settings.fallbackGroup &&
    !settings.keep.includes(group.name) &&
    (wanted === 'all' || wanted.includes(group.name));
  const released = new Set(
    all.filter((group) => !isStopped(group) && memory.saved.has(group.name)).map((group) => group.name),
  );
  const missing = wanted === 'all' ? [] : wanted.filter((name) => !all.some((group) => group.name === name));
  return { groups: all.filter((group) => isStopped(group) || released.has(group.name)), released, missing };
}

/** Asked only while a restore waits to be confirmed, or an autoscaler waits for its host. */
export async function lookAtNodes(
  nodes: Nodes,
  memory: Memory,
  desired: SleepState,
  journal: Journal,
  cluster: string,
): Promise<ReadonlySet<string> | undefined> {
  const restores = [...memory.saved.values()].some(
    ({ value }) => value.phase === 'restoring' || value.phase === 'restored',
  );
  if (!restores && !(desired === 'awake' && memory.autoscaler !== undefined)) return undefined;
  try {
    return await nodes.ready();
  } catch (error) {
    journal.failed(cluster, error);
    return undefined;
  }
}

/** `unknown` where it could not be asked; undefined where there is none, or nothing to look for. */
export async function lookAtAutoscaler(
  autoscaler: Autoscaler | undefined,
  seen: {
    readonly memory: Memory;
    readonly groups: readonly Group[];
    readonly desired: SleepState;
    readonly now: Date;
  },
  journal: Journal,
): Promise<AutoscalerView | 'unknown' | undefined> {
  if (!autoscaler) return undefined;
  const { memory, groups, desired, now } = seen;
  const isQuiet =
    desired === 'awake'
      ? memory.autoscaler === undefined
      : memory.state?.value.phase === 'asleep' &&
        groups.every(isAsleepSize) &&
        now.getUTCMinutes() % LOOK_AT_AUTOSCALER_MINUTES !== 0;
  if (isQuiet) return undefined;
  try {
    return await autoscaler.observe();
  } catch (error) {
    journal.failed('autoscaler', error);
    return 'unknown';
  }
}

/** Whether the cluster should sleep, by schedule and overrides, and since when. */

import type { Clock } from '@nightshift/lab/world/clock.ts';
import { desiredAt } from '#model/desired.ts';
import type { Schedule, SleepState } from '#model/schedule.ts';
import { overridesIn } from '../overrides.ts';
import type { MemoryTable } from '../table.ts';

export interface DesiredSince {
  readonly state: SleepState;
  readonly since: number;
}

export interface DesiredStates {
  /** Call it whenever the state may have changed: at the transitions, and when an override comes, goes or ends. */
  current(): DesiredSince;
}

export function createDesiredStates(
  schedule: Schedule,
  clock: Clock,
  table: MemoryTable,
  transitions: readonly Date[],
): DesiredStates {
  let last: DesiredSince | undefined;
  const ends = new Set<number>();

  const current = (): DesiredSince => {
    const overrides = overridesIn(table);
    const { state } = desiredAt(schedule, clock.date(), overrides);
    if (last?.state !== state) last = { state, since: clock.now() };
    for (const { until } of overrides) {
      const end = Date.parse(until);
      if (end <= clock.now() || ends.has(end)) continue;
      ends.add(end);
      clock.at(end, () => void current());
    }
    return last;
  };

  current();
  for (const transition of transitions) clock.at(transition.getTime(), () => void current());
  return { current };
}

/** Whether the cluster is to sleep, whoever wants it so, and since when. */

import type { Clock } from '@nightshift/lab/world/clock.ts';
import { desiredAt } from '#model/desired.ts';
import type { Schedule, SleepState } from '#model/schedule.ts';
import { overridesIn } from '../override.ts';
import type { MemoryTable } from '../table.ts';

export interface Wishes {
  /** Called where it may have changed: at the edges, and when an override comes, goes or ends. */
  look(): { readonly state: SleepState; readonly since: number };
  readonly turns: readonly { readonly state: SleepState; readonly since: number }[];
}

export function createWishes(
  schedule: Schedule,
  clock: Clock,
  table: MemoryTable,
  edges: readonly Date[],
): Wishes {
  const turns: { state: SleepState; since: number }[] = [];
  const ends = new Set<number>();

  const look: Wishes['look'] = () => {
    const overrides = overridesIn(table);
    const { state } = desiredAt(schedule, clock.date(), overrides);
    const last = turns.at(-1);
    const turn = last?.state === state ? last : { state, since: clock.now() };
    if (turn !== last) turns.push(turn);
    for (const { until } of overrides) {
      const end = Date.parse(until);
      if (end <= clock.now() || ends.has(end)) continue;
      ends.add(end);
      clock.at(end, () => void look());
    }
    return turn;
  };

  look();
  for (const edge of edges) clock.at(edge.getTime(), () => void look());
  return { look, turns };
}

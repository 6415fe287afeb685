/**
 * `model/desired.ts` with a memo. A night of the simulation asks for the same minutes in every pass, thousands of nights
 * long; no function of a user runs often enough to notice. `use-memos.ts` puts this module in its place.
 */
import { desiredAt as exactDesiredAt } from '#model/desired.ts';
import { DAY_MINUTES, DAY_MS } from '#model/duration.ts';
import { occurrencesBetween } from '#model/occurrence.ts';
import type { Desired, Override, Schedule } from '#model/schedule.ts';
import { firstInstantOf, wallAt } from '#model/zone.ts';

export * from '#model/desired.ts';

/** The same at every instant of `[from, to)`, with just these overrides. */
interface Remembered {
  readonly from: number;
  readonly to: number;
  readonly overrides: readonly Override[];
  readonly desired: Desired;
}

/** One about now, one about the next transition. */
const REMEMBERED_AT_MOST = 2;
const remembered = new WeakMap<Schedule, readonly Remembered[]>();

export function desiredAt(schedule: Schedule, now: Date, all: readonly Override[]): Desired {
  const at = now.getTime();
  // Overrides that have ended change nothing any more.
  const overrides = all.filter(({ until }) => Date.parse(until) > at);
  const before = remembered.get(schedule) ?? [];
  const found = before.find((one) => one.from <= at && at < one.to && areSame(one.overrides, overrides));
  if (found) return found.desired;
  const desired = exactDesiredAt(schedule, now, overrides);
  const made = { from: at, to: endOf(desired, schedule, at, overrides), overrides, desired };
  remembered.set(schedule, [made, ...before.slice(0, REMEMBERED_AT_MOST - 1)]);
  return desired;
}

/** The next instant at which the answer may change in any part, also in its reason. */
function endOf(desired: Desired, schedule: Schedule, at: number, overrides: readonly Override[]): number {
  const horizon = at + DAY_MS;
  const today = Math.floor(wallAt(schedule.timeZone, at) / DAY_MINUTES);
  const boundaries = [
    ...occurrencesBetween(schedule, at, horizon).flatMap(({ start, end }) => [start, end]),
    ...overrides.flatMap(({ from, until }) => [Date.parse(from), Date.parse(until)]),
    // The reason of an override contains a date only where it is not today's.
    ...(desired.source === 'override' ? [firstInstantOf(schedule.timeZone, (today + 1) * DAY_MINUTES)] : []),
    // Without a transition in sight the horizon itself moves.
    desired.until?.getTime() ?? at + 1,
  ];
  return Math.min(horizon, ...boundaries.filter((boundary) => boundary > at));
}

function areSame(a: readonly Override[], b: readonly Override[]): boolean {
  return a.length === b.length && a.every((override, index) => override === b[index]);
}

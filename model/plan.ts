/** What is coming, for people: the transitions, and beside them the starts that are skipped and the clock changes. */
import { transitions } from './desired.ts';
import { skippedStartReason } from './desired-reason.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from './duration.ts';
import { occurrencesBetween } from './occurrence.ts';
import type { ExpandedCalendar, Override, Schedule, Transition } from './schedule.ts';
import { offsetAt, offsetChanges, wallAt } from './zone.ts';

export interface PlanEntry {
  readonly at: Date;
  /** `skip`: a closed day takes this start away. `clock`: the zone's offset changes. */
  readonly kind: 'start' | 'stop' | 'skip' | 'clock';
  readonly reason: string;
  readonly source: Transition['source'] | 'clock';
}

/** In `(from, to]`, in order. */
export function planOf(
  schedule: Schedule,
  from: Date,
  to: Date,
  overrides: readonly Override[] = [],
): PlanEntry[] {
  const [first, last] = [from.getTime(), to.getTime()];
  const changes = transitions(schedule, from, to, overrides).map(
    ({ at, to: state, reason, source }): PlanEntry => ({
      at,
      kind: state === 'awake' ? 'start' : 'stop',
      reason,
      source,
    }),
  );
  const skipped = occurrencesBetween(schedule, first, last)
    .filter(({ closed, start }) => closed !== undefined && start > first)
    .map(
      (occurrence): PlanEntry => ({
        at: new Date(occurrence.start),
        kind: 'skip',
        reason: skippedStartReason(occurrence),
        source: 'calendar',
      }),
    );
  const clock = offsetChanges(schedule.timeZone, first, last).map(
    ({ at, before, after }): PlanEntry => ({
      at: new Date(at),
      kind: 'clock',
      reason: clockReason(at, before, after),
      source: 'clock',
    }),
  );
  const order: Record<PlanEntry['kind'], number> = { clock: 0, skip: 1, stop: 2, start: 3 };
  return [...changes, ...skipped, ...clock].sort(
    (a, b) => a.at.getTime() - b.at.getTime() || order[a.kind] - order[b.kind],
  );
}

/** Fewer days of expanded holidays than this are a warning: deploy again. */
export const HOLIDAY_WARNING_DAYS = 60;

/** Dates (UTC) from that of `at` to the last one for which holidays are expanded, both counted; undefined where there are none to expand. */
export function holidayDaysLeft(calendar: ExpandedCalendar | undefined, at: Date): number | undefined {
  if (!calendar?.until) return undefined;
  return Date.parse(calendar.until) / DAY_MS - Math.floor(at.getTime() / DAY_MS) + 1;
}

/** The sentence of the warning, or undefined while there is time. */
export function holidayWarning(calendar: ExpandedCalendar | undefined, at: Date): string | undefined {
  const left = holidayDaysLeft(calendar, at);
  if (!calendar || left === undefined || left >= HOLIDAY_WARNING_DAYS) return undefined;
  const known = `the holidays of calendar ${calendar.name} are known until ${calendar.until} only`;
  const when =
    left > 0
      ? `${left} ${left === 1 ? 'day' : 'days'} more`
      : `that is before ${at.toISOString().slice(0, 10)}`;
  return `${known}, ${when}: deploy again nearer to that day to expand more`;
}

/** `+09:00`; an offset in ms. */
export function formatOffset(offset: number): string {
  const total = Math.abs(offset) / MINUTE_MS;
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  return `${offset < 0 ? '-' : '+'}${two(total / 60)}:${two(total % 60)}`;
}

/** `2026-12-24T08:00+09:00`: the wall clock of the zone, with its offset. */
export function formatLocal(timeZone: string, at: Date): string {
  const wall = new Date(wallAt(timeZone, at.getTime()) * MINUTE_MS).toISOString().slice(0, 16);
  return `${wall}${formatOffset(offsetAt(timeZone, at.getTime()))}`;
}

function clockReason(at: number, before: number, after: number): string {
  const [left, entered] = [at + before, at + after].map((wall) => new Date(wall).toISOString().slice(0, 16));
  const sameDay = left?.slice(0, 10) === entered?.slice(0, 10);
  const shown = (wall = '') => (sameDay ? wall.slice(11) : wall.replace('T', ' '));
  const way = after > before ? 'forward' : 'back';
  return `the clock is put ${way} by ${formatDuration(Math.abs(after - before))}, from ${shown(left)} to ${shown(entered)} (${formatOffset(before)} to ${formatOffset(after)})`;
}

function formatDuration(ms: number): string {
  if (ms % DAY_MS === 0) return `${ms / DAY_MS} d`;
  return ms % HOUR_MS === 0 ? `${ms / HOUR_MS} h` : `${ms / MINUTE_MS} min`;
}

/** The days of a plan: when the cluster is up on each, and which days are equal. Pure. */
import { formatDate, weekdayOf } from '#model/date.ts';
import { desiredAt, transitions } from '#model/desired.ts';
import { DAY_MINUTES } from '#model/duration.ts';
import { planOf } from '#model/plan.ts';
import type { Schedule, Weekday } from '#model/schedule.ts';
import { formatDay } from '#model/when.ts';
import { shortName } from '#model/window.ts';
import { firstInstantOf, wallAt } from '#model/zone.ts';

/** Minutes of the wall clock since midnight. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface PlannedDay {
  /** Days since 1970-01-01. */
  readonly date: number;
  /** When the cluster is up. */
  readonly up: readonly Span[];
  /** A start that is skipped, a clock that changes. */
  readonly notes: readonly string[];
}

/** Days on which the cluster is up at the same times. */
export interface EqualDays {
  /** `Mon-Fri`, or one date. */
  readonly label: string;
  readonly days: readonly PlannedDay[];
  readonly up: readonly Span[];
  readonly notes: readonly string[];
}

/** Whole days on the clock of the schedule, the one that holds `from` first. */
export function daysOf(schedule: Schedule, from: Date, count: number): readonly PlannedDay[] {
  const { timeZone } = schedule;
  const first = Math.floor(wallAt(timeZone, from.getTime()) / DAY_MINUTES);
  const midnight = (date: number) => new Date(firstInstantOf(timeZone, date * DAY_MINUTES));
  const begin = midnight(first);
  const end = midnight(first + count);
  let state = desiredAt(schedule, begin, []).state;
  const changes = transitions(schedule, begin, end);
  const notes = planOf(schedule, new Date(begin.getTime() - 1), end).filter(
    ({ kind, at }) => (kind === 'skip' || kind === 'clock') && at < end,
  );
  const dateOf = ({ at }: { readonly at: Date }) => Math.floor(wallAt(timeZone, at.getTime()) / DAY_MINUTES);
  const changesOf = Map.groupBy(changes, dateOf);
  const notesOf = Map.groupBy(notes, dateOf);
  return Array.from({ length: count }, (_, index) => {
    const date = first + index;
    const up: Span[] = [];
    let since = state === 'awake' ? 0 : undefined;
    for (const { at, to } of changesOf.get(date) ?? []) {
      const minute = wallAt(timeZone, at.getTime()) - date * DAY_MINUTES;
      if (to === 'awake') since ??= minute;
      else if (since !== undefined) {
        if (minute > since) up.push({ from: since, to: minute });
        since = undefined;
      }
      state = to;
    }
    if (since !== undefined) up.push({ from: since, to: DAY_MINUTES });
    return { date, up, notes: (notesOf.get(date) ?? []).map(({ reason }) => reason) };
  });
}

/** Equal days as one, in the order of their first; days with a note only where they follow each other. */
export function equalDays(days: readonly PlannedDay[]): readonly EqualDays[] {
  const groups = new Map<string, PlannedDay[]>();
  for (const [index, day] of days.entries()) {
    const before = days[index - 1];
    const isRun = before !== undefined && keyOf(before) === keyOf(day);
    const previous = [...groups].findLast(([, list]) => list.at(-1) === before)?.[0];
    const key = day.notes.length === 0 ? keyOf(day) : isRun && previous ? previous : `${day.date}`;
    groups.set(key, [...(groups.get(key) ?? []), day]);
  }
  return [...groups.values()].map((list) => ({
    label: labelOf(list),
    days: list,
    up: list[0]?.up ?? [],
    notes: (list[0]?.notes ?? []).map((note) => (list.length > 1 ? withoutDate(note) : note)),
  }));
}

function keyOf({ up, notes }: PlannedDay): string {
  return [hoursOf(up), ...notes.map(withoutDate)].join('\n');
}

function withoutDate(note: string): string {
  return note.replace(/ on \d{4}-\d{2}-\d{2}:/, ':');
}

/** `08:00-22:00`, or `down`. */
export function hoursOf(up: readonly Span[]): string {
  if (up.length === 0) return 'down';
  return up.map(({ from, to }) => `${clock(from)}-${clock(to)}`).join(', ');
}

export function hoursUp(days: readonly PlannedDay[]): number {
  const minutes = days.flatMap(({ up }) => up).reduce((sum, { from, to }) => sum + to - from, 0);
  return Math.round(minutes / 6) / 10;
}

function labelOf(days: readonly PlannedDay[]): string {
  const [first] = days;
  if (!first) return '';
  const last = days.at(-1) ?? first;
  if (days.length === 1) return formatDay(first.date);
  if (first.notes.length > 0)
    return `${formatDate(first.date).slice(5)} to ${formatDate(last.date).slice(5)}`;
  const weekdays = [...new Set(days.map(({ date }) => weekdayOf(date)))].sort((a, b) => a - b);
  const count = days.length === weekdays.length ? '' : ` x${days.length}`;
  return `${runsOf(weekdays)}${count}`;
}

/** `Mon-Wed,Fri` */
function runsOf(days: readonly Weekday[]): string {
  const runs: Weekday[][] = [];
  for (const day of days) {
    const run = runs.at(-1);
    if (run && run.at(-1) === day - 1) run.push(day);
    else runs.push([day]);
  }
  return runs
    .map((run) =>
      [run[0], run.length > 1 ? run.at(-1) : undefined].flatMap((day) => (day ? [shortName(day)] : [])),
    )
    .map((ends) => ends.join('-'))
    .join(',');
}

function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}

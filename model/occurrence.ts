/**
 * The occurrences of weekly windows on the dates of a calendar. A window runs from the first instant at which the wall
 * clock shows its start or more, to the last instant at which it still showed less than its end. So a local time that
 * does not exist means the first instant after the gap, and of a repeated local time the cluster is up in both.
 */
import { formatDate, weekdayOf } from './date.ts';
import { DAY_MINUTES, DAY_MS, MINUTE_MS } from './duration.ts';
import type { ExpandedCalendar, Schedule, WeeklyWindow } from './schedule.ts';
import { lengthOf } from './window.ts';
import { firstInstantOf, lastInstantOf } from './zone.ts';

/** A weekly window on the date (days since 1970) on which it starts. Instants in ms; `end` is not in it. */
export interface WindowOccurrence {
  readonly date: number;
  readonly window: WeeklyWindow;
  readonly start: number;
  readonly end: number;
  /** The name of what closes the date: the start of this occurrence is skipped. */
  readonly closed?: string;
  /** The calendar opened this date against a holiday, or against the weekday. */
  readonly opened: boolean;
}

/** Every occurrence that touches `[from, to]`, also those that a closed day skips; by start. */
export function occurrencesBetween(schedule: Schedule, from: number, to: number): WindowOccurrence[] {
  const earliestStart = Math.min(...schedule.up.map(({ start }) => start.minute));
  const latestEnd = Math.max(...schedule.up.map((window) => window.start.minute + lengthOf(window)));
  // A day more on each side: no zone is a day from UTC.
  const first = Math.floor((from - latestEnd * MINUTE_MS) / DAY_MS) - 1;
  const last = Math.floor((to - earliestStart * MINUTE_MS) / DAY_MS) + 1;
  const found: WindowOccurrence[] = [];
  for (let date = first; date <= last; date++) {
    found.push(...occurrencesOn(schedule, date).filter(({ start, end }) => end > from && start <= to));
  }
  return found.sort((a, b) => a.start - b.start || a.end - b.end);
}

/**
 * The windows that start on a date. An open date on which no weekly window starts, like a Saturday, takes those of the
 * nearest earlier weekday that has any, as long as they are no longer than a day.
 */
export function windowsOn(schedule: Schedule, date: number): readonly WeeklyWindow[] {
  const regular = startingOn(schedule, date);
  if (regular.length > 0 || !isOpen(schedule.calendar, date)) return regular;
  const daily = schedule.up.filter((window) => lengthOf(window) <= DAY_MINUTES);
  for (let back = 1; back < 7; back++) {
    const borrowed = daily.filter((window) => window.start.day === weekdayOf(date - back));
    if (borrowed.length > 0) return borrowed;
  }
  return [];
}

/** The name of what closes the date, or undefined on a day like any other. An open day is never closed. */
export function closedName(calendar: ExpandedCalendar | undefined, date: number): string | undefined {
  if (!calendar || isOpen(calendar, date)) return undefined;
  const iso = formatDate(date);
  return calendar.closed.find((day) => day.date.includes(iso))?.name;
}

function occurrencesOn(schedule: Schedule, date: number): WindowOccurrence[] {
  const closed = closedName(schedule.calendar, date);
  const opened = isOpen(schedule.calendar, date);
  return windowsOn(schedule, date).flatMap((window) => {
    const wall = date * DAY_MINUTES + window.start.minute;
    const start = firstInstantOf(schedule.timeZone, wall);
    const end = lastInstantOf(schedule.timeZone, wall + lengthOf(window));
    // A window that is in a gap of the clock as a whole does not occur.
    if (end <= start) return [];
    return [{ date, window, start, end, opened, ...(closed === undefined ? {} : { closed }) }];
  });
}

function startingOn(schedule: Schedule, date: number): WeeklyWindow[] {
  const weekday = weekdayOf(date);
  return schedule.up.filter((window) => window.start.day === weekday);
}

function isOpen(calendar: ExpandedCalendar | undefined, date: number): boolean {
  return calendar?.open.includes(formatDate(date)) ?? false;
}

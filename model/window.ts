/** Weekly windows: how long they are, and how a person would write them. Reading them is `parse-windows.ts`. */
import { DAY_MINUTES } from './duration.ts';
import type { Weekday, WeeklyWindow, WeekPoint } from './schedule.ts';

export const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;
const WEEK_MINUTES = 7 * DAY_MINUTES;

/** Minutes on the wall clock from start to end; more than 0, at most a week. */
export function lengthOf(window: WeeklyWindow): number {
  const length = weekMinute(window.end) - weekMinute(window.start);
  return length > 0 ? length : length + WEEK_MINUTES;
}

/** The windows as a person would write them: `Mon-Fri 08:00-22:00, Sat 10:00-14:00`. */
export function formatWindows(windows: readonly WeeklyWindow[]): string {
  const groups = new Map<string, Weekday[]>();
  for (const window of windows) {
    const times = formatTimes(window);
    groups.set(times, [...(groups.get(times) ?? []), window.start.day]);
  }
  return [...groups].map(([times, days]) => times.replace('{days}', formatDays(days))).join(', ');
}

/** The times without the days: `08:00-22:00`. */
export function formatHours({ start, end }: WeeklyWindow): string {
  return `${clock(start.minute)}-${clock(end.minute)}`;
}

/** Those of `windows` that are written in one piece with `window`: the same times on other days. */
export function siblingsOf(window: WeeklyWindow, windows: readonly WeeklyWindow[]): WeeklyWindow[] {
  const times = formatTimes(window);
  return windows.filter((other) => formatTimes(other) === times);
}

function formatTimes(window: WeeklyWindow): string {
  const { start, end } = window;
  const sameDay = end.day === start.day && end.minute > start.minute;
  const overnight = end.day === dayAfter(start.day) && end.minute < start.minute;
  return sameDay || overnight
    ? `{days} ${formatHours(window)}`
    : `${DAYS[start.day - 1]} ${clock(start.minute)} - ${DAYS[end.day - 1]} ${clock(end.minute)}`;
}

function formatDays(days: readonly Weekday[]): string {
  const sorted = [...new Set(days)].sort();
  if (sorted.length === 7) return 'daily';
  const runs: Weekday[][] = [];
  for (const day of sorted) {
    const run = runs.at(-1);
    if (run?.at(-1) === day - 1) run.push(day);
    else runs.push([day]);
  }
  return runs
    .flatMap((run) =>
      run.length > 2 ? [`${shortName(run[0])}-${shortName(run.at(-1))}`] : run.map(shortName),
    )
    .join(',');
}

/** `mon` or `Monday`. */
export function parseDay(text: string): Weekday | undefined {
  const lower = text.toLowerCase();
  const full = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
  const index = full.findIndex((day) => day === lower || day.slice(0, 3) === lower);
  return index < 0 ? undefined : ((index + 1) as Weekday);
}

export function dayAfter(day: Weekday): Weekday {
  return ((day % 7) + 1) as Weekday;
}

function weekMinute({ day, minute }: WeekPoint): number {
  return day * DAY_MINUTES + minute;
}

/** `Mon` */
export function shortName(day: Weekday | undefined): string {
  return day ? (DAYS[day - 1] ?? '') : '';
}

export function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}

/** When EventBridge Scheduler calls night-schedule for the transitions of a weekly schedule. */
import { DAY_MINUTES } from '#model/duration.ts';
import type { Weekday, WeeklyWindow, WeekPoint } from '#model/schedule.ts';

export interface ScheduledTransition {
  /** `0800`: the wall-clock time, also the end of the schedule's name. */
  readonly time: string;
  /** `cron(0 8 ? * MON-FRI *)`, to be read in the schedule's zone. */
  readonly expression: string;
}

const NAMES = { 1: 'MON', 2: 'TUE', 3: 'WED', 4: 'THU', 5: 'FRI', 6: 'SAT', 7: 'SUN' } as const;

/** One transition per time of day at which the cluster starts or stops on some day, in the order of the day. */
export function transitionsOf(windows: readonly WeeklyWindow[]): readonly ScheduledTransition[] {
  const starts = new Set(windows.map((window) => positionOf(window.start)));
  const ends = new Set(windows.map((window) => positionOf(window.end)));
  // Where one window ends as another begins, nothing changes.
  const positions = [...new Set([...starts, ...ends])].filter((at) => !(starts.has(at) && ends.has(at)));

  const days = new Map<number, Weekday[]>();
  for (const position of positions.sort((a, b) => a - b)) {
    const minute = position % DAY_MINUTES;
    const day = (Math.floor(position / DAY_MINUTES) + 1) as Weekday;
    days.set(minute, [...(days.get(minute) ?? []), day]);
  }
  return [...days]
    .sort(([a], [b]) => a - b)
    .map(([minute, weekdays]) => ({
      time: `${String(Math.floor(minute / 60)).padStart(2, '0')}${String(minute % 60).padStart(2, '0')}`,
      expression: `cron(${minute % 60} ${Math.floor(minute / 60)} ? * ${daysOf(weekdays)} *)`,
    }));
}

/** Minutes since Monday 00:00; the end of Sunday is the beginning of Monday. */
function positionOf(point: WeekPoint): number {
  return ((point.day - 1) * DAY_MINUTES + point.minute) % (7 * DAY_MINUTES);
}

/** `MON-FRI`, `MON,WED`, `*`. */
function daysOf(weekdays: readonly Weekday[]): string {
  if (weekdays.length === 7) return '*';
  const runs: Weekday[][] = [];
  for (const day of weekdays) {
    const run = runs.at(-1);
    if (run?.at(-1) === day - 1) run?.push(day);
    else runs.push([day]);
  }
  return runs
    .map((run) => {
      const names = run.map((day) => NAMES[day]);
      return names.length > 2 ? `${names[0]}-${names.at(-1)}` : names.join(',');
    })
    .join(',');
}

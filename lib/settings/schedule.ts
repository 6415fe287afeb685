/** From a schedule of the config to the one that the functions follow: parsed windows, an expanded calendar. */
import type { CalendarConfig, NightshiftConfig, ScheduleConfig } from '#model/config.ts';
import { formatDate, parseDate } from '#model/date.ts';
import { DAY_MS } from '#model/duration.ts';
import { windowsOn } from '#model/occurrence.ts';
import { ownValue } from '#model/own-value.ts';
import { parseWindows } from '#model/parse-windows.ts';
import type { ExpandedCalendar, Schedule } from '#model/schedule.ts';
import { expandedUntil, holidaysOf } from '../holidays.ts';

/** A window that is open when the settings are computed can have started this many days ago. */
const PAST_DAYS = 8;

/** The schedule of that name, with parsed windows and an expanded calendar. */
export function scheduleOf(config: NightshiftConfig, name: string, now: Date): Schedule {
  const written = ownValue(config.schedules, name);
  if (!written) throw new RangeError(`no schedule "${name}": load the config with loadConfig first`);
  const weekly = weeklyOf(name, written);
  const calendar = written.calendar ? ownValue(config.calendars, written.calendar) : undefined;
  return written.calendar && calendar
    ? { ...weekly, calendar: expandCalendar(weekly, written.calendar, calendar, now) }
    : weekly;
}

function weeklyOf(name: string, written: ScheduleConfig): Schedule {
  const up = written.up.flatMap((text) => {
    const parsed = parseWindows(text);
    if ('problem' in parsed) throw new RangeError(`${text}: ${parsed.problem}`);
    return parsed.windows;
  });
  return { name, timeZone: written.timeZone, up };
}

/** Contains only days on which a window starts: other days have no start to skip. */
function expandCalendar(
  weekly: Schedule,
  name: string,
  calendar: CalendarConfig,
  now: Date,
): ExpandedCalendar {
  const since = firstOfMonth(new Date(now.getTime() - PAST_DAYS * DAY_MS));
  const open = (calendar.open ?? []).flatMap(datesOf).filter((date) => date >= since);
  const openDates = new Set(open);
  const counts = (date: number) =>
    date >= since && !openDates.has(date) && windowsOn(weekly, date).length > 0;

  const names = new Map<number, string>();
  for (const date of (calendar.closed ?? []).flatMap(datesOf))
    if (counts(date)) names.set(date, `closed day of calendar ${name}`);
  const firstYear = new Date(since * DAY_MS).getUTCFullYear();
  const lastYear = Number(expandedUntil(now).slice(0, 4));
  const years = Array.from({ length: lastYear - firstYear + 1 }, (_, index) => firstYear + index);
  const holidays = calendar.holidays ? holidaysOf(calendar.holidays, years, calendar.holidayKinds) : [];
  for (const holiday of holidays) if (counts(holiday.date)) names.set(holiday.date, holiday.name);

  const dates = new Map<string, string[]>();
  for (const [date, closed] of [...names].sort(([a], [b]) => a - b)) {
    dates.set(closed, [...(dates.get(closed) ?? []), formatDate(date)]);
  }
  return {
    name,
    closed: [...dates].map(([closed, days]) => ({ date: days.join(' '), name: closed })),
    open: [...openDates].sort((a, b) => a - b).map(formatDate),
    ...(calendar.holidays ? { until: expandedUntil(now) } : {}),
  };
}

/** Past days are dropped by whole months, so that the same config gives the same template on most days. */
function firstOfMonth(date: Date): number {
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) / DAY_MS;
}

/** `2026-12-29` or `2026-12-29/2027-01-03`, both ends included; checked when the config was loaded. */
function datesOf(text: string): number[] {
  const [first = '', last = first] = text.split('/');
  const from = parseDate(first);
  const to = parseDate(last);
  if (from === undefined || to === undefined) throw new RangeError(`${text} is not a date`);
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

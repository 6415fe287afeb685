import { parseWindows } from '#model/parse-windows.ts';
import type { ExpandedCalendar, Override, Schedule, WeeklyWindow } from '#model/schedule.ts';

export function windows(...texts: string[]): WeeklyWindow[] {
  return texts.flatMap((text) => {
    const parsed = parseWindows(text);
    if ('problem' in parsed) throw new Error(`${text}: ${parsed.problem}`);
    return parsed.windows;
  });
}

/** Tokyo, Monday to Friday from 08:00 to 22:00, unless said otherwise. */
export function aSchedule(
  given: Partial<Omit<Schedule, 'up'>> & { readonly up?: readonly string[] } = {},
): Schedule {
  return {
    name: 'office',
    timeZone: 'Asia/Tokyo',
    ...given,
    up: windows(...(given.up ?? ['Mon-Fri 08:00-22:00'])),
  };
}

export function aCalendar(given: Partial<ExpandedCalendar> = {}): ExpandedCalendar {
  return { name: 'japan', closed: [], open: [], ...given };
}

export function anOverride(given: Partial<Override> = {}): Override {
  return {
    id: 'o-1',
    state: 'awake',
    from: '2026-11-24T12:00:00.000Z',
    until: '2026-11-24T14:00:00.000Z',
    author: 'ana',
    reason: 'release',
    ...given,
  };
}

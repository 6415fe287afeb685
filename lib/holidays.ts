/** Public holidays by country code, expanded when the stack is synthesized: no function carries a calendar library. */
import Holidays from 'date-holidays';
import type { HolidayKind } from '#model/config.ts';
import { DAY_MS, HOUR_MS } from '#model/duration.ts';

/** Holidays are expanded to the end of the third year, counting this one. */
export const HOLIDAY_YEARS = 3;

export interface Holiday {
  /** Days since 1970-01-01. */
  readonly date: number;
  readonly name: string;
}

/** Whether the code exists: `JP`, `US-NY`, `DE-BY` … */
export function isHolidayCode(code: string): boolean {
  const [country = '', state, region] = code.split('-');
  const holidays = new Holidays();
  if (!Object.hasOwn(holidays.getCountries() ?? {}, country)) return false;
  if (state === undefined) return true;
  if (!Object.hasOwn(holidays.getStates(country) ?? {}, state)) return false;
  return region === undefined || Object.hasOwn(holidays.getRegions(country, state) ?? {}, region);
}

/** Existing codes, for suggestions: all countries, or the states of the given country. */
export function holidayCodes(country?: string): readonly string[] {
  const holidays = new Holidays();
  if (country === undefined) return Object.keys(holidays.getCountries() ?? {});
  return Object.keys(holidays.getStates(country) ?? {}).map((state) => `${country}-${state}`);
}

/** Days that date-holidays lists as public holidays, and that are worked: by country, its rules. */
const WORKED: Readonly<Record<string, readonly string[]>> = {
  // No holiday of the resolutions of the UAE cabinet since 2019.
  AE: ['1 Ramadan', '27 Rajab'],
  ET: ['1 Ramadan'],
};

/**
 * The holidays of the given kinds and years, by date. Half days are left out. A holiday of several days counts on each
 * of them.
 */
export function holidaysOf(
  code: string,
  years: readonly number[],
  kinds: readonly HolidayKind[] = ['public'],
): readonly Holiday[] {
  return years
    .flatMap((year) => daysOffIn(code, year))
    .filter(({ kind }) => kinds.includes(kind as HolidayKind))
    .map(({ date, name }) => ({ date, name }))
    .sort((a, b) => a.date - b.date);
}

interface DayOff extends Holiday {
  readonly kind: string;
}

/**
 * Computed once: a year takes some tens of milliseconds (equinoxes, moons), and the console asks for each environment
 * whenever it refreshes.
 */
const computed = new Map<string, readonly DayOff[]>();

function daysOffIn(code: string, year: number): readonly DayOff[] {
  const key = `${code} ${year}`;
  const found = computed.get(key) ?? computeDaysOff(code, year);
  computed.set(key, found);
  return found;
}

function computeDaysOff(code: string, year: number): readonly DayOff[] {
  const place = code.split('-') as [string];
  const english = new Holidays(...place).getHolidays(year, 'en');
  // Another instance: a query in another language changes the language of the instance permanently.
  return new Holidays(...place).getHolidays(year).flatMap((holiday) => {
    if (holiday.type === 'public' && WORKED[place[0]]?.includes(holiday.rule)) return [];
    const translated = english.find((other) => other.rule === holiday.rule && other.date === holiday.date);
    const name = nameOf(holiday.name, translated?.name);
    return datesOf(holiday).map((date) => ({ date, name, kind: holiday.type }));
  });
}

/** The last date for which holidays are expanded at `now`. */
export function expandedUntil(now: Date): string {
  return `${now.getUTCFullYear() + HOLIDAY_YEARS - 1}-12-31`;
}

/** A name that is not in Latin letters is followed by its English one. */
function nameOf(local: string, english: string | undefined): string {
  return english && english !== local && !/\p{Script=Latin}/u.test(local) ? `${local} / ${english}` : local;
}

/**
 * The full wall-clock dates of a holiday: none when it begins at noon. `date` is its start in local time. Two hours are
 * tolerated for a clock change. A remaining part of a day (the Turkish feasts last 3¾ and 4¾ days) is a working day.
 */
function datesOf(holiday: { date: string; start: Date; end: Date }): number[] {
  const hours = (holiday.end.getTime() - holiday.start.getTime()) / HOUR_MS;
  const first = Date.parse(`${holiday.date.slice(0, 10)}T00:00:00Z`) / DAY_MS;
  return Array.from({ length: Math.floor((hours + 2) / 24) }, (_, index) => first + index);
}

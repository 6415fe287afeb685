/** Calendar dates without a zone: ISO `YYYY-MM-DD`, or a count of days since 1970-01-01 for arithmetic. */
import { DAY_MS } from './duration.ts';
import type { Weekday } from './schedule.ts';

/** Days since 1970-01-01, or undefined where the text is not a date that exists (`2026-02-30`). */
export function parseDate(text: string): number | undefined {
  const days = Date.parse(`${text}T00:00:00Z`) / DAY_MS;
  return Number.isInteger(days) && formatDate(days) === text ? days : undefined;
}

export function formatDate(days: number): string {
  return new Date(days * DAY_MS).toISOString().slice(0, 10);
}

/** 1970-01-01 was a Thursday. */
export function weekdayOf(days: number): Weekday {
  return (((((days + 3) % 7) + 7) % 7) + 1) as Weekday;
}

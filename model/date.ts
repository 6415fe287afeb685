/** Calendar dates without a zone: ISO `YYYY-MM-DD`, or a count of days since 1970-01-01 for arithmetic. */
import type { Weekday } from './schedule.ts';

const DAY_MS = 86_400_000;

/** Days since 1970-01-01, or undefined where the text is not a date that exists (`2026-02-30`). */
export function parseDate(text: string): number | undefined {
  const days = Date.parse(`${text}T00:00:00Z`) / DAY_MS;
  return Number.isInteger(days) && formatDate(days) === text ? days : undefined;
}

export function formatDate(days: number): string {
  return new Date(days * DAY_MS).toISOString().slice(0, 10);
}

/** `2026-11-24T` by the count of days: most instants that are written down fall on a few days. */
const days = new Map<number, string>();
const DAYS_AT_MOST = 100;
const DIGITS = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'));

/** ISO 8601, UTC, as `toISOString` writes it. Throws RangeError where it is no date. */
export function isoOf(at: Date): string {
  const day = Math.floor(at.getTime() / DAY_MS);
  const ms = at.getTime() - day * DAY_MS;
  const seconds = Math.floor(ms / 1000);
  const [hour, minute] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return `${days.get(day) ?? dayText(day)}${DIGITS[hour]}:${DIGITS[minute]}:${DIGITS[seconds % 60]}.${String(ms % 1000).padStart(3, '0')}Z`;
}

function dayText(day: number): string {
  const text = new Date(day * DAY_MS).toISOString().slice(0, -'00:00:00.000Z'.length);
  if (days.size >= DAYS_AT_MOST) days.clear();
  days.set(day, text);
  return text;
}

/** 1970-01-01 was a Thursday. */
export function weekdayOf(days: number): Weekday {
  return (((((days + 3) % 7) + 7) % 7) + 1) as Weekday;
}

/**
 * The wall clock of an IANA zone. A wall time is counted in minutes since 1970-01-01T00:00 on that clock; an instant in
 * milliseconds since the epoch.
 */
import { fromEpochMilliseconds, toZonedDateTimeISO } from 'temporal-polyfill/fns/Instant';
import { create, toZonedDateTime } from 'temporal-polyfill/fns/PlainDateTime';
import { getTimeZoneTransition, offsetNanoseconds } from 'temporal-polyfill/fns/ZonedDateTime';
import { MINUTE_MS } from './duration.ts';

/** What the wall clock shows at an instant, rounded down to the minute. */
export function wallAt(timeZone: string, instant: number): number {
  return Math.floor((instant + offsetAt(timeZone, instant)) / MINUTE_MS);
}

/** The zone's offset from UTC at an instant, in milliseconds; positive east of Greenwich. */
export function offsetAt(timeZone: string, instant: number): number {
  return offsetNanoseconds(toZonedDateTimeISO(fromEpochMilliseconds(instant), timeZone)) / 1_000_000;
}

/** The first instant at which the wall clock shows `wall` or more: after the gap where `wall` does not exist. */
export function firstInstantOf(timeZone: string, wall: number): number {
  return instantOf(timeZone, wall, 'earlier');
}

/** The last instant at which the wall clock goes from before `wall` to `wall` or more: the second one where it repeats. */
export function lastInstantOf(timeZone: string, wall: number): number {
  return instantOf(timeZone, wall, 'later');
}

function instantOf(timeZone: string, wall: number, occurrence: 'earlier' | 'later'): number {
  const utc = new Date(wall * MINUTE_MS);
  const local = create(
    utc.getUTCFullYear(),
    utc.getUTCMonth() + 1,
    utc.getUTCDate(),
    utc.getUTCHours(),
    utc.getUTCMinutes(),
  );
  const found = toZonedDateTime(local, timeZone, { disambiguation: occurrence });
  if (found.hour === local.hour && found.minute === local.minute && found.day === local.day) {
    return found.epochMilliseconds;
  }
  // In a gap "earlier" falls before it and "later" behind it: the gap itself is the transition between.
  const gap = getTimeZoneTransition(found, occurrence === 'earlier' ? 'next' : 'previous');
  return (gap ?? found).epochMilliseconds;
}

/** The changes of the zone's offset in `(from, to]`, in order. */
export function offsetChanges(
  timeZone: string,
  from: number,
  to: number,
): { readonly at: number; readonly before: number; readonly after: number }[] {
  const changes: { at: number; before: number; after: number }[] = [];
  let zoned = toZonedDateTimeISO(fromEpochMilliseconds(from), timeZone);
  for (;;) {
    const before = offsetNanoseconds(zoned) / 1_000_000;
    const next = getTimeZoneTransition(zoned, 'next');
    if (!next || next.epochMilliseconds > to) return changes;
    changes.push({ at: next.epochMilliseconds, before, after: offsetNanoseconds(next) / 1_000_000 });
    zoned = next;
  }
}

/** Whether it is the exact IANA name of a place, or UTC. Abbreviations (`JST`) and bare offsets (`+09:00`) are refused. */
export function isTimeZone(name: string): boolean {
  if (name === 'UTC') return true;
  if (!/^[A-Z][A-Za-z0-9_+-]*(\/[A-Z][A-Za-z0-9_+-]*)+$/.test(name)) return false;
  const canonical = canonicalTimeZone(name);
  // A link (Asia/Kolkata) has another canonical name; the same name in other letters is a typing error.
  return canonical !== undefined && (canonical === name || canonical.toLowerCase() !== name.toLowerCase());
}

/** What the runtime calls the zone of that name or abbreviation; undefined where it knows none. */
export function canonicalTimeZone(name: string): string | undefined {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}

/** `2026-11-24 08:00` on the zone's wall clock. */
export function formatWall(timeZone: string, instant: number): string {
  return new Date(wallAt(timeZone, instant) * MINUTE_MS).toISOString().slice(0, 16).replace('T', ' ');
}

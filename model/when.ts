/** Times and durations as people write them on a command line. */
import { formatDate, parseDate, weekdayOf } from './date.ts';
import { DAY_MINUTES, MINUTE_MS, SECOND_MS } from './duration.ts';
import { missingInDuration, missingInTime, plainTyping, typedDuration, typedTime } from './typed-text.ts';
import { parseDay, shortName } from './window.ts';
import { firstInstantOf, isTimeZone, lastInstantOf, wallAt } from './zone.ts';

/** An instant in ms since the epoch, or a problem: words that complete `"…": <text>`. */
export type ParsedInstant =
  | {
      readonly at: number;
      /** A time of day that has passed today. */
      readonly isTomorrow?: true;
    }
  | { readonly problem: string };
export type ParsedDuration = { readonly ms: number } | { readonly problem: string };

export const UNTIL_EXAMPLES =
  '23:00, "tomorrow 09:00", "Mon 08:00", "2026-12-01 23:00" or 2026-12-01T23:00+09:00';
export const DURATION_EXAMPLES = '2h, 90m, 1h30m or 1d';

/**
 * A time with an offset or a zone is that instant; one without is read on the clock of `timeZone`. A time of day, or of
 * a weekday, is the next one that comes.
 */
export function parseUntil(text: string, now: Date, timeZone: string): ParsedInstant {
  const given = typedTime(text);
  const absolute = parseAbsolute(given);
  if (absolute) return absolute;

  const dated = /^(\d{4}-\d{2}-\d{2})[T ](\d{1,2}:\d{2})(?::00)?(?:\[([^\]]+)\])?$/.exec(given);
  if (dated) {
    const date = parseDate(dated[1] ?? '');
    const minute = parseClock(dated[2] ?? '');
    const zone = dated[3] ?? timeZone;
    if (date === undefined) return { problem: `the date ${dated[1]} does not exist` };
    if (minute === undefined) return { problem: `invalid time of day ${dated[2]}` };
    if (!isTimeZone(zone)) return { problem: `${zone} is not the IANA name of a time zone` };
    return { at: lastInstantOf(zone, date * DAY_MINUTES + minute) };
  }

  const relative = /^(?:(today|tomorrow|[a-z]{3,9}) )?(\d{1,2}:\d{2})$/i.exec(given);
  const minute = relative ? parseClock(relative[2] ?? '') : undefined;
  if (!relative || minute === undefined) return invalidTime(text);
  const day = relative[1]?.toLowerCase();
  const today = Math.floor(wallAt(timeZone, now.getTime()) / DAY_MINUTES);
  const on = (date: number) => lastInstantOf(timeZone, date * DAY_MINUTES + minute);
  if (day === 'today') return { at: on(today) };
  if (day === 'tomorrow') return { at: on(today + 1) };
  if (day === undefined)
    return on(today) > now.getTime() ? { at: on(today) } : { at: on(today + 1), isTomorrow: true };
  const weekday = parseDay(day);
  if (!weekday) return { problem: `invalid day "${relative[1]}": write ${UNTIL_EXAMPLES}` };
  const next = on(today + ((weekday - weekdayOf(today) + 7) % 7));
  return { at: next > now.getTime() ? next : on(today + 7) };
}

function invalidTime(text: string): { readonly problem: string } {
  return { problem: `invalid time: ${missingInTime(text) ?? `write ${UNTIL_EXAMPLES}`}` };
}

/** The start of a plan: an instant with its offset, or a day that begins at midnight in `timeZone`. */
export function parseFrom(text: string, timeZone: string, now: Date): ParsedInstant {
  const given = plainTyping(text);
  const absolute = parseAbsolute(given);
  if (absolute) return absolute;
  const date =
    parseDate(given) ?? namedDate(given, Math.floor(wallAt(timeZone, now.getTime()) / DAY_MINUTES));
  return date === undefined
    ? {
        problem:
          'invalid date: write one like 2026-12-24, today, tomorrow or Mon, or an instant like 2026-12-24T09:00+09:00',
      }
    : { at: firstInstantOf(timeZone, date * DAY_MINUTES) };
}

/** A weekday is the next one that comes, today included. */
function namedDate(name: string, today: number): number | undefined {
  const offset = ['yesterday', 'today', 'tomorrow'].indexOf(name.toLowerCase());
  if (offset >= 0) return today + offset - 1;
  const weekday = parseDay(name);
  return weekday && today + ((weekday - weekdayOf(today) + 7) % 7);
}

/** `2h`, `90m`, `1h30m`, `1d`, `2 hours`, `1.5h`; more than zero. */
export function parseDuration(text: string): ParsedDuration {
  const match = /^(?:(\d{1,5})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?$/.exec(typedDuration(text) ?? '');
  const [days = 0, hours = 0, minutes = 0] = (match?.slice(1) ?? []).map((part) => Number(part ?? 0));
  const ms = ((days * 24 + hours) * 60 + minutes) * MINUTE_MS;
  return match && ms > 0
    ? { ms }
    : { problem: `invalid duration: ${missingInDuration(text) ?? `write ${DURATION_EXAMPLES}`}` };
}

/** `2026-12-01T23:00+09:00`, with seconds or without; `Z` for UTC. */
function parseAbsolute(text: string): ParsedInstant | undefined {
  const match = /^(\d{4}-\d{2}-\d{2})[T ](\d{1,2}:\d{2})(?::(\d{2})(?:\.\d+)?)? ?(Z|[+-]\d{2}:?\d{2})$/i.exec(
    text,
  );
  if (!match) return undefined;
  const date = parseDate(match[1] ?? '');
  const minute = parseClock(match[2] ?? '');
  if (date === undefined) return { problem: `the date ${match[1]} does not exist` };
  if (minute === undefined) return { problem: `invalid time of day ${match[2]}` };
  const offset = offsetMinutes(match[4] ?? 'Z');
  if (offset === undefined) return { problem: `invalid offset from UTC ${match[4]}: write +09:00` };
  const seconds = Number(match[3] ?? 0);
  return { at: (date * DAY_MINUTES + minute - offset) * MINUTE_MS + seconds * SECOND_MS };
}

function offsetMinutes(text: string): number | undefined {
  if (text.toUpperCase() === 'Z') return 0;
  const hours = Number(text.slice(1, 3));
  const minutes = Number(text.slice(-2));
  if (hours > 14 || minutes > 59) return undefined;
  return (text.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}

/** Minutes since midnight; `24:00` is the end of the day. */
function parseClock(text: string): number | undefined {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  const minute = hours * 60 + minutes;
  return minutes < 60 && minute <= DAY_MINUTES ? minute : undefined;
}

/** `Thu 2026-12-24` */
export function formatDay(date: number): string {
  return `${shortName(weekdayOf(date))} ${formatDate(date)}`;
}

/**
 * The schedule expressions of EventBridge and EventBridge Scheduler: `cron(…)`, `rate(…)` and `at(…)`.
 * Daylight saving is that of Scheduler: a local time that does not exist is skipped, and one that repeats fires once.
 * Rules: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 */
import { Temporal } from 'temporal-polyfill';
import { AssemblyError } from './errors.ts';

/** The first time after `after` (ms since the epoch), or undefined where there is none. */
export type NextTime = (after: number) => number | undefined;

export interface ExpressionOptions {
  /** IANA zone in which `cron` and `at` are meant. */
  readonly timeZone: string;
  /** Where `rate` counts from, in ms since the epoch. */
  readonly from: number;
}

export function compileExpression(expression: string, options: ExpressionOptions): NextTime {
  const [, kind, body = ''] = /^(cron|rate|at)\((.*)\)$/.exec(expression) ?? [];
  if (kind === 'cron') return compileCron(body, expression, options.timeZone);
  if (kind === 'rate') return compileRate(body, expression, options.from);
  if (kind === 'at') return compileAt(body, expression, options.timeZone);
  throw new AssemblyError(`'${expression}' is not a schedule expression: cron(…), rate(…) or at(…) is`);
}

const UNITS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

function compileRate(body: string, expression: string, from: number): NextTime {
  const [, digits, unit, plural] = /^([1-9]\d*) (minute|hour|day)(s?)$/.exec(body) ?? [];
  if (!digits || !unit || (digits === '1') !== (plural === '')) {
    throw new AssemblyError(`'${expression}' is not a rate: write rate(1 minute) or rate(5 minutes)`);
  }
  const period = Number(digits) * UNITS[unit as keyof typeof UNITS];
  return (after) => from + (Math.floor((after - from) / period) + 1) * period;
}

function compileAt(body: string, expression: string, timeZone: string): NextTime {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(body)) {
    throw new AssemblyError(`'${expression}' is not a time: write at(2026-11-23T08:00:00)`);
  }
  const at = Temporal.PlainDateTime.from(body).toZonedDateTime(timeZone).epochMilliseconds;
  return (after) => (at > after ? at : undefined);
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
/** The longest time to the next date: from one leap day to the next, across a century. */
const HORIZON_DAYS = 366 * 9;

function compileCron(body: string, expression: string, timeZone: string): NextTime {
  const fields = body.trim().split(/\s+/);
  if (fields.length !== 6) {
    throw new AssemblyError(`'${expression}' has ${fields.length} fields; EventBridge's cron has 6`);
  }
  const [
    minuteField = '',
    hourField = '',
    dayField = '',
    monthField = '',
    weekdayField = '',
    yearField = '',
  ] = fields;
  if ((dayField === '?') === (weekdayField === '?')) {
    throw new AssemblyError(
      `'${expression}' must have ? in day-of-month or in day-of-week, and in one of them only`,
    );
  }
  const field = (text: string, low: number, high: number, names: readonly string[] = []) =>
    parseField(text, { low, high, names, base: 1, expression });
  const minutes = [...field(minuteField, 0, 59)].sort((a, b) => a - b);
  const hours = [...field(hourField, 0, 23)].sort((a, b) => a - b);
  const lastDay = dayField === 'L';
  const days = dayField === '?' || lastDay ? undefined : field(dayField, 1, 31);
  const months = field(monthField, 1, 12, MONTHS);
  // 1 is Sunday, as in EventBridge.
  const weekdays = weekdayField === '?' ? undefined : field(weekdayField, 1, 7, DAYS);
  const years = field(yearField, 1970, 2199);

  const onDate = (date: Temporal.PlainDate) =>
    years.has(date.year) &&
    months.has(date.month) &&
    (!lastDay || date.day === date.daysInMonth) &&
    (!days || days.has(date.day)) &&
    (!weekdays || weekdays.has((date.dayOfWeek % 7) + 1));

  return (after) => {
    let date = Temporal.Instant.fromEpochMilliseconds(after).toZonedDateTimeISO(timeZone).toPlainDate();
    // A day earlier: a repeated hour around midnight may already belong to the next date.
    date = date.subtract({ days: 1 });
    for (let tried = 0; tried < HORIZON_DAYS; tried++, date = date.add({ days: 1 })) {
      if (!onDate(date)) continue;
      let earliest: number | undefined;
      for (const hour of hours) {
        for (const minute of minutes) {
          const local = date.toPlainDateTime({ hour, minute });
          const zoned = local.toZonedDateTime(timeZone, { disambiguation: 'earlier' });
          if (!zoned.toPlainDateTime().equals(local)) continue;
          const at = zoned.epochMilliseconds;
          if (at > after && (earliest === undefined || at < earliest)) earliest = at;
        }
      }
      if (earliest !== undefined) return earliest;
    }
    return undefined;
  };
}

interface FieldRange {
  readonly low: number;
  readonly high: number;
  readonly names: readonly string[];
  /** The number of the first name. */
  readonly base: number;
  readonly expression: string;
}

function parseField(text: string, range: FieldRange): ReadonlySet<number> {
  const values = new Set<number>();
  const wrong = (part: string): never => {
    throw new AssemblyError(
      `'${range.expression}' contains '${part}', which the lab does not support: numbers from ${range.low} to ${range.high}, names, lists, ranges and steps are (and L for the last day of the month)`,
    );
  };
  const number = (word: string): number => {
    const named = range.names.indexOf(word.toUpperCase());
    const value = named >= 0 ? named + range.base : /^\d+$/.test(word) ? Number(word) : Number.NaN;
    return value >= range.low && value <= range.high ? value : wrong(word);
  };
  for (const part of text.split(',')) {
    const [span = '', step, ...rest] = part.split('/');
    if (rest.length > 0 || (step !== undefined && !/^[1-9]\d*$/.test(step))) wrong(part);
    const [first = '', last, ...more] = span.split('-');
    if (more.length > 0) wrong(part);
    const start = span === '*' ? range.low : number(first);
    const end = span === '*' || (step && last === undefined) ? range.high : number(last ?? first);
    const size = range.high - range.low + 1;
    // A range may wrap around, as FRI-MON does.
    const length = end >= start ? end - start : end - start + size;
    for (let offset = 0; offset <= length; offset += Number(step ?? 1)) {
      values.add(range.low + ((start - range.low + offset) % size));
    }
  }
  return values;
}

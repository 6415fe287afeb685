/** Words, times and numbers in the page's language and in the zone of an environment. */
import type { EnvironmentView } from '../environment-view.ts';
import { type Message, translate } from './messages.ts';
import { state } from './state.ts';

export function words(message: Message, values?: Readonly<Record<string, string | number>>): string {
  return translate(state.language, message, values);
}

const formats = new Map<string, Intl.DateTimeFormat>();

const KINDS = {
  long: { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' },
  day: { weekday: 'short', day: 'numeric', month: 'short' },
  weekdayClock: { weekday: 'short', hour: '2-digit', minute: '2-digit' },
  clock: { hour: '2-digit', minute: '2-digit' },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>;

function format(timeZone: string, kind: keyof typeof KINDS, instant: number): string {
  const key = `${state.language} ${kind} ${timeZone}`;
  const known =
    formats.get(key) ??
    new Intl.DateTimeFormat(state.language === 'ja' ? 'ja-JP' : 'en-GB', {
      ...KINDS[kind],
      timeZone,
      hourCycle: 'h23',
    });
  formats.set(key, known);
  return known.format(instant);
}

type Zoned = Pick<EnvironmentView, 'timeZone'>;

/** `Tue 24 Nov, 22:00` */
export function local({ timeZone }: Zoned, instant: string | number): string {
  return format(timeZone, 'long', new Date(instant).getTime());
}

/** `22:00`, with the weekday where it is not today. */
export function near(view: Pick<EnvironmentView, 'timeZone' | 'now'>, instant: string): string {
  const at = Date.parse(instant);
  const isToday = day(view, at) === day(view, Date.parse(view.now));
  return format(view.timeZone, isToday ? 'clock' : 'weekdayClock', at);
}

export function clock({ timeZone }: Zoned, instant: number): string {
  return format(timeZone, 'clock', instant);
}

/** `Tue 24 Nov` */
export function day({ timeZone }: Zoned, instant: number): string {
  return format(timeZone, 'day', instant);
}

/** `Tokyo` of `Asia/Tokyo`. */
export function zoneOf({ timeZone }: Zoned): string {
  return (timeZone.split('/').at(-1) ?? timeZone).replaceAll('_', ' ');
}

/** Measured with the clock of AWS: the time of the last view, plus the time since it arrived. */
export function remaining(view: EnvironmentView, instant: string): string {
  const elapsed = performance.now() - (state.receivedAt.get(view.name) ?? performance.now());
  const minutes = Math.max(0, Math.ceil((Date.parse(instant) - Date.parse(view.now) - elapsed) / 60_000));
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return words('daysHours', { d: Math.floor(hours / 24), h: hours % 24 });
  return hours > 0 ? words('hoursMinutes', { h: hours, m: minutes % 60 }) : words('minutes', { m: minutes });
}

/** A recorded reason for people here: local times for instants, and short commits. */
export function readable(view: Zoned, text: string): string {
  return text
    .replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z/g, (instant) => local(view, instant))
    .replace(/\b[0-9a-f]{40}\b/g, (commit) => short(commit));
}

export function short(commit: string): string {
  return commit.slice(0, 7);
}

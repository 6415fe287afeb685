/** What decided whether a cluster should be up, and the sentences that people read about it. */
import { formatDate } from './date.ts';
import { DAY_MINUTES, MINUTE_MS } from './duration.ts';
import type { WindowOccurrence } from './occurrence.ts';
import { authorOf, type Desired, type Override, type Schedule, type SleepState } from './schedule.ts';
import { formatHours, formatWindows, lengthOf, siblingsOf } from './window.ts';
import { firstInstantOf, formatWall, lastInstantOf, wallAt } from './zone.ts';

export type Cause =
  | { readonly kind: 'override'; readonly override: Override }
  | { readonly kind: 'hours' | 'open-day' | 'closed-day'; readonly occurrence: WindowOccurrence }
  | { readonly kind: 'outside' };

export interface CausedTransition {
  readonly at: number;
  readonly cause: Cause;
  readonly schedule: Schedule;
  readonly occurrences: readonly WindowOccurrence[];
  readonly overrides: readonly Override[];
}

export function stateOf(cause: Cause): SleepState {
  if (cause.kind === 'override') return cause.override.state;
  return cause.kind === 'hours' || cause.kind === 'open-day' ? 'awake' : 'asleep';
}

export function sourceOf({ kind }: Cause): Desired['source'] {
  if (kind === 'override') return 'override';
  return kind === 'open-day' || kind === 'closed-day' ? 'calendar' : 'schedule';
}

/** Why the cluster should be as it is at `at`. */
export function reasonOf(cause: Cause, schedule: Schedule, at: number): string {
  switch (cause.kind) {
    case 'override':
      return overrideReason(cause.override, schedule, at);
    case 'hours':
      return hours(cause.occurrence, schedule);
    case 'open-day':
      return `${formatDate(cause.occurrence.date)} is an open day: ${hours(cause.occurrence, schedule)}`;
    case 'closed-day':
      return skippedStartReason(cause.occurrence);
    case 'outside':
      return `outside ${schedule.name} hours ${formatWindows(schedule.up)} (${schedule.timeZone})`;
  }
}

/** Why the state changes at `at`. */
export function transitionReasonOf(transition: CausedTransition): string {
  const { at, cause, schedule, overrides } = transition;
  if (cause.kind === 'override') return reasonOf(cause, schedule, at);
  const [ended] = overrides
    .filter(({ until }) => Date.parse(until) === at)
    .sort((a, b) => Date.parse(b.from) - Date.parse(a.from));
  return ended
    ? `the override by ${authorOf(ended)} ends; ${reasonOf(cause, schedule, at)}`
    : boundaryReason(transition);
}

export function skippedStartReason({ date, closed }: WindowOccurrence): string {
  return `closed on ${formatDate(date)}: ${closed}, the start is skipped`;
}

/** Hours begin or end just then, or go on into a closed day. */
function boundaryReason({ at, cause, schedule, occurrences }: CausedTransition): string {
  const reason = reasonOf(cause, schedule, at);
  const open = occurrences.filter(({ closed }) => closed === undefined);
  if (stateOf(cause) === 'awake') {
    const begun = open.find(({ start }) => start === at);
    if (!begun) return reason;
    const wall = begun.date * DAY_MINUTES + begun.window.start.minute;
    return `${reason} begin${clockNote(wall, at, schedule.timeZone)}`;
  }
  const ended = open.find(({ end }) => end === at);
  if (!ended || cause.kind === 'closed-day') return reason;
  const wall = ended.date * DAY_MINUTES + ended.window.start.minute + lengthOf(ended.window);
  return `${hours(ended, schedule)} end${clockNote(wall, at, schedule.timeZone)}`;
}

function hours({ opened, window }: WindowOccurrence, { name, timeZone, up }: Schedule): string {
  const text = opened ? formatHours(window) : formatWindows(siblingsOf(window, up));
  return `${name} hours ${text} (${timeZone})`;
}

function overrideReason(override: Override, { timeZone }: Schedule, at: number): string {
  const until = formatWall(timeZone, Date.parse(override.until));
  const today = formatWall(timeZone, at).slice(0, 10);
  const end = until.startsWith(today) ? until.slice(11) : until;
  const verb = override.state === 'awake' ? 'kept up' : 'put to sleep';
  return `${verb} by ${authorOf(override)} until ${end} (${timeZone}): ${override.reason}`;
}

/** A note where the clock is changed just then; empty on every other day. */
function clockNote(wall: number, at: number, timeZone: string): string {
  const time = new Date(wall * MINUTE_MS).toISOString().slice(11, 16);
  if (wallAt(timeZone, at) !== wall) return `; ${time} does not exist on this day, the clock is put forward`;
  const first = firstInstantOf(timeZone, wall);
  const last = lastInstantOf(timeZone, wall);
  if (first === last) return '';
  return `; ${time} comes twice on this day, this is the ${at === first ? 'first' : 'second'}`;
}

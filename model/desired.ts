/**
 * Whether a cluster should be up: a pure function of the instant, the schedule with its calendar, and the overrides.
 * Precedence: override > calendar > schedule.
 *
 * A window runs from the first instant at which the wall clock shows its start or more, to the last instant at which it
 * still showed less than its end. So a local time that does not exist means the first instant after the gap, and of a
 * repeated local time the cluster is up in both.
 */
import { formatDate, weekdayOf } from './date.ts';
import type {
  Desired,
  ExpandedCalendar,
  Override,
  Schedule,
  SleepState,
  Transition,
  WeeklyWindow,
} from './schedule.ts';
import { describeHours, describeWindows, lengthOf, siblingsOf } from './window.ts';
import { DAY_MINUTES, firstInstantOf, formatWall, lastInstantOf, wallAt } from './zone.ts';

/** How far `desiredAt` looks for the end of its answer, in days: in steps, because the next edge is mostly near. */
const HORIZONS = [2, 9, 62];
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** One turn of a weekly window, on the date (days since 1970) on which it starts. Instants in ms; `end` is not in it. */
export interface Turn {
  readonly date: number;
  readonly window: WeeklyWindow;
  readonly start: number;
  readonly end: number;
  /** The date is closed: this turn is skipped. */
  readonly closed?: string;
  /** The calendar opened this date against a holiday, or against the weekday. */
  readonly opened: boolean;
}

/** The reason is put into words only where somebody reads it. */
interface Answer extends Pick<Desired, 'state' | 'source'> {
  readonly because: () => string;
}

/** An answer that is the same at every instant of `[from, to)`, while just these overrides stand. */
interface Answered {
  readonly from: number;
  readonly to: number;
  readonly standing: readonly Override[];
  readonly answer: Desired;
}

/** What was found out about a schedule, which never changes, and is asked for every minute. */
interface Known {
  /** Minutes after midnight at which its first window starts, and its last one ends. */
  readonly earliest: number;
  readonly latest: number;
  /** By date. */
  readonly turns: Map<number, readonly Turn[]>;
  /** The last ones: about now, and about the next edge. */
  answers: readonly Answered[];
}

const known = new WeakMap<Schedule, Known>();
const TURNS_AT_MOST = 400;
const ANSWERS_AT_MOST = 2;

/** What the cluster should be at `now`, why, and until when. */
export function desiredAt(schedule: Schedule, now: Date, overrides: readonly Override[]): Desired {
  const at = now.getTime();
  const standing = overrides.filter((override) => Date.parse(override.until) > at);
  const facts = knownOf(schedule);
  const last = facts.answers.find((one) => one.from <= at && at < one.to && areSame(one.standing, standing));
  if (last) return last.answer;
  for (const days of HORIZONS) {
    const { answerAt, changes, edges } = timeline(schedule, at, at + days * DAY_MS, standing);
    // Only the first: the others are not even worked out.
    const next = changes().next().value;
    if (!next) continue;
    const answer = { ...inWords(answerAt(at)), until: new Date(next.at) };
    // The words of an override hold a date only where it is not today's.
    const words = answer.source === 'override' ? midnightAfter(schedule.timeZone, at) : next.at;
    const answered = { from: at, to: Math.min(words, ...edges), standing, answer };
    facts.answers = [answered, ...facts.answers.slice(0, ANSWERS_AT_MOST - 1)];
    return answer;
  }
  return inWords(timeline(schedule, at, at, standing).answerAt(at));
}

function knownOf(schedule: Schedule): Known {
  const found = known.get(schedule);
  if (found) return found;
  const facts: Known = {
    earliest: Math.min(...schedule.up.map(({ start }) => start.minute)),
    latest: Math.max(...schedule.up.map((window) => window.start.minute + lengthOf(window))),
    turns: new Map(),
    answers: [],
  };
  known.set(schedule, facts);
  return facts;
}

function areSame(a: readonly Override[], b: readonly Override[]): boolean {
  return a.length === b.length && a.every((override, index) => override === b[index]);
}

function midnightAfter(timeZone: string, at: number): number {
  const today = Math.floor(wallAt(timeZone, at) / DAY_MINUTES);
  return firstInstantOf(timeZone, (today + 1) * DAY_MINUTES);
}

/** The changes of state in `(from, to]`, in order. Adjacent windows make none between them. */
export function transitions(
  schedule: Schedule,
  from: Date,
  to: Date,
  overrides: readonly Override[] = [],
): Transition[] {
  const { changes, reasonOf } = timeline(schedule, from.getTime(), to.getTime(), overrides);
  return [...changes()].map(({ at, answer }) => ({
    at: new Date(at),
    to: answer.state,
    reason: reasonOf(at, answer),
    source: answer.source,
  }));
}

/** Every turn of a weekly window that touches `[from, to]`, also those that a closed day skips; by start. */
export function turnsBetween(schedule: Schedule, from: number, to: number): Turn[] {
  const { earliest, latest } = knownOf(schedule);
  // A day more on each side: no zone is a day from UTC.
  const first = Math.floor((from - latest * MINUTE_MS) / DAY_MS) - 1;
  const last = Math.floor((to - earliest * MINUTE_MS) / DAY_MS) + 1;
  const turns: Turn[] = [];
  for (let date = first; date <= last; date++) {
    for (const turn of turnsOn(schedule, date)) if (turn.end > from && turn.start <= to) turns.push(turn);
  }
  return turns.sort((a, b) => a.start - b.start || a.end - b.end);
}

/**
 * The windows that start on a date. An open date on which no weekly window starts, like a Saturday, takes those of the
 * nearest earlier weekday that has any, as long as they are no longer than a day.
 */
export function windowsOn(schedule: Schedule, date: number): readonly WeeklyWindow[] {
  const regular = startingOn(schedule, date);
  if (regular.length > 0 || !isOpen(schedule.calendar, date)) return regular;
  const daily = schedule.up.filter((window) => lengthOf(window) <= DAY_MINUTES);
  for (let back = 1; back < 7; back++) {
    const borrowed = daily.filter((window) => window.start.day === weekdayOf(date - back));
    if (borrowed.length > 0) return borrowed;
  }
  return [];
}

/** The name of what closes the date, or undefined on a day like any other. An open day is never closed. */
export function closedName(calendar: ExpandedCalendar | undefined, date: number): string | undefined {
  if (!calendar || isOpen(calendar, date)) return undefined;
  const iso = formatDate(date);
  return calendar.closed.find((day) => day.date.includes(iso))?.name;
}

function timeline(schedule: Schedule, from: number, to: number, overrides: readonly Override[]) {
  const turns = turnsBetween(schedule, from, to);
  const wishes = overrides
    .map((override) => ({ override, from: Date.parse(override.from), until: Date.parse(override.until) }))
    .sort((a, b) => a.from - b.from);

  const wishAt = (at: number) => wishes.findLast((wish) => wish.from <= at && at < wish.until)?.override;
  const turnAt = (at: number) => turns.find((turn) => !turn.closed && turn.start <= at && at < turn.end);
  const skippedAt = (at: number) => turns.find((turn) => turn.closed && turn.start <= at && at < turn.end);

  const answerAt = (at: number): Answer => {
    const wish = wishAt(at);
    if (wish) return { state: wish.state, because: () => wishReason(wish, schedule, at), source: 'override' };
    const turn = turnAt(at);
    if (turn?.opened)
      return { state: 'awake', because: () => openReason(turn, schedule), source: 'calendar' };
    if (turn) return { state: 'awake', because: () => hours(turn, schedule), source: 'schedule' };
    const skipped = skippedAt(at);
    if (skipped) return { state: 'asleep', because: () => closedReason(skipped), source: 'calendar' };
    return { state: 'asleep', because: () => outsideReason(schedule), source: 'schedule' };
  };

  /** Where the answer may change: in its reason, if not in its state. */
  const edges = [
    ...turns.flatMap((turn) => [turn.start, turn.end]),
    ...wishes.flatMap((wish) => [wish.from, wish.until]),
  ].filter((at) => at > from && at <= to);

  function* changes(): Generator<{ readonly at: number; readonly answer: Answer }, undefined> {
    let state: SleepState = answerAt(from).state;
    for (const at of [...new Set(edges)].sort((a, b) => a - b)) {
      const answer = answerAt(at);
      if (answer.state === state) continue;
      state = answer.state;
      yield { at, answer };
    }
    return undefined;
  }

  /** Why it changes just then. */
  const reasonOf = (at: number, answer: Answer): string => {
    if (answer.source === 'override') return answer.because();
    const ended = wishes.findLast((wish) => wish.until === at)?.override;
    return ended
      ? `the override by ${ended.author} ends; ${answer.because()}`
      : edgeReason(at, answer, turns, schedule);
  };
  return { answerAt, changes, reasonOf, edges };
}

function inWords({ state, source, because }: Answer): Pick<Desired, 'state' | 'reason' | 'source'> {
  return { state, reason: because(), source };
}

function turnsOn(schedule: Schedule, date: number): readonly Turn[] {
  const { turns } = knownOf(schedule);
  const found = turns.get(date);
  if (found) return found;
  if (turns.size >= TURNS_AT_MOST) turns.clear();
  const made = turnsOf(schedule, date);
  turns.set(date, made);
  return made;
}

function turnsOf(schedule: Schedule, date: number): Turn[] {
  const closed = closedName(schedule.calendar, date);
  const regular = startingOn(schedule, date);
  const opened = isOpen(schedule.calendar, date);
  return (opened ? windowsOn(schedule, date) : regular).flatMap((window) => {
    const wall = date * DAY_MINUTES + window.start.minute;
    const start = firstInstantOf(schedule.timeZone, wall);
    const end = lastInstantOf(schedule.timeZone, wall + lengthOf(window));
    // A window that falls into a gap as a whole does not take place.
    if (end <= start) return [];
    return [{ date, window, start, end, opened, ...(closed === undefined ? {} : { closed }) }];
  });
}

function startingOn(schedule: Schedule, date: number): WeeklyWindow[] {
  const weekday = weekdayOf(date);
  return schedule.up.filter((window) => window.start.day === weekday);
}

function isOpen(calendar: ExpandedCalendar | undefined, date: number): boolean {
  return calendar !== undefined && calendar.open.length > 0 && calendar.open.includes(formatDate(date));
}

// The sentences that people read.

function hours(turn: Turn, schedule: Schedule): string {
  const when = turn.opened
    ? describeHours(turn.window)
    : describeWindows(siblingsOf(turn.window, schedule.up));
  return `${schedule.name} hours ${when} (${schedule.timeZone})`;
}

function outsideReason(schedule: Schedule): string {
  return `outside ${schedule.name} hours ${describeWindows(schedule.up)} (${schedule.timeZone})`;
}

function openReason(turn: Turn, schedule: Schedule): string {
  return `${formatDate(turn.date)} is an open day: ${hours(turn, schedule)}`;
}

function closedReason(turn: Turn): string {
  return `closed on ${formatDate(turn.date)}: ${turn.closed}, the start is skipped`;
}

function wishReason(wish: Override, schedule: Schedule, at: number): string {
  const until = formatWall(schedule.timeZone, Date.parse(wish.until));
  const today = formatWall(schedule.timeZone, at).slice(0, 10);
  const end = until.startsWith(today) ? until.slice(11) : until;
  const deed = wish.state === 'awake' ? 'kept up' : 'put to sleep';
  return `${deed} by ${wish.author} until ${end} (${schedule.timeZone}): ${wish.reason}`;
}

function edgeReason(at: number, answer: Answer, turns: readonly Turn[], schedule: Schedule): string {
  if (answer.state === 'awake') {
    const turn = turns.find((other) => !other.closed && other.start === at);
    if (!turn) return answer.because();
    const wall = turn.date * DAY_MINUTES + turn.window.start.minute;
    return `${answer.because()} begin${clockNote(wall, at, schedule.timeZone)}`;
  }
  const turn = turns.find((other) => !other.closed && other.end === at);
  if (!turn || answer.source === 'calendar') return answer.because();
  const wall = turn.date * DAY_MINUTES + turn.window.start.minute + lengthOf(turn.window);
  return `${hours(turn, schedule)} end${clockNote(wall, at, schedule.timeZone)}`;
}

/** Says so where the clock is changed just then; empty on every other day. */
function clockNote(wall: number, at: number, timeZone: string): string {
  const time = new Date(wall * 60_000).toISOString().slice(11, 16);
  if (wallAt(timeZone, at) !== wall) return `; ${time} does not exist on this day, the clock is put forward`;
  const first = firstInstantOf(timeZone, wall);
  const last = lastInstantOf(timeZone, wall);
  if (first === last) return '';
  return `; ${time} comes twice on this day, this is the ${at === first ? 'first' : 'second'}`;
}

/** The data that says when a cluster is up. Plain JSON: synth writes it into a function's settings. */
import * as s from './record-schema.ts';

/** Monday is 1, Sunday is 7 (ISO 8601). */
export type Weekday = 1 | 2 | 3 | 4 | 5 | 6 | 7;

/** A point of the week on the wall clock. `minute` counts from 00:00; 1440 is the end of the day. */
export interface WeekPoint {
  readonly day: Weekday;
  readonly minute: number;
}

/** The cluster is up from `start` to `end`; `end` at or before `start` means that it ends in the following week. */
export interface WeeklyWindow {
  readonly start: WeekPoint;
  readonly end: WeekPoint;
}

/** Dates are ISO `YYYY-MM-DD` in the schedule's own time zone. */
export interface ExpandedCalendar {
  readonly name: string;
  /** No start on these dates; a stop is kept. Sorted. */
  readonly closed: readonly ClosedDay[];
  /** Dates that are worked although they are holidays. Sorted. */
  readonly open: readonly string[];
  /** The last date for which holidays were expanded; absent where the calendar has none to expand. */
  readonly until?: string;
}

export interface ClosedDay {
  /** One date, or several separated by spaces: a name that comes every year is stored once. */
  readonly date: string;
  readonly name: string;
}

export interface Schedule {
  readonly name: string;
  /** An IANA zone, for example `Asia/Tokyo`. */
  readonly timeZone: string;
  readonly up: readonly WeeklyWindow[];
  readonly calendar?: ExpandedCalendar;
}

export type SleepState = 'awake' | 'asleep';

/** `link`: a signed link. */
export type OverrideVia = 'link';

/** A person's request that outranks calendar and schedule until it ends. Persisted under `override | <id>`. */
export interface Override {
  readonly id: string;
  readonly state: SleepState;
  /** ISO 8601 instants, UTC. */
  readonly from: string;
  readonly until: string;
  readonly author: string;
  /** How it was requested, where not by the command line. */
  readonly via?: OverrideVia;
  /** A name that was typed: anybody can type any. */
  readonly label?: string;
  readonly reason: string;
}

export const overrideSchema: s.Schema<Override> = s.object({
  id: s.text,
  state: s.oneOf('awake', 'asleep'),
  from: s.instant,
  until: s.instant,
  author: s.text,
  via: s.optional(s.oneOf('link')),
  label: s.optional(s.text),
  reason: s.text,
});

/** `ana (link/k3v9x2)` */
export function authorOf({ author, label }: Pick<Override, 'author' | 'label'>): string {
  return label ? `${label} (${author})` : author;
}

/** Until it ends every capability decides and records, and changes nothing. Persisted under `override | pause`. */
export type Pause = Pick<Override, 'from' | 'until' | 'author' | 'reason'>;

export const pauseSchema: s.Schema<Pause> = s.object({
  from: s.instant,
  until: s.instant,
  author: s.text,
  reason: s.text,
});

/** Whether a cluster should be up at an instant. */
export interface Desired {
  readonly state: SleepState;
  readonly reason: string;
  /** What decided. */
  readonly source: 'override' | 'calendar' | 'schedule';
  /** When the desired state changes next. Absent where nothing changes it within 62 days. */
  readonly until?: Date;
}

export interface Transition {
  readonly at: Date;
  readonly to: SleepState;
  readonly reason: string;
  readonly source: Desired['source'];
}

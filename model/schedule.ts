/** The data that says when a cluster is up. Plain JSON: synth writes it into a function's settings. */
import { DAY_MS } from './duration.ts';
import { isPlainText } from './plain-text.ts';
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

/**
 * `link`: a signed link. `sign-in`: one, behind a load balancer that says who signed in. `kubectl`: the ConfigMap
 * `nightshift/keep-up` of the cluster. `doorbell`: the page of a sleeping application. `chat`: a button in a chat.
 */
export type OverrideVia = 'link' | 'sign-in' | 'kubectl' | 'doorbell' | 'chat';

/** A person's request that outranks calendar and schedule until it ends. Persisted under `override | <id>`. */
export interface Override {
  readonly id: string;
  readonly state: SleepState;
  /** ISO 8601 instants, UTC. */
  readonly from: string;
  readonly until: string;
  /**
   * Who AWS says it was, `assumed-role/Developer/ana`; or `branch-deploy`; or the signed link, `link/k3v9x2`; or the verified
   * address of whoever signed in; or `kubectl`.
   */
  readonly author: string;
  /** How it was requested, where not by the command line. */
  readonly via?: OverrideVia;
  /** A name that was typed: anybody can type any. */
  readonly label?: string;
  readonly reason: string;
}

/** An override never lasts longer: who needs more changes the schedule. */
export const LONGEST_OVERRIDE_DAYS = 7;
/** Characters of a reason and of a typed name. */
export const TEXT_LIMIT = 200;
/** The name of an IAM user may be preceded by a path of 512 characters. */
const AUTHOR_LIMIT = 600;

/** What the command line refuses is refused here as well: whoever can write to the table gets no further with it. */
const REQUESTED = {
  from: s.instant,
  until: s.instant,
  author: textUpTo(AUTHOR_LIMIT),
  via: s.optional(s.oneOf('link', 'sign-in', 'kubectl', 'doorbell', 'chat')),
  label: s.optional(textUpTo(TEXT_LIMIT)),
  reason: textUpTo(TEXT_LIMIT),
};

export const overrideSchema: s.Schema<Override> = s.object(
  { ...REQUESTED, id: textUpTo(TEXT_LIMIT), state: s.oneOf('awake', 'asleep') },
  ({ from, until }) => Date.parse(until) - Date.parse(from) <= LONGEST_OVERRIDE_DAYS * DAY_MS,
);

/** Of one line that shows itself as it is. */
function textUpTo(limit: number): s.Schema<string> {
  return s.both(s.text, (value) => value.length <= limit && isPlainText(value));
}

/** `ana (assumed-role/Developer/ana.smith)`; by kubectl, where nobody verifies the name: `kubectl: ana, unverified` */
export function authorOf({ author, via, label }: Pick<Override, 'author' | 'via' | 'label'>): string {
  if (via === 'kubectl') return `kubectl: ${label ?? 'no name'}, unverified`;
  return label ? `${label} (${author})` : author;
}

/** Until it ends every capability decides and records, and changes nothing. Persisted under `override | pause`. */
export type Pause = Omit<Override, 'id' | 'state'>;

export const pauseSchema: s.Schema<Pause> = s.object(REQUESTED);

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

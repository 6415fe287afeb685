/**
 * Whether a cluster should be up: a pure function of the instant, the schedule with its calendar, and the overrides.
 * Precedence: override > calendar > schedule.
 */
import { type Cause, reasonOf, sourceOf, stateOf, transitionReasonOf } from './desired-reason.ts';
import { DAY_MS } from './duration.ts';
import { occurrencesBetween, type WindowOccurrence } from './occurrence.ts';
import { effectiveOverride } from './override.ts';
import type { Desired, Override, Schedule, Transition } from './schedule.ts';

/** How far `desiredAt` searches for the next transition, in days: in steps, because it is mostly near. */
const HORIZONS = [2, 9, 62];

/** What the cluster should be at `now`, why, and until when. */
export function desiredAt(schedule: Schedule, now: Date, overrides: readonly Override[]): Desired {
  const at = now.getTime();
  let next: { readonly at: number } | undefined;
  let occurrences: readonly WindowOccurrence[] = [];
  for (const days of HORIZONS) {
    const timeline = timelineOf(schedule, at, at + days * DAY_MS, overrides);
    occurrences = timeline.occurrences;
    [next] = changesBetween(timeline);
    if (next) break;
  }
  const cause = causeAt(at, occurrences, overrides);
  return {
    state: stateOf(cause),
    reason: reasonOf(cause, schedule, at),
    source: sourceOf(cause),
    ...(next ? { until: new Date(next.at) } : {}),
  };
}

/** The changes of state in `(from, to]`, in order. Adjacent windows make none between them. */
export function transitions(
  schedule: Schedule,
  from: Date,
  to: Date,
  overrides: readonly Override[] = [],
): Transition[] {
  const timeline = timelineOf(schedule, from.getTime(), to.getTime(), overrides);
  return changesBetween(timeline).map(({ at, cause }) => ({
    at: new Date(at),
    to: stateOf(cause),
    reason: transitionReasonOf({ at, cause, schedule, ...timeline }),
    source: sourceOf(cause),
  }));
}

interface Timeline {
  readonly from: number;
  readonly to: number;
  readonly occurrences: readonly WindowOccurrence[];
  readonly overrides: readonly Override[];
}

function timelineOf(schedule: Schedule, from: number, to: number, overrides: readonly Override[]): Timeline {
  return { from, to, occurrences: occurrencesBetween(schedule, from, to), overrides };
}

/** Where the state changes in `(from, to]`, and what causes it. */
function changesBetween({ from, to, occurrences, overrides }: Timeline) {
  const candidates = [
    ...occurrences.flatMap(({ start, end }) => [start, end]),
    ...overrides.flatMap((override) => [Date.parse(override.from), Date.parse(override.until)]),
  ].filter((at) => at > from && at <= to);
  const changes: { readonly at: number; readonly cause: Cause }[] = [];
  let state = stateOf(causeAt(from, occurrences, overrides));
  for (const at of [...new Set(candidates)].sort((a, b) => a - b)) {
    const cause = causeAt(at, occurrences, overrides);
    if (stateOf(cause) === state) continue;
    state = stateOf(cause);
    changes.push({ at, cause });
  }
  return changes;
}

/** What decides at an instant. `occurrences` are at least those that contain it. */
function causeAt(
  at: number,
  occurrences: readonly WindowOccurrence[],
  overrides: readonly Override[],
): Cause {
  const override = effectiveOverride(overrides, new Date(at));
  if (override) return { kind: 'override', override };
  const containing = occurrences.filter(({ start, end }) => start <= at && at < end);
  const occurrence = containing.find(({ closed }) => closed === undefined);
  if (occurrence) return { kind: occurrence.opened ? 'open-day' : 'hours', occurrence };
  const [skipped] = containing;
  return skipped ? { kind: 'closed-day', occurrence: skipped } : { kind: 'outside' };
}

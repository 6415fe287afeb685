/** The last 24 hours and the next: what was planned, what was observed of each group, and what happened. Pure. */
import type { Decision } from '#model/decision.ts';
import { desiredAt, transitions } from '#model/desired.ts';
import { HOUR_MS, MINUTE_MS } from '#model/duration.ts';
import type { Override, Schedule } from '#model/schedule.ts';
import type { EnvironmentData } from './environment-data.ts';

/** Instants are ISO 8601. */
export interface DayView {
  readonly from: string;
  readonly to: string;
  readonly planned: readonly TimelineSpan[];
  /** The observed states of each group, up to now. */
  readonly groups: readonly GroupView[];
  /** Deploys, drains and failures, oldest first. */
  readonly marks: readonly TimelineMark[];
}

export interface GroupView {
  readonly name: string;
  /** Saved while it sleeps. */
  readonly nodes?: number;
  readonly spans: readonly TimelineSpan[];
}

export interface TimelineSpan {
  readonly from: string;
  readonly to: string;
  /** `unknown`: nothing was observed. */
  readonly state: 'awake' | 'asleep' | 'starting' | 'stopping' | 'unknown';
  readonly reason: string;
  /** What decided a planned span. */
  readonly source?: 'override' | 'calendar' | 'schedule';
}

export interface TimelineMark {
  readonly at: string;
  readonly kind: 'deploy' | 'drain' | 'failure';
  readonly target: string;
  readonly reason: string;
}

/** night-schedule stores when it last ran every few minutes only. */
const SEEN_MS = 10 * MINUTE_MS;

export function dayOf(schedule: Schedule, overrides: readonly Override[], data: EnvironmentData): DayView {
  const { now, night, decisions, ledger } = data;
  const from = new Date(now.getTime() - 24 * HOUR_MS);
  const to = new Date(now.getTime() + 24 * HOUR_MS);
  const observed = decisions.filter(
    ({ capability, action, dryRun, paused }) =>
      capability === 'night-schedule' && STATE_AFTER[action] !== undefined && !dryRun && !paused,
  );
  const names = new Set([
    ...night.saved.map(({ group }) => group),
    ...observed.map(({ target }) => target),
    ...ledger.map(({ group }) => group),
  ]);
  return {
    from: from.toISOString(),
    to: to.toISOString(),
    planned: plannedOf(schedule, overrides, from, to),
    groups: [...names].sort().map((name) => groupOf(name, observed, data, from)),
    marks: marksOf(decisions, from),
  };
}

/** A span ends when its state changes, or its source: schedule, calendar or override. */
function plannedOf(
  schedule: Schedule,
  overrides: readonly Override[],
  from: Date,
  to: Date,
): readonly TimelineSpan[] {
  const changes = [
    from.getTime(),
    ...transitions(schedule, from, to, overrides).map(({ at }) => at.getTime()),
    ...transitions(schedule, from, to).map(({ at }) => at.getTime()),
    ...overrides.flatMap((one) => [Date.parse(one.from), Date.parse(one.until)]),
  ].filter((at) => at >= from.getTime() && at < to.getTime());
  const spans: TimelineSpan[] = [];
  for (const at of [...new Set(changes)].sort((a, b) => a - b)) {
    const { state, reason, source } = desiredAt(schedule, new Date(at), overrides);
    const start = new Date(at).toISOString();
    const last = spans.pop();
    if (last?.state === state && last.source === source) spans.push(last);
    else
      spans.push(...(last ? [{ ...last, to: start }] : []), {
        from: start,
        to: to.toISOString(),
        state,
        reason,
        source,
      });
  }
  return spans;
}

/** The state of a group after a decision with this action. */
const STATE_AFTER: Partial<Record<Decision['action'], TimelineSpan['state']>> = {
  stop: 'stopping',
  'confirm-stop': 'asleep',
  start: 'starting',
  'confirm-start': 'awake',
};
const STATE_BEFORE: Partial<Record<Decision['action'], TimelineSpan['state']>> = {
  stop: 'awake',
  'confirm-stop': 'stopping',
  start: 'asleep',
  'confirm-start': 'starting',
};

function groupOf(
  name: string,
  observed: readonly Decision[],
  { now, night }: EnvironmentData,
  from: Date,
): GroupView {
  const saved = night.saved.find(({ group }) => group === name);
  const own = observed.filter(
    ({ target, time }) =>
      target === name && Date.parse(time) > from.getTime() && Date.parse(time) <= now.getTime(),
  );
  // What was not confirmed by a pass since then is not known.
  const seen = night.seenAt === undefined ? undefined : Date.parse(night.seenAt) + SEEN_MS;
  const until = new Date(Math.min(now.getTime(), seen ?? lastOf(own) ?? from.getTime()));
  const spans = spansOf(own, from, until, stateBefore(own[0], saved, night.state));
  const nodes = saved?.size.desired;
  return {
    name,
    ...(nodes === undefined ? {} : { nodes }),
    spans: withUnknown(spans, until, now),
  };
}

function lastOf(decisions: readonly Decision[]): number | undefined {
  const last = decisions.at(-1);
  return last && Date.parse(last.time);
}

/** The state at the beginning of the range, and since when it is known. */
function stateBefore(
  first: Decision | undefined,
  saved: EnvironmentData['night']['saved'][number] | undefined,
  state: EnvironmentData['night']['state'],
): { readonly state: TimelineSpan['state']; readonly since?: string } {
  const before = first && STATE_BEFORE[first.action];
  if (before) return { state: before };
  if (saved?.phase === 'asleep' || saved?.phase === 'zeroed')
    return { state: 'asleep', since: saved.asleepSince ?? saved.since };
  if (!saved && state?.phase === 'awake') return { state: 'awake', since: state.since };
  return { state: 'unknown' };
}

function spansOf(
  decisions: readonly Decision[],
  from: Date,
  to: Date,
  before: { readonly state: TimelineSpan['state']; readonly since?: string },
): readonly TimelineSpan[] {
  let state = before.state;
  let reason = state === 'unknown' ? NOT_OBSERVED : 'since before the range shown';
  let start = from.toISOString();
  const spans: TimelineSpan[] = [];
  if (before.since !== undefined && Date.parse(before.since) > from.getTime()) {
    spans.push({ from: start, to: before.since, state: 'unknown', reason: NOT_OBSERVED });
    start = before.since;
    reason = 'as last observed';
  }
  for (const decision of decisions) {
    spans.push({ from: start, to: decision.time, state, reason });
    state = STATE_AFTER[decision.action] ?? state;
    reason = decision.reason;
    start = decision.time;
  }
  if (Date.parse(start) < to.getTime()) spans.push({ from: start, to: to.toISOString(), state, reason });
  return spans;
}

const NOT_OBSERVED = 'nothing was observed';

function withUnknown(spans: readonly TimelineSpan[], until: Date, now: Date): readonly TimelineSpan[] {
  if (until.getTime() >= now.getTime()) return spans;
  const from = spans.at(-1)?.to ?? until.toISOString();
  return [...spans, { from, to: now.toISOString(), state: 'unknown', reason: NOT_OBSERVED }];
}

function marksOf(decisions: readonly Decision[], from: Date): readonly TimelineMark[] {
  return decisions.flatMap((decision) => {
    const kind = markOf(decision);
    if (!kind || Date.parse(decision.time) <= from.getTime()) return [];
    const { time, target, reason } = decision;
    return [{ at: time, kind, target, reason }];
  });
}

/** The drains of the nightly stop are the stop itself. */
function markOf({ action, nightlyStop, paused }: Decision): TimelineMark['kind'] | undefined {
  if (paused) return undefined;
  if (action === 'fail') return 'failure';
  if (action === 'deployed' || action === 'unverified') return 'deploy';
  return action === 'drain' && !nightlyStop ? 'drain' : undefined;
}

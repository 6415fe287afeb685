/** The view of one environment: computed here, so that the page only renders it. Pure. */

import type { ApplicationRecord } from '#functions/branch-deploy/record.ts';
import type { LedgerEntry } from '#functions/night-schedule/records.ts';
import type { AnnouncedChange } from '#functions/spot-drain/announced-changes.ts';
import type { Decision } from '#model/decision.ts';
import { desiredAt, transitions } from '#model/desired.ts';
import { DAY_MS, HOUR_MS } from '#model/duration.ts';
import { isPaused } from '#model/pause.ts';
import type { Override, Schedule, SleepState } from '#model/schedule.ts';
import type { Night } from '../cloud.ts';
import { formatPause, isActive } from '../override.ts';
import { sumSavings } from '../savings.ts';
import type { NamedEnvironment } from '../select-environments.ts';
import { DRY_RUN } from '../text.ts';

const HORIZON_MS = 62 * DAY_MS;
export const SAVINGS_DAYS = 30;
const MAX_DECISIONS = 60;
const MAX_DRAINS = 6;

export interface EnvironmentView {
  readonly name: string;
  readonly cluster: string;
  readonly account: string;
  readonly region: string;
  readonly production: boolean;
  /** Overrides are possible: it has a schedule and is not production. */
  readonly overridable: boolean;
  readonly timeZone: string;
  /** ISO 8601, the time of AWS. */
  readonly now: string;
  /** Why the environment is unreachable. */
  readonly error?: string;
  /** What limits the plan and actions shown: a dry run, a config that is not deployed. */
  readonly hints: readonly string[];
  readonly phase: 'awake' | 'stopping' | 'asleep' | 'starting' | 'unknown' | 'never-stopped';
  readonly since?: string;
  /** The reason of the phase. */
  readonly reason: string;
  readonly desired?: { readonly state: SleepState; readonly reason: string };
  readonly next?: { readonly at: string; readonly to: SleepState; readonly reason: string };
  readonly override?: Override;
  readonly day?: DayView;
  readonly deploys: readonly DeployView[];
  readonly drains: readonly DrainView[];
  readonly savings?: SavingsView;
  /** Newest first. */
  readonly decisions: readonly Decision[];
}

/** The last 24 hours and the next. Instants are ISO 8601. */
export interface DayView {
  readonly from: string;
  readonly to: string;
  readonly planned: readonly TimelineSpan[];
  /** The observed states of each group, up to now. */
  readonly groups: readonly {
    readonly name: string;
    readonly nodes?: number;
    readonly spans: readonly TimelineSpan[];
  }[];
}

export interface TimelineSpan {
  readonly from: string;
  readonly to: string;
  readonly state: 'awake' | 'asleep' | 'starting' | 'stopping';
  readonly reason: string;
  /** What decided a planned span. */
  readonly source?: 'override' | 'calendar' | 'schedule';
}

export interface DeployView {
  readonly application: string;
  readonly state:
    | 'deployed'
    | 'unverified'
    | 'failed'
    | 'suspended'
    | 'superseded'
    | 'waiting'
    | 'syncing'
    | 'none';
  readonly text: string;
  readonly commit?: string;
  readonly at?: string;
}

export interface DrainView {
  readonly node: string;
  readonly action: string;
  readonly at: string;
  readonly reason: string;
}

export interface SavingsView {
  readonly days: number;
  readonly nodeHours: number;
  readonly money?: number;
  readonly currency?: string;
}

/** What was read of one environment. */
export interface EnvironmentData {
  readonly now: Date;
  readonly night: Night;
  readonly decisions: readonly Decision[];
  readonly ledger: readonly LedgerEntry[];
  readonly applications: readonly ApplicationRecord[];
  readonly announced: readonly AnnouncedChange[];
  /** Settings that the config has changed since the deploy; undefined when the deployed ones cannot be read. */
  readonly changed?: readonly string[];
}

export function viewOf(
  named: NamedEnvironment,
  schedule: Schedule | undefined,
  data: EnvironmentData,
): EnvironmentView {
  const { environment } = named;
  const { now, night, decisions, ledger, applications } = data;
  const base = {
    ...headOf(named, schedule, now),
    hints: hintsOf(named, data, schedule?.timeZone ?? 'UTC'),
    deploys: applications.map((record) => deployOf(record, decisions)),
    drains: [...data.announced.map(announcedOf), ...drainsOf(decisions)],
    decisions: decisions.toReversed().slice(0, MAX_DECISIONS),
  };
  if (!schedule) {
    return {
      ...base,
      phase: 'never-stopped',
      reason: environment.production ? 'production is never stopped, only drained' : 'no schedule',
    };
  }
  const override = night.override && isActive(night.override, now) ? night.override : undefined;
  const overrides = override ? [override] : [];
  const desired = desiredAt(schedule, now, overrides);
  const next = transitions(schedule, now, new Date(now.getTime() + HORIZON_MS), overrides)[0];
  const savings = savingsOf(named, ledger);
  const current = environment.dryRun ? night.dryRun : night.state;
  return {
    ...base,
    phase: current?.phase ?? 'unknown',
    reason: current?.reason ?? 'not observed yet: night-schedule has not run since it was deployed',
    desired: { state: desired.state, reason: desired.reason },
    day: dayOf(schedule, overrides, data),
    ...(current ? { since: current.since } : {}),
    ...(next ? { next: { at: next.at.toISOString(), to: next.to, reason: next.reason } } : {}),
    ...(override ? { override } : {}),
    ...(savings ? { savings } : {}),
  };
}

/** The view of an unreachable environment: its name and the error. */
export function unreachableView(
  named: NamedEnvironment,
  schedule: Schedule | undefined,
  now: Date,
  error: string,
): EnvironmentView {
  return {
    ...headOf(named, schedule, now),
    error,
    hints: [],
    phase: 'unknown',
    reason: 'unreachable',
    deploys: [],
    drains: [],
    decisions: [],
  };
}

function hintsOf(
  { name, environment }: NamedEnvironment,
  { now, night, changed = [] }: EnvironmentData,
  timeZone: string,
): readonly string[] {
  return [
    ...(isPaused(night.pause, now) ? [`Nothing is changed: ${formatPause(night.pause, timeZone)}.`] : []),
    ...(night.retiredSince
      ? [`Retired since ${night.retiredSince}: night-schedule does nothing until the stack is removed.`]
      : []),
    ...(environment.dryRun ? [`${DRY_RUN} decisions are recorded, and carried out by nobody.`] : []),
    ...(changed.length > 0
      ? [
          `The config has changed since the deploy (${changed.join(', ')}): this plan takes effect with cdk deploy Nightshift-${name}.`,
        ]
      : []),
  ];
}

function headOf({ name, environment }: NamedEnvironment, schedule: Schedule | undefined, now: Date) {
  return {
    name,
    cluster: environment.cluster,
    account: environment.account,
    region: environment.region,
    production: environment.production ?? false,
    overridable: !environment.production && schedule !== undefined,
    timeZone: schedule?.timeZone ?? 'UTC',
    now: now.toISOString(),
  };
}

function dayOf(schedule: Schedule, overrides: readonly Override[], data: EnvironmentData): DayView {
  const { now, night, decisions, ledger } = data;
  const from = new Date(now.getTime() - 24 * HOUR_MS);
  const to = new Date(now.getTime() + 24 * HOUR_MS);
  const observed = decisions.filter(
    ({ capability, action, paused }) =>
      capability === 'night-schedule' && STATE_AFTER[action] !== undefined && !paused,
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
    groups: [...names].sort().map((name) => {
      const nodes = night.saved.find(({ group }) => group === name)?.size?.desired;
      const asleepNow = night.saved.some(({ group }) => group === name);
      const own = observed.filter(({ target }) => target === name);
      return {
        name,
        ...(typeof nodes === 'number' ? { nodes } : {}),
        spans: spansOf(own, from, now, asleepNow),
      };
    }),
  };
}

/** A span ends when its state changes, or its source: schedule, calendar or override. */
function plannedOf(
  schedule: Schedule,
  overrides: readonly Override[],
  from: Date,
  to: Date,
): readonly TimelineSpan[] {
  const marks = [
    from.getTime(),
    ...transitions(schedule, from, to, overrides).map(({ at }) => at.getTime()),
    ...transitions(schedule, from, to).map(({ at }) => at.getTime()),
    ...overrides.flatMap((one) => [Date.parse(one.from), Date.parse(one.until)]),
  ].filter((at) => at >= from.getTime() && at < to.getTime());
  const spans: TimelineSpan[] = [];
  for (const at of [...new Set(marks)].sort((a, b) => a - b)) {
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

function spansOf(
  decisions: readonly Decision[],
  from: Date,
  to: Date,
  asleepNow: boolean,
): readonly TimelineSpan[] {
  const inside = decisions.filter(
    ({ time }) => Date.parse(time) > from.getTime() && Date.parse(time) <= to.getTime(),
  );
  const first = inside[0];
  let state: TimelineSpan['state'] =
    (first && STATE_BEFORE[first.action]) ?? (asleepNow ? 'asleep' : 'awake');
  let reason = 'since before the range shown';
  let start = from.toISOString();
  const spans: TimelineSpan[] = [];
  for (const decision of inside) {
    spans.push({ from: start, to: decision.time, state, reason });
    state = STATE_AFTER[decision.action] ?? state;
    reason = decision.reason;
    start = decision.time;
  }
  spans.push({ from: start, to: to.toISOString(), state, reason });
  return spans;
}

function deployOf(record: ApplicationRecord, decisions: readonly Decision[]): DeployView {
  const application = record.name;
  const lastReason = decisions.findLast(
    ({ capability, target }) => capability === 'branch-deploy' && target === application,
  )?.reason;
  const [waiting] = record.requested.toReversed();
  if (waiting) {
    const syncing = record.attempt !== undefined;
    return {
      application,
      state: syncing ? 'syncing' : 'waiting',
      text: lastReason ?? (syncing ? 'sync requested' : 'waiting'),
      at: record.attempt?.requestedAt ?? waiting.recordedAt,
      ...(waiting.sha ? { commit: waiting.sha } : {}),
    };
  }
  const settled = Object.values(record.newest)
    .filter((build) => build.outcome !== undefined)
    .sort((a, b) => (a.settledAt ?? '').localeCompare(b.settledAt ?? ''))
    .at(-1);
  if (!settled?.outcome) return { application, state: 'none', text: 'no build deployed yet' };
  return {
    application,
    state: settled.outcome,
    text: lastReason ?? `build ${settled.number} of ${settled.project}`,
    ...(settled.sha ? { commit: settled.sha } : {}),
    ...(settled.settledAt ? { at: settled.settledAt } : {}),
  };
}

const SHOWN_DRAINS: readonly Decision['action'][] = ['cordon', 'drain', 'uncordon', 'replace', 'fail'];

/** The latest action of each node, newest first. */
function announcedOf({ node, instanceId, startsAt, drainAt }: AnnouncedChange): DrainView {
  return {
    node: node ?? instanceId,
    action: 'announced',
    at: startsAt,
    reason: `AWS changes the instance ${instanceId} then; its node is drained from ${drainAt} on`,
  };
}

function drainsOf(decisions: readonly Decision[]): readonly DrainView[] {
  const latest = new Map<string, DrainView>();
  for (const { capability, action, target, time, reason, paused } of decisions) {
    if (paused || capability !== 'spot-drain' || !SHOWN_DRAINS.includes(action)) continue;
    latest.delete(target);
    latest.set(target, { node: target, action, at: time, reason });
  }
  return [...latest.values()].reverse().slice(0, MAX_DRAINS);
}

function savingsOf(named: NamedEnvironment, ledger: readonly LedgerEntry[]): SavingsView | undefined {
  if (ledger.length === 0) return undefined;
  const groups = sumSavings(named, ledger, false);
  const total = (of: (one: (typeof groups)[number]) => number) =>
    groups.reduce((all, one) => all + of(one), 0);
  const currency = groups.find((one) => one.currency !== undefined)?.currency;
  return {
    days: SAVINGS_DAYS,
    nodeHours: total((one) => one.nodeHoursSaved),
    ...(currency ? { money: total((one) => one.money ?? 0), currency } : {}),
  };
}

/** What the page shows of one environment: worked out here, so that the page only draws. Pure. */
import type { ApplicationRecord } from '#functions/branch-deploy/record.ts';
import type { LedgerEntry } from '#functions/night-schedule/records.ts';
import type { Decision } from '#model/decision.ts';
import { desiredAt, transitions } from '#model/desired.ts';
import type { Override, Schedule, SleepState } from '#model/schedule.ts';
import type { Night } from '../cloud.ts';
import type { Named } from '../environments.ts';
import { isStanding } from '../override.ts';
import { sum } from '../savings.ts';

const HOUR_MS = 3_600_000;
const HORIZON_MS = 62 * 24 * HOUR_MS;
export const SAVINGS_DAYS = 30;
const MOST_DECISIONS = 60;
const MOST_DRAINS = 6;

export interface EnvironmentView {
  readonly name: string;
  readonly cluster: string;
  readonly account: string;
  readonly region: string;
  readonly production: boolean;
  /** Buttons are shown: it has a schedule and is no production. */
  readonly steerable: boolean;
  readonly timeZone: string;
  /** ISO 8601, as AWS says it. */
  readonly now: string;
  /** Why nothing, or not everything, could be asked. */
  readonly error?: string;
  /** What people should know although everything was answered. */
  readonly notices: readonly string[];
  readonly phase: 'awake' | 'stopping' | 'asleep' | 'starting' | 'unknown' | 'never-stopped';
  readonly since?: string;
  /** Why it is as it is. */
  readonly reason: string;
  readonly wanted?: { readonly state: SleepState; readonly reason: string };
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
  readonly planned: readonly Span[];
  /** Per group, up to now: what was observed of it. */
  readonly groups: readonly {
    readonly name: string;
    readonly nodes?: number;
    readonly spans: readonly Span[];
  }[];
}

export interface Span {
  readonly from: string;
  readonly to: string;
  readonly state: 'awake' | 'asleep' | 'starting' | 'stopping';
  readonly reason: string;
  /** What decided a planned span. */
  readonly source?: 'override' | 'calendar' | 'schedule';
}

export interface DeployView {
  readonly application: string;
  readonly state: 'deployed' | 'failed' | 'suspended' | 'superseded' | 'waiting' | 'syncing' | 'nothing yet';
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

export interface Seen {
  readonly now: Date;
  readonly night: Night;
  readonly decisions: readonly Decision[];
  readonly ledger: readonly LedgerEntry[];
  readonly records: readonly ApplicationRecord[];
  /** Settings that the config says differently than the deployed function; undefined where nobody could tell. */
  readonly changed?: readonly string[];
}

export function viewOf(named: Named, schedule: Schedule | undefined, seen: Seen): EnvironmentView {
  const { environment } = named;
  const { now, night, decisions, ledger, records } = seen;
  const base = {
    ...headOf(named, schedule, now),
    notices: noticesOf(named, seen),
    deploys: records.map((record) => deployOf(record, decisions)),
    drains: drainsOf(decisions),
    decisions: decisions.toReversed().slice(0, MOST_DECISIONS),
  };
  if (!schedule) {
    return {
      ...base,
      phase: 'never-stopped',
      reason: environment.production ? 'production is only drained, and never stopped' : 'it has no schedule',
    };
  }
  const override = night.override && isStanding(night.override, now) ? night.override : undefined;
  const overrides = override ? [override] : [];
  const wanted = desiredAt(schedule, now, overrides);
  const next = transitions(schedule, now, new Date(now.getTime() + HORIZON_MS), overrides)[0];
  const savings = savingsOf(named, ledger);
  return {
    ...base,
    phase: night.state?.phase ?? 'unknown',
    reason: night.state?.reason ?? 'nothing was observed yet: the function has not run since it was deployed',
    wanted: { state: wanted.state, reason: wanted.reason },
    day: dayOf(schedule, overrides, seen),
    ...(night.state ? { since: night.state.since } : {}),
    ...(next ? { next: { at: next.at.toISOString(), to: next.to, reason: next.reason } } : {}),
    ...(override ? { override } : {}),
    ...(savings ? { savings } : {}),
  };
}

/** Where the environment could not be asked: its name, and why. */
export function troubleView(
  named: Named,
  schedule: Schedule | undefined,
  now: Date,
  error: string,
): EnvironmentView {
  return {
    ...headOf(named, schedule, now),
    error,
    notices: [],
    phase: 'unknown',
    reason: 'it could not be asked',
    deploys: [],
    drains: [],
    decisions: [],
  };
}

function noticesOf({ name, environment }: Named, { changed = [] }: Seen): readonly string[] {
  return [
    ...(changed.length > 0
      ? [
          `The config has changed since the deploy (${changed.join(', ')}): what is planned here comes with cdk deploy Nightshift-${name}.`,
        ]
      : []),
    ...(environment.dryRun ? ['This is a dry run: it decides and reports, and changes nothing.'] : []),
  ];
}

function headOf({ name, environment }: Named, schedule: Schedule | undefined, now: Date) {
  return {
    name,
    cluster: environment.cluster,
    account: environment.account,
    region: environment.region,
    production: environment.production ?? false,
    steerable: !environment.production && schedule !== undefined,
    timeZone: schedule?.timeZone ?? 'UTC',
    now: now.toISOString(),
  };
}

function dayOf(schedule: Schedule, overrides: readonly Override[], seen: Seen): DayView {
  const { now, night, decisions, ledger } = seen;
  const from = new Date(now.getTime() - 24 * HOUR_MS);
  const to = new Date(now.getTime() + 24 * HOUR_MS);
  const observed = decisions.filter(
    ({ capability, action }) => capability === 'night-schedule' && STATE_AFTER[action] !== undefined,
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

/** A span ends where the state changes, and where somebody else decides it. */
function plannedOf(
  schedule: Schedule,
  overrides: readonly Override[],
  from: Date,
  to: Date,
): readonly Span[] {
  const marks = [
    from.getTime(),
    ...transitions(schedule, from, to, overrides).map(({ at }) => at.getTime()),
    ...transitions(schedule, from, to).map(({ at }) => at.getTime()),
    ...overrides.flatMap((one) => [Date.parse(one.from), Date.parse(one.until)]),
  ].filter((at) => at >= from.getTime() && at < to.getTime());
  const spans: Span[] = [];
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

/** What a group is after such a decision. */
const STATE_AFTER: Partial<Record<Decision['action'], Span['state']>> = {
  stop: 'stopping',
  'confirm-stop': 'asleep',
  start: 'starting',
  'confirm-start': 'awake',
};
const STATE_BEFORE: Partial<Record<Decision['action'], Span['state']>> = {
  stop: 'awake',
  'confirm-stop': 'stopping',
  start: 'asleep',
  'confirm-start': 'starting',
};

function spansOf(decisions: readonly Decision[], from: Date, to: Date, asleepNow: boolean): readonly Span[] {
  const inside = decisions.filter(
    ({ time }) => Date.parse(time) > from.getTime() && Date.parse(time) <= to.getTime(),
  );
  const first = inside[0];
  let state: Span['state'] = (first && STATE_BEFORE[first.action]) ?? (asleepNow ? 'asleep' : 'awake');
  let reason = 'since before this day';
  let start = from.toISOString();
  const spans: Span[] = [];
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
  const said = decisions.findLast(
    ({ capability, target }) => capability === 'branch-deploy' && target === application,
  )?.reason;
  const [waiting] = record.requested.toReversed();
  if (waiting) {
    const syncing = record.attempt !== undefined;
    return {
      application,
      state: syncing ? 'syncing' : 'waiting',
      text: said ?? (syncing ? 'Argo CD was asked to sync' : 'it waits'),
      at: record.attempt?.requestedAt ?? waiting.recordedAt,
      ...(waiting.sha ? { commit: waiting.sha } : {}),
    };
  }
  const settled = Object.values(record.newest)
    .filter((build) => build.outcome !== undefined)
    .sort((a, b) => (a.settledAt ?? '').localeCompare(b.settledAt ?? ''))
    .at(-1);
  if (!settled?.outcome) return { application, state: 'nothing yet', text: 'no build was deployed yet' };
  return {
    application,
    state: settled.outcome,
    text: said ?? `build ${settled.number} of ${settled.project}`,
    ...(settled.sha ? { commit: settled.sha } : {}),
    ...(settled.settledAt ? { at: settled.settledAt } : {}),
  };
}

const SHOWN_DRAINS: readonly Decision['action'][] = ['cordon', 'drain', 'uncordon', 'replace', 'fail'];

/** The latest of each node, newest first. */
function drainsOf(decisions: readonly Decision[]): readonly DrainView[] {
  const latest = new Map<string, DrainView>();
  for (const { capability, action, target, time, reason } of decisions) {
    if (capability !== 'spot-drain' || !SHOWN_DRAINS.includes(action)) continue;
    latest.delete(target);
    latest.set(target, { node: target, action, at: time, reason });
  }
  return [...latest.values()].reverse().slice(0, MOST_DRAINS);
}

function savingsOf(named: Named, ledger: readonly LedgerEntry[]): SavingsView | undefined {
  if (ledger.length === 0) return undefined;
  const groups = sum(named, ledger, false);
  const total = (of: (one: (typeof groups)[number]) => number) =>
    groups.reduce((all, one) => all + of(one), 0);
  const currency = groups.find((one) => one.currency !== undefined)?.currency;
  return {
    days: SAVINGS_DAYS,
    nodeHours: total((one) => one.nodeHoursSaved),
    ...(currency ? { money: total((one) => one.money ?? 0), currency } : {}),
  };
}

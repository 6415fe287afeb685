/** The view of one environment: computed here, so that the page only renders it. Pure. */

import type { ApplicationRecord } from '#functions/branch-deploy/record.ts';
import type { CountedEntry } from '#functions/night-schedule/running-night.ts';
import type { AnnouncedChange } from '#functions/spot-drain/announced-changes.ts';
import { readyPhaseOf } from '#lib/settings/night-schedule.ts';
import type { Decision } from '#model/decision.ts';
import { desiredAt, transitions } from '#model/desired.ts';
import { DAY_MS } from '#model/duration.ts';
import { isPaused } from '#model/pause.ts';
import type { Override, Schedule, SleepState } from '#model/schedule.ts';
import { formatPause, isActive } from '../override.ts';
import { sumSavings } from '../savings.ts';
import type { NamedEnvironment } from '../select-environments.ts';
import { DRY_RUN } from '../text.ts';
import { type DayView, dayOf } from './day-view.ts';
import type { EnvironmentData } from './environment-data.ts';
import { type FailureView, failuresOf } from './failures.ts';
import { type Preset, presetsOf } from './presets.ts';
import { type PromiseView, promiseOf } from './promise-view.ts';

const HORIZON_MS = 62 * DAY_MS;
export const SAVINGS_DAYS = 30;
const MAX_DECISIONS = 60;
const MAX_DRAINS = 20;

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
  /** Ends that an override may have, at a press. */
  readonly presets: readonly Preset[];
  /** Newest first. */
  readonly failures: readonly FailureView[];
  readonly day?: DayView;
  readonly deploys: readonly DeployView[];
  readonly drains: readonly DrainView[];
  readonly savings?: SavingsView;
  /** Absent where nothing was promised. */
  readonly promise?: PromiseView;
  /** Newest first. */
  readonly decisions: readonly Decision[];
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
  /** A node of a group that the schedule stops. */
  readonly nightly: boolean;
}

export interface SavingsView {
  readonly days: number;
  /** Each date of the range, oldest first. */
  readonly daily: readonly { readonly date: string; readonly nodeHours: number }[];
  readonly nodeHours: number;
  readonly money?: number;
  readonly currency?: string;
  /** A group sleeps now: the figures grow. */
  readonly running?: true;
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
    failures: failuresOf(decisions),
    presets: schedule && !environment.production ? presetsOf(schedule, now) : [],
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
  const promise = promiseOf(night.mornings, readyPhaseOf(environment));
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
    ...(promise ? { promise } : {}),
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
    failures: [],
    presets: [],
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

function announcedOf({ node, instanceId, startsAt, drainAt }: AnnouncedChange): DrainView {
  return {
    node: node ?? instanceId,
    action: 'announced',
    at: startsAt,
    reason: `AWS changes the instance ${instanceId} then; its node is drained from ${drainAt} on`,
    nightly: false,
  };
}

/** The latest action of each node, newest first. */
function drainsOf(decisions: readonly Decision[]): readonly DrainView[] {
  const latest = new Map<string, DrainView>();
  for (const { capability, action, target, time, reason, nightlyStop, paused } of decisions) {
    if (paused || capability !== 'spot-drain' || !SHOWN_DRAINS.includes(action)) continue;
    latest.delete(target);
    latest.set(target, { node: target, action, at: time, reason, nightly: Boolean(nightlyStop) });
  }
  const newest = [...latest.values()].reverse();
  const of = (nightly: boolean) => newest.filter((drain) => drain.nightly === nightly).slice(0, MAX_DRAINS);
  return [...of(false), ...of(true)];
}

function savingsOf(named: NamedEnvironment, ledger: readonly CountedEntry[]): SavingsView | undefined {
  if (ledger.length === 0) return undefined;
  const groups = sumSavings(named, ledger, false);
  const total = (of: (one: (typeof groups)[number]) => number) =>
    groups.reduce((all, one) => all + of(one), 0);
  const currency = groups.find((one) => one.currency !== undefined)?.currency;
  return {
    days: SAVINGS_DAYS,
    daily: dailyOf(named, ledger),
    nodeHours: total((one) => one.nodeHoursSaved),
    ...(currency ? { money: total((one) => one.money ?? 0), currency } : {}),
    ...(groups.some(({ running }) => running) ? { running: true as const } : {}),
  };
}

function dailyOf(named: NamedEnvironment, ledger: readonly CountedEntry[]): SavingsView['daily'] {
  const byDate = new Map<string, number>();
  for (const { date = '', nodeHoursSaved } of sumSavings(named, ledger, true))
    byDate.set(date, (byDate.get(date) ?? 0) + nodeHoursSaved);
  return [...byDate]
    .map(([date, nodeHours]) => ({ date, nodeHours }))
    .sort((a, b) => a.date.localeCompare(b.date));
}

/**
 * Plans the sample day: which events happen and when, from the config's schedules and calendars, in their time zones.
 *
 * It starts shortly before an evening stop, covers the night, the morning start and a working day, and ends after the
 * second stop, or after a start that a holiday skips if the calendar has one.
 */
import { settingsOf } from '#lib/settings/settings.ts';
import type { BuildConfig, NightshiftConfig } from '#model/config.ts';
import { transitions } from '#model/desired.ts';
import { occurrencesBetween, type WindowOccurrence } from '#model/occurrence.ts';
import type { Schedule, Transition } from '#model/schedule.ts';

export type DayEvent = { readonly at: Date; readonly environment: string } & (
  | { readonly kind: 'merge'; readonly build: BuildConfig; readonly asleep: boolean }
  | { readonly kind: 'interruption' | 'refused-call' }
  | { readonly kind: 'holiday'; readonly reason: string }
  | { readonly kind: 'production-merge'; readonly repository: string; readonly branch: string }
  | { readonly kind: 'pull-request' | 'tag' | 'failed-build'; readonly build: BuildConfig }
);

export interface DayPlan {
  /** The time from which the calendars are expanded, as at synth. */
  readonly plannedAt: Date;
  readonly start: Date;
  readonly end: Date;
  /** Time zone of the reference environment: the first one with a schedule. */
  readonly timeZone: string;
  /** The start that a holiday skips in the reference environment. */
  readonly skipped?: { readonly at: Date; readonly reason: string };
  /** Somebody needs the reference environment although it sleeps, so that the day ends with a cluster that is awake. */
  readonly wake?: { readonly at: Date; readonly environment: string };
  /** Somebody who works late opens the link of the warning, in the first environment that has links. */
  readonly press?: { readonly at: Date; readonly environment: string };
  /** In chronological order. */
  readonly events: readonly DayEvent[];
  /** The ends of the working days: every group must have its original size then. */
  readonly sizeChecks: readonly { readonly at: Date; readonly environment: string }[];
}

export interface EnvironmentPlan {
  readonly name: string;
  readonly production: boolean;
  readonly schedule?: Schedule;
  readonly builds: readonly BuildConfig[];
}

const MINUTE = 60_000;
const DAY = 86_400_000;
/** How far ahead to search: a day with a holiday may be a year away. */
const HORIZON_DAYS = { plain: 15, calendar: 370 };
/** Before the first stop and after the last event, in minutes. */
const LEAD_IN = 15;
const LEAD_OUT = 45;
/** After the last event: the stop is confirmed by then. */
const WAKE_AFTER = 25;
/** Minutes before the stop at which somebody presses the button of the page. */
const PRESS_BEFORE = 10;
const SHORTEST_NIGHT = 240;
/** When events happen, as fractions of the working day. */
const FRACTIONS = { interruption: 0.1, merge: 0.25, production: 0.4, refused: 0.5 };

export function planDay(config: NightshiftConfig, now: Date): DayPlan {
  const environments = environmentPlans(config, now);
  const reference = environments.find((environment) => environment.schedule);
  const span = reference?.schedule
    ? spanOf(reference.schedule, warnMinutesOf(config, reference.name), now)
    : { start: nextHour(now), end: new Date(nextHour(now).getTime() + DAY), work: undefined };
  const awake = (environment: EnvironmentPlan) => workOf(environment, span);
  const events = [
    ...environments.flatMap((environment) => interruption(environment, awake(environment))),
    ...nightMerge(environments, span),
    ...environments.flatMap((environment) => dayMerge(environment, awake(environment))),
    ...productionMerge(config, environments, awake),
    ...refusedBuilds(environments, awake),
    ...refusedCall(reference, span),
    ...holiday(reference, span),
  ].sort((a, b) => a.at.getTime() - b.at.getTime());
  return {
    plannedAt: now,
    start: span.start,
    end: span.end,
    timeZone: reference?.schedule?.timeZone ?? 'UTC',
    ...(span.skipped ? { skipped: span.skipped } : {}),
    ...(reference && span.work
      ? {
          wake: {
            at: new Date(span.end.getTime() - (LEAD_OUT - WAKE_AFTER) * MINUTE),
            environment: reference.name,
          },
        }
      : {}),
    ...pressOf(config, environments, span),
    events,
    sizeChecks: environments.flatMap((environment) => {
      const work = environment.schedule && awake(environment);
      return work ? [{ at: new Date(work.to), environment: environment.name }] : [];
    }),
  };
}

/** Between the warning and the stop, where the night is so much longer than an hour that the stop still comes. */
function pressOf(
  config: NightshiftConfig,
  environments: readonly EnvironmentPlan[],
  span: Span,
): Pick<DayPlan, 'press'> {
  for (const { name, schedule } of environments) {
    const environment = config.environments[name];
    if (!schedule || !environment || environment.production) continue;
    const { selfService, notify, dryRun } = environment;
    if (!selfService?.links || selfService.signIn || !notify?.warning || dryRun) continue;
    const changes = transitions(schedule, span.start, span.end);
    const stop = changes.find((change) => change.to === 'asleep');
    const start = changes.find((change) => change.to === 'awake' && stop && change.at > stop.at);
    const before = Math.min(PRESS_BEFORE, Math.floor(warnMinutesOf(config, name) / 2));
    if (!stop || !start || before < 1) continue;
    if (start.at.getTime() - stop.at.getTime() < SHORTEST_NIGHT * MINUTE) continue;
    return { press: { at: new Date(stop.at.getTime() - before * MINUTE), environment: name } };
  }
  return {};
}

export function environmentPlans(config: NightshiftConfig, now: Date): readonly EnvironmentPlan[] {
  return Object.entries(config.environments).map(([name, environment]) => {
    const settings = settingsOf(config, name, now);
    return {
      name,
      production: environment.production ?? false,
      ...(settings.nightSchedule ? { schedule: settings.nightSchedule.schedule } : {}),
      builds: environment.deploy?.builds ?? [],
    };
  });
}

/** The branch for production's manual rollouts: `main`, unless branch-deploy deploys `main` to an environment. */
export function productionBranch(config: NightshiftConfig): string {
  const bound = new Set(
    Object.values(config.environments).flatMap((environment) =>
      (environment.deploy?.builds ?? []).map((build) => build.branch),
    ),
  );
  return ['main', 'production', 'release'].find((branch) => !bound.has(branch)) ?? 'rollout';
}

interface Interval {
  readonly from: number;
  readonly to: number;
}

interface Span {
  readonly start: Date;
  readonly end: Date;
  /** The working day of the reference environment. */
  readonly work: Interval | undefined;
  readonly skipped?: { readonly at: Date; readonly reason: string };
}

function warnMinutesOf(config: NightshiftConfig, name: string): number {
  const environment = config.environments[name];
  return environment?.production ? 0 : (environment?.warnMinutes ?? 30);
}

/** The shortest span with a stop, a start, a stop and a skipped start; without a holiday: to the second stop. */
function spanOf(schedule: Schedule, warnMinutes: number, now: Date): Span {
  const days = schedule.calendar ? HORIZON_DAYS.calendar : HORIZON_DAYS.plain;
  const until = new Date(now.getTime() + days * DAY);
  const changes = transitions(schedule, now, until);
  const skips = occurrencesBetween(schedule, now.getTime(), until.getTime()).filter(
    (occurrence): occurrence is WindowOccurrence & { closed: string } => occurrence.closed !== undefined,
  );
  const withSkip = skips.flatMap(({ start, closed }) => {
    const night = nightBefore(changes, start);
    return night ? [{ ...night, end: start, skipped: { at: new Date(start), reason: closed } }] : [];
  });
  const plain = changes.flatMap((change) => {
    const night = change.to === 'asleep' ? nightBefore(changes, change.at.getTime() + 1) : undefined;
    return night ? [{ ...night, end: change.at.getTime(), skipped: undefined }] : [];
  });
  const candidates = withSkip.length > 0 ? withSkip : plain;
  const [chosen] = candidates.sort((a, b) => a.end - a.stop - (b.end - b.stop) || a.stop - b.stop);
  if (!chosen) {
    // The schedule never stops, or never starts again: take the next 24 hours.
    const start = nextHour(now);
    return { start, end: new Date(start.getTime() + DAY), work: undefined };
  }
  return {
    start: new Date(chosen.stop - (warnMinutes + LEAD_IN) * MINUTE),
    end: new Date(chosen.end + LEAD_OUT * MINUTE),
    work: chosen.work,
    ...(chosen.skipped ? { skipped: chosen.skipped } : {}),
  };
}

/** The stop, the start after it and the next stop, which is the last before `before`. */
function nightBefore(
  changes: readonly Transition[],
  before: number,
): { stop: number; work: Interval } | undefined {
  const last = changes.findLastIndex((change) => change.to === 'asleep' && change.at.getTime() < before);
  const [stop, start, nextStop] = changes.slice(Math.max(0, last - 2), last + 1);
  if (last < 2 || stop?.to !== 'asleep' || start?.to !== 'awake' || !nextStop) return undefined;
  return { stop: stop.at.getTime(), work: { from: start.at.getTime(), to: nextStop.at.getTime() } };
}

/** The environment's working day within the plan: its own first whole window, or the reference environment's. */
function workOf(environment: EnvironmentPlan, span: Span): Interval | undefined {
  const whole: Interval = { from: span.start.getTime(), to: span.end.getTime() };
  if (!environment.schedule) return span.work ?? whole;
  const changes = transitions(environment.schedule, span.start, span.end);
  const start = changes.find((change) => change.to === 'awake');
  if (start) {
    const end = changes.find((change) => change.to === 'asleep' && change.at > start.at);
    return { from: start.at.getTime(), to: end?.at.getTime() ?? whole.to };
  }
  const stop = changes.find((change) => change.to === 'asleep');
  return stop ? { from: whole.from, to: stop.at.getTime() } : undefined;
}

function at(interval: Interval, fraction: number): Date {
  const instant = interval.from + (interval.to - interval.from) * fraction;
  return new Date(Math.round(instant / MINUTE) * MINUTE);
}

function interruption(environment: EnvironmentPlan, work: Interval | undefined): DayEvent[] {
  return work
    ? [{ at: at(work, FRACTIONS.interruption), environment: environment.name, kind: 'interruption' }]
    : [];
}

function dayMerge(environment: EnvironmentPlan, work: Interval | undefined): DayEvent[] {
  if (!work) return [];
  // The first of the builds, and what is built elsewhere.
  const merged = environment.builds.filter(({ announced }, index) => index === 0 || announced);
  return merged.map((build) => ({
    at: at(work, FRACTIONS.merge),
    environment: environment.name,
    kind: 'merge',
    build,
    asleep: false,
  }));
}

/** A merge while the first environment with both a schedule and builds of CodeBuild is asleep. */
function nightMerge(environments: readonly EnvironmentPlan[], span: Span): DayEvent[] {
  for (const { name, schedule, builds } of environments) {
    const build = builds.findLast(({ announced }) => !announced);
    if (!schedule || !build) continue;
    const changes = transitions(schedule, span.start, span.end);
    const stop = changes.find((change) => change.to === 'asleep');
    const start = changes.find((change) => change.to === 'awake' && stop && change.at > stop.at);
    if (!stop || !start) continue;
    const night = { from: stop.at.getTime(), to: start.at.getTime() };
    return [{ at: at(night, 0.4), environment: name, kind: 'merge', build, asleep: true }];
  }
  return [];
}

function productionMerge(
  config: NightshiftConfig,
  environments: readonly EnvironmentPlan[],
  awake: (environment: EnvironmentPlan) => Interval | undefined,
): DayEvent[] {
  const production = environments.find((environment) => environment.production);
  const repository = environments.flatMap((environment) => environment.builds)[0]?.repository;
  const work = production && awake(production);
  if (!production || !repository || !work) return [];
  return [
    {
      at: at(work, FRACTIONS.production),
      environment: production.name,
      kind: 'production-merge',
      repository,
      branch: productionBranch(config),
    },
  ];
}

/** Builds of a configured project that must not be deployed. */
function refusedBuilds(
  environments: readonly EnvironmentPlan[],
  awake: (environment: EnvironmentPlan) => Interval | undefined,
): DayEvent[] {
  const ofCodeBuild = ({ builds }: EnvironmentPlan) => builds.find(({ announced }) => !announced);
  const environment = environments.find((one) => ofCodeBuild(one) !== undefined);
  const build = environment && ofCodeBuild(environment);
  const work = environment && awake(environment);
  if (!environment || !build || !work) return [];
  const kinds = ['pull-request', 'tag', 'failed-build'] as const;
  return kinds.map((kind) => ({
    at: at(work, FRACTIONS.refused),
    environment: environment.name,
    kind,
    build,
  }));
}

function holiday(reference: EnvironmentPlan | undefined, { skipped }: Span): DayEvent[] {
  if (!reference || !skipped) return [];
  return [{ at: skipped.at, environment: reference.name, kind: 'holiday', reason: skipped.reason }];
}

/** AWS denies one call at the second stop of the reference environment. */
function refusedCall(reference: EnvironmentPlan | undefined, span: Span): DayEvent[] {
  if (!reference || !span.work) return [];
  return [{ at: new Date(span.work.to - MINUTE / 2), environment: reference.name, kind: 'refused-call' }];
}

function nextHour(now: Date): Date {
  return new Date(Math.ceil(now.getTime() / (60 * MINUTE)) * 60 * MINUTE);
}

/**
 * What happens on the sample day and when: chosen from the config's own schedules and calendars, in their own zones.
 *
 * It begins shortly before an evening stop, goes through the night, the morning start and a working day, and ends, where
 * the calendar has one, after a start that a holiday skips.
 */
import { settingsOf } from '#lib/settings.ts';
import type { BuildConfig, NightshiftConfig } from '#model/config.ts';
import { type Turn, transitions, turnsBetween } from '#model/desired.ts';
import type { Schedule, Transition } from '#model/schedule.ts';

export type Beat = { readonly at: Date; readonly environment: string } & (
  | { readonly kind: 'merge'; readonly build: BuildConfig; readonly asleep: boolean }
  | { readonly kind: 'interruption' | 'refused-call' }
  | { readonly kind: 'holiday'; readonly reason: string }
  | { readonly kind: 'production-merge'; readonly repository: string; readonly branch: string }
  | { readonly kind: 'pull-request' | 'tag' | 'failed-build'; readonly build: BuildConfig }
);

export interface Story {
  /** The instant from which the calendars are written out, as at synth. */
  readonly plannedAt: Date;
  readonly start: Date;
  readonly end: Date;
  /** Zone of the environment that the day is told from. */
  readonly timeZone: string;
  /** The start that a holiday skips, by the environment that leads. */
  readonly skipped?: { readonly at: Date; readonly reason: string };
  /** In the order of time. */
  readonly beats: readonly Beat[];
  /** The ends of working days, at which every size must be what it was. */
  readonly looks: readonly { readonly at: Date; readonly environment: string }[];
}

export interface EnvironmentPlan {
  readonly name: string;
  readonly production: boolean;
  readonly schedule?: Schedule;
  readonly builds: readonly BuildConfig[];
}

const MINUTE = 60_000;
const DAY = 86_400_000;
/** A story that no calendar shapes is looked for in so many days; one with a holiday in the whole coming year. */
const HORIZON_DAYS = { plain: 15, calendar: 370 };
/** Before the first stop and after the last event, in minutes. */
const LEAD_IN = 15;
const LEAD_OUT = 45;
/** Where in a working day things happen, as shares of its length. */
const SHARES = { interruption: 0.1, merge: 0.25, production: 0.4, refused: 0.5 };

export function planStory(config: NightshiftConfig, now: Date): Story {
  const environments = plansOf(config, now);
  const leader = environments.find((environment) => environment.schedule);
  const span = leader?.schedule
    ? spanOf(leader.schedule, leaderWarning(config, leader.name), now)
    : { start: nextHour(now), end: new Date(nextHour(now).getTime() + DAY), work: undefined };
  const awake = (environment: EnvironmentPlan) => workOf(environment, span);
  const beats = [
    ...environments.flatMap((environment) => interruption(environment, awake(environment))),
    ...nightMerge(environments, span),
    ...environments.flatMap((environment) => dayMerge(environment, awake(environment))),
    ...productionMerge(config, environments, awake),
    ...refused(environments, awake),
    ...refusedCall(leader, span),
    ...holiday(leader, span),
  ].sort((a, b) => a.at.getTime() - b.at.getTime());
  return {
    plannedAt: now,
    start: span.start,
    end: span.end,
    timeZone: leader?.schedule?.timeZone ?? 'UTC',
    ...(span.skipped ? { skipped: span.skipped } : {}),
    beats,
    looks: environments.flatMap((environment) => {
      const work = environment.schedule && awake(environment);
      return work ? [{ at: new Date(work.to), environment: environment.name }] : [];
    }),
  };
}

export function plansOf(config: NightshiftConfig, now: Date): readonly EnvironmentPlan[] {
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

/** The branch from which production is rolled out by hand: `main`, unless an environment deploys that by itself. */
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
  /** The working day of the environment that leads. */
  readonly work: Interval | undefined;
  readonly skipped?: { readonly at: Date; readonly reason: string };
}

function leaderWarning(config: NightshiftConfig, name: string): number {
  const environment = config.environments[name];
  return environment?.production ? 0 : (environment?.warnMinutes ?? 30);
}

/** The shortest stretch with a stop, a start, a stop and a skipped start; without a holiday it ends after the second stop. */
function spanOf(schedule: Schedule, warnMinutes: number, now: Date): Span {
  const days = schedule.calendar ? HORIZON_DAYS.calendar : HORIZON_DAYS.plain;
  const until = new Date(now.getTime() + days * DAY);
  const changes = transitions(schedule, now, until);
  const skips = turnsBetween(schedule, now.getTime(), until.getTime()).filter(
    (turn): turn is Turn & { closed: string } => turn.closed !== undefined,
  );
  const withSkip = skips.flatMap((turn) => {
    const night = nightBefore(changes, turn.start);
    return night
      ? [{ ...night, end: turn.start, skipped: { at: new Date(turn.start), reason: turn.closed } }]
      : [];
  });
  const plain = changes.flatMap((change) => {
    const night = change.to === 'asleep' ? nightBefore(changes, change.at.getTime() + 1) : undefined;
    return night ? [{ ...night, end: change.at.getTime(), skipped: undefined }] : [];
  });
  const candidates = withSkip.length > 0 ? withSkip : plain;
  const [chosen] = candidates.sort((a, b) => a.end - a.stop - (b.end - b.stop) || a.stop - b.stop);
  if (!chosen) {
    // It never stops, or never starts again: any day is as good as another.
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
  const [stop, start, again] = changes.slice(Math.max(0, last - 2), last + 1);
  if (last < 2 || stop?.to !== 'asleep' || start?.to !== 'awake' || !again) return undefined;
  return { stop: stop.at.getTime(), work: { from: start.at.getTime(), to: again.at.getTime() } };
}

/** When people work in that environment during the story: its own first whole window, or the leader's. */
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

function at(interval: Interval, share: number): Date {
  const instant = interval.from + (interval.to - interval.from) * share;
  return new Date(Math.round(instant / MINUTE) * MINUTE);
}

function interruption(environment: EnvironmentPlan, work: Interval | undefined): Beat[] {
  return work
    ? [{ at: at(work, SHARES.interruption), environment: environment.name, kind: 'interruption' }]
    : [];
}

function dayMerge(environment: EnvironmentPlan, work: Interval | undefined): Beat[] {
  const [build] = environment.builds;
  return work && build
    ? [{ at: at(work, SHARES.merge), environment: environment.name, kind: 'merge', build, asleep: false }]
    : [];
}

/** Somebody merges while the first environment that deploys and sleeps is asleep. */
function nightMerge(environments: readonly EnvironmentPlan[], span: Span): Beat[] {
  for (const { name, schedule, builds } of environments) {
    const build = builds.at(-1);
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
): Beat[] {
  const production = environments.find((environment) => environment.production);
  const repository = environments.flatMap((environment) => environment.builds)[0]?.repository;
  const work = production && awake(production);
  if (!production || !repository || !work) return [];
  return [
    {
      at: at(work, SHARES.production),
      environment: production.name,
      kind: 'production-merge',
      repository,
      branch: productionBranch(config),
    },
  ];
}

/** Builds of a bound project that must not be deployed. */
function refused(
  environments: readonly EnvironmentPlan[],
  awake: (environment: EnvironmentPlan) => Interval | undefined,
): Beat[] {
  const environment = environments.find(({ builds }) => builds.length > 0);
  const [build] = environment?.builds ?? [];
  const work = environment && awake(environment);
  if (!environment || !build || !work) return [];
  const kinds = ['pull-request', 'tag', 'failed-build'] as const;
  return kinds.map((kind) => ({ at: at(work, SHARES.refused), environment: environment.name, kind, build }));
}

function holiday(leader: EnvironmentPlan | undefined, { skipped }: Span): Beat[] {
  if (!leader || !skipped) return [];
  return [{ at: skipped.at, environment: leader.name, kind: 'holiday', reason: skipped.reason }];
}

/** Just before the second stop of the environment that leads, AWS refuses one call. */
function refusedCall(leader: EnvironmentPlan | undefined, span: Span): Beat[] {
  if (!leader || !span.work) return [];
  return [{ at: new Date(span.work.to - MINUTE / 2), environment: leader.name, kind: 'refused-call' }];
}

function nextHour(now: Date): Date {
  return new Date(Math.ceil(now.getTime() / (60 * MINUTE)) * 60 * MINUTE);
}

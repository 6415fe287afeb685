/** While the cluster sleeps Argo CD is not called, and every request is kept until the wake. */
import { reportCorrupt } from '#functions/shared/decision-recorder.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import { desiredAt } from '#model/desired.ts';
import { DAY_MINUTES, HOUR_MS } from '#model/duration.ts';
import { effectiveOverride } from '#model/override.ts';
import { endOfPause, isPaused, pausedText } from '#model/pause.ts';
import type { Desired, Override, Schedule } from '#model/schedule.ts';
import type { ApplicationSettings } from '#model/settings.ts';
import { formatDay } from '#model/when.ts';
import { formatWall, wallAt } from '#model/zone.ts';
import type { DeployContext } from './ports.ts';
import { OF_NIGHTS } from './reasons.ts';
import { changeRecord, isPending } from './record.ts';
import { ASLEEP, interrupted } from './record-changes.ts';
import { report } from './report.ts';

export type Sleep =
  | { readonly asleep: false }
  | {
      readonly asleep: true;
      readonly reason: string;
      /** When it is to be awake; absent where it should be awake already, or nothing will wake it. */
      readonly until?: Date;
      /** A person keeps it asleep, or has paused the environment. */
      readonly byPerson?: boolean;
    };

/** One group that cannot start must not hold back the deploys of a whole day: after this they are tried. */
const START_PATIENCE_MS = 30 * 60_000;
/** How long the cluster is woken for a deploy, where `whenAsleep` says so. */
const WAKE_MS = 2 * 3_600_000;

export async function observeSleep({ settings, night, recorder, now }: DeployContext): Promise<Sleep> {
  const { schedule } = settings;
  const observed = await night.read();
  reportCorrupt(recorder, observed.corrupt);
  const { pause } = observed;
  // Whatever the cluster does: Argo CD is asked for nothing until the pause is over.
  if (isPaused(pause, now()))
    return { asleep: true, reason: pausedText(pause), until: endOfPause(pause), byPerson: true };
  return schedule ? sleepAt(schedule, now(), observed) : { asleep: false };
}

/**
 * Asleep means that it should sleep now, or that it should not and is not up yet. A cluster that should sleep and is
 * still running is about to stop: a sync would not come to its end.
 */
export function sleepAt(
  schedule: Schedule,
  now: Date,
  { state, overrides }: { readonly state?: ClusterState; readonly overrides: readonly Override[] },
): Sleep {
  const desired = desiredAt(schedule, now, overrides);
  if (desired.state === 'asleep' && !isUpEarly(desired, now, state)) {
    const { reason, until, source } = desired;
    return { asleep: true, reason, ...(until ? { until } : {}), byPerson: source === 'override' };
  }
  if (!state || state.phase === 'awake') return { asleep: false };
  if (state.phase !== 'starting') return { asleep: true, reason: OF_NIGHTS.notUp };
  const isTooLong = now.getTime() - Date.parse(state.since) > START_PATIENCE_MS;
  return isTooLong ? { asleep: false } : { asleep: true, reason: OF_NIGHTS.starting };
}

/** Started before the schedule's time, to be ready by it: its state ends in the evening, not now. */
function isUpEarly({ source }: Desired, now: Date, state: ClusterState | undefined): boolean {
  if (source === 'override' || state?.phase !== 'awake' || state.desired !== 'awake') return false;
  return state.until !== undefined && Date.parse(state.until) > now.getTime();
}

/** How long before a start of the schedule the cluster may be up. */
const EARLY_MS = HOUR_MS;

/** Whether it is up before the time of the schedule. The table is read only in the hour before it. */
export async function isAwakeEarly({ settings, night, now }: DeployContext): Promise<boolean> {
  const { schedule, startsEarly } = settings;
  if (!schedule || !startsEarly) return false;
  const { until } = desiredAt(schedule, now(), []);
  if (until === undefined || until.getTime() - now().getTime() > EARLY_MS) return false;
  const { overrides, state } = await night.read();
  return state?.phase === 'awake' && !sleepAt(schedule, now(), { state, overrides }).asleep;
}

/** Should it sleep by schedule and calendar alone? Needs no observation, so that a quiet tick calls nobody. */
export function sleepsBySchedule(schedule: Schedule | undefined, now: Date): boolean {
  return schedule !== undefined && desiredAt(schedule, now, []).state === 'asleep';
}

/** What `lastReport` says of a deploy for which the cluster was woken. */
const WOKEN = `${ASLEEP}woken`;

/** Keeps the request until the wake and reports that once; or has the cluster woken. */
export async function defer(
  application: ApplicationSettings,
  sleep: Extract<Sleep, { asleep: true }>,
  context: DeployContext,
): Promise<void> {
  const { settings, deploys } = context;
  const found = await deploys.get(application);
  // A cluster that was woken for it once and is asleep again has had its chance.
  if (!found || found.value.lastReport === WOKEN) return;
  const isWoken = settings.whenAsleep === 'wake' && (await wakeCluster(application, sleep, context));
  const lastReport = isWoken ? WOKEN : `${ASLEEP}${sleep.until?.toISOString() ?? 'starting'}`;
  const changed = await changeRecord(deploys, application, (current) => {
    if (!isPending(current) || current.lastReport === lastReport) return undefined;
    const { failing: _, notBefore: __, ...rest } = interrupted(current);
    return { ...rest, lastReport };
  });
  if (!changed || (changed.before.lastReport?.startsWith(ASLEEP) && !sleep.until)) return;
  const until =
    sleep.until &&
    (settings.schedule ? wallClock(settings.schedule, sleep.until) : sleep.until.toISOString());
  await report(context, application.name, changed.after.requested, {
    action: isWoken ? 'wake' : 'defer',
    reason: isWoken ? OF_NIGHTS.waking(sleep.reason) : OF_NIGHTS.deferred(until, sleep.reason),
    facts: sleep.until && !isWoken ? { until: sleep.until.toISOString() } : {},
  });
}

/** An override that keeps the cluster awake for a set time. A person's override that it sleeps is respected. */
async function wakeCluster(
  application: ApplicationSettings,
  sleep: Extract<Sleep, { asleep: true }>,
  { night, now }: DeployContext,
): Promise<boolean> {
  // It is to be awake already, or somebody keeps it asleep.
  if (!sleep.until || sleep.byPerson) return false;
  // Before the read: what a person sets after it is newer, and counts.
  const from = now();
  const { overrides } = await night.read();
  if (effectiveOverride(overrides, from)) return false;
  await night.addOverride({
    id: `branch-deploy-${from.toISOString()}`,
    state: 'awake',
    from: from.toISOString(),
    until: new Date(from.getTime() + WAKE_MS).toISOString(),
    author: 'branch-deploy',
    reason: `a deploy of ${application.name}`,
  });
  return true;
}

/** The first pass with the cluster awake again: the time for what was running begins now. */
export async function resume(
  application: ApplicationSettings,
  { deploys, now }: DeployContext,
): Promise<void> {
  await changeRecord(deploys, application, (current) => {
    if (!current.lastReport?.startsWith(ASLEEP)) return undefined;
    const { lastReport: _, ...rest } = interrupted(current, now());
    return rest;
  });
}

/** `Mon 08:00 (Asia/Tokyo)` */
function wallClock({ timeZone }: Schedule, instant: Date): string {
  const date = Math.floor(wallAt(timeZone, instant.getTime()) / DAY_MINUTES);
  const time = formatWall(timeZone, instant.getTime()).slice(11);
  return `${formatDay(date).slice(0, 3)} ${time} (${timeZone})`;
}

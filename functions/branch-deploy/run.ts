/**
 * One invocation. An event of a build requests a deploy and follows it as far as its time goes; a tick goes on with what
 * is pending, finds the builds that no event announced, and checks the applications after the night.
 */
import { createDecisionRecorder, reportCorrupt } from '#functions/shared/decision-recorder.ts';
import { HOUR_MS } from '#model/duration.ts';
import type { ApplicationSettings, BranchDeploySettings } from '#model/settings.ts';
import { findFailedOvernight, reportDrift } from './check-applications.ts';
import type { BranchDeployEvent } from './event.ts';
import { keepFailedBuild, overtakenByFailures, reportLiveFailures } from './failed-builds.ts';
import { findMissedBuilds } from './find-missed-builds.ts';
import { defer, isAwakeEarly, observeSleep, resume, type Sleep, sleepsBySchedule } from './night.ts';
import type { BranchDeployPorts, Build, DeployContext } from './ports.ts';
import { OF_BUILDS } from './reasons.ts';
import { type ApplicationRecord, applicationsOf, changeRecord, isPending, keyOf } from './record.ts';
import { settle } from './record-changes.ts';
import { postStatuses, reportEnd, reportForgotten } from './report.ts';
import { requestDeploys } from './request.ts';

/** An invocation waits so long for the end of a deploy; later ticks go on. */
const WAIT_MS = 25_000;
/** Missed builds are looked for in every such minute of the hour. */
const MISSED_BUILDS_MINUTES = 5;
/** The applications are checked for drift in every such minute of the hour. */
const DRIFT_MINUTES = 15;
/** Syncs that one tick may start, and the pause between them: a cluster that has just woken is busy enough. */
const SYNCS_PER_TICK = 10;
const STAGGER_MS = 2_000;

/** Throws at the end, after everything else was done, where a part of it failed. */
export async function run(
  event: BranchDeployEvent,
  settings: BranchDeploySettings,
  ports: BranchDeployPorts,
): Promise<void> {
  const { trail, now, reported } = ports;
  const trigger = event.id || 'unknown';
  const capability = 'branch-deploy';
  const { environment, dryRun } = settings;
  const recorder = createDecisionRecorder({
    environment,
    capability,
    trigger,
    trail,
    now,
    dryRun,
    reported,
    // A tick repeats what the one before it failed at.
    ...(event.kind === 'tick' ? { failuresOnceWithinMs: HOUR_MS } : {}),
  });
  const context: DeployContext = { ...ports, settings, trigger, recorder };
  try {
    if (event.kind === 'build') await onBuild(event, context);
    else if (event.kind === 'announcement') await onAnnouncement(event, context);
    else if (event.kind === 'tick') await onTick(event, context);
    else recorder.record({ target: 'event', action: 'ignore', reason: event.reason });
  } finally {
    await postStatuses(context);
  }
  await recorder.close();
}

async function onBuild(
  event: Extract<BranchDeployEvent, { kind: 'build' }>,
  context: DeployContext,
): Promise<void> {
  const { settings, builds, deploys, recorder, now } = context;
  const until = waitUntil(now());
  const { build: id, project, account, region } = event;
  const drop = (action: 'none' | 'ignore', reason: string) =>
    recorder.record({ target: project, action, reason, facts: { build: id } });

  if (account !== settings.account || region !== settings.region)
    return drop('ignore', OF_BUILDS.foreign(account, region));
  if (!settings.builds.some((binding) => binding.project === project && !binding.announced))
    return drop('ignore', OF_BUILDS.notBound(settings.environment, project));
  if (await deploys.isKnown(id)) return drop('none', OF_BUILDS.alreadyHandled);

  const [[build], sleep] = await Promise.all([builds.read([id]), observeSleep(context)]);
  if (!build) return drop('ignore', OF_BUILDS.unknownBuild);
  // CodeBuild may still say IN_PROGRESS when the event of the end is here.
  const isAhead = event.status !== 'SUCCEEDED' || build.status === 'IN_PROGRESS';
  const ended = isAhead && !build.batch ? { ...build, status: event.status } : build;
  await deployBuild(ended, context, { sleep, until });
}

async function onAnnouncement(
  event: Extract<BranchDeployEvent, { kind: 'announcement' }>,
  context: DeployContext,
): Promise<void> {
  const { settings, deploys, recorder, now } = context;
  const until = waitUntil(now());
  const { readAnnouncement } = await import('./announced-build.ts');
  const read = readAnnouncement(event, settings, now());
  const drop = (action: 'none' | 'ignore' | 'refuse', reason: string, build?: string) =>
    recorder.record({
      target: event.project || 'event',
      action,
      reason,
      ...(build ? { facts: { build } } : {}),
    });
  if (!read.ok) return drop(read.action, read.reason);
  if (await deploys.isKnown(read.build.id)) return drop('none', OF_BUILDS.alreadyHandled, read.build.id);
  await deployBuild(read.build, context, { sleep: await observeSleep(context), until });
}

const waitUntil = (now: Date) => new Date(now.getTime() + WAIT_MS);

/** Requests the deploys of a build that has ended, and follows them. */
async function deployBuild(
  build: Build,
  context: DeployContext,
  { sleep, until }: { readonly sleep: Sleep; readonly until: Date },
): Promise<void> {
  await keepFailedBuild(build, context);
  const applications = await requestDeploys(build, context);
  await context.recorder.guardEach(applications, nameOf, async (application) => {
    if (sleep.asleep) return defer(application, sleep, context);
    await resume(application, context);
    // A quiet tick does not load it.
    const { reconcile } = await import('./reconcile.ts');
    await reconcile(application, context, { until, wait: 'always' });
  });
}

async function onTick(
  tick: Extract<BranchDeployEvent, { kind: 'tick' }>,
  context: DeployContext,
): Promise<void> {
  const { settings, deploys, recorder, now } = context;
  const minute = (tick.time ?? now()).getUTCMinutes();
  const kept = await deploys.all();
  reportCorrupt(recorder, kept.corrupt);
  const records = new Map(kept.records.map(({ value }) => [keyOf(value), value]));
  const isNight = sleepsBySchedule(settings.schedule, now()) && !(await isAwakeEarly(context));
  if (isNight && !kept.night) await deploys.markNight({ since: now().toISOString() });

  const missed = minute % MISSED_BUILDS_MINUTES === 0 ? await findMissedBuilds(context) : [];
  // A dry run has no token for Argo CD.
  if (settings.dryRun) return;
  const pending = byKey([...missed, ...(await findPending(records, context))]);
  const night = isNight ? undefined : kept.night;
  const checksDrift = settings.driftMinutes > 0 && !isNight && minute % DRIFT_MINUTES === 0;
  const overtaken =
    minute % MISSED_BUILDS_MINUTES === 0 && !isNight ? overtakenByFailures(settings, records) : [];
  if (pending.size === 0 && !night && !checksDrift && overtaken.length === 0) return;

  const sleep = await observeSleep(context);
  if (sleep.asleep)
    return recorder.guardEach([...pending.values()], nameOf, (application) =>
      defer(application, sleep, context),
    );
  const failed = night ? await findFailedOvernight(night, records, context) : [];
  const all = byKey([...pending.values(), ...failed]);
  if (checksDrift) {
    const quiet = [...applicationsOf(settings)].filter(([key]) => !all.has(key));
    await reportDrift(
      quiet.map(([, application]) => application),
      records,
      context,
    );
  }
  await reconcileAll([...all.values()], records, context);
  await recorder.guardEach(overtaken, nameOf, (application) => reportLiveFailures(application, context));
}

/** The applications that wait for a deploy. What was left behind by others is reported, or given up. */
async function findPending(
  records: ReadonlyMap<string, ApplicationRecord>,
  context: DeployContext,
): Promise<readonly ApplicationSettings[]> {
  const bound = applicationsOf(context.settings);
  const pending: ApplicationSettings[] = [];
  for (const [key, record] of records) {
    await reportForgotten(context, record);
    if (!isPending(record)) continue;
    const application = bound.get(key);
    if (application) pending.push(application);
    else await giveUp(record, context);
  }
  return pending;
}

/** The config no longer binds it. */
async function giveUp(record: ApplicationRecord, context: DeployContext): Promise<void> {
  const changed = await changeRecord(context.deploys, record, (current) =>
    isPending(current)
      ? settle(current, { outcome: 'superseded', reason: OF_BUILDS.noLongerBound }, context.now())
      : undefined,
  );
  if (changed) await reportEnd(context, changed.after);
}

/** Follows every sync that is running, and begins some of those that wait. */
async function reconcileAll(
  pending: readonly ApplicationSettings[],
  records: ReadonlyMap<string, ApplicationRecord>,
  context: DeployContext,
): Promise<void> {
  const { recorder, now, pause } = context;
  const started = now().getTime();
  const until = new Date(started + WAIT_MS);
  const recordOf = (application: ApplicationSettings) => records.get(keyOf(application));
  const running = pending.filter((application) => recordOf(application)?.attempt);
  const waiting = pending.filter((application) => {
    const record = recordOf(application);
    return !record?.attempt && !(Date.parse(record?.notBefore ?? '') > started);
  });
  const follow = async (application: ApplicationSettings) => {
    await resume(application, context);
    const { reconcile } = await import('./reconcile.ts');
    await reconcile(application, context, { until, wait: 'own-sync' });
  };
  await Promise.all([
    recorder.guardEach(running, nameOf, follow),
    recorder.guardEach(waiting.slice(0, SYNCS_PER_TICK), nameOf, async (application, index) => {
      if (index > 0) await pause(index * STAGGER_MS);
      await follow(application);
    }),
  ]);
}

const nameOf = ({ name }: ApplicationSettings) => name;

function byKey(applications: readonly ApplicationSettings[]): Map<string, ApplicationSettings> {
  return new Map(applications.map((application) => [keyOf(application), application]));
}

/**
 * What branch-deploy does when it is called: an event records what is wanted and carries it as far as its time goes;
 * a tick goes on with what is pending, finds the builds that no event announced, and replays after the night.
 */
import { createDecisionRecorder, type Reported, reportCorrupt } from '#functions/shared/decision-recorder.ts';
import type { DecisionTrail } from '#functions/shared/observability.ts';
import type { ApplicationSettings, BranchDeploySettings } from '#model/settings.ts';
import { judgeStatus } from './admit.ts';
import { applicationsOf, keyOf, nameOf } from './bindings.ts';
import { type CarryPorts, carry } from './carry.ts';
import { changeRecord } from './change.ts';
import { lookForDrift } from './drift.ts';
import type { BranchDeployEvent } from './event.ts';
import { findLost } from './lost.ts';
import { afterTheNight } from './morning.ts';
import { defer, lookAtNight, wakeUp } from './night.ts';
import type { Builds, Night } from './ports.ts';
import { type ApplicationRecord, isPending, settle } from './record.ts';
import { createBuildReporter } from './report.ts';
import { sleepsBySchedule } from './sleep.ts';
import type { StatusDesk } from './statuses.ts';
import { TIMES } from './times.ts';
import { sayForgotten, sayVerdict } from './verdicts.ts';
import { wanting } from './wanting.ts';

export interface BranchDeployPorts extends Omit<CarryPorts, 'recorder' | 'reporter'> {
  readonly builds: Builds;
  readonly night: Night;
  readonly trail: DecisionTrail;
  /** Shows on a commit what became of it; absent where that is not configured. */
  readonly desk?: StatusDesk | undefined;
  /** Builds that this warm process has looked at: an optimisation, never the truth. */
  readonly seen: Set<string>;
  /** What this process has reported of what lasts. */
  readonly reported?: Reported;
}

/** What one invocation works with. */
export type BranchDeployContext = BranchDeployPorts & CarryPorts;

/** Throws `PartialFailureError` at the end, after everything else was done, where a part of it failed. */
export async function run(
  event: BranchDeployEvent,
  settings: BranchDeploySettings,
  ports: BranchDeployPorts,
): Promise<void> {
  const recorder = createDecisionRecorder({
    environment: settings.environment,
    capability: 'branch-deploy',
    trigger: event.id || 'unknown',
    now: ports.now,
    trail: ports.trail,
    dryRun: settings.dryRun,
    ...(ports.reported ? { reported: ports.reported } : {}),
  });
  const builds = createBuildReporter(recorder);
  const reporter = ports.desk?.watch(builds, settings.dryRun) ?? builds;
  try {
    await handle(event, settings, { ...ports, recorder, reporter });
  } finally {
    await ports.desk?.flush(recorder);
  }
  await recorder.close();
}

async function handle(
  event: BranchDeployEvent,
  settings: BranchDeploySettings,
  context: BranchDeployContext,
): Promise<void> {
  switch (event.kind) {
    case 'unknown':
      return context.recorder.record({ target: 'event', action: 'ignore', reason: event.reason });
    case 'build':
      return onBuild(event, settings, context);
    case 'tick':
      return onTick(event, settings, context);
  }
}

async function onBuild(
  event: Extract<BranchDeployEvent, { kind: 'build' }>,
  settings: BranchDeploySettings,
  ports: BranchDeployContext,
): Promise<void> {
  const until = new Date(ports.now().getTime() + TIMES.waitMs);
  const say = (action: 'none' | 'ignore' | 'refuse', reason: string) =>
    ports.recorder.record({ target: event.project, action, reason, facts: { build: event.build } });

  if (event.account !== settings.account || event.region !== settings.region) {
    return say('ignore', `the build is one of account ${event.account} in ${event.region}, not of ours`);
  }
  if (!settings.builds.some((binding) => binding.project === event.project)) {
    return say('ignore', `no application of ${settings.environment} is bound to ${event.project}`);
  }
  const judged = judgeStatus(event.status);
  if (judged?.action === 'none') return say('none', judged.reason);
  // Of an event that came twice only one is told.
  if (judged)
    return (await ports.deploys.markKnown(event.build, ports.now()))
      ? say('ignore', judged.reason)
      : undefined;
  if (await ports.deploys.isKnown(event.build)) return say('none', 'the build was handled already');

  const [[build], sleep] = await Promise.all([
    ports.builds.read([event.build]),
    lookAtNight(settings, ports),
  ]);
  if (!build) return say('ignore', 'CodeBuild knows no such build');
  // The event may be quicker than what CodeBuild says of the build.
  const ended = build.status === 'IN_PROGRESS' ? { ...build, status: event.status } : build;
  const applications = await wanting(ended, event.id, settings, ports);
  if (applications.length === 0) return;

  await ports.recorder.guardEach(applications, nameOf, async (application) => {
    if (sleep.asleep) return defer(application, sleep, settings, ports);
    await wakeUp(application, ports);
    await carry(application, ports, { until, wait: 'always' });
  });
}

async function onTick(
  tick: Extract<BranchDeployEvent, { kind: 'tick' }>,
  settings: BranchDeploySettings,
  ports: BranchDeployContext,
): Promise<void> {
  const now = ports.now();
  const minute = (tick.time ?? now).getUTCMinutes();
  const kept = await ports.deploys.all();
  reportCorrupt(ports.recorder, kept.corrupt);
  const records = new Map<string, ApplicationRecord>();
  for (const { value } of kept.records) records.set(keyOf(value), value);
  const bound = applicationsOf(settings);

  const asleepBySchedule = sleepsBySchedule(settings.schedule, now);
  if (asleepBySchedule && !kept.night) await ports.deploys.markNight({ since: now.toISOString() });

  const looksForLost = minute % TIMES.lookEveryMinutes === 0;
  const found = looksForLost ? await findLost(tick.id, settings, ports) : [];
  const pending = new Map<string, ApplicationSettings>();
  for (const application of found) pending.set(keyOf(application), application);
  for (const [key, record] of records) {
    if (record.unreported) await sayForgotten(record, now, ports);
    if (!isPending(record)) continue;
    const application = bound.get(key);
    if (application) pending.set(key, application);
    else await abandon(record, ports);
  }

  const morning = asleepBySchedule ? undefined : kept.night;
  const looksForDrift =
    settings.driftMinutes > 0 && !asleepBySchedule && minute % TIMES.driftEveryMinutes === 0;
  if (pending.size > 0 || morning || looksForDrift) {
    const sleep = await lookAtNight(settings, ports);
    if (sleep.asleep) {
      await ports.recorder.guardEach([...pending.values()], nameOf, (application) =>
        defer(application, sleep, settings, ports),
      );
    } else {
      if (morning) {
        for (const broken of await afterTheNight(morning, records, tick.id, settings, ports)) {
          pending.set(keyOf(broken), broken);
        }
      }
      if (looksForDrift) {
        const limitMs = settings.driftMinutes * 60_000;
        const quiet = [...bound].filter(([key]) => !pending.has(key));
        await ports.recorder.guardEach(
          quiet.map(([, application]) => application),
          nameOf,
          (application) =>
            lookForDrift(application, records.get(keyOf(application)), tick.id, limitMs, ports),
        );
      }
      await carryAll([...pending.values()], records, now, ports);
    }
  }
}

/** Looks at every sync that is under way, and begins some of those that wait: a cluster that has just woken is busy. */
async function carryAll(
  pending: readonly ApplicationSettings[],
  records: ReadonlyMap<string, ApplicationRecord>,
  now: Date,
  ports: BranchDeployContext,
): Promise<void> {
  const until = new Date(now.getTime() + TIMES.waitMs);
  const isUnderWay = (application: ApplicationSettings) =>
    records.get(keyOf(application))?.attempt !== undefined;
  const isPutOff = (application: ApplicationSettings) =>
    Date.parse(records.get(keyOf(application))?.notBefore ?? '') > now.getTime();
  const underWay = pending.filter(isUnderWay);
  const waiting = pending.filter((application) => !isUnderWay(application) && !isPutOff(application));

  const work = async (application: ApplicationSettings, delayMs: number) => {
    if (delayMs > 0) await ports.pause(delayMs);
    await wakeUp(application, ports);
    await carry(application, ports, { until, wait: 'progress' });
  };
  await Promise.all([
    ports.recorder.guardEach(underWay, nameOf, (application) => work(application, 0)),
    ports.recorder.guardEach(waiting.slice(0, TIMES.perTick), nameOf, (application, index) =>
      work(application, index * TIMES.staggerMs),
    ),
  ]);
}

/** The config no longer binds it. */
async function abandon(record: ApplicationRecord, ports: BranchDeployContext): Promise<void> {
  const changed = await changeRecord(ports.deploys, record, (current) => {
    if (!isPending(current)) return undefined;
    const reason = 'no build of the config is bound to this application any more';
    return settle(current, 'superseded', reason, ports.now());
  });
  if (changed) await sayVerdict(changed.after, ports);
}

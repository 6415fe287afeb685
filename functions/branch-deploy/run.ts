/**
 * What branch-deploy does when it is called: an event records what is wanted and carries it as far as its time goes;
 * a tick goes on with what is pending, finds the builds that no event announced, and replays after the night.
 */
import { PartialFailureError } from '#functions/shared/errors.ts';
import type { ApplicationSettings, BranchDeploySettings } from '#model/settings.ts';
import { judgeStatus } from './admit.ts';
import { applicationsOf, keyOf } from './bindings.ts';
import { type CarryPorts, carry } from './carry.ts';
import { changeRecord } from './change.ts';
import { collect, type Failure } from './collect.ts';
import { lookForDrift } from './drift.ts';
import type { BranchDeployEvent } from './event.ts';
import { findLost } from './lost.ts';
import { afterTheNight } from './morning.ts';
import { defer, lookAtNight, wakeUp } from './night.ts';
import type { Builds, Night } from './ports.ts';
import { type ApplicationRecord, isPending, settle } from './record.ts';
import { sleepsBySchedule } from './sleep.ts';
import { TIMES } from './times.ts';
import { sayForgotten, sayVerdict } from './verdicts.ts';
import { wanting } from './wanting.ts';

export interface BranchDeployPorts extends CarryPorts {
  readonly builds: Builds;
  readonly night: Night;
  /** Builds that this warm process has looked at: an optimisation, never the truth. */
  readonly seen: Set<string>;
}

export async function run(
  event: BranchDeployEvent,
  settings: BranchDeploySettings,
  ports: BranchDeployPorts,
): Promise<void> {
  switch (event.kind) {
    case 'unknown':
      return ports.reporter.say({
        target: 'event',
        action: 'ignore',
        reason: event.reason,
        trigger: event.id || 'unknown',
      });
    case 'build':
      return onBuild(event, settings, ports);
    case 'tick':
      return onTick(event, settings, ports);
  }
}

async function onBuild(
  event: Extract<BranchDeployEvent, { kind: 'build' }>,
  settings: BranchDeploySettings,
  ports: BranchDeployPorts,
): Promise<void> {
  const until = new Date(ports.now().getTime() + TIMES.waitMs);
  const say = (action: 'none' | 'ignore' | 'refuse', reason: string) =>
    ports.reporter.say({
      target: event.project,
      action,
      reason,
      trigger: event.id,
      facts: { build: event.build },
    });

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
  if (await ports.deploys.isKnown(event.build)) return say('none', 'the build was dealt with already');

  const [[build], sleep] = await Promise.all([
    ports.builds.read([event.build]),
    lookAtNight(settings, ports),
  ]);
  if (!build) return say('ignore', 'CodeBuild knows no such build');
  // The event may be quicker than what CodeBuild says of the build.
  const ended = build.status === 'IN_PROGRESS' ? { ...build, status: event.status } : build;
  const applications = await wanting(ended, event.id, settings, ports);
  if (applications.length === 0) return;

  const failures: Failure[] = [];
  await collect(failures, applications, async (application) => {
    if (sleep.asleep) return defer(application, sleep, settings, ports);
    await wakeUp(application, ports);
    await carry(application, ports, { until, wait: 'always' });
  });
  if (failures.length > 0) throw new PartialFailureError(failures);
}

async function onTick(
  tick: Extract<BranchDeployEvent, { kind: 'tick' }>,
  settings: BranchDeploySettings,
  ports: BranchDeployPorts,
): Promise<void> {
  const now = ports.now();
  const minute = (tick.time ?? now).getUTCMinutes();
  const kept = await ports.deploys.all();
  const records = new Map<string, ApplicationRecord>();
  for (const { value } of kept.records) records.set(keyOf(value), value);
  const bound = applicationsOf(settings);
  const failures: Failure[] = [];

  const asleepBySchedule = sleepsBySchedule(settings.schedule, now);
  if (asleepBySchedule && !kept.night) await ports.deploys.markNight({ since: now.toISOString() });

  const looksForLost = minute % TIMES.lookEveryMinutes === 0;
  const found = looksForLost ? await findLost(tick.id, settings, ports, failures) : [];
  const pending = new Map<string, ApplicationSettings>();
  for (const application of found) pending.set(keyOf(application), application);
  for (const [key, record] of records) {
    if (record.unsaid) await sayForgotten(record, now, ports);
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
      await collect(failures, [...pending.values()], (application) =>
        defer(application, sleep, settings, ports),
      );
    } else {
      if (morning) {
        for (const broken of await afterTheNight(morning, records, tick.id, settings, ports, failures)) {
          pending.set(keyOf(broken), broken);
        }
      }
      if (looksForDrift) {
        const limitMs = settings.driftMinutes * 60_000;
        const quiet = [...bound].filter(([key]) => !pending.has(key));
        await collect(
          failures,
          quiet.map(([, application]) => application),
          (application) =>
            lookForDrift(application, records.get(keyOf(application)), tick.id, limitMs, ports),
        );
      }
      await carryAll([...pending.values()], records, now, ports, failures);
    }
  }
  if (failures.length > 0) throw new PartialFailureError(failures);
}

/** Looks at every sync that is under way, and begins some of those that wait: a cluster that has just woken is busy. */
async function carryAll(
  pending: readonly ApplicationSettings[],
  records: ReadonlyMap<string, ApplicationRecord>,
  now: Date,
  ports: BranchDeployPorts,
  failures: Failure[],
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
    collect(failures, underWay, (application) => work(application, 0)),
    collect(failures, waiting.slice(0, TIMES.perTick), (application, index) =>
      work(application, index * TIMES.staggerMs),
    ),
  ]);
}

/** The config no longer binds it. */
async function abandon(record: ApplicationRecord, ports: BranchDeployPorts): Promise<void> {
  const changed = await changeRecord(ports.deploys, record, (current) => {
    if (!isPending(current)) return undefined;
    const reason = 'no build of the config is bound to this application any more';
    return settle(current, 'superseded', reason, ports.now());
  });
  if (changed) await sayVerdict(changed.after, ports);
}

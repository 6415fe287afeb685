/**
 * What branch-deploy does when it is called: an event records what is wanted and carries it as far as its time goes;
 * a tick goes on with what is pending, finds the builds that no event announced, and replays after the night.
 */
import { PartialFailureError } from '#functions/shared/errors.ts';
import type { ApplicationSettings, BranchDeploySettings } from '#model/settings.ts';
import { admit, judgeStatus } from './admit.ts';
import { type CarryPorts, carry } from './carry.ts';
import { changeRecord } from './change.ts';
import { describe, isOver } from './decide.ts';
import { lookForDrift } from './drift.ts';
import type { BranchDeployEvent } from './event.ts';
import type { ApplicationView, Build, Builds, Night } from './ports.ts';
import {
  type ApplicationRecord,
  emptyRecord,
  isPending,
  type NightMark,
  settle,
  type WantedBuild,
  want,
} from './record.ts';
import { type Sleep, sleepAt, sleepsBySchedule, wallClock } from './sleep.ts';
import { TIMES } from './times.ts';
import { sayForgotten, sayVerdict } from './verdicts.ts';

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
  if (judged) return say(judged.action === 'none' ? 'none' : 'ignore', judged.reason);
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

  const failures: { target: string; error: unknown }[] = [];
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

  const asleepBySchedule = sleepsBySchedule(settings.schedule, now);
  if (asleepBySchedule && !kept.night) await ports.deploys.markNight({ since: now.toISOString() });

  const failures: { target: string; error: unknown }[] = [];
  const found =
    minute % TIMES.lookEveryMinutes === 0 ? await findLost(tick.id, settings, ports, failures) : [];

  const bound = applicationsOf(settings);
  const pending = new Map(found.map((application) => [keyOf(application), application]));
  for (const { value } of kept.records) {
    await sayForgotten(value, now, ports);
    if (!isPending(value)) continue;
    const application = bound.get(keyOf(value));
    if (application) pending.set(keyOf(value), application);
    else await abandon(value, ports);
  }
  const morning = !asleepBySchedule && kept.night !== undefined;
  const looksForDrift = !asleepBySchedule && minute % TIMES.driftEveryMinutes === 0;
  if (pending.size > 0 || morning || looksForDrift) {
    const sleep = await lookAtNight(settings, ports);
    const records = new Map(kept.records.map((record) => [keyOf(record.value), record.value]));
    if (sleep.asleep) {
      await collect(failures, [...pending.values()], (application) =>
        defer(application, sleep, settings, ports),
      );
    } else {
      if (morning && kept.night) {
        const broken = await afterTheNight(
          kept.night,
          [...bound.values()],
          records,
          tick.id,
          settings,
          ports,
          failures,
        );
        for (const application of broken) pending.set(keyOf(application), application);
      }
      if (looksForDrift) {
        const quiet = [...bound.values()].filter((application) => !pending.has(keyOf(application)));
        await collect(failures, quiet, (application) =>
          lookForDrift(application, records.get(keyOf(application)), tick.id, ports),
        );
      }
      const until = new Date(now.getTime() + TIMES.waitMs);
      const turn = [...pending.values()].slice(0, TIMES.perTick);
      await collect(failures, turn, async (application, index) => {
        if (index > 0) await ports.pause(index * TIMES.staggerMs);
        await wakeUp(application, ports);
        await carry(application, ports, { until, wait: 'progress' });
      });
    }
  }
  if (failures.length > 0) throw new PartialFailureError(failures);
}

/** Writes down that the build is wanted, says why if it is not, and names the applications that now wait for it. */
async function wanting(
  build: Build,
  trigger: string,
  settings: BranchDeploySettings,
  ports: BranchDeployPorts,
): Promise<readonly ApplicationSettings[]> {
  const { deploys, reporter } = ports;
  const admission = admit(settings, build, { now: ports.now(), trigger });
  if (!admission.admitted) {
    if (!(await deploys.markKnown(build.id, ports.now()))) return [];
    await reporter.say({
      target: build.project,
      action: admission.action,
      reason: admission.reason,
      trigger,
      facts: { build: build.id, number: build.number },
    });
    return [];
  }
  const applications: ApplicationSettings[] = [];
  const late: (() => Promise<void>)[] = [];
  for (const { wanted, applications: bound } of admission.deploys) {
    for (const application of bound) {
      if (settings.dryRun) {
        late.push(() =>
          reporter.about(
            application.name,
            [wanted],
            'none',
            `dry run: ${describe([wanted])} would be synced`,
            {
              dryRun: true,
            },
          ),
        );
        continue;
      }
      const result = await record(application, wanted, ports);
      if (result === 'waits') applications.push(application);
      else if (result !== 'settled') {
        late.push(() => reporter.about(application.name, [wanted], 'superseded', result.older));
      }
    }
  }
  // Everything is written down: what comes now is for people, and of doubled events only one is to say it.
  if (await deploys.markKnown(build.id, ports.now())) for (const say of late) await say();
  return applications;
}

/** Whether the application now waits for this build; `older` says why it never will. */
async function record(
  application: ApplicationSettings,
  wanted: WantedBuild,
  { deploys, reporter }: BranchDeployPorts,
): Promise<'waits' | 'settled' | { readonly older: string }> {
  for (let turn = 0; turn < 20; turn++) {
    const kept = await deploys.get(application);
    const result = want(kept?.value ?? emptyRecord(application), wanted);
    if (result.result === 'duplicate') return kept && isPending(kept.value) ? 'waits' : 'settled';
    if (result.result === 'older') {
      return { older: `build ${result.newest.number} of ${wanted.project} is newer` };
    }
    if ((await deploys.save(result.record, kept?.version ?? 'absent')) === undefined) continue;
    await reporter.about(
      application.name,
      result.superseded,
      'superseded',
      `build ${wanted.number} of ${wanted.project} is newer`,
    );
    return 'waits';
  }
  throw new Error(`the record of ${keyOf(application)} was written by others 20 times in a row`);
}

/** The project's builds that ended and that no event has brought here. */
async function findLost(
  trigger: string,
  settings: BranchDeploySettings,
  ports: BranchDeployPorts,
  failures: { target: string; error: unknown }[],
): Promise<readonly ApplicationSettings[]> {
  const projects = [...new Set(settings.builds.map((binding) => binding.project))];
  const found: ApplicationSettings[] = [];
  await collect(failures, projects, async (project) => {
    const ids = await ports.builds.recent(project);
    if (ids === undefined) {
      // Said once by each warm process: the mistake does not pass by itself.
      if (ports.seen.has(project)) return;
      ports.seen.add(project);
      await ports.reporter.say({
        target: project,
        action: 'fail',
        reason: 'there is no such CodeBuild project: correct `builds` in the config, or create it',
        trigger,
      });
      return;
    }
    const unseen = ids.filter((id) => !ports.seen.has(id));
    if (unseen.length === 0) return;
    const [known, builds] = await Promise.all([ports.deploys.known(project), ports.builds.read(unseen)]);
    const oldest = ports.now().getTime() - TIMES.lookBackMs;
    const lost = builds
      .filter((build) => build.status === 'SUCCEEDED' && !known.has(build.id))
      .filter((build) => (build.endedAt?.getTime() ?? 0) >= oldest)
      .sort((one, other) => one.number - other.number);
    for (const build of lost) found.push(...(await wanting(build, trigger, settings, ports)));
    for (const build of builds) if (build.status !== 'IN_PROGRESS') ports.seen.add(build.id);
  });
  return [...new Map(found.map((application) => [keyOf(application), application])).values()];
}

/** What is noted of a deploy for which the cluster was woken. */
const WOKEN = 'asleep:woken';

/** Calls nobody, remembers, and says so once; or has the cluster woken. */
async function defer(
  application: ApplicationSettings,
  sleep: Extract<Sleep, { asleep: true }>,
  settings: BranchDeploySettings,
  ports: BranchDeployPorts,
): Promise<void> {
  const kept = await ports.deploys.get(application);
  // A cluster that was woken for it once and is asleep again has had its chance.
  if (!kept || kept.value.told === WOKEN) return;
  const woken = settings.whenAsleep === 'wake' && (await wakeCluster(application, sleep, ports));
  const what = woken ? WOKEN : `asleep:${sleep.until?.toISOString() ?? 'starting'}`;
  const changed = await changeRecord(ports.deploys, application, (current) => {
    if (!isPending(current) || current.told === what) return undefined;
    const { attempt, trouble: _, notBefore: __, ...rest } = current;
    return { ...rest, told: what, ...(attempt ? { attempt: { ...attempt, slept: true } } : {}) };
  });
  if (!changed) return;
  const until = sleep.until && settings.schedule ? wallClock(settings.schedule, sleep.until) : undefined;
  const wasDeferred = changed.before.told?.startsWith('asleep:') === true;
  if (wasDeferred && !sleep.until) return;
  await ports.reporter.about(
    application.name,
    changed.after.wanted,
    woken ? 'wake' : 'defer',
    woken
      ? `the cluster is woken for it: ${sleep.reason}`
      : `deferred until ${until ?? 'the cluster is awake'}: ${sleep.reason}`,
    sleep.until && !woken ? { until: sleep.until.toISOString() } : {},
  );
}

/** An override that keeps the cluster awake for a set time. A person's wish that it sleeps is not overruled. */
async function wakeCluster(
  application: ApplicationSettings,
  sleep: Extract<Sleep, { asleep: true }>,
  { night, now }: BranchDeployPorts,
): Promise<boolean> {
  // It is to be awake already, or somebody wants it asleep.
  if (!sleep.until || sleep.override) return false;
  const { override } = await night.read();
  const from = now();
  if (override?.value.state === 'awake' && Date.parse(override.value.until) > from.getTime()) return false;
  return night.setOverride(
    {
      id: `branch-deploy-${from.toISOString()}`,
      state: 'awake',
      from: from.toISOString(),
      until: new Date(from.getTime() + TIMES.wakeMs).toISOString(),
      author: 'branch-deploy',
      reason: `a deploy of ${application.name}`,
    },
    override?.version ?? 'absent',
  );
}

/** The first pass with the cluster awake again: what was under way is watched from now on. */
async function wakeUp(application: ApplicationSettings, { deploys, now }: BranchDeployPorts): Promise<void> {
  await changeRecord(deploys, application, (current) => {
    if (!current.told?.startsWith('asleep:')) return undefined;
    const { told: _, attempt, ...rest } = current;
    return {
      ...rest,
      ...(attempt ? { attempt: { ...attempt, slept: true, watchedSince: now().toISOString() } } : {}),
    };
  });
}

/** Applications that have nothing pending, and whose last operation failed while the cluster slept. */
async function afterTheNight(
  mark: NightMark,
  applications: readonly ApplicationSettings[],
  records: ReadonlyMap<string, ApplicationRecord>,
  trigger: string,
  settings: BranchDeploySettings,
  ports: BranchDeployPorts,
  failures: { target: string; error: unknown }[],
): Promise<readonly ApplicationSettings[]> {
  const { argocd, deploys, now } = ports;
  const since = Date.parse(mark.since);
  const broken: ApplicationSettings[] = [];
  let unanswered = 0;
  await collect(failures, applications, async (application) => {
    const record = records.get(keyOf(application));
    if (record && isPending(record)) return;
    const read = await argocd.read(application);
    if (!read.ok) {
      if (read.trouble.kind === 'passing' || read.trouble.kind === 'unauthorized') unanswered++;
      return;
    }
    const operation = read.value.operation;
    if (!operation || !isOver(read.value, operation) || operation.phase === 'Succeeded') return;
    if ((operation.finishedAt ?? operation.startedAt).getTime() < since) return;
    if (await reopen(application, operation, trigger, settings, ports)) broken.push(application);
  });
  // Argo CD may need a minute longer than the nodes: looked at again until all have answered, or the morning is over.
  const first = mark.morning ?? now().toISOString();
  if (unanswered === 0 || now().getTime() - Date.parse(first) > TIMES.morningMs) await deploys.clearNight();
  else if (!mark.morning) await deploys.markNight({ ...mark, morning: first });
  return broken;
}

/** What was deployed last is wanted once more; or what is bound, where nothing was ever deployed by us. */
async function reopen(
  application: ApplicationSettings,
  operation: NonNullable<ApplicationView['operation']>,
  trigger: string,
  settings: BranchDeploySettings,
  { deploys, now }: BranchDeployPorts,
): Promise<boolean> {
  const kept = await deploys.get(application);
  const record = kept?.value ?? emptyRecord(application);
  if (isPending(record)) return true;
  const again = `the last operation, of ${operation.by}, ended as ${operation.phase} while the cluster slept`;
  const recordedAt = now().toISOString();
  const newest = Object.values(record.newest).map(({ outcome: _, settledAt: __, ...build }) => build);
  const bound = settings.builds
    .filter((binding) => binding.applications.some((other) => keyOf(other) === keyOf(application)))
    .slice(0, 1)
    .map(({ project, repository, branch }) => ({
      project,
      repository,
      branch,
      build: `${project}:overnight`,
      number: 0,
    }));
  const wanted = (newest.length > 0 ? newest : bound).map((build) => ({
    ...build,
    recordedAt,
    trigger,
    again,
  }));
  return (await deploys.save({ ...record, wanted }, kept?.version ?? 'absent')) !== undefined;
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

async function lookAtNight(settings: BranchDeploySettings, ports: BranchDeployPorts): Promise<Sleep> {
  if (!settings.schedule) return { asleep: false };
  const { state, override } = await ports.night.read();
  return sleepAt(settings.schedule, ports.now(), {
    ...(state ? { state } : {}),
    ...(override ? { override: override.value } : {}),
  });
}

/** By key, each once, whatever number of builds is bound to it. */
function applicationsOf(settings: BranchDeploySettings): ReadonlyMap<string, ApplicationSettings> {
  return new Map(
    settings.builds.flatMap((binding) =>
      binding.applications.map((application) => [keyOf(application), application] as const),
    ),
  );
}

function keyOf(application: { readonly project: string; readonly name: string }): string {
  return `${application.project}/${application.name}`;
}

/** Works on every target; one that fails does not stop the others. */
async function collect<T extends { readonly name: string } | string>(
  failures: { target: string; error: unknown }[],
  targets: readonly T[],
  work: (target: T, index: number) => Promise<void>,
): Promise<void> {
  await Promise.all(
    targets.map(async (target, index) => {
      try {
        await work(target, index);
      } catch (error) {
        failures.push({ target: typeof target === 'string' ? target : target.name, error });
      }
    }),
  );
}

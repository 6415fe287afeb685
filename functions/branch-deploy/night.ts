/** While the cluster sleeps: nobody is called, everything is remembered. */
import { reportCorrupt } from '#functions/shared/decision-recorder.ts';
import { effectiveOverride } from '#model/override.ts';
import type { ApplicationSettings, BranchDeploySettings } from '#model/settings.ts';
import { changeRecord } from './change.ts';
import { isPending } from './record.ts';
import type { BranchDeployContext } from './run.ts';
import { type Sleep, sleepAt, wallClock } from './sleep.ts';
import { TIMES } from './times.ts';

export async function lookAtNight(
  settings: BranchDeploySettings,
  ports: BranchDeployContext,
): Promise<Sleep> {
  if (!settings.schedule) return { asleep: false };
  const observed = await ports.night.read();
  reportCorrupt(ports.recorder, observed.corrupt);
  return sleepAt(settings.schedule, ports.now(), observed);
}

/** What is noted of a deploy for which the cluster was woken. */
const WOKEN = 'asleep:woken';

/** Calls nobody, remembers, and says so once; or has the cluster woken. */
export async function defer(
  application: ApplicationSettings,
  sleep: Extract<Sleep, { asleep: true }>,
  settings: BranchDeploySettings,
  ports: BranchDeployContext,
): Promise<void> {
  const kept = await ports.deploys.get(application);
  // A cluster that was woken for it once and is asleep again has had its chance.
  if (!kept || kept.value.announced === WOKEN) return;
  const woken = settings.whenAsleep === 'wake' && (await wakeCluster(application, sleep, ports));
  const what = woken ? WOKEN : `asleep:${sleep.until?.toISOString() ?? 'starting'}`;
  const changed = await changeRecord(ports.deploys, application, (current) => {
    if (!isPending(current) || current.announced === what) return undefined;
    const { attempt, failure: _, notBefore: __, ...rest } = current;
    return {
      ...rest,
      announced: what,
      ...(attempt ? { attempt: { ...attempt, sleptMeanwhile: true } } : {}),
    };
  });
  if (!changed) return;
  const until = sleep.until && settings.schedule ? wallClock(settings.schedule, sleep.until) : undefined;
  const wasDeferred = changed.before.announced?.startsWith('asleep:') === true;
  if (wasDeferred && !sleep.until) return;
  await ports.reporter.about(
    application.name,
    changed.after.requested,
    woken ? 'wake' : 'defer',
    woken
      ? `the cluster is woken for it: ${sleep.reason}`
      : `deferred until ${until ?? 'the cluster is awake'}: ${sleep.reason}`,
    sleep.until && !woken ? { until: sleep.until.toISOString() } : {},
  );
}

/** An override that keeps the cluster awake for a set time. A person's that it sleeps is not overruled. */
async function wakeCluster(
  application: ApplicationSettings,
  sleep: Extract<Sleep, { asleep: true }>,
  { night, now }: BranchDeployContext,
): Promise<boolean> {
  // It is to be awake already, or somebody has asked for it to sleep.
  if (!sleep.until || sleep.override) return false;
  // Before the read: what a person sets after it is newer, and counts.
  const from = now();
  const { overrides } = await night.read();
  if (effectiveOverride(overrides, from)) return false;
  await night.addOverride({
    id: `branch-deploy-${from.toISOString()}`,
    state: 'awake',
    from: from.toISOString(),
    until: new Date(from.getTime() + TIMES.wakeMs).toISOString(),
    author: 'branch-deploy',
    reason: `a deploy of ${application.name}`,
  });
  return true;
}

/** The first pass with the cluster awake again: what was under way is watched from now on. */
export async function wakeUp(
  application: ApplicationSettings,
  { deploys, now }: BranchDeployContext,
): Promise<void> {
  await changeRecord(deploys, application, (current) => {
    if (!current.announced?.startsWith('asleep:')) return undefined;
    const { announced: _, attempt, ...rest } = current;
    return {
      ...rest,
      ...(attempt
        ? { attempt: { ...attempt, sleptMeanwhile: true, watchedSince: now().toISOString() } }
        : {}),
    };
  });
}

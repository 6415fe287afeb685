/** While the cluster sleeps: nobody is called, everything is remembered. */
import type { ApplicationSettings, BranchDeploySettings } from '#model/settings.ts';
import { changeRecord } from './change.ts';
import { isPending } from './record.ts';
import type { BranchDeployPorts } from './run.ts';
import { type Sleep, sleepAt, wallClock } from './sleep.ts';
import { TIMES } from './times.ts';

export async function lookAtNight(settings: BranchDeploySettings, ports: BranchDeployPorts): Promise<Sleep> {
  if (!settings.schedule) return { asleep: false };
  const { state, override } = await ports.night.read();
  return sleepAt(settings.schedule, ports.now(), {
    ...(state ? { state } : {}),
    ...(override ? { override: override.value } : {}),
  });
}

/** What is noted of a deploy for which the cluster was woken. */
const WOKEN = 'asleep:woken';

/** Calls nobody, remembers, and says so once; or has the cluster woken. */
export async function defer(
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
export async function wakeUp(
  application: ApplicationSettings,
  { deploys, now }: BranchDeployPorts,
): Promise<void> {
  await changeRecord(deploys, application, (current) => {
    if (!current.told?.startsWith('asleep:')) return undefined;
    const { told: _, attempt, ...rest } = current;
    return {
      ...rest,
      ...(attempt ? { attempt: { ...attempt, slept: true, watchedSince: now().toISOString() } } : {}),
    };
  });
}

/** What a tick checks of applications without a pending deploy: did the last operation fail overnight, did they drift. */
import type { ApplicationSettings } from '#model/settings.ts';
import { withoutOverrides } from './images.ts';
import { isOver } from './operation.ts';
import type { ApplicationView, Argocd, DeployContext } from './ports.ts';
import { OF_IMAGES, OF_NIGHTS } from './reasons.ts';
import {
  type ApplicationRecord,
  applicationsOf,
  changeRecord,
  isPending,
  keyOf,
  type NightMark,
  type RequestedBuild,
} from './record.ts';

/** The applications are checked for so long after the night. */
const AFTER_WAKE_MS = 2 * 3_600_000;

/** An image that was put back is reported so often. */
const REPORT_REVERTED_MS = 24 * 3_600_000;

type Operation = NonNullable<ApplicationView['operation']>;
type Records = ReadonlyMap<string, ApplicationRecord>;

/**
 * Requests the deploy of applications whose last operation failed while the cluster slept, and returns them: Argo CD
 * does not retry a revision that failed.
 */
export async function findFailedOvernight(
  night: NightMark,
  records: Records,
  context: DeployContext,
): Promise<readonly ApplicationSettings[]> {
  const { settings, argocd, deploys, recorder, now } = context;
  const checked = new Set(night.checked ?? []);
  const failed: ApplicationSettings[] = [];
  const left = [...applicationsOf(settings)].filter(([key]) => !checked.has(key));
  const check = async (key: string, application: ApplicationSettings) => {
    const record = records.get(key);
    const last = record && isPending(record) ? 'none' : await lastOperation(application, argocd);
    if (last === 'unknown') return;
    // Once: what fails again after the wake does not fail because of the night.
    checked.add(key);
    if (last === 'none' || last.phase === 'Succeeded') return;
    if ((last.finishedAt ?? last.startedAt).getTime() < Date.parse(night.since)) return;
    await requestAgain(application, OF_NIGHTS.failedOvernight(last), context);
    failed.push(application);
  };
  await recorder.guardEach(
    left,
    ([, { name }]) => name,
    ([key, application]) => check(key, application),
  );
  // Argo CD may need a minute longer than the nodes, and an operation may still be running: checked again for a while.
  const wokeAt = night.wokeAt ?? now().toISOString();
  const isLate = now().getTime() - Date.parse(wokeAt) > AFTER_WAKE_MS;
  const isUnhealthy = settings.recordsHealthy && (await unhealthyLeft({ ...night, wokeAt }, context));
  if (isLate || (!isUnhealthy && left.every(([key]) => checked.has(key)))) await deploys.clearNight();
  else await deploys.markNight({ since: night.since, wokeAt, checked: [...checked] });
  return failed;
}

async function unhealthyLeft(night: NightMark, context: DeployContext): Promise<boolean> {
  const { recordHealthy } = await import('./record-healthy.ts');
  return (await recordHealthy(night, context)).length > 0;
}

/** The last operation, when it is over. */
async function lastOperation(
  application: ApplicationSettings,
  argocd: Argocd,
): Promise<Operation | 'none' | 'unknown'> {
  const read = await argocd.read(application);
  if (!read.ok) return ['transient', 'unauthorized'].includes(read.error.kind) ? 'unknown' : 'none';
  const { operation, pendingOperation } = read.value;
  if (!operation) return pendingOperation ? 'unknown' : 'none';
  return isOver(read.value, operation) ? operation : 'unknown';
}

/** What was deployed last is requested once more; or what is bound, where nothing was ever deployed by us. */
async function requestAgain(
  application: ApplicationSettings,
  repeatReason: string,
  { settings, deploys, trigger, now }: DeployContext,
): Promise<void> {
  const recordedAt = now().toISOString();
  const binding = settings.builds.find(({ applications }) =>
    applications.some((other) => keyOf(other) === keyOf(application)),
  );
  await changeRecord(deploys, application, (current) => {
    if (isPending(current)) return undefined;
    const newest = Object.values(current.newest).map(({ outcome: _, settledAt: __, ...build }) => build);
    const builds = newest.length > 0 ? newest : binding ? [neverBuilt(binding)] : [];
    return {
      ...current,
      requested: builds.map((build) => ({ ...build, recordedAt, trigger, repeatReason })),
    };
  });
}

function neverBuilt({
  project,
  repository,
  branch,
}: Pick<RequestedBuild, 'project' | 'repository' | 'branch'>) {
  return { project, repository, branch, build: `${project}:overnight`, number: 0 };
}

/** Reports applications that have been OutOfSync for too long, once, and changes nothing of them. */
export async function reportDrift(
  applications: readonly ApplicationSettings[],
  records: Records,
  context: DeployContext,
): Promise<void> {
  await context.recorder.guardEach(
    applications,
    ({ name }) => name,
    (application) => checkDrift(application, records.get(keyOf(application)), context),
  );
}

/** An app of apps with self-heal may put an image back some minutes after the deploy has ended. */
function reportRevertedImages(
  { name }: ApplicationSettings,
  record: ApplicationRecord | undefined,
  view: ApplicationView,
  recorder: DeployContext['recorder'],
): void {
  const deployed = Object.values(record?.newest ?? {}).filter(({ outcome }) => outcome === 'deployed');
  if (record === undefined || isPending(record) || withoutOverrides(deployed, view).length === 0) return;
  if (!recorder.isNews(`the image of ${name} was put back`, REPORT_REVERTED_MS)) return;
  recorder.record({ target: name, action: 'warn', reason: OF_IMAGES.revertedLater(view.madeBy) });
}

/** Failures of Argo CD are left to those who have a deploy to make. */
async function checkDrift(
  application: ApplicationSettings,
  record: ApplicationRecord | undefined,
  { settings, argocd, deploys, recorder, now }: DeployContext,
): Promise<void> {
  const read = await argocd.read(application);
  if (!read.ok) return;
  reportRevertedImages(application, record, read.value, recorder);
  const { sync, revisions, pendingOperation } = read.value;
  if (sync === 'Unknown' || pendingOperation) return;
  if (sync === 'Synced' && !record?.drift) return;

  const changed = await changeRecord(deploys, application, ({ drift, ...rest }) => {
    if (sync === 'Synced') return drift && rest;
    const since = drift?.since ?? now().toISOString();
    const isLate = now().getTime() - Date.parse(since) >= settings.driftMinutes * 60_000;
    if (drift && (drift.reported || !isLate)) return undefined;
    return { ...rest, drift: { since, ...(isLate ? { reported: true } : {}) } };
  });
  const { since, reported } = changed?.after.drift ?? {};
  if (!since || !reported) return;
  const reason = OF_NIGHTS.drift(since, revisions);
  recorder.record({ target: application.name, action: 'warn', reason, facts: { since } });
}

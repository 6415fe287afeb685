/** The changes of an application's record. All of them are pure. */
import { ownValue } from '#model/own-value.ts';
import {
  type ApplicationRecord,
  type EndedDeploy,
  emptyRecord,
  type FailedBuild,
  type NewestBuild,
  type Outcome,
  type RequestedBuild,
  type SyncAttempt,
} from './record.ts';

/** CodeBuild keeps a build queued for at most 8 hours: a lower number that started later than this is a new count. */
const NEW_COUNT_MS = 9 * 3_600_000;

export type RequestResult =
  | {
      readonly kind: 'requested';
      readonly record: ApplicationRecord;
      readonly superseded: readonly RequestedBuild[];
    }
  /** The same build was recorded before. */
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'older'; readonly newest: NewestBuild; readonly record: ApplicationRecord };

/** What `lastReport` begins with while a deploy waits for the wake. */
export const ASLEEP = 'asleep:';

/** So many superseded builds are kept for each application: the statuses of their commits follow. */
const MOST_CONTAINED = 25;

function withContained(record: ApplicationRecord, older: readonly RequestedBuild[]): ApplicationRecord {
  if (older.length === 0) return record;
  return { ...record, contained: [...(record.contained ?? []), ...older].slice(-MOST_CONTAINED) };
}

/**
 * Requests the deploy of a build. Newer means a higher number within its CodeBuild project, never a later event: a
 * slow older build ends later. Of each project only the newest stays requested.
 */
export function request(
  record: ApplicationRecord,
  build: RequestedBuild,
  projectCreatedAt?: Date,
): RequestResult {
  const newest = ownValue(record.newest, build.project);
  const isSameBatch = build.batch !== undefined && newest?.batch === build.batch;
  if (newest?.build === build.build || isSameBatch) return { kind: 'duplicate' };
  const isOfProject = ({ project }: RequestedBuild) => project === build.project;
  const superseded = record.requested.filter(isOfProject);
  if (newest && !isNewer(build, newest, projectCreatedAt)) {
    const follows = superseded.length > 0 && build.sha !== newest.sha;
    return { kind: 'older', newest, record: withContained(record, follows ? [build] : []) };
  }
  // What was reported of the older build is reported of this one too. That it waited for the wake is not read any more.
  const wasAsleep = record.lastReport?.startsWith(ASLEEP);
  const current = wasAsleep ? interrupted(record, new Date(build.recordedAt)) : record;
  const { notBefore: _, lastReport: __, attempt, ...rest } = current;
  // A second build of a commit that is being synced needs no sync of its own.
  const isSynced =
    newest?.sha !== undefined &&
    newest.sha === build.sha &&
    superseded.some((older) => attempt?.builds.includes(older.build));
  return {
    kind: 'requested',
    superseded,
    record: {
      ...withContained(
        rest,
        superseded.filter(({ sha }) => sha !== build.sha),
      ),
      requested: [...record.requested.filter((other) => !isOfProject(other)), build],
      newest: { ...record.newest, [build.project]: build },
      ...(attempt && {
        attempt: isSynced ? { ...attempt, builds: [...attempt.builds, build.build] } : attempt,
      }),
    },
  };
}

function isNewer(build: RequestedBuild, newest: RequestedBuild, projectCreatedAt?: Date): boolean {
  if (build.number > newest.number) return true;
  if (!build.startedAt || !newest.startedAt) return false;
  const [started, before] = [Date.parse(build.startedAt), Date.parse(newest.startedAt)];
  // The same run once more: its number stays, and it is another build.
  if (build.number === newest.number && started > before) return true;
  if (projectCreatedAt && projectCreatedAt.getTime() > before && projectCreatedAt.getTime() <= started)
    return true;
  return started - before > NEW_COUNT_MS;
}

/** A lower number that started later: an older build that was queued, or the first of a project that was created again. */
export function isOrderInDoubt({ newest }: ApplicationRecord, build: RequestedBuild): boolean {
  const last = ownValue(newest, build.project);
  if (!last?.startedAt || !build.startedAt || build.number > last.number) return false;
  return last.build !== build.build && Date.parse(build.startedAt) > Date.parse(last.startedAt);
}

/** So many failed builds are kept for each application. */
const MOST_FAILED = 10;

/** Keeps a build that failed, once. */
export function withFailedBuild(record: ApplicationRecord, build: FailedBuild): ApplicationRecord {
  const { failedBuilds = [] } = record;
  if (failedBuilds.some((one) => one.build === build.build)) return record;
  return { ...record, failedBuilds: [...failedBuilds, build].slice(-MOST_FAILED) };
}

/** Without those that are old, and with those marked that are live. Undefined where nothing changes. */
export function withFailedBuilds(
  record: ApplicationRecord,
  is: { readonly old: (build: FailedBuild) => boolean; readonly live: (build: FailedBuild) => boolean },
): ApplicationRecord | undefined {
  const { failedBuilds = [], ...rest } = record;
  const left = failedBuilds
    .filter((build) => !is.old(build))
    .map((build) => (!build.reported && is.live(build) ? { ...build, reported: true } : build));
  const changed = left.length < failedBuilds.length || left.some((build) => !failedBuilds.includes(build));
  if (!changed) return undefined;
  return left.length > 0 ? { ...rest, failedBuilds: left } : rest;
}

/** The deploy has ended: of all requested builds, or of those with these ids. It is still to be reported. */
export function settle(
  record: ApplicationRecord,
  end: {
    readonly outcome: Outcome;
    readonly reason: string;
    readonly builds?: readonly string[] | undefined;
  },
  now: Date,
): ApplicationRecord {
  const at = now.toISOString();
  const { outcome, reason, builds } = end;
  const hasEnded = ({ build }: RequestedBuild) => builds?.includes(build) ?? true;
  const ended = record.requested.filter(hasEnded);
  const left = record.requested.filter((build) => !hasEnded(build));
  const newest = { ...record.newest };
  for (const { repeatReason: _, ...build } of ended) {
    if (ownValue(newest, build.project)?.build === build.build)
      newest[build.project] = { ...build, outcome, settledAt: at };
  }
  const { attempt, drift, failedBuilds } = record;
  const isContained = ({ project }: RequestedBuild) => ended.some((build) => build.project === project);
  const contained = (record.contained ?? []).filter(isContained);
  const stillContained = (record.contained ?? []).filter((build) => !isContained(build));
  const deploy: EndedDeploy = {
    outcome,
    reason,
    builds: ended,
    at,
    ...(attempt && { deployId: attempt.deployId, syncs: attempt.tries }),
    ...(contained.length > 0 && { contained }),
  };
  const unreported = [...(record.unreported ?? []), deploy];
  if (left.length > 0) return { ...record, requested: left, contained: stillContained, newest, unreported };
  return {
    ...emptyRecord(record),
    newest,
    unreported,
    ...(failedBuilds && { failedBuilds }),
    ...(drift && { drift }),
  };
}

/**
 * The sync that comes next, to be written down before Argo CD is asked. One that was never accepted is repeated under
 * its own id: if it turns up after all, it is ours.
 */
export function nextAttempt(record: ApplicationRecord, now: Date): SyncAttempt {
  const builds = record.requested.map(({ build }) => build);
  const before = record.attempt;
  const isRepeat = before !== undefined && builds.every((build) => before.builds.includes(build));
  if (isRepeat && !before.acceptedAt) return { ...before, requestedAt: now.toISOString() };
  const tries = isRepeat ? before.tries + 1 : 1;
  const last = record.requested.at(-1);
  return {
    deployId: `${last?.build ?? record.name}#${tries}${last?.repeatReason ? `@${last.recordedAt}` : ''}`,
    builds,
    tries,
    requestedAt: now.toISOString(),
    watchedSince: now.toISOString(),
    begunAt: isRepeat ? begunAt(before) : now.toISOString(),
  };
}

/** Since when there have been syncs for the builds of an attempt. */
export const begunAt = (attempt: SyncAttempt) => attempt.begunAt ?? attempt.watchedSince;

/** The next time that images are set or workloads are restarted, to be written down before Argo CD is asked. */
export function nextBrought(record: ApplicationRecord, now: Date): NonNullable<ApplicationRecord['brought']> {
  const builds = record.requested.map(({ build }) => build);
  return { builds, tries: broughtFor(record).tries + 1, at: now.toISOString() };
}

/** How often and when that was done for the builds that are requested now. */
export function broughtFor({ requested, brought }: ApplicationRecord): {
  readonly tries: number;
  readonly at?: string;
} {
  return brought && requested.every(({ build }) => brought.builds.includes(build)) ? brought : { tries: 0 };
}

/** Healthy again, or another operation, or nobody watched: the time begins again. */
export function withoutUnhealthy(record: ApplicationRecord): ApplicationRecord {
  if (!record.unhealthy) return record;
  const { unhealthy: _, ...rest } = record;
  return rest;
}

/** The cluster slept: what was running may have failed for that, and the time for it begins with the wake. */
export function interrupted(record: ApplicationRecord, wokeAt?: Date): ApplicationRecord {
  const { attempt } = record;
  if (!attempt) return withoutUnhealthy(record);
  const watched = wokeAt && { watchedSince: wokeAt.toISOString(), begunAt: wokeAt.toISOString() };
  return withoutUnhealthy({ ...record, attempt: { ...attempt, clusterSlept: true, ...watched } });
}

/** Without the deploys that were reported; undefined where somebody else has taken them out. */
export function withoutReported(
  record: ApplicationRecord,
  reported: readonly EndedDeploy[],
): ApplicationRecord | undefined {
  const isReported = (deploy: EndedDeploy) =>
    reported.some((one) => one.at === deploy.at && one.builds[0]?.build === deploy.builds[0]?.build);
  const { unreported = [], ...rest } = record;
  const left = unreported.filter((deploy) => !isReported(deploy));
  if (left.length === unreported.length) return undefined;
  return left.length > 0 ? { ...rest, unreported: left } : rest;
}

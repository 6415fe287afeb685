/**
 * What is saved of an application: the builds that were requested, the sync that runs for them, and how the last one
 * ended. All transitions are pure; `changeRecord` is the one way to write them. Instants are ISO 8601, UTC.
 */

import { change } from '#functions/shared/retry.ts';
import type { Expected, Versioned } from '#functions/shared/versioned.ts';
import { ownValue } from '#model/own-value.ts';
import * as s from '#model/record-schema.ts';
import type { ApplicationSettings, BranchDeploySettings } from '#model/settings.ts';

const builtImageSchema = s.object({
  repository: s.string,
  version: s.string,
  /** Its digest, and those of its platforms, as far as they are known. */
  digests: s.optional(s.listOf(s.string)),
  /** The Helm parameter that is set to it. */
  helmParameter: s.optional(s.string),
});
/** An image that a build made: `version` is its tag, or its digest `sha256:…`. */
export type BuiltImage = s.TypeOf<typeof builtImageSchema>;

const requestedBuild = {
  project: s.string,
  /** `<project>:<uuid>` */
  build: s.string,
  number: s.number,
  repository: s.string,
  branch: s.string,
  sha: s.optional(s.string),
  /** When CodeBuild started it. */
  startedAt: s.optional(s.instant),
  /** When it was recorded here. */
  recordedAt: s.instant,
  /** The event or the tick that brought it. */
  trigger: s.string,
  /** What it made, where the config names its images. */
  images: s.optional(s.listOf(builtImageSchema)),
  /** How they come to the cluster, other than by the manifests. */
  bring: s.optional(s.oneOf('parameter', 'restart')),
  /** For so long the manifests may name another image. */
  imageMinutes: s.optional(s.count),
  /** Its very commit is synced, not what the application tracks. */
  revision: s.optional(s.oneOf('built')),
  /** The batch that it is a part of. */
  batch: s.optional(s.string),
  /** Why it is deployed once more. */
  repeatReason: s.optional(s.string),
};
const requestedBuildSchema = s.object(requestedBuild);
/** A build that is to be deployed. */
export type RequestedBuild = s.TypeOf<typeof requestedBuildSchema>;

const outcome = s.oneOf('deployed', 'unverified', 'failed', 'suspended', 'superseded');
/** `unverified`: Synced and Healthy, and nothing says whether what was built runs. */
export type Outcome = s.TypeOf<typeof outcome>;

const newestBuildSchema = s.object({
  ...requestedBuild,
  outcome: s.optional(outcome),
  settledAt: s.optional(s.instant),
});
/** The newest build of a CodeBuild project that was ever requested, and how it ended. */
export type NewestBuild = s.TypeOf<typeof newestBuildSchema>;

const syncAttemptSchema = s.object({
  deployId: s.string,
  /** Ids of the builds that it is for. */
  builds: s.listOf(s.string),
  /** How many syncs were requested for these builds, this one included. */
  tries: s.count,
  requestedAt: s.instant,
  /** When Argo CD accepted it. */
  acceptedAt: s.optional(s.instant),
  /** Since when we have been waiting with the cluster awake: `requestedAt`, or the wake. */
  watchedSince: s.instant,
  /** The same of the first sync for these builds. */
  begunAt: s.optional(s.instant),
  /** The revisions of what the application tracked, as of the last look before an operation of somebody else. */
  tracked: s.optional(s.listOf(s.string)),
  /** It was Suspended at the last look. */
  suspended: s.optional(s.boolean),
  /** The cluster slept while the operation was running: if it failed, that was why. */
  clusterSlept: s.optional(s.boolean),
});
/** A sync that was requested. Written down before the request goes out. */
export type SyncAttempt = s.TypeOf<typeof syncAttemptSchema>;

const endedDeploySchema = s.object({
  outcome,
  reason: s.string,
  builds: s.listOf(requestedBuildSchema),
  deployId: s.optional(s.string),
  syncs: s.optional(s.count),
  /** Superseded builds whose commits are part of it. */
  contained: s.optional(s.listOf(requestedBuildSchema)),
  at: s.instant,
});
/** A deploy that has ended. */
export type EndedDeploy = s.TypeOf<typeof endedDeploySchema>;

const failedBuildSchema = s.object({
  ...requestedBuild,
  /** FAILED, FAULT, TIMED_OUT or STOPPED. */
  status: s.string,
  /** That its commit is live was reported. */
  reported: s.optional(s.boolean),
});
/** A build that did not succeed: its commit may go live with that of another. */
export type FailedBuild = s.TypeOf<typeof failedBuildSchema>;

export const applicationSchema = s.object({
  name: s.string,
  project: s.string,
  /** The builds to deploy, at most one of each CodeBuild project. */
  requested: s.listOf(requestedBuildSchema),
  /** What the requested builds superseded: those commits are live when these are. */
  contained: s.optional(s.listOf(requestedBuildSchema)),
  /** The latest builds that failed, for a day: their commits may go live. */
  failedBuilds: s.optional(s.listOf(failedBuildSchema)),
  /** By CodeBuild project. */
  newest: s.mapOf(newestBuildSchema),
  attempt: s.optional(syncAttemptSchema),
  /** The images of these builds were set on the Application, or the workloads that use them restarted, last at `at`. */
  brought: s.optional(s.object({ builds: s.listOf(s.string), tries: s.count, at: s.instant })),
  /** Requests to Argo CD have failed since then; `reported` once people heard of it. */
  failing: s.optional(s.object({ since: s.instant, kind: s.string, reported: s.optional(s.boolean) })),
  /** An operation of somebody else has been running since then. */
  blockedSince: s.optional(s.instant),
  /** Degraded, Missing or Unknown since then, after the operation that began at that instant. */
  unhealthy: s.optional(s.object({ since: s.instant, operation: s.instant })),
  /** No request to Argo CD before this instant. */
  notBefore: s.optional(s.instant),
  /** The last report about waiting, so that none is repeated. */
  lastReport: s.optional(s.string),
  /** Deploys that have ended and may not have been reported: the process could die in between. */
  unreported: s.optional(s.listOf(endedDeploySchema)),
  /** OutOfSync since then, and whether that was reported. */
  drift: s.optional(s.object({ since: s.instant, reported: s.optional(s.boolean) })),
});
export type ApplicationRecord = s.TypeOf<typeof applicationSchema>;

/** The cluster slept from `since` on: after the wake the applications are checked. */
export const nightMarkSchema = s.object({
  since: s.instant,
  /** The first check after the wake. */
  wokeAt: s.optional(s.instant),
  /** The applications that were checked since. */
  checked: s.optional(s.listOf(s.string)),
});
export type NightMark = s.TypeOf<typeof nightMarkSchema>;

/** In place of an application's key: when Argo CD first answered after a night. No application is called so. */
export const ARGOCD_ANSWERED = '*';

/** When an application (`<project>/<name>`) was first seen Healthy after a night. */
export const healthySchema = s.object({ application: s.text, at: s.instant });
export type HealthyRecord = s.TypeOf<typeof healthySchema>;

/** A build that was handled, whatever became of it. */
export const handledBuildSchema = s.object({ at: s.instant });

type ApplicationId = Pick<ApplicationSettings, 'project' | 'name'>;

export function keyOf({ project, name }: ApplicationId): string {
  return `${project}/${name}`;
}

/** What Kubernetes accepts as a name: anything else could be read as another path. */
export function isApplicationName(name: string): boolean {
  return /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(name);
}

/** The applications of the config by their keys, each once, whatever number of builds is bound to it. */
export function applicationsOf(settings: BranchDeploySettings): ReadonlyMap<string, ApplicationSettings> {
  return new Map(
    settings.builds.flatMap(({ applications }) =>
      applications.map((application) => [keyOf(application), application] as const),
    ),
  );
}

export function emptyRecord({ name, project }: ApplicationId): ApplicationRecord {
  return { name, project, requested: [], newest: {} };
}

/** True while a build waits for its deploy, or for the end of it. */
export function isPending(record: ApplicationRecord): boolean {
  return record.requested.length > 0;
}

export interface RecordStore {
  get(application: ApplicationId): Promise<Versioned<ApplicationRecord> | undefined>;
  /** Undefined where somebody else's write came first. */
  saveIf(record: ApplicationRecord, expected: Expected): Promise<Versioned<ApplicationRecord> | undefined>;
}

/**
 * Reads the record, lets `edit` decide and writes if nobody wrote in between; otherwise begins again. An edit that
 * returns undefined ends it, one that returns what it was given writes nothing.
 */
export function changeRecord(
  deploys: RecordStore,
  application: ApplicationId,
  edit: (
    current: ApplicationRecord,
  ) => ApplicationRecord | undefined | Promise<ApplicationRecord | undefined>,
): Promise<{ readonly before: ApplicationRecord; readonly after: ApplicationRecord } | undefined> {
  return change({
    read: () => deploys.get(application),
    initial: emptyRecord(application),
    edit,
    saveIf: deploys.saveIf,
    what: `the record of ${keyOf(application)}`,
  });
}

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

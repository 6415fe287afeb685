/**
 * What is saved of an application: the builds that were requested, the sync that runs for them, and how the last one
 * ended. `changeRecord` is the one way to write it, `record-changes.ts` has the changes. Instants are ISO 8601, UTC.
 */

import { change } from '#functions/shared/retry.ts';
import type { Expected, Versioned } from '#functions/shared/versioned.ts';
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
  /** The revisions that its operation syncs, once Argo CD shows it. */
  synced: s.optional(s.listOf(s.string)),
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

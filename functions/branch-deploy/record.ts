/** What is kept of an application: the builds that are requested, the sync that runs for them, and how the last one ended. */
import * as z from 'zod/mini';
import { count, instant, type Schema } from '#model/record-schema.ts';

/** A build that is to be deployed. */
export interface RequestedBuild {
  readonly project: string;
  /** `<project>:<uuid>` */
  readonly build: string;
  readonly number: number;
  readonly repository: string;
  readonly branch: string;
  readonly sha?: string;
  /** ISO 8601, UTC: when CodeBuild started it. */
  readonly startedAt?: string;
  /** ISO 8601, UTC: when it was recorded here. */
  readonly recordedAt: string;
  /** The event or the tick that brought it. */
  readonly trigger: string;
  /** Why it is requested once more. */
  readonly again?: string;
}

export type Outcome = 'deployed' | 'failed' | 'suspended' | 'superseded';

/** The newest build of a CodeBuild project that was ever requested, and how it ended. */
export interface NewestBuild extends RequestedBuild {
  readonly outcome?: Outcome;
  readonly settledAt?: string;
}

/** A sync that was asked for. Written down before the request goes out. */
export interface SyncAttempt {
  readonly deployId: string;
  /** The builds that it is for. */
  readonly serves: readonly string[];
  /** How many syncs were asked for these builds, this one included. */
  readonly tries: number;
  /** ISO 8601, UTC. */
  readonly requestedAt: string;
  /** Argo CD said yes. */
  readonly acceptedAt?: string;
  /** From when on we have been waiting with the cluster awake: `requestedAt`, or the wake. */
  readonly watchedSince: string;
  /** The cluster slept while the operation was under way: if it failed, that was why. */
  readonly sleptMeanwhile?: boolean;
}

export interface ApplicationRecord {
  readonly name: string;
  readonly project: string;
  /** At most one for each CodeBuild project. */
  readonly requested: readonly RequestedBuild[];
  /** By CodeBuild project. */
  readonly newest: Readonly<Record<string, NewestBuild>>;
  readonly attempt?: SyncAttempt;
  /** Argo CD has not answered as it should since then. */
  readonly failure?: { readonly since: string; readonly kind: string; readonly reported?: boolean };
  /** An operation of somebody else has been in the way since then. */
  readonly blockedSince?: string;
  /** Not before this instant (ISO 8601, UTC). */
  readonly notBefore?: string;
  /** What was reported last about waiting, so that it is reported once. */
  readonly announced?: string;
  /** Verdicts that were reached and may not have been reported: the process could die in between. */
  readonly unreported?: readonly Verdict[];
  /** OutOfSync since then, and whether that was reported. */
  readonly drift?: { readonly since: string; readonly reported?: boolean };
}

export interface Verdict {
  readonly outcome: Outcome;
  readonly reason: string;
  readonly builds: readonly RequestedBuild[];
  readonly deployId?: string;
  readonly syncs?: number;
  /** ISO 8601, UTC. */
  readonly at: string;
}

/** The cluster slept from `since` on: in the morning the applications are looked at. */
export interface NightMark {
  readonly since: string;
  /** The first look after the night. */
  readonly morning?: string;
  /** The applications that were checked since. */
  readonly checked?: readonly string[];
}

const buildShape = {
  project: z.string(),
  build: z.string(),
  number: z.number(),
  repository: z.string(),
  branch: z.string(),
  sha: z.exactOptional(z.string()),
  startedAt: z.exactOptional(instant),
  recordedAt: instant,
  trigger: z.string(),
  again: z.exactOptional(z.string()),
};
const outcome = z.enum(['deployed', 'failed', 'suspended', 'superseded']);
const builds = z.array(z.object(buildShape));

export const applicationSchema: Schema<ApplicationRecord> = z.object({
  name: z.string(),
  project: z.string(),
  requested: builds,
  newest: z.record(
    z.string(),
    z.object({ ...buildShape, outcome: z.exactOptional(outcome), settledAt: z.exactOptional(instant) }),
  ),
  attempt: z.exactOptional(
    z.object({
      deployId: z.string(),
      serves: z.array(z.string()),
      tries: count,
      requestedAt: instant,
      acceptedAt: z.exactOptional(instant),
      watchedSince: instant,
      sleptMeanwhile: z.exactOptional(z.boolean()),
    }),
  ),
  failure: z.exactOptional(
    z.object({ since: instant, kind: z.string(), reported: z.exactOptional(z.boolean()) }),
  ),
  blockedSince: z.exactOptional(instant),
  notBefore: z.exactOptional(instant),
  announced: z.exactOptional(z.string()),
  unreported: z.exactOptional(
    z.array(
      z.object({
        outcome,
        reason: z.string(),
        builds,
        deployId: z.exactOptional(z.string()),
        syncs: z.exactOptional(count),
        at: instant,
      }),
    ),
  ),
  drift: z.exactOptional(z.object({ since: instant, reported: z.exactOptional(z.boolean()) })),
});

export const nightMarkSchema: Schema<NightMark> = z.object({
  since: instant,
  morning: z.exactOptional(instant),
  checked: z.exactOptional(z.array(z.string())),
});

/** A build that was handled, whatever became of it. */
export interface HandledBuild {
  readonly at: string;
}

export const handledBuildSchema: Schema<HandledBuild> = z.object({ at: instant });

export function emptyRecord(application: { name: string; project: string }): ApplicationRecord {
  return { name: application.name, project: application.project, requested: [], newest: {} };
}

/** True while there is something to do or to wait for. */
export function isPending(record: ApplicationRecord): boolean {
  return record.requested.length > 0;
}

/** CodeBuild keeps a build queued for at most 8 hours: a lower number that started later than this is a new count. */
const NEW_COUNT_MS = 9 * 3_600_000;

export type Requested =
  | {
      readonly result: 'requested';
      readonly record: ApplicationRecord;
      readonly superseded: readonly RequestedBuild[];
    }
  /** The same build was recorded before. */
  | { readonly result: 'duplicate' }
  | { readonly result: 'older'; readonly newest: NewestBuild };

/**
 * Records that a build is requested. Newer means a higher number within its CodeBuild project, never a later event: a
 * slow older build ends later. Of each project only the newest stays requested.
 */
export function request(record: ApplicationRecord, requested: RequestedBuild): Requested {
  const newest = record.newest[requested.project];
  if (newest?.build === requested.build) return { result: 'duplicate' };
  if (newest && !isNewer(requested, newest)) return { result: 'older', newest };

  const sameCommit = newest?.sha !== undefined && newest.sha === requested.sha;
  const superseded = record.requested.filter((build) => build.project === requested.project);
  // What was reported of the older build is to be reported of this one too.
  const { notBefore: _, announced: __, ...rest } = record;
  return {
    result: 'requested',
    superseded,
    record: {
      ...rest,
      requested: [...record.requested.filter((build) => build.project !== requested.project), requested],
      newest: { ...record.newest, [requested.project]: requested },
      // A second build of a commit that is being synced needs no sync of its own.
      ...(record.attempt &&
      sameCommit &&
      superseded.some((build) => record.attempt?.serves.includes(build.build))
        ? { attempt: { ...record.attempt, serves: [...record.attempt.serves, requested.build] } }
        : {}),
    },
  };
}

function isNewer(requested: RequestedBuild, newest: RequestedBuild): boolean {
  if (requested.number > newest.number) return true;
  if (!requested.startedAt || !newest.startedAt) return false;
  return Date.parse(requested.startedAt) - Date.parse(newest.startedAt) > NEW_COUNT_MS;
}

/** What is requested has ended so: all of it, or these builds. The verdict is still to be reported. */
export function settle(
  record: ApplicationRecord,
  outcome: Outcome,
  reason: string,
  now: Date,
  builds: readonly string[] = record.requested.map((requested) => requested.build),
): ApplicationRecord {
  const at = now.toISOString();
  const ended = record.requested.filter((requested) => builds.includes(requested.build));
  const left = record.requested.filter((requested) => !builds.includes(requested.build));
  const newest = { ...record.newest };
  for (const { again: _, ...build } of ended) {
    if (newest[build.project]?.build === build.build)
      newest[build.project] = { ...build, outcome, settledAt: at };
  }
  const { attempt } = record;
  const verdict: Verdict = {
    outcome,
    reason,
    builds: ended,
    at,
    ...(attempt ? { deployId: attempt.deployId, syncs: attempt.tries } : {}),
  };
  const unreported = [...(record.unreported ?? []), verdict];
  if (left.length > 0) return { ...record, requested: left, newest, unreported };
  return {
    name: record.name,
    project: record.project,
    requested: [],
    newest,
    unreported,
    ...(record.drift ? { drift: record.drift } : {}),
  };
}

/**
 * The attempt that comes next, to be written down before Argo CD is asked. One that was never accepted is repeated
 * under its own id: if it turns up after all, it is ours.
 */
export function attemptOf(record: ApplicationRecord, now: Date): SyncAttempt {
  const serves = record.requested.map((build) => build.build);
  const before = record.attempt;
  const again = before !== undefined && serves.every((build) => before.serves.includes(build));
  if (again && !before.acceptedAt) return { ...before, requestedAt: now.toISOString() };
  const tries = again ? before.tries + 1 : 1;
  const last = record.requested.at(-1);
  return {
    deployId: `${last?.build ?? record.name}#${tries}${last?.again ? `@${last.recordedAt}` : ''}`,
    serves,
    tries,
    requestedAt: now.toISOString(),
    watchedSince: now.toISOString(),
  };
}

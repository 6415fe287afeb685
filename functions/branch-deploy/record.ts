/** What is kept of an application: the builds that are wanted, the sync that runs for them, and how the last one ended. */

/** A build that is to be deployed. */
export interface WantedBuild {
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
  /** Why it is wanted once more. */
  readonly again?: string;
}

export type Outcome = 'deployed' | 'failed' | 'suspended' | 'superseded';

/** The newest build of a CodeBuild project that was ever wanted, and how it ended. */
export interface NewestBuild extends WantedBuild {
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
  readonly slept?: boolean;
}

export interface ApplicationRecord {
  readonly name: string;
  readonly project: string;
  /** At most one for each CodeBuild project. */
  readonly wanted: readonly WantedBuild[];
  /** By CodeBuild project. */
  readonly newest: Readonly<Record<string, NewestBuild>>;
  readonly attempt?: SyncAttempt;
  /** Argo CD has not answered as it should since then. */
  readonly trouble?: { readonly since: string; readonly kind: string; readonly loud?: boolean };
  /** An operation of somebody else has been in the way since then. */
  readonly blockedSince?: string;
  /** Not before this instant (ISO 8601, UTC). */
  readonly notBefore?: string;
  /** The last thing that was told about waiting, so that it is told once. */
  readonly told?: string;
  /** Verdicts that were reached and may not have been said: the process could die in between. */
  readonly unsaid?: readonly Verdict[];
  /** OutOfSync since then, and whether that was reported. */
  readonly drift?: { readonly since: string; readonly reported?: boolean };
}

export interface Verdict {
  readonly outcome: Outcome;
  readonly reason: string;
  readonly builds: readonly WantedBuild[];
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
  /** The applications that were looked at since. */
  readonly looked?: readonly string[];
}

export function emptyRecord(application: { name: string; project: string }): ApplicationRecord {
  return { name: application.name, project: application.project, wanted: [], newest: {} };
}

/** True while there is something to do or to wait for. */
export function isPending(record: ApplicationRecord): boolean {
  return record.wanted.length > 0;
}

/** CodeBuild keeps a build queued for at most 8 hours: a lower number that started later than this is a new count. */
const NEW_COUNT_MS = 9 * 3_600_000;

export type Want =
  | {
      readonly result: 'wanted';
      readonly record: ApplicationRecord;
      readonly superseded: readonly WantedBuild[];
    }
  /** The same build was recorded before. */
  | { readonly result: 'duplicate' }
  | { readonly result: 'older'; readonly newest: NewestBuild };

/**
 * Records that a build is wanted. Newer means a higher number within its CodeBuild project, never a later event: a
 * slow older build ends later. Of each project only the newest stays wanted.
 */
export function want(record: ApplicationRecord, wanted: WantedBuild): Want {
  const newest = record.newest[wanted.project];
  if (newest?.build === wanted.build) return { result: 'duplicate' };
  if (newest && !isNewer(wanted, newest)) return { result: 'older', newest };

  const sameCommit = newest?.sha !== undefined && newest.sha === wanted.sha;
  const superseded = record.wanted.filter((build) => build.project === wanted.project);
  // What was told of the older build is to be told of this one too.
  const { notBefore: _, told: __, ...rest } = record;
  return {
    result: 'wanted',
    superseded,
    record: {
      ...rest,
      wanted: [...record.wanted.filter((build) => build.project !== wanted.project), wanted],
      newest: { ...record.newest, [wanted.project]: wanted },
      // A second build of a commit that is being synced needs no sync of its own.
      ...(record.attempt &&
      sameCommit &&
      superseded.some((build) => record.attempt?.serves.includes(build.build))
        ? { attempt: { ...record.attempt, serves: [...record.attempt.serves, wanted.build] } }
        : {}),
    },
  };
}

function isNewer(wanted: WantedBuild, newest: WantedBuild): boolean {
  if (wanted.number > newest.number) return true;
  if (!wanted.startedAt || !newest.startedAt) return false;
  return Date.parse(wanted.startedAt) - Date.parse(newest.startedAt) > NEW_COUNT_MS;
}

/** What is wanted has ended so: all of it, or these builds. The verdict is still to be said. */
export function settle(
  record: ApplicationRecord,
  outcome: Outcome,
  reason: string,
  now: Date,
  builds: readonly string[] = record.wanted.map((wanted) => wanted.build),
): ApplicationRecord {
  const at = now.toISOString();
  const ended = record.wanted.filter((wanted) => builds.includes(wanted.build));
  const left = record.wanted.filter((wanted) => !builds.includes(wanted.build));
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
  const unsaid = [...(record.unsaid ?? []), verdict];
  if (left.length > 0) return { ...record, wanted: left, newest, unsaid };
  return {
    name: record.name,
    project: record.project,
    wanted: [],
    newest,
    unsaid,
    ...(record.drift ? { drift: record.drift } : {}),
  };
}

/**
 * The attempt that comes next, to be written down before Argo CD is asked. One that was never accepted is repeated
 * under its own id: if it turns up after all, it is ours.
 */
export function attemptOf(record: ApplicationRecord, now: Date): SyncAttempt {
  const serves = record.wanted.map((build) => build.build);
  const before = record.attempt;
  const again = before !== undefined && serves.every((build) => before.serves.includes(build));
  if (again && !before.acceptedAt) return { ...before, requestedAt: now.toISOString() };
  const tries = again ? before.tries + 1 : 1;
  const last = record.wanted.at(-1);
  return {
    deployId: `${last?.build ?? record.name}#${tries}${last?.again ? `@${last.recordedAt}` : ''}`,
    serves,
    tries,
    requestedAt: now.toISOString(),
    watchedSince: now.toISOString(),
  };
}

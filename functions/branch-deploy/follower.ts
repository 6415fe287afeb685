/**
 * An operation of somebody else that came after a sync of ours. Whoever syncs what the application tracks does what ours
 * does; a person may have chosen an older revision, and is not fought. Pure.
 */
import { runningOf, wereSynced } from './images.ts';
import type { Operation } from './operation.ts';
import type { ApplicationView } from './ports.ts';
import type { ApplicationRecord, RequestedBuild, SyncAttempt } from './record.ts';
import { isAt, sameRevisions, sourceOf } from './sources.ts';

/** The operation that began after Argo CD had accepted ours, and is not ours. */
export function followerOf(attempt: SyncAttempt, { operation }: ApplicationView): Operation | undefined {
  if (!attempt.acceptedAt || !operation || operation.deployIds.includes(attempt.deployId)) return undefined;
  const since = floorToSecond(Date.parse(attempt.acceptedAt));
  return operation.startedAt.getTime() >= since ? operation : undefined;
}

/**
 * Keeps what the application tracks, from our sync until somebody else's, and once more while theirs is there: it may move on
 * before the next look.
 */
export function withTracked(
  record: ApplicationRecord,
  view: ApplicationView,
  isSync: boolean,
): ApplicationRecord {
  const { attempt } = record;
  const { revisions } = view;
  if (!attempt || revisions.length === 0) return record;
  const isUnchanged = !attempt.tracked || sameRevisions(attempt.tracked, revisions);
  const other = followerOf(attempt, view);
  const isElsewhere = other !== undefined && !sameRevisions(other.revisions, revisions);
  if (!isSync && (isUnchanged || isElsewhere)) return record;
  return { ...record, attempt: { ...attempt, tracked: [...revisions] } };
}

/** Keeps what our operation syncs: Argo CD shows the last operation only. */
export function withSynced(record: ApplicationRecord, { operation }: ApplicationView): ApplicationRecord {
  const { attempt } = record;
  if (!attempt || !operation?.deployIds.includes(attempt.deployId)) return record;
  const { revisions } = operation;
  if (revisions.length === 0 || (attempt.synced && sameRevisions(attempt.synced, revisions))) return record;
  return { ...record, attempt: { ...attempt, synced: [...revisions] } };
}

/** At the very commit of the build, in a source that is the repository which was built. */
export function isKnownAt(
  build: RequestedBuild,
  view: ApplicationView,
  revisions: readonly string[],
): boolean {
  return build.sha !== undefined && sourceOf(build, view) !== undefined && isAt(build, view, revisions);
}

export interface Follower {
  readonly view: ApplicationView;
  readonly attempt: SyncAttempt;
  readonly other: Operation;
}

/** It brought what was built, what our sync brought, or the newest of what the application tracks. */
export function isServedBy(build: RequestedBuild, { view, attempt, other }: Follower): boolean {
  if (attempt.synced && sameRevisions(other.revisions, attempt.synced)) return true;
  const isNewest = sameRevisions(other.revisions, view.revisions);
  // The head of the branch contains the commit: it was pushed before its build, and so before our sync.
  if (sourceOf(build, view) !== undefined) return isNewest || isKnownAt(build, view, other.revisions);
  if (other.automated || isNewest) return true;
  // Manifests in a repository of their own have another commit, and move on after the build.
  if (attempt.tracked && sameRevisions(other.revisions, attempt.tracked)) return true;
  return wereSynced(build, view) || runningOf([build], view)?.kind === 'runs';
}

/** Argo CD's times are whole seconds. */
const floorToSecond = (ms: number) => Math.floor(ms / 1000) * 1000;

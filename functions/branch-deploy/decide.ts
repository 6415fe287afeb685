/**
 * What comes next for one application: a pure function of what was requested, what Argo CD shows and the time.
 *
 * An operation is over only when none is requested any more and its phase is final: Running with an end is a retry that
 * waits. Health is trusted only if the application was compared after the operation ended.
 */
import { sameRepository } from '#model/branch.ts';
import type { ApplicationView, ArgocdFailure, Result } from './ports.ts';
import { OF_BUILDS, OF_FAILURES, OF_SYNCS } from './reasons.ts';
import {
  type ApplicationRecord,
  nextAttempt,
  type Outcome,
  type RequestedBuild,
  type SyncAttempt,
  settle,
} from './record.ts';

export const LIMITS = {
  /** A sync that was requested and is not shown after so long is requested again. Longer than any request takes. */
  unseenMs: 30_000,
  /** An operation, or a rollout, of ours may take so long. Argo CD itself has no limit. */
  deployMs: 30 * 60_000,
  /** Somebody else's operation is reported after so long, and still waited for. */
  blockedMs: 30 * 60_000,
  /** OutOfSync right after a sync may still settle. */
  settleMs: 2 * 60_000,
  /** Syncs for the same builds: when the first ended at an old revision, or was broken by the night. */
  tries: 3,
  /** Requests to Argo CD may fail for so long before it is reported, and are given up after so long. */
  failingMs: { report: 15 * 60_000, giveUp: 24 * 3_600_000 },
  /** After requests failed for so long nobody could watch a sync: its time begins again. */
  awayMs: 60_000,
  /** Until the next request where nothing changes by the minute. */
  postponeMs: 5 * 60_000,
} as const;

type Failing = NonNullable<ApplicationRecord['failing']>;

export type Step =
  | { readonly kind: 'sync'; readonly reason: string }
  | {
      readonly kind: 'wait';
      readonly reason: string;
      /** Ask Argo CD to compare again. */
      readonly refresh?: boolean;
      /** Somebody else's operation is running. */
      readonly blocked?: boolean;
    }
  | {
      readonly kind: 'retry';
      readonly reason: string;
      readonly blocked?: boolean;
      readonly failing?: Failing;
      readonly atLeastMs?: number;
    }
  | {
      readonly kind: 'postpone';
      readonly action: 'defer' | 'fail';
      readonly reason: string;
      /** It was not reported before. */
      readonly isNew: boolean;
      readonly failing?: Failing;
    }
  | {
      readonly kind: 'settle';
      readonly outcome: Outcome;
      readonly reason: string;
      /** Only these builds; all that are requested where it is left out. */
      readonly builds?: readonly string[];
      /** Our configuration is wrong: somebody has to correct it. */
      readonly misconfigured?: boolean;
    };

type Settle = Extract<Step, { kind: 'settle' }>;
type Operation = NonNullable<ApplicationView['operation']>;

/** How the deploy ids of a person's rollout begin. */
export const ROLLOUT = 'rollout:';

export interface Decided {
  readonly step: Step;
  /** The record to write before the step is applied. */
  readonly record: ApplicationRecord;
}

/** From what was read of Argo CD to the next step. */
export function decide(record: ApplicationRecord, read: Result<ApplicationView>, now: Date): Decided {
  const seen = read.ok ? withAcceptance(withNewWatch(record, now), read.value, now) : record;
  const step = read.ok ? nextStep(seen, read.value, now) : stepAfterFailure(seen, read.error, now);
  return { step, record: recordFor(step, seen, now) };
}

/** From Argo CD's failure to take a sync to the next step. `before` is the attempt that the sync was to follow. */
export function decideAfterSync(
  { attempt: _, ...rest }: ApplicationRecord,
  attempts: { readonly sent: SyncAttempt; readonly before: SyncAttempt | undefined },
  failure: ArgocdFailure,
  now: Date,
): Decided {
  const attempt = failure.outcomeUnknown ? attempts.sent : attempts.before;
  const record: ApplicationRecord = { ...rest, ...(attempt && { attempt }) };
  const step = stepAfterFailure(record, failure, now);
  return { step, record: recordFor(step, record, now) };
}

export function nextStep(record: ApplicationRecord, view: ApplicationView, now: Date): Step {
  if (view.deleting) return failed(OF_SYNCS.deleting);
  const mistake = wrongBranch(record.requested, view);
  if (mistake) return { ...failed(mistake), misconfigured: true };
  return record.attempt ? followOurs(record, record.attempt, view, now) : begin(record, view, now);
}

/** Nothing of ours is running. */
function begin({ requested }: ApplicationRecord, view: ApplicationView, now: Date): Step {
  const blocker = blockedBy(view);
  if (blocker) return { kind: 'wait', reason: OF_SYNCS.blocked(blocker), blocked: true };
  if (isThereAlready(requested, view)) return settled('deployed', OF_SYNCS.alreadyThere(view.revisions));
  if (view.operation && covers(view.operation, requested, view)) {
    const since = Math.max(...requested.map(({ recordedAt }) => Date.parse(recordedAt)));
    const waitedMs = now.getTime() - since;
    return afterSync({ requested, tries: 1, view, operation: view.operation, waitedMs, now });
  }
  const repeatReason = requested.find((build) => build.repeatReason)?.repeatReason;
  return { kind: 'sync', reason: repeatReason ?? OF_BUILDS.succeeded(requested) };
}

/** A sync of ours was requested. */
function followOurs(record: ApplicationRecord, attempt: SyncAttempt, view: ApplicationView, now: Date): Step {
  const { requested } = record;
  const waitedMs = now.getTime() - Date.parse(attempt.watchedSince);
  if (view.pendingOperation?.deployIds.includes(attempt.deployId))
    return waitAtMost(waitedMs, OF_SYNCS.notStarted);
  const { operation } = view;
  if (!operation?.deployIds.includes(attempt.deployId)) return lookForOurs(record, attempt, view, now);

  if (!isOver(view, operation)) {
    const reason = OF_SYNCS.running(operation);
    return /sync window/.test(operation.message) ? { kind: 'wait', reason } : waitAtMost(waitedMs, reason);
  }
  // Only the latest is worth the wait for health: what came during the operation is synced now.
  const unserved = requested.filter(({ build }) => !attempt.builds.includes(build));
  if (unserved.length > 0 && !covers(operation, unserved, view))
    return { kind: 'sync', reason: OF_BUILDS.succeededMeanwhile(requested) };
  if (operation.phase !== 'Succeeded') {
    return attempt.clusterSlept && attempt.tries < LIMITS.tries
      ? { kind: 'sync', reason: OF_SYNCS.brokenByNight(operation.phase) }
      : failed(OF_SYNCS.ended(operation));
  }
  return afterSync({ requested, tries: attempt.tries, view, operation, waitedMs, now });
}

interface SucceededSync {
  readonly requested: readonly RequestedBuild[];
  readonly tries: number;
  readonly view: ApplicationView;
  readonly operation: Operation;
  readonly waitedMs: number;
  readonly now: Date;
}

/** Our sync succeeded, which is not yet a healthy application at the commits that were built. */
function afterSync({ requested, tries, view, operation, waitedMs, now }: SucceededSync): Step {
  const { revisions } = operation;
  if (!isComparedSince(view, operation)) return waitAtMost(waitedMs, OF_SYNCS.notCompared, true);
  const elsewhere = requested.filter((build) => !isAt(build, view, revisions));
  if (elsewhere.length > 0) {
    // Argo CD synced what it knew. Does it know better now?
    if (!elsewhere.every((build) => isAt(build, view, view.revisions))) {
      const step = settled('superseded', OF_SYNCS.branchMovedOn(view.revisions, elsewhere));
      return { ...step, builds: elsewhere.map(({ build }) => build) };
    }
    return tries < LIMITS.tries
      ? { kind: 'sync', reason: OF_SYNCS.oldRevision(revisions, elsewhere) }
      : failed(OF_SYNCS.oldRevisionAgain(tries, revisions, elsewhere));
  }
  if (view.sync !== 'Synced') {
    if (!same(view.revisions, revisions))
      return settled('superseded', OF_SYNCS.applicationMovedOn(view.revisions));
    return now.getTime() - (operation.finishedAt?.getTime() ?? 0) < LIMITS.settleMs
      ? { kind: 'wait', reason: OF_SYNCS.settling(view.sync), refresh: true }
      : failed(OF_SYNCS.stillOutOfSync(view.sync));
  }
  switch (view.health) {
    case 'Healthy':
      return settled('deployed', OF_SYNCS.deployed(revisions));
    case 'Degraded':
      return failed(OF_SYNCS.degraded(revisions, view.healthMessage));
    case 'Suspended':
      return settled('suspended', OF_SYNCS.suspended(revisions));
    default:
      return waitAtMost(waitedMs, OF_SYNCS.notHealthyYet(revisions, view.health));
  }
}

/** We requested a sync, and the operation that Argo CD shows is another. */
function lookForOurs(
  { requested }: ApplicationRecord,
  attempt: SyncAttempt,
  view: ApplicationView,
  now: Date,
): Step {
  const blocker = blockedBy(view);
  if (blocker) return { kind: 'wait', reason: OF_SYNCS.blocked(blocker), blocked: true };

  const other = view.operation;
  const since = Date.parse(attempt.acceptedAt ?? attempt.requestedAt);
  if (attempt.acceptedAt && other && other.startedAt.getTime() >= floorToSecond(since)) {
    if (requested.some(({ build }) => !attempt.builds.includes(build)))
      return { kind: 'sync', reason: OF_BUILDS.succeeded(requested) };
    if (!other.automated) return settled('superseded', OF_SYNCS.replacedBy(other));
    if (isThereAlready(requested, view))
      return settled('deployed', OF_SYNCS.deployedByAutoSync(view.revisions));
    return attempt.tries < LIMITS.tries
      ? { kind: 'sync', reason: OF_SYNCS.autoSyncFollowed }
      : failed(OF_SYNCS.autoSyncFollowedAgain(attempt.tries, other));
  }
  if (now.getTime() - since < LIMITS.unseenMs) return { kind: 'wait', reason: OF_SYNCS.notShown };
  return now.getTime() - Date.parse(attempt.watchedSince) > LIMITS.deployMs
    ? failed(OF_SYNCS.neverShown)
    : { kind: 'sync', reason: OF_SYNCS.neverStarted };
}

/** Argo CD did not do what was requested. */
function stepAfterFailure(record: ApplicationRecord, failure: ArgocdFailure, now: Date): Step {
  const { kind, detail } = failure;
  switch (kind) {
    case 'busy':
      return { kind: 'retry', reason: OF_FAILURES.busy(detail), blocked: true };
    case 'window': {
      const isNew = record.lastReport !== WINDOW;
      return { kind: 'postpone', action: 'defer', reason: OF_FAILURES.window(detail), isNew };
    }
    case 'deleting':
      return failed(OF_FAILURES.deleting(detail));
    case 'permanent':
    case 'forbidden':
    case 'missing':
      return { ...failed(OF_FAILURES[kind](detail, record)), misconfigured: true };
    case 'unauthorized':
    case 'transient':
      return stepWhileFailing(record, kind, failure, now);
  }
}

/** What `lastReport` says of a sync window. */
const WINDOW = 'window';

/** Retried with growing pauses, reported when it lasts, given up after a day. */
function stepWhileFailing(
  { failing }: ApplicationRecord,
  kind: 'unauthorized' | 'transient',
  { detail, retryAfterSeconds }: ArgocdFailure,
  now: Date,
): Step {
  const since = failing?.since ?? now.toISOString();
  const lastedMs = now.getTime() - Date.parse(since);
  if (lastedMs > LIMITS.failingMs.giveUp)
    return { ...failed(OF_FAILURES.givenUp(detail)), misconfigured: true };
  if (kind === 'unauthorized' || lastedMs > LIMITS.failingMs.report) {
    const isNew = failing?.kind !== kind || failing.reported !== true;
    const reason = OF_FAILURES.retried(detail);
    return { kind: 'postpone', action: 'fail', reason, isNew, failing: { since, kind, reported: true } };
  }
  return {
    kind: 'retry',
    reason: detail,
    failing: failing?.kind === kind ? failing : { since, kind },
    ...(retryAfterSeconds ? { atLeastMs: retryAfterSeconds * 1_000 } : {}),
  };
}

/** The record that belongs to a step; the very one that was given where nothing changes. */
function recordFor(step: Step, record: ApplicationRecord, now: Date): ApplicationRecord {
  switch (step.kind) {
    case 'sync':
      return { ...unblocked(reached(record)), attempt: nextAttempt(record, now) };
    case 'settle':
      return settle(reached(record), step, now);
    case 'wait':
      return step.blocked ? blocked(reached(record), now) : unblocked(reached(record));
    case 'retry':
      if (step.blocked) return blocked(reached(record), now);
      return step.failing === record.failing ? record : { ...record, ...withFailing(step.failing) };
    case 'postpone': {
      const notBefore = new Date(now.getTime() + LIMITS.postponeMs).toISOString();
      const lastReport = step.action === 'defer' ? { lastReport: WINDOW } : {};
      return { ...record, notBefore, ...lastReport, ...withFailing(step.failing) };
    }
  }
}

const withFailing = (failing: Failing | undefined) => (failing ? { failing } : {});

/** Argo CD has answered. */
function reached(record: ApplicationRecord): ApplicationRecord {
  if (!record.failing && !record.notBefore) return record;
  const { failing: _, notBefore: __, ...rest } = record;
  return rest;
}

function unblocked(record: ApplicationRecord): ApplicationRecord {
  if (!record.blockedSince) return record;
  const { blockedSince: _, ...rest } = record;
  return rest;
}

/** Since when it is blocked; when it lasts, that it was reported. */
function blocked(record: ApplicationRecord, now: Date): ApplicationRecord {
  const { blockedSince } = record;
  if (!blockedSince) return { ...record, blockedSince: now.toISOString() };
  const lastReport = `blocked:${blockedSince}`;
  const isLate = now.getTime() - Date.parse(blockedSince) > LIMITS.blockedMs;
  return isLate && record.lastReport !== lastReport ? { ...record, lastReport } : record;
}

/** While requests to Argo CD failed nobody could watch: the time for a sync begins again. */
function withNewWatch(record: ApplicationRecord, now: Date): ApplicationRecord {
  const { attempt, failing } = record;
  if (!attempt || !failing || now.getTime() - Date.parse(failing.since) <= LIMITS.awayMs) return record;
  return { ...record, attempt: { ...attempt, watchedSince: now.toISOString() } };
}

/** An operation with our deploy id was accepted, also if the reply that said so was lost. */
function withAcceptance(record: ApplicationRecord, view: ApplicationView, now: Date): ApplicationRecord {
  const { attempt } = record;
  if (!attempt || attempt.acceptedAt) return record;
  const { pendingOperation, operation } = view;
  const shown = [...(pendingOperation?.deployIds ?? []), ...(operation?.deployIds ?? [])];
  if (!shown.includes(attempt.deployId)) return record;
  return { ...record, attempt: { ...attempt, acceptedAt: now.toISOString() } };
}

/** Over means: none is requested, and the phase is final. */
export function isOver(view: ApplicationView, operation: Operation): boolean {
  return !view.pendingOperation && ['Succeeded', 'Failed', 'Error'].includes(operation.phase);
}

/**
 * Argo CD's times are whole seconds, and a small sync takes less than one: a comparison in the second of its end may have
 * been made before it. It was not, where it is of what was synced.
 */
export function isComparedSince(view: ApplicationView, operation: Operation): boolean {
  const finishedAt = operation.finishedAt?.getTime() ?? 0;
  const comparedAt = view.reconciledAt?.getTime() ?? -1;
  return comparedAt > finishedAt || (comparedAt === finishedAt && same(view.revisions, operation.revisions));
}

/** Whose operation is running, if any is. */
function blockedBy(view: ApplicationView): string | undefined {
  if (view.pendingOperation) return view.pendingOperation.by;
  const { operation } = view;
  return operation && !isOver(view, operation) ? operation.by : undefined;
}

/**
 * Has a sync of ours, begun after these builds, brought what they were built from or something newer? A commit is pushed
 * before its build starts, and a sync goes to the head of the branch. So one sync serves a whole burst of pushes.
 */
function covers(operation: Operation, builds: readonly RequestedBuild[], view: ApplicationView): boolean {
  if (!isOver(view, operation) || operation.phase !== 'Succeeded') return false;
  // A person's rollout may have named an older revision.
  if (!operation.deployIds.some((id) => !id.startsWith(ROLLOUT))) return false;
  // Argo CD's times are whole seconds: in the second of the build's start the push may have come after the sync.
  const after = builds.every(
    (build) =>
      !build.repeatReason &&
      build.sha !== undefined &&
      build.startedAt !== undefined &&
      sourceOf(build, view) !== undefined &&
      operation.startedAt.getTime() > Date.parse(build.startedAt),
  );
  if (!after) return false;
  const past = builds.every((build) => !isAt(build, view, operation.revisions));
  return past || (view.sync === 'Synced' && (view.health === 'Healthy' || view.health === 'Progressing'));
}

/**
 * Synced and Healthy at exactly our commits, by a comparison after the last operation. Only an application whose
 * source is the repository that was built can be known to be there.
 */
function isThereAlready(builds: readonly RequestedBuild[], view: ApplicationView): boolean {
  const finishedAt = view.operation?.finishedAt?.getTime() ?? 0;
  return (
    view.sync === 'Synced' &&
    view.health === 'Healthy' &&
    (view.reconciledAt?.getTime() ?? 0) >= finishedAt &&
    builds.every(
      (build) =>
        // What failed has not run its hooks to the end, however well the application looks.
        !build.repeatReason &&
        build.sha !== undefined &&
        sourceOf(build, view) !== undefined &&
        isAt(build, view, view.revisions),
    )
  );
}

/** True where the build's commit is what its source is at, or where the application does not track that repository. */
function isAt(build: RequestedBuild, view: ApplicationView, revisions: readonly string[]): boolean {
  const index = sourceOf(build, view);
  return index === undefined || build.sha === undefined || revisions[index] === build.sha;
}

function sourceOf(build: RequestedBuild, view: ApplicationView): number | undefined {
  const index = view.sources.findIndex((source) => sameRepository(source.repository, build.repository));
  return index < 0 ? undefined : index;
}

/** An application that tracks another branch of the very repository would be synced for nothing. */
function wrongBranch(builds: readonly RequestedBuild[], view: ApplicationView): string | undefined {
  for (const build of builds) {
    const tracked = view.sources[sourceOf(build, view) ?? -1]?.targetRevision;
    if (tracked && !['HEAD', build.branch, `refs/heads/${build.branch}`].includes(tracked))
      return OF_SYNCS.wrongBranch(tracked, build);
  }
  return undefined;
}

function waitAtMost(waitedMs: number, reason: string, refresh = false): Step {
  if (waitedMs > LIMITS.deployMs) return failed(OF_SYNCS.tooLong(reason, LIMITS.deployMs / 60_000));
  return { kind: 'wait', reason, ...(refresh ? { refresh } : {}) };
}

const settled = (outcome: Outcome, reason: string): Settle => ({ kind: 'settle', outcome, reason });
const failed = (reason: string) => settled('failed', reason);
const same = (one: readonly string[], other: readonly string[]) =>
  one.length === other.length && one.every((value, index) => value === other[index]);
/** Argo CD's times are whole seconds. */
const floorToSecond = (ms: number) => Math.floor(ms / 1000) * 1000;

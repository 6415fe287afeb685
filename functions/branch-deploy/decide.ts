/**
 * What comes next for one application: a pure function of what was requested, what Argo CD shows and the time.
 *
 * An operation is over only when none is requested any more and its phase is final: Running with an end is a retry that
 * waits. Health is trusted only if the application was compared after the operation ended.
 */
import { followerOf, isKnownAt, isServedBy, withSynced, withTracked } from './follower.ts';
import { isUnhealthy, withSuspension } from './health.ts';
import { runningOf, sourceForImages, withoutOverrides } from './images.ts';
import { isOver, type Operation, ROLLOUT } from './operation.ts';
import type { ApplicationView, ArgocdFailure, Result } from './ports.ts';
import { OF_BUILDS, OF_FAILURES, OF_IMAGES, OF_SYNCS } from './reasons.ts';
import type { ApplicationRecord, RequestedBuild, SyncAttempt } from './record.ts';
import { begunAt, broughtFor, nextAttempt, nextBrought, settle, withoutUnhealthy } from './record-changes.ts';
import { isAt, namedRevisions, notHydrated, sourceOf, wrongBranch } from './sources.ts';
import { type Failing, failed, LIMITS, misconfigured, type Step, settled, waitAtMost } from './step.ts';
import { verdict } from './verdict.ts';

export { LIMITS, type Step } from './step.ts';

export interface Decided {
  readonly step: Step;
  /** The record to write before the step is applied. */
  readonly record: ApplicationRecord;
  /** Argo CD's own syncs of the application prune: ours do the same where the config says nothing. */
  readonly autoPrune?: boolean;
}

/** From what was read of Argo CD to the next step. */
export function decide(record: ApplicationRecord, read: Result<ApplicationView>, now: Date): Decided {
  const seen = read.ok ? seenIn(withNewWatch(record, now), read.value, now) : record;
  const step = read.ok ? nextStep(seen, read.value, now) : stepAfterFailure(seen, read.error, now);
  const autoPrune = read.ok && read.value.autoPrune === true;
  const next = recordFor(step, seen, now);
  return {
    step,
    record: read.ok ? withTracked(next, read.value, step.kind === 'sync') : next,
    ...(autoPrune && { autoPrune }),
  };
}

/** From Argo CD's failure to take a sync to the next step. `before` is the attempt that the sync was to follow. */
export function decideAfterSync(
  { attempt: _, ...rest }: ApplicationRecord,
  attempts: { readonly sent: SyncAttempt | undefined; readonly before: SyncAttempt | undefined },
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
  const mistake = wrongBranch(record.requested, view) ?? unnamable(record.requested, view);
  if (mistake) return misconfigured(mistake);
  const next =
    setImages(record, view, now) ??
    (record.attempt ? followOurs(record, record.attempt, view, now) : begin(record, view, now));
  const step = withinHour(record, next, now);
  if (step.kind !== 'sync') return step;
  // The hydrator makes the commit that is to be synced.
  const reason = notHydrated(record.requested, view);
  if (reason) return waitAtMost(waitedFor(record.requested, now), reason, { refresh: true });
  const options = namedRevisions(record.requested, view);
  return options ? { ...step, options } : step;
}

/** Why the commit that was built cannot be named in the sync. */
function unnamable(builds: readonly RequestedBuild[], view: ApplicationView): string | undefined {
  const named = builds.find(({ revision }) => revision === 'built');
  if (!named) return undefined;
  if (!named.sha) return OF_SYNCS.withoutCommit(named);
  if (view.hydration || sourceOf(named, view) === undefined) return OF_SYNCS.notItsSource(named);
  return view.autoSync ? OF_SYNCS.autoSynced(named) : undefined;
}

/** With `bring: 'parameter'` the images are set on the Application before a sync, and again where they were put back. */
function setImages(record: ApplicationRecord, view: ApplicationView, now: Date): Step | undefined {
  const missing = withoutOverrides(record.requested, view);
  const [build] = missing;
  if (!build || blockedBy(view)) return undefined;
  const source = sourceForImages(build, view);
  if (source === undefined) return misconfigured(OF_IMAGES.whichSource);
  const { tries, at } = broughtFor(record);
  if (at !== undefined && now.getTime() - Date.parse(at) < LIMITS.setAgainMs)
    return { kind: 'wait', reason: OF_IMAGES.notSetYet, refresh: true };
  if (tries >= LIMITS.broughtTries) return misconfigured(OF_IMAGES.reverted(tries, view.madeBy));
  const images = missing
    .filter((other) => sourceForImages(other, view) === source)
    .flatMap((other) => other.images ?? []);
  return {
    kind: 'bring',
    reason: OF_IMAGES.setOnApplication(missing),
    how: { kind: 'parameter', images, source },
  };
}

/** A deploy that goes on and on, each wait within its limit, ends with what it was last waiting for. */
function withinHour({ attempt }: ApplicationRecord, step: Step, now: Date): Step {
  if (!attempt || !['wait', 'sync', 'bring'].includes(step.kind)) return step;
  if (step.kind === 'wait' && (step.blocked || step.unlimited)) return step;
  const lastedMs = now.getTime() - Date.parse(begunAt(attempt));
  return lastedMs > LIMITS.wholeMs ? failed(OF_SYNCS.tooLong(step.reason, LIMITS.wholeMs / 60_000)) : step;
}

/** Since the newest of the builds was requested. */
function waitedFor(requested: readonly RequestedBuild[], now: Date): number {
  return now.getTime() - Math.max(...requested.map(({ recordedAt }) => Date.parse(recordedAt)));
}

/** Nothing of ours is running. */
function begin(record: ApplicationRecord, view: ApplicationView, now: Date): Step {
  const { requested } = record;
  const blocker = blockedBy(view);
  if (blocker) return { kind: 'wait', reason: OF_SYNCS.blocked(blocker), blocked: true };
  if (isThereAlready(requested, view))
    return settled('deployed', OF_SYNCS.alreadyThere(view.revisions, runningOf(requested, view)));
  if (view.operation && covers(view.operation, requested, view)) {
    const waitedMs = waitedFor(requested, now);
    return verdict({ record, tries: 1, view, operation: view.operation, waitedMs, begunMs: waitedMs, now });
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
    return /sync window/.test(operation.message)
      ? { kind: 'wait', reason, unlimited: true }
      : waitAtMost(waitedMs, reason);
  }
  // Only the latest is worth the wait for health: what came during the operation is synced now.
  const unserved = requested.filter(({ build }) => !attempt.builds.includes(build));
  if (unserved.length > 0 && !covers(operation, unserved, view))
    return { kind: 'sync', reason: OF_BUILDS.succeededMeanwhile(requested) };
  if (operation.phase !== 'Succeeded') {
    // What it waited for may be there by now. The managed Argo CD gives each sync 120 s.
    if (SYNC_TIMEOUT.test(operation.message) && attempt.tries < LIMITS.tries)
      return { kind: 'sync', reason: OF_SYNCS.timedOut(operation) };
    return attempt.clusterSlept && attempt.tries < LIMITS.tries
      ? { kind: 'sync', reason: OF_SYNCS.brokenByNight(operation.phase) }
      : failed(OF_SYNCS.ended(operation));
  }
  return verdict({ ...following(record, attempt, view, now), operation });
}

/** As the controller of Argo CD writes it. */
const SYNC_TIMEOUT = /triggered by controller sync timeout/;

function following(record: ApplicationRecord, attempt: SyncAttempt, view: ApplicationView, now: Date) {
  const waitedMs = now.getTime() - Date.parse(attempt.watchedSince);
  const begunMs = now.getTime() - Date.parse(begunAt(attempt));
  return { record, tries: attempt.tries, view, waitedMs, begunMs, now };
}

/** We requested a sync, and the operation that Argo CD shows is another. */
function lookForOurs(
  record: ApplicationRecord,
  attempt: SyncAttempt,
  view: ApplicationView,
  now: Date,
): Step {
  const { requested } = record;
  const blocker = blockedBy(view);
  if (blocker) return { kind: 'wait', reason: OF_SYNCS.blocked(blocker), blocked: true };

  const other = followerOf(attempt, view);
  if (other) {
    if (requested.some(({ build }) => !attempt.builds.includes(build)))
      return { kind: 'sync', reason: OF_BUILDS.succeeded(requested) };
    // Whoever took the application there: what it is like now decides.
    if (
      other.phase === 'Succeeded' &&
      requested.every((build) => isServedBy(build, { view, attempt, other }))
    )
      return isThereAlready(requested, view) && other.automated
        ? settled('deployed', OF_SYNCS.deployedByAutoSync(view.revisions))
        : verdict({ ...following(record, attempt, view, now), operation: other });
    if (!other.automated) return failed(OF_SYNCS.replacedBy(other, runningOf(requested, view)));
    if (isThereAlready(requested, view))
      return settled('deployed', OF_SYNCS.deployedByAutoSync(view.revisions));
    return attempt.tries < LIMITS.tries
      ? { kind: 'sync', reason: OF_SYNCS.autoSyncFollowed }
      : failed(OF_SYNCS.autoSyncFollowedAgain(attempt.tries, other));
  }
  const since = Date.parse(attempt.acceptedAt ?? attempt.requestedAt);
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
      return misconfigured(OF_FAILURES[kind](detail, record));
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
  if (lastedMs > LIMITS.failingMs.giveUp) return misconfigured(OF_FAILURES.givenUp(detail));
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
      return { ...withoutUnhealthy(unblocked(reached(record))), attempt: nextAttempt(record, now) };
    case 'bring':
      return { ...withoutUnhealthy(unblocked(reached(record))), brought: nextBrought(record, now) };
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
  return withoutUnhealthy({
    ...record,
    attempt: { ...attempt, watchedSince: now.toISOString(), begunAt: now.toISOString() },
  });
}

/** What this look adds to the record. */
function seenIn(record: ApplicationRecord, view: ApplicationView, now: Date): ApplicationRecord {
  const accepted = withSynced(withAcceptance(record, view, now), view);
  return withUnhealthy(withSuspension(accepted, view, now), view, now);
}

/** Since when the application has been unhealthy after the operation that is over; it counts from the first look on. */
function withUnhealthy(record: ApplicationRecord, view: ApplicationView, now: Date): ApplicationRecord {
  const { operation } = view;
  if (!operation || !isOver(view, operation) || !isUnhealthy(view)) return withoutUnhealthy(record);
  const since = operation.startedAt.toISOString();
  if (record.unhealthy?.operation === since) return record;
  return { ...record, unhealthy: { since: now.toISOString(), operation: since } };
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
  if (builds.some(({ revision }) => revision === 'built')) return false;
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
    hasImages(builds, view) &&
    // What failed has not run its hooks to the end, however well the application looks.
    builds.every((build) => !build.repeatReason && isKnownAt(build, view, view.revisions))
  );
}

function hasImages(builds: readonly RequestedBuild[], view: ApplicationView): boolean {
  const running = runningOf(builds, view);
  return running === undefined || running.kind === 'runs';
}

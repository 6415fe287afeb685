/**
 * What a sync that succeeded has come to. Pure. Superseded is no outcome of it: only a newer build of the same project
 * supersedes one. If the branch has moved on, what is live contains the commit, and its health decides.
 */

import { ownValue } from '#model/own-value.ts';
import { runningOf } from './images.ts';
import { isComparedSince, type Operation } from './operation.ts';
import type { ApplicationView } from './ports.ts';
import { OF_IMAGES, OF_SYNCS } from './reasons.ts';
import type { ApplicationRecord, RequestedBuild } from './record.ts';
import { isAt, notHydrated, sameRevisions, sourceOf, tracksDefault } from './sources.ts';
import { failed, LIMITS, misconfigured, type Step, settled, waitAtMost } from './step.ts';

export interface SucceededSync {
  readonly record: ApplicationRecord;
  /** How many syncs were requested for these builds. */
  readonly tries: number;
  readonly view: ApplicationView;
  readonly operation: Operation;
  readonly waitedMs: number;
  readonly now: Date;
}

/** Degraded, Missing and Unknown come and go around a rollout. */
export function isUnhealthy({ sync, health }: ApplicationView): boolean {
  return sync === 'Unknown' || health === 'Degraded' || health === 'Missing' || health === 'Unknown';
}

export function verdict(ended: SucceededSync): Step {
  const { record, tries, view, operation, waitedMs } = ended;
  if (!isComparedSince(view, operation)) return waitAtMost(waitedMs, OF_SYNCS.notCompared, { refresh: true });
  // Without a comparison its revisions say nothing.
  if (view.sync === 'Unknown') return settling(ended, OF_SYNCS.notComparable(view.condition));
  const { revisions } = operation;
  const elsewhere = record.requested.filter((build) => !isAt(build, view, revisions));
  if (elsewhere.length > 0) {
    const reason = notHydrated(record.requested, view);
    if (reason) return waitAtMost(waitedMs, reason, { refresh: true });
    // Argo CD synced what it knew. Does it know better now?
    if (!sameRevisions(view.revisions, revisions) && tries < LIMITS.tries)
      return { kind: 'sync', reason: OF_SYNCS.oldRevision(revisions, elsewhere) };
    if (elsewhere.every((build) => isAt(build, view, view.revisions)))
      return failed(OF_SYNCS.oldRevisionAgain(tries, revisions, elsewhere));
    const ambiguous = elsewhere.find((build) => tracksDefault(build, view));
    if (ambiguous) return misconfigured(OF_SYNCS.wrongDefault(revisions, ambiguous));
  }
  const hasMovedOn = !sameRevisions(view.revisions, revisions);
  const running = runningOf(record.requested, view);
  // Its manifests name the image only now.
  if (running?.kind === 'other' && view.sync === 'OutOfSync' && hasMovedOn && tries < LIMITS.imageTries)
    return { kind: 'sync', reason: running.reason };
  if (view.sync === 'OutOfSync' && !hasMovedOn) return outOfSync(ended);
  return byHealth(ended, deployedReason(ended, elsewhere, hasMovedOn));
}

function deployedReason(
  { record, view, operation: { revisions } }: SucceededSync,
  elsewhere: readonly RequestedBuild[],
  hasMovedOn: boolean,
): string {
  const reason =
    elsewhere.length > 0
      ? OF_SYNCS.deployedLater(revisions, elsewhere)
      : hasMovedOn && view.sync !== 'Synced'
        ? OF_SYNCS.deployedBefore(revisions, view.revisions)
        : OF_SYNCS.deployed(revisions);
  const wasBuilt = ({ project, sha }: RequestedBuild) => ownValue(record.newest, project)?.sha === sha;
  const failedBuild = record.failedBuilds?.find(
    (build) => build.sha !== undefined && revisions.includes(build.sha) && !wasBuilt(build),
  );
  return failedBuild ? OF_SYNCS.withFailedBuild(reason, failedBuild) : reason;
}

/** Something that the sync does not reach, such as what is to be pruned. */
function outOfSync({ view: { sync }, operation, now }: SucceededSync): Step {
  const lastedMs = now.getTime() - (operation.finishedAt?.getTime() ?? 0);
  return lastedMs < LIMITS.settleMs
    ? { kind: 'wait', reason: OF_SYNCS.settling(sync), refresh: true }
    : failed(OF_SYNCS.stillOutOfSync(sync));
}

function byHealth(ended: SucceededSync, deployed: string): Step {
  const { view, operation, waitedMs } = ended;
  const { revisions } = operation;
  switch (view.health) {
    case 'Healthy':
      return byImages(ended, deployed);
    case 'Suspended':
      return waitAtMost(waitedMs, OF_SYNCS.suspended(revisions), { limitMs: LIMITS.suspendedMs });
    case 'Progressing':
      return waitAtMost(waitedMs, OF_SYNCS.notHealthyYet(revisions, view.health));
    default: {
      const message = view.healthMessage || view.condition || '';
      return settling(ended, OF_SYNCS.unhealthy(revisions, view.health, message));
    }
  }
}

/** Healthy is what runs; what was built runs if the pods' images say so, or the manifests are of the same repository. */
function byImages({ record, view, waitedMs }: SucceededSync, reason: string): Step {
  const running = runningOf(record.requested, view);
  if (running?.kind === 'rolling' || running?.kind === 'other')
    return waitAtMost(waitedMs, running.reason, {
      limitMs: LIMITS.imageMs,
      refresh: running.kind === 'other',
    });
  const unverified = record.requested.filter(
    (build) => !build.images?.length && sourceOf(build, view) === undefined,
  );
  if (unverified.length > 0) {
    const step = settled('unverified', OF_IMAGES.unverified(reason));
    const isAll = unverified.length === record.requested.length;
    return isAll ? step : { ...step, builds: unverified.map(({ build }) => build) };
  }
  return settled('deployed', running ? `${reason}; ${running.reason}` : reason);
}

/** Final only when it has lasted. */
function settling({ record, waitedMs, now }: SucceededSync, reason: string): Step {
  const since = Date.parse(record.unhealthy?.since ?? now.toISOString());
  return now.getTime() - since >= LIMITS.unhealthyMs ? failed(reason) : waitAtMost(waitedMs, reason);
}

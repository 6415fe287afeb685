/**
 * What a sync that succeeded has come to. Pure. Superseded is no outcome of it: only a newer build of the same project
 * supersedes one. If the branch has moved on, what is live contains the commit, and its health decides.
 */

import { ownValue } from '#model/own-value.ts';
import { stepByHealth, stepOutOfSync } from './health.ts';
import { type Running, runningOf } from './images.ts';
import { isComparedSince, type Operation } from './operation.ts';
import type { ApplicationView } from './ports.ts';
import { OF_IMAGES, OF_SYNCS } from './reasons.ts';
import type { ApplicationRecord, RequestedBuild } from './record.ts';
import { broughtFor } from './record-changes.ts';
import { isAt, notHydrated, sameRevisions, sourceOf, tracksDefault } from './sources.ts';
import { failed, LIMITS, misconfigured, type Step, settled, waitAtMost } from './step.ts';

type NotYet = Extract<Running, { workloads: unknown }>;

export interface SucceededSync {
  readonly record: ApplicationRecord;
  /** How many syncs were requested for these builds. */
  readonly tries: number;
  readonly view: ApplicationView;
  readonly operation: Operation;
  readonly waitedMs: number;
  /** The same since the first sync for these builds. */
  readonly begunMs: number;
  readonly now: Date;
}

export function verdict(ended: SucceededSync): Step {
  const { record, tries, view, operation, waitedMs } = ended;
  if (!isComparedSince(view, operation)) return waitAtMost(waitedMs, OF_SYNCS.notCompared, { refresh: true });
  // Without a comparison its revisions say nothing.
  if (view.sync === 'Unknown')
    return stepByHealth(observed(ended)) ?? failed(OF_SYNCS.notComparable(undefined));
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
  // Its manifests, or its parameters, name the image only now.
  const isSetNow = hasMovedOn || record.requested.some(({ bring }) => bring === 'parameter');
  const isTracked = record.requested.some((build) => build.revision !== 'built');
  // Some of its Deployments may name it before the others do.
  const isBehind = running?.kind === 'other' || (running?.kind === 'rolling' && view.health === 'Healthy');
  if (isBehind && view.sync === 'OutOfSync' && isSetNow && isTracked && tries < LIMITS.imageTries)
    return { kind: 'sync', reason: running.reason };
  if (view.sync === 'OutOfSync' && !hasMovedOn) return stepOutOfSync(view, operation, ended.now);
  const step = stepByHealth(observed(ended));
  if (!step) return byImages(ended, running, deployedReason(ended, elsewhere, hasMovedOn));
  // How far the rollout is.
  return step.kind === 'wait' && view.health === 'Progressing' && running && view.pods
    ? { ...step, reason: `${step.reason}; ${running.reason}` }
    : step;
}

function observed({ record, view, operation, waitedMs, now }: SucceededSync) {
  const since = Date.parse(record.unhealthy?.since ?? now.toISOString());
  return { view, operation, waitedMs, unhealthyMs: now.getTime() - since };
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

/** Healthy is what runs; what was built runs if the pods' images say so, or the manifests are of the same repository. */
function byImages(ended: SucceededSync, running: Running | undefined, reason: string): Step {
  const { record, view } = ended;
  if (running?.kind === 'rolling' || running?.kind === 'other') return untilItRuns(ended, running);
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

/** The application is Healthy, and does not run what was built, or not only that. */
function untilItRuns(ended: SucceededSync, running: NotYet): Step {
  const { record, waitedMs, begunMs } = ended;
  if (record.requested.some(({ bring }) => bring === 'restart')) return afterRestart(ended, running);
  if (running.kind === 'rolling') return waitAtMost(waitedMs, running.reason);
  const minutes = Math.max(...record.requested.map(({ imageMinutes }) => imageMinutes ?? 0));
  const limitMs = minutes > 0 ? minutes * 60_000 : LIMITS.imageMs;
  return waitAtMost(begunMs, running.reason, { limitMs, refresh: true });
}

/** The tag stays the same, so only a restart makes the pods pull what was built. */
function afterRestart({ record, waitedMs, now }: SucceededSync, { reason, workloads }: NotYet): Step {
  const { tries, at } = broughtFor(record);
  const isRecent = at !== undefined && now.getTime() - Date.parse(at) < LIMITS.restartAgainMs;
  if (isRecent || reason === OF_IMAGES.podsUnknown) return waitAtMost(waitedMs, reason);
  if (tries >= LIMITS.broughtTries) return failed(OF_IMAGES.notRolled(reason, tries));
  if (workloads.length === 0)
    return waitAtMost(waitedMs, OF_IMAGES.notRestartable(reason), { limitMs: LIMITS.settleMs });
  return { kind: 'bring', reason: OF_IMAGES.restart(workloads, reason), how: { kind: 'restart', workloads } };
}

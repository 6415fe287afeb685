/** Where a rollout stands, from what Argo CD shows of its application. Pure. */
import { isComparedSince, isOver } from '#functions/branch-deploy/operation.ts';
import type { ApplicationView } from '#functions/branch-deploy/ports.ts';
import { shortSha } from '#functions/branch-deploy/reasons.ts';

export type RolloutState =
  | { readonly kind: 'waiting'; readonly reason: string; readonly refresh?: boolean }
  | { readonly kind: 'deployed' | 'failed' | 'suspended' | 'superseded'; readonly reason: string };

type Operation = NonNullable<ApplicationView['operation']>;

/** How long an application may stay OutOfSync after a sync that succeeded. */
const SETTLE_MS = 2 * 60_000;

/** Deployed: our operation succeeded at the requested revision, and the application is Healthy. */
export function rolloutState(
  view: ApplicationView,
  deployId: string,
  revision: string | undefined,
  now: Date,
): RolloutState {
  if (view.deleting) return { kind: 'failed', reason: 'the application is being deleted' };
  if (view.pendingOperation?.deployIds.includes(deployId) && !view.operation?.deployIds.includes(deployId)) {
    return { kind: 'waiting', reason: 'Argo CD has not started the sync' };
  }
  const operation = view.operation;
  if (!operation?.deployIds.includes(deployId)) {
    if (view.pendingOperation || operation) {
      const by = view.pendingOperation?.by ?? operation?.by;
      return { kind: 'superseded', reason: `an operation of ${by} replaced this one` };
    }
    return { kind: 'waiting', reason: 'Argo CD does not show the sync yet' };
  }
  if (!isOver(view, operation))
    return { kind: 'waiting', reason: operation.message || 'the sync is running' };
  if (operation.phase !== 'Succeeded') {
    return {
      kind: 'failed',
      reason: `the sync ended as ${operation.phase}: ${operation.message || 'no message'}`,
    };
  }
  if (revision && /^[0-9a-f]{40}$/.test(revision) && !operation.revisions.includes(revision)) {
    return {
      kind: 'failed',
      reason: `the sync ended at ${revisionsOf(operation)}, not at ${shortSha(revision)}`,
    };
  }
  return stateAfterSync(view, operation, revision, now);
}

function stateAfterSync(
  view: ApplicationView,
  operation: Operation,
  revision: string | undefined,
  now: Date,
): RolloutState {
  const at = revisionsOf(operation);
  if (!isComparedSince(view, operation)) {
    return {
      kind: 'waiting',
      reason: 'Argo CD has not compared the application since the sync',
      refresh: true,
    };
  }
  // Argo CD still compares a pinned revision with the one that the application tracks.
  const pinned = revision !== undefined && view.revisions.join() !== operation.revisions.join();
  if (view.sync !== 'Synced' && !pinned) {
    if (now.getTime() - (operation.finishedAt?.getTime() ?? 0) < SETTLE_MS) {
      return { kind: 'waiting', reason: `synced to ${at}, and ${view.sync}`, refresh: true };
    }
    return { kind: 'failed', reason: `the sync succeeded, but the application is still ${view.sync}` };
  }
  switch (view.health) {
    case 'Healthy':
      return {
        kind: 'deployed',
        reason: pinned
          ? `Healthy at ${at}; OutOfSync with ${view.revisions.map(shortSha).join(', ')}, which the application tracks`
          : `Synced and Healthy at ${at}`,
      };
    case 'Degraded':
      return {
        kind: 'failed',
        reason: `synced to ${at} and Degraded: ${view.healthMessage || 'no message'}`,
      };
    case 'Suspended':
      return { kind: 'suspended', reason: `synced to ${at} and Suspended: resume it to finish the rollout` };
    default:
      return { kind: 'waiting', reason: `synced to ${at}, and ${view.health}` };
  }
}

function revisionsOf({ revisions }: Operation): string {
  return revisions.map(shortSha).join(', ') || 'no revision';
}

/** Where a rollout stands, from what Argo CD shows of its application. Pure. */
import { isUnhealthy, stepByHealth, stepOutOfSync } from '#functions/branch-deploy/health.ts';
import { isComparedSince, isOver, type Operation } from '#functions/branch-deploy/operation.ts';
import type { ApplicationView } from '#functions/branch-deploy/ports.ts';
import { shortSha } from '#functions/branch-deploy/reasons.ts';
import type { Step } from '#functions/branch-deploy/step.ts';

export type RolloutState =
  | { readonly kind: 'waiting'; readonly reason: string; readonly refresh?: boolean }
  | { readonly kind: 'deployed' | 'failed' | 'superseded'; readonly reason: string };

export interface Rollout {
  readonly deployId: string;
  /** The one that was asked for; undefined for what the application tracks. */
  readonly revision: string | undefined;
  /** Since when the application has been unhealthy after the sync, as far as it was seen. */
  readonly unhealthySince: Date | undefined;
}

/** What to remember for the next look. */
export function unhealthySince(view: ApplicationView, before: Date | undefined, now: Date): Date | undefined {
  return isUnhealthy(view) ? (before ?? now) : undefined;
}

/** Deployed: our operation succeeded at the requested revision, and the application is Healthy. */
export function rolloutState(view: ApplicationView, rollout: Rollout, now: Date): RolloutState {
  const { deployId, revision } = rollout;
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
  return stateAfterSync(view, operation, rollout, now);
}

/** By the rules of a deploy of a build; how long it may take is up to `--timeout`. */
function stateAfterSync(
  view: ApplicationView,
  operation: Operation,
  { revision, unhealthySince }: Rollout,
  now: Date,
): RolloutState {
  if (!isComparedSince(view, operation)) {
    return {
      kind: 'waiting',
      reason: 'Argo CD has not compared the application since the sync',
      refresh: true,
    };
  }
  // Argo CD still compares a pinned revision with the one that the application tracks.
  const pinned = revision !== undefined && view.revisions.join() !== operation.revisions.join();
  if (view.sync === 'OutOfSync' && !pinned) return stateOf(stepOutOfSync(view, operation, now));
  const unhealthyMs = unhealthySince ? now.getTime() - unhealthySince.getTime() : 0;
  const step = stepByHealth({ view, operation, waitedMs: 0, unhealthyMs });
  if (step) return stateOf(step);
  const at = revisionsOf(operation);
  return {
    kind: 'deployed',
    reason: pinned
      ? `Healthy at ${at}; OutOfSync with ${view.revisions.map(shortSha).join(', ')}, which the application tracks`
      : `Synced and Healthy at ${at}`,
  };
}

function stateOf(step: Step): RolloutState {
  if (step.kind !== 'wait') return { kind: 'failed', reason: step.reason };
  return { kind: 'waiting', reason: step.reason, ...(step.refresh ? { refresh: true } : {}) };
}

function revisionsOf({ revisions }: Operation): string {
  return revisions.map(shortSha).join(', ') || 'no revision';
}

/**
 * NodeClaims that cannot launch, in the morning: while Karpenter has one without an instance, it makes no other, in no
 * NodePool. Pure.
 */
import { MINUTE_MS } from '#model/duration.ts';
import type { UnlaunchedClaim } from './ports.ts';

/** EC2 answers a launch in seconds; Karpenter itself gives up after five minutes, and then tries the same again. */
const PATIENCE_MS = 2 * MINUTE_MS;

export interface UnlaunchedStep {
  readonly claim: UnlaunchedClaim;
  readonly reason: string;
  /** One of a NodePool that this environment stops has no instance and no pod to lose. The others are named only. */
  readonly isDeleted: boolean;
}

export function decideUnlaunched(claims: readonly UnlaunchedClaim[], now: Date): readonly UnlaunchedStep[] {
  return claims.flatMap((claim) => {
    const age = now.getTime() - Date.parse(claim.since);
    // A time that cannot be read is no reason to delete it.
    if (!(age >= PATIENCE_MS)) return [];
    const isDeleted = claim.isOurs && !claim.isDeleting;
    const waits = claim.waitsFor === undefined ? '' : `: ${claim.waitsFor}`;
    const what = isDeleted
      ? 'it is deleted, so that the others get theirs'
      : claim.isDeleting
        ? 'it is being deleted'
        : 'the config does not stop its NodePool, so it is left alone: correct the NodePool, or delete the NodeClaim';
    const reason = `the NodeClaim ${claim.name} of ${claim.nodePool} has no instance ${Math.floor(age / MINUTE_MS)} min after it was made${waits}; until it is gone no NodePool gets a new node; ${what}`;
    return [{ claim, reason, isDeleted }];
  });
}

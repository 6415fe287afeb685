/** Changes that AWS announced for a later day, as the claims hold them: for whoever wants to know what is coming. Pure. */
import { MINUTE_MS } from '#model/duration.ts';
import type { Claim } from './records.ts';

/** The node is drained for so long before the change begins. */
export const CHANGE_LEAD_MS = 30 * MINUTE_MS;

export interface AnnouncedChange {
  readonly instanceId: string;
  /** Its name when the change was announced. */
  readonly node?: string | undefined;
  /** ISO 8601, UTC. */
  readonly drainAt: string;
  readonly startsAt: string;
}

/** Those that are still to come, the earliest first. */
export function announcedChanges(claims: readonly Claim[]): readonly AnnouncedChange[] {
  return claims
    .flatMap((claim) => {
      const { instanceId, node } = claim;
      const notBefore = claim.announced?.notBefore ?? pendingOf(claim);
      if (notBefore === undefined) return [];
      const startsAt = new Date(Date.parse(notBefore) + CHANGE_LEAD_MS).toISOString();
      return [{ instanceId, node, drainAt: notBefore, startsAt }];
    })
    .sort((one, other) => one.startsAt.localeCompare(other.startsAt));
}

function pendingOf({ cause, state, notBefore }: Claim): string | undefined {
  return cause === 'health' && state === 'paused' ? notBefore : undefined;
}

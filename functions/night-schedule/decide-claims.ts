/** When the NodeClaims of Karpenter must be gone. Pure. */
import { instant, isValid } from '#model/record-schema.ts';
import type { AutoscalerView, NodeClaimView } from './ports.ts';

/** A NodeClaim that is found late still has so much time for its pods. */
const SHORTEST_DRAIN_MS = 60_000;

/**
 * In the first half of a stop Karpenter respects the budgets; the second half is for the instances and the host group.
 * Without a limit any ordinary budget holds a NodeClaim all night: the evicted pods have no other node (karpenter#2802).
 */
export function terminationTime(stopSince: Date, deadlineMs: number, now: Date): string {
  const at = Math.max(stopSince.getTime() + deadlineMs / 2, now.getTime() + SHORTEST_DRAIN_MS);
  // RFC 3339 in seconds, as Karpenter writes it.
  return `${new Date(Math.ceil(at / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}

/** Its NodePool cannot be read, or its record cannot: it would be replaced as soon as it is deleted. */
export function isLeftAlone(view: AutoscalerView, { nodePool }: NodeClaimView): boolean {
  return view.kind === 'karpenter' && (view.malformed ?? []).includes(nodePool);
}

/** Whether it ends by then without a change. A time that Karpenter cannot read (30 February) makes its drain stand still. */
export function isTerminatedBy({ terminateAt }: NodeClaimView, at: string): boolean {
  return isValid(instant, terminateAt) && Date.parse(terminateAt) <= Date.parse(at);
}

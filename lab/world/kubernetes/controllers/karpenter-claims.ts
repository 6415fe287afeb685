/** What Karpenter's controllers share about NodeClaims. */
import { condition, type KubeObject, type NodeObject, withCondition } from '../objects.ts';
import type { ControllerContext } from './controller.ts';

export const NODE_CLAIMS = 'nodeclaims.karpenter.sh';
/** The finalizer on claims and nodes. */
export const TERMINATION = 'karpenter.sh/termination';

export function hasLaunched(claim: KubeObject): boolean {
  return Boolean(claim['status']?.providerID);
}

/** Writes a condition, and what else is new in the status; virtual ms of the condition's last transition. */
export function setClaimCondition(
  { registry, clock }: ControllerContext,
  name: string,
  next: {
    readonly type: string;
    readonly status: string;
    readonly reason?: string;
    readonly message?: string;
  },
  more: Readonly<Record<string, unknown>> = {},
): number {
  const claim = registry.modify(NODE_CLAIMS, undefined, name, (draft) => {
    const full = { reason: next.type, message: '', ...next };
    const conditions = withCondition(draft['status']?.conditions, full, clock.now());
    draft['status'] = { ...draft['status'], ...more, conditions };
  });
  return Date.parse(condition(claim as NodeObject, next.type)?.lastTransitionTime ?? '');
}

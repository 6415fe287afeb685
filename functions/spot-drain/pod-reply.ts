/** What the API server's reply to an eviction or a deletion means. Pure. */
import { isAdmissionDenial } from '#functions/shared/admission.ts';
import { type Backoff, backoffMs } from '#functions/shared/retry.ts';
import type { Reply } from './ports.ts';

export type ReplyResult =
  | { readonly kind: 'accepted' }
  /** The API server has no pod of that UID. Only a list shows that it is gone. */
  | { readonly kind: 'reported-gone' }
  | { readonly kind: 'blocked'; readonly budget: string }
  /** Several budgets match: the API server never evicts such a pod, and somebody may correct the budgets. */
  | { readonly kind: 'unevictable'; readonly reason: string }
  | { readonly kind: 'retry-after'; readonly ms: number }
  /** The pod will be deleted with its namespace. */
  | { readonly kind: 'namespace-terminating' }
  /** An admission webhook or policy: it may admit it later. */
  | { readonly kind: 'denied'; readonly reason: string }
  /** RBAC. Somebody has to grant the rights. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'error'; readonly reason: string };

/**
 * Names of pods and budgets stand in these texts, so only what no name can hold is matched: a name has no spaces and no
 * capital letters.
 */
const UID_CONFLICT = /\bthe UID in the precondition \(|\bPrecondition failed: UID in precondition: /;
const SEVERAL_BUDGETS = /\bmore than one PodDisruptionBudget\b/;

export function interpretReply(reply: Reply): ReplyResult {
  const { status, detail } = reply;
  if (status >= 200 && status < 300) return { kind: 'accepted' };
  if (reply.isRefusedByRbac) return { kind: 'refused', reason: detail };
  if (isAdmissionDenial(detail)) return { kind: 'denied', reason: detail };
  if (status === 404 && reply.reason === 'NotFound') return { kind: 'reported-gone' };
  if (status === 409 && UID_CONFLICT.test(detail)) return { kind: 'reported-gone' };
  if (status === 429) {
    if (isCausedBy(reply, 'DisruptionBudget')) return { kind: 'blocked', budget: budgetOf(reply) };
    return { kind: 'retry-after', ms: Math.max(0.5, reply.retryAfterSeconds ?? 1) * 1_000 };
  }
  if (status === 403 && isCausedBy(reply, 'NamespaceTerminating')) return { kind: 'namespace-terminating' };
  if (status === 403 && reply.reason === 'Forbidden') return { kind: 'denied', reason: detail };
  if (status === 500 && SEVERAL_BUDGETS.test(detail)) {
    return {
      kind: 'unevictable',
      reason: 'several budgets match the pod, and Kubernetes evicts no such pod',
    };
  }
  return errorOf(reply);
}

/**
 * The delay before the next attempt: 0.5 s → 4 s after errors, 1 s → 5 s while a budget or an admission webhook blocks,
 * 10 s → 30 s where only a correction of the budgets helps; a quarter of it jitter.
 */
export function nextAttemptMs(kind: ReplyResult['kind'], attempts: number, random: number): number {
  return backoffMs(attempts, random, BACKOFFS[kind] ?? BLOCKED);
}

const BLOCKED: Backoff = { firstMs: 1_000, longestMs: 5_000 };
const BACKOFFS: Partial<Record<ReplyResult['kind'], Backoff>> = {
  error: { firstMs: 500, longestMs: 4_000 },
  unevictable: { firstMs: 10_000, longestMs: 30_000 },
};

/** A server that is busy may ask for more patience than there is: a hint counts for an eighth of the remaining time. */
export function boundedHintMs(ms: number, remainingMs: number): number {
  return Math.min(ms, Math.max(1_000, remainingMs / 8));
}

function isCausedBy({ causes }: Reply, reason: string): boolean {
  return causes.some((cause) => cause.reason === reason);
}

function errorOf(reply: Reply): ReplyResult {
  const reason = reply.status === 0 ? reply.detail : `${reply.status} ${reply.detail}`.trim();
  return { kind: 'error', reason };
}

/** "The disruption budget web needs 2 healthy pods and has 2 currently" */
function budgetOf(reply: Reply): string {
  const message = reply.causes.find((cause) => cause.reason === 'DisruptionBudget')?.message ?? '';
  return (
    /disruption budget (\S+)/.exec(message)?.[1] ?? (message || 'a budget that the API server does not name')
  );
}

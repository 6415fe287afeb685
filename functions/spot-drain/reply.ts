/** What the API server's reply to an eviction or a deletion means. Pure. */
import { type Backoff, backoffMs } from '#functions/shared/retry.ts';
import type { Reply } from './ports.ts';

export type Verdict =
  /** Accepted: wait until the pod is gone. */
  | { readonly is: 'accepted' }
  /** The pod, as we knew it, is no more. */
  | { readonly is: 'gone' }
  /** A budget holds the pod: ask again. */
  | { readonly is: 'held'; readonly budget: string }
  /** Several budgets match: the API server will never agree. Only force helps. */
  | { readonly is: 'stuck'; readonly reason: string }
  /** Ask again after exactly so long. */
  | { readonly is: 'later'; readonly ms: number }
  /** The namespace is going: the pod will be deleted with it. */
  | { readonly is: 'namespace-going' }
  /** RBAC. It does not heal by itself. */
  | { readonly is: 'refused'; readonly reason: string }
  /** The API server had trouble: back off and ask again. */
  | { readonly is: 'trouble'; readonly reason: string };

export function judge(reply: Reply): Verdict {
  const { status } = reply;
  if (status >= 200 && status < 300) return { is: 'accepted' };
  if (status === 404) return { is: 'gone' };
  if (status === 409) return /uid/i.test(reply.detail) ? { is: 'gone' } : trouble(reply);
  if (status === 429) {
    if (isCausedBy(reply, 'DisruptionBudget')) return { is: 'held', budget: budgetOf(reply) };
    return { is: 'later', ms: Math.max(0.5, reply.retryAfterSeconds ?? 1) * 1_000 };
  }
  if (status === 401) return { is: 'refused', reason: reply.detail };
  if (status === 403) {
    return isCausedBy(reply, 'NamespaceTerminating')
      ? { is: 'namespace-going' }
      : { is: 'refused', reason: reply.detail };
  }
  if (status === 500 && /more than one PodDisruptionBudget/i.test(reply.detail)) {
    return { is: 'stuck', reason: 'several budgets match the pod, and Kubernetes evicts no such pod' };
  }
  return trouble(reply);
}

/** Between evictions that a budget refuses. */
const HELD: Backoff = { firstMs: 1_000, longestMs: 5_000 };

/** So long until the next eviction, after that many. */
export function nextEvictionMs(verdict: Verdict['is'], attempts: number, random: number): number {
  return verdict === 'trouble' ? backoffMs(attempts, random) : backoffMs(attempts, random, HELD);
}

function isCausedBy({ causes }: Reply, reason: string): boolean {
  return causes.some((cause) => cause.reason === reason);
}

function trouble(reply: Reply): Verdict {
  return {
    is: 'trouble',
    reason: reply.status === 0 ? reply.detail : `${reply.status} ${reply.detail}`.trim(),
  };
}

/** "The disruption budget web needs 2 healthy pods and has 2 currently" */
function budgetOf(reply: Reply): string {
  const message = reply.causes.find((cause) => cause.reason === 'DisruptionBudget')?.message ?? '';
  return (
    /disruption budget (\S+)/.exec(message)?.[1] ?? (message || 'a budget that the API server does not name')
  );
}

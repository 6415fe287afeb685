/** One pod of a node that is being drained, as a state machine: which pods move, what a reply means, when to ask next. Pure. */
import { type Backoff, backoffMs } from '#functions/shared/retry.ts';
import type { Pod, PodOwner, Reply } from './ports.ts';

export interface PodState {
  readonly pod: Pod;
  /**
   * `waiting`: to be evicted, or asked and refused for now. `unevictable`: several budgets match it. `terminating`: it
   * was asked to go. `refused`: by RBAC. `skipped`: a drain does not move it.
   */
  readonly phase: 'waiting' | 'unevictable' | 'terminating' | 'gone' | 'refused' | 'skipped';
  /** How it counts once it is gone. */
  readonly leavesAs: 'evicted' | 'finished' | 'already-terminating';
  readonly isCritical: boolean;
  readonly isEvictionInFlight: boolean;
  readonly evictionsSent: number;
  readonly evictionsAnswered: number;
  /** No eviction before: milliseconds since the epoch, as all times here. */
  readonly evictAt: number;
  /** A deletion past its budget was sent, and has not failed. */
  readonly isForced: boolean;
  /** No deletion before. */
  readonly deleteAt: number;
  readonly reason?: string | undefined;
  readonly budget?: string | undefined;
}

export type PodEvent =
  | { readonly kind: 'listed'; readonly pod: Pod }
  | { readonly kind: 'not-listed' }
  | { readonly kind: 'eviction-sent' }
  | { readonly kind: 'deletion-sent' }
  /** `random` in [0, 1): jitter. */
  | {
      readonly kind: 'eviction-answered' | 'deletion-answered';
      readonly reply: Reply;
      readonly at: number;
      readonly random: number;
    };

export type PodOutcome =
  /** It was asked to go, and is gone. */
  | 'evicted'
  /** It had succeeded or failed already, and was removed. */
  | 'finished'
  /** Somebody else had deleted it, and it is gone. */
  | 'already-terminating'
  /** Its budget had no time left: it was deleted, with the remaining time as its grace period. */
  | 'forced'
  | 'skipped'
  /** A budget blocked it to the end. */
  | 'blocked'
  /** It was asked to go and has not ended yet. */
  | 'terminating'
  /** RBAC refused it, or every request failed. */
  | 'failed';

export interface PodReport {
  readonly pod: Pod;
  readonly outcome: PodOutcome;
  /** What blocked it, or why it was skipped. */
  readonly reason?: string | undefined;
  readonly budget?: string | undefined;
}

export interface DrainReport {
  /** `empty`: no pod is left that a drain moves. */
  readonly end: 'empty' | 'timed-out' | 'taken-over';
  readonly pods: readonly PodReport[];
  /** RBAC refused an eviction: the node cannot be drained like this. */
  readonly refused?: string | undefined;
}

/** What bounds the requests for a pod. Times in milliseconds since the epoch. */
export interface PodLimits {
  readonly startedAt: number;
  readonly noticeTime: number;
  /** When the instance goes, less a margin; infinite where that is unknown. */
  readonly deadline: number;
  readonly force: boolean;
}

/** From this priority on Kubernetes calls a pod system-critical. */
const SYSTEM_CRITICAL = 2_000_000_000;
/** Critical pods go when all others have had a first answer, or after so long. */
const CRITICAL_AFTER_MS = 1_500;
/** A deletion needs this long to reach the kubelet. */
const FORCE_MARGIN_MS = 2_000;

/** A pod that is seen for the first time. */
export function podSeen(pod: Pod, daemonSetExists: (uid: string) => boolean, now: number): PodState {
  const daemonSet = daemonSetOf(pod);
  const skipped = pod.mirror
    ? 'a static pod of the node itself'
    : daemonSet && daemonSetExists(daemonSet.uid)
      ? `a pod of the DaemonSet ${daemonSet.name}`
      : undefined;
  const isFinished = pod.phase === 'Succeeded' || pod.phase === 'Failed';
  return {
    pod,
    phase: skipped ? 'skipped' : pod.terminating ? 'terminating' : 'waiting',
    leavesAs: pod.terminating ? 'already-terminating' : isFinished ? 'finished' : 'evicted',
    isCritical: !skipped && !pod.terminating && isSystemCritical(pod),
    isEvictionInFlight: false,
    evictionsSent: 0,
    evictionsAnswered: 0,
    evictAt: now,
    isForced: false,
    deleteAt: 0,
    reason: skipped,
  };
}

export function advancePod(state: PodState, event: PodEvent): PodState {
  switch (event.kind) {
    case 'listed': {
      const isGoing = event.pod.terminating && state.phase !== 'skipped' && state.phase !== 'gone';
      return { ...state, pod: event.pod, phase: isGoing ? 'terminating' : state.phase };
    }
    case 'not-listed':
      return state.phase === 'skipped' ? state : { ...state, phase: 'gone' };
    case 'eviction-sent':
      return { ...state, isEvictionInFlight: true, evictionsSent: state.evictionsSent + 1 };
    case 'deletion-sent':
      return { ...state, isForced: true };
    case 'eviction-answered': {
      const evictionsAnswered = state.evictionsAnswered + 1;
      const { next, againMs } = applyReply(state, interpretReply(event.reply), event.random);
      const evictAt = againMs === undefined ? next.evictAt : event.at + againMs;
      return { ...next, isEvictionInFlight: false, evictionsAnswered, evictAt };
    }
    case 'deletion-answered': {
      const { next, againMs } = applyReply(state, interpretReply(event.reply), event.random);
      return againMs === undefined ? next : { ...next, isForced: false, deleteAt: event.at + againMs };
    }
  }
}

/** `againMs`: after how long to ask again, if at all. */
function applyReply(
  state: PodState,
  result: ReplyResult,
  random: number,
): { readonly next: PodState; readonly againMs?: number } {
  if (state.phase === 'gone' || state.phase === 'terminating') return { next: state };
  const againMs = nextAttemptMs(result.kind, state.evictionsSent, random);
  switch (result.kind) {
    case 'accepted':
      return { next: { ...state, phase: 'terminating' } };
    case 'gone':
      return { next: { ...state, phase: 'gone' } };
    case 'blocked': {
      const { budget } = result;
      return { next: { ...state, budget, reason: `the budget ${budget} blocks it` }, againMs };
    }
    case 'unevictable':
      return { next: { ...state, phase: 'unevictable', budget: 'several', reason: result.reason } };
    case 'retry-after':
      return { next: { ...state, reason: 'the API server is busy' }, againMs: result.ms };
    case 'namespace-terminating':
      return { next: { ...state, reason: 'its namespace is being deleted' }, againMs };
    case 'refused':
      return { next: { ...state, phase: 'refused', reason: result.reason } };
    case 'error':
      return { next: { ...state, reason: result.reason }, againMs };
  }
}

/** From when on the pod's next eviction may be sent. */
export function evictionDue(state: PodState, limits: PodLimits, areOthersAnswered: boolean): number {
  if (state.phase !== 'waiting' || state.isEvictionInFlight || state.isForced)
    return Number.POSITIVE_INFINITY;
  const waitsForOthers = state.isCritical && !areOthersAnswered;
  return waitsForOthers ? Math.max(state.evictAt, limits.startedAt + CRITICAL_AFTER_MS) : state.evictAt;
}

/** From when on the pod is deleted past its budget. An eviction always comes first. */
export function deletionDue(state: PodState, limits: PodLimits): number {
  const isOpen = state.phase === 'waiting' || state.phase === 'unevictable';
  if (!isOpen || !limits.force || state.isForced || state.evictionsSent === 0)
    return Number.POSITIVE_INFINITY;
  const half = Math.max(0, (limits.deadline - limits.noticeTime) / 2);
  const lastMoment = limits.deadline - Math.min(state.pod.graceSeconds * 1_000, half) - FORCE_MARGIN_MS;
  const answerBy = state.evictionsAnswered > 0 ? 0 : limits.startedAt + FORCE_MARGIN_MS;
  return Math.max(lastMoment, answerBy, state.deleteAt);
}

/** Only where it must be shorter than the pod's own: the instance goes before that has passed. */
export function evictionGrace({ pod }: PodState, { deadline }: PodLimits, now: number): number | undefined {
  const left = Math.floor((deadline - now) / 1_000);
  return pod.graceSeconds > left ? Math.max(1, left) : undefined;
}

/** Never 0: that would remove the pod from the API while it still runs. */
export function deletionGrace({ pod }: PodState, { deadline }: PodLimits, now: number): number {
  return Math.max(1, Math.min(pod.graceSeconds, Math.floor((deadline - now) / 1_000)));
}

/** No critical pod has to wait for its first answer. */
export function isAnswered(state: PodState): boolean {
  return state.isCritical || state.phase !== 'waiting' || state.evictionsAnswered > 0;
}

/** Nothing is left to do for it. */
export function isOver({ phase }: PodState): boolean {
  return phase === 'gone' || phase === 'skipped' || phase === 'refused';
}

/** If it is still there, only a budget keeps it. */
export function isBlocked(state: PodState): boolean {
  return state.phase === 'unevictable' || (state.phase === 'waiting' && state.budget !== undefined);
}

export function outcomeOf(state: PodState): PodOutcome {
  switch (state.phase) {
    case 'skipped':
      return 'skipped';
    case 'gone':
      return state.isForced ? 'forced' : state.leavesAs;
    case 'terminating':
      return state.isForced ? 'forced' : 'terminating';
    case 'refused':
      return 'failed';
    case 'unevictable':
      return 'blocked';
    case 'waiting':
      return state.budget ? 'blocked' : 'failed';
  }
}

/** A custom resource of that name in another API group is none: its pods do not come back to a cordoned node. */
export function daemonSetOf(pod: Pod): PodOwner | undefined {
  return pod.controller?.kind === 'DaemonSet' && pod.controller.group === 'apps' ? pod.controller : undefined;
}

function isSystemCritical(pod: Pod): boolean {
  return (
    pod.priority >= SYSTEM_CRITICAL ||
    pod.priorityClass === 'system-cluster-critical' ||
    pod.priorityClass === 'system-node-critical'
  );
}

/** What a reply to an eviction or a deletion means. */
export type ReplyResult =
  | { readonly kind: 'accepted' }
  /** The pod of that UID is no more. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'blocked'; readonly budget: string }
  /** Several budgets match: the API server never evicts such a pod. */
  | { readonly kind: 'unevictable'; readonly reason: string }
  | { readonly kind: 'retry-after'; readonly ms: number }
  /** The pod will be deleted with its namespace. */
  | { readonly kind: 'namespace-terminating' }
  /** RBAC. Somebody has to grant the rights. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'error'; readonly reason: string };

export function interpretReply(reply: Reply): ReplyResult {
  const { status } = reply;
  if (status >= 200 && status < 300) return { kind: 'accepted' };
  if (status === 404) return { kind: 'gone' };
  if (status === 409) return /uid/i.test(reply.detail) ? { kind: 'gone' } : errorOf(reply);
  if (status === 429) {
    if (isCausedBy(reply, 'DisruptionBudget')) return { kind: 'blocked', budget: budgetOf(reply) };
    return { kind: 'retry-after', ms: Math.max(0.5, reply.retryAfterSeconds ?? 1) * 1_000 };
  }
  if (status === 401) return { kind: 'refused', reason: reply.detail };
  if (status === 403) {
    return isCausedBy(reply, 'NamespaceTerminating')
      ? { kind: 'namespace-terminating' }
      : { kind: 'refused', reason: reply.detail };
  }
  if (status === 500 && /more than one PodDisruptionBudget/i.test(reply.detail)) {
    return {
      kind: 'unevictable',
      reason: 'several budgets match the pod, and Kubernetes evicts no such pod',
    };
  }
  return errorOf(reply);
}

const BLOCKED: Backoff = { firstMs: 1_000, longestMs: 5_000 };

/** The delay before the next attempt: 1 s → 5 s while a budget blocks, 0.5 s → 4 s after errors, a quarter of it jitter. */
export function nextAttemptMs(kind: ReplyResult['kind'], attempts: number, random: number): number {
  return kind === 'error' ? backoffMs(attempts, random) : backoffMs(attempts, random, BLOCKED);
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

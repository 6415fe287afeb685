/** One pod of a node that is being drained, as a state machine: which pods move, what a reply means, when to ask next. Pure. */
import { boundedHintMs, interpretReply, nextAttemptMs } from './pod-reply.ts';
import type { Pod, PodOwner, Reply } from './ports.ts';

export interface PodState {
  readonly pod: Pod;
  /**
   * `unknown`: whether its DaemonSet exists is being looked up. `waiting`: to be evicted, or asked and refused for now.
   * `terminating`: it was asked to go. `refused`: by RBAC. `left`: it cannot be moved, and nothing waits for it.
   * `skipped`: a drain does not move it. `gone`: its UID was missing from a list.
   */
  readonly phase: 'unknown' | 'waiting' | 'terminating' | 'gone' | 'refused' | 'left' | 'skipped';
  /** How it counts once it is gone. */
  readonly leavesAs: 'evicted' | 'finished' | 'already-terminating';
  readonly isCritical: boolean;
  readonly isEvictionInFlight: boolean;
  readonly evictionsSent: number;
  readonly evictionsAnswered: number;
  /** No eviction before: milliseconds since the epoch, as all times here. */
  readonly evictAt: number;
  /** When a reply said that it was asked to go; a later list shows whether it was. */
  readonly acceptedAt?: number | undefined;
  /** A deletion past its budget was sent, and has not failed. */
  readonly isForced: boolean;
  /** It was terminating with more time than there is, and a deletion with what is left was sent. */
  readonly isShortened: boolean;
  /** No deletion before. */
  readonly deleteAt: number;
  readonly reason?: string | undefined;
  readonly budget?: string | undefined;
  /** An admission webhook or policy does not let it go for now. */
  readonly isDenied?: boolean | undefined;
}

export type PodEvent =
  /** `sentAt`: when the list was requested. */
  | { readonly kind: 'listed'; readonly pod: Pod; readonly sentAt: number }
  | { readonly kind: 'not-listed' }
  | { readonly kind: 'eviction-sent' }
  | { readonly kind: 'deletion-sent' }
  /** Nothing on the node ends a pod any more. */
  | { readonly kind: 'node-dead' }
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
  /** Nothing else moved it in time: it was deleted, with the remaining time as its grace period. */
  | 'forced'
  | 'skipped'
  /** A budget or an admission webhook blocked it to the end. */
  | 'blocked'
  /** It was asked to go and has not ended yet. */
  | 'terminating'
  /** It comes back as often as it is evicted, or its node is dead. */
  | 'left'
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
  /** Pods that were bound after the cordon and moved all the same, by owner: their UIDs. */
  readonly returned?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Volumes that a lifecycle action was held for, and that were still attached at the end. */
  readonly volumes?: readonly string[] | undefined;
  /** The pods are gone, and whether volumes are to be waited for could not be read. */
  readonly areVolumesUnknown?: boolean | undefined;
}

/** What bounds the requests for a pod. Times in milliseconds since the epoch. */
export interface PodLimits {
  readonly startedAt: number;
  readonly noticeTime: number;
  /** When the instance goes, less a margin; infinite where that is unknown. */
  readonly deadline: number;
  /** The drain ends then. */
  readonly until: number;
  readonly force: boolean;
}

/** From this priority on Kubernetes calls a pod system-critical. */
const SYSTEM_CRITICAL = 2_000_000_000;
/** Critical pods go when all others have had a first answer, or after so long. */
const CRITICAL_AFTER_MS = 1_500;
/** A deletion needs this long to reach the kubelet. */
const FORCE_MARGIN_MS = 2_000;
/** A pod that the API server reports gone is asked again if the next lists still show it. */
const SETTLE_MS = 2_000;
/** The API server counts grace periods in whole seconds, from when it has the request. */
const GRACE_ROUNDING_MS = 3_000;
/** After its grace period and so long, a pod on a node that is not Ready is not waited for. */
const DEAD_NODE_MS = 60_000;

/** A pod that is seen for the first time. `daemonSetExists`: of its DaemonSet; undefined where that is not known yet. */
export function podSeen(pod: Pod, daemonSetExists: boolean | undefined, now: number): PodState {
  const daemonSet = daemonSetOf(pod);
  const skipped = pod.mirror
    ? 'a static pod of the node itself'
    : daemonSet && daemonSetExists
      ? `a pod of the DaemonSet ${daemonSet.name}`
      : undefined;
  const isUnknown = !pod.mirror && daemonSet !== undefined && daemonSetExists === undefined;
  const isFinished = pod.phase === 'Succeeded' || pod.phase === 'Failed';
  return {
    pod,
    phase: skipped ? 'skipped' : isUnknown ? 'unknown' : pod.terminating ? 'terminating' : 'waiting',
    leavesAs: pod.terminating ? 'already-terminating' : isFinished ? 'finished' : 'evicted',
    isCritical: !skipped && !pod.terminating && isSystemCritical(pod),
    isEvictionInFlight: false,
    evictionsSent: 0,
    evictionsAnswered: 0,
    evictAt: now,
    isForced: false,
    isShortened: false,
    deleteAt: 0,
    reason: skipped,
  };
}

export function advancePod(state: PodState, event: PodEvent, limits: PodLimits): PodState {
  switch (event.kind) {
    case 'listed':
      return applyList(state, event.pod, event.sentAt);
    case 'not-listed':
      return state.phase === 'skipped' ? state : { ...state, phase: 'gone' };
    case 'eviction-sent':
      return { ...state, isEvictionInFlight: true, evictionsSent: state.evictionsSent + 1 };
    case 'deletion-sent':
      return state.phase === 'terminating' ? { ...state, isShortened: true } : { ...state, isForced: true };
    case 'node-dead':
      return { ...state, phase: 'left', reason: 'its node is not Ready: nothing on it ends the pod' };
    case 'eviction-answered': {
      const evictionsAnswered = state.evictionsAnswered + 1;
      const { next, againMs } = applyReply(state, event, limits);
      const evictAt = againMs === undefined ? next.evictAt : event.at + againMs;
      return { ...next, isEvictionInFlight: false, evictionsAnswered, evictAt };
    }
    case 'deletion-answered': {
      const isShortening = state.isShortened && !state.isForced;
      const { next, againMs } = applyReply(
        isShortening ? { ...state, phase: 'waiting' } : state,
        event,
        limits,
      );
      const after = isShortening ? { ...state, reason: next.reason } : next;
      return againMs === undefined
        ? after
        : { ...after, isForced: false, isShortened: false, deleteAt: event.at + againMs };
    }
  }
}

/** What a list shows counts for more than what a reply said before it. */
function applyList(state: PodState, pod: Pod, sentAt: number): PodState {
  const { phase, acceptedAt } = state;
  if (phase === 'skipped' || phase === 'unknown' || phase === 'left') return { ...state, pod };
  if (pod.terminating) return { ...state, pod, phase: 'terminating' };
  const isUndone = phase === 'terminating' && acceptedAt !== undefined && acceptedAt < sentAt;
  if (phase !== 'gone' && !isUndone) return { ...state, pod };
  return { ...state, pod, phase: 'waiting', isForced: false, evictAt: sentAt, acceptedAt: undefined };
}

/** `againMs`: after how long to ask again, if at all. */
function applyReply(
  state: PodState,
  { reply, at, random }: PodEvent & { readonly kind: 'eviction-answered' | 'deletion-answered' },
  limits: PodLimits,
): { readonly next: PodState; readonly againMs?: number } {
  if (state.phase === 'gone' || state.phase === 'terminating') return { next: state };
  const result = interpretReply(reply);
  const againMs = nextAttemptMs(result.kind, state.evictionsSent, random);
  switch (result.kind) {
    case 'accepted':
      return { next: { ...state, phase: 'terminating', acceptedAt: at, isDenied: false } };
    case 'reported-gone':
      return { next: state, againMs: SETTLE_MS };
    case 'blocked': {
      const { budget } = result;
      const reason = `the budget ${budget} blocks it`;
      return { next: { ...state, budget, reason, isDenied: false }, againMs };
    }
    case 'unevictable':
      return { next: { ...state, budget: 'several', reason: result.reason }, againMs };
    case 'denied':
      return { next: { ...state, budget: undefined, reason: result.reason, isDenied: true }, againMs };
    case 'retry-after': {
      const reason = 'the API server is busy';
      return { next: { ...state, reason }, againMs: boundedHintMs(result.ms, limits.until - at) };
    }
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

/** From when on the pod is deleted: past its budget, or again with the time that is left. An eviction comes first. */
export function deletionDue(state: PodState, limits: PodLimits): number {
  if (state.phase === 'terminating') return shorteningDue(state, limits);
  if (state.phase !== 'waiting' || !limits.force || state.isForced || state.evictionsSent === 0)
    return Number.POSITIVE_INFINITY;
  const half = Math.max(0, (limits.deadline - limits.noticeTime) / 2);
  const lastMoment = limits.deadline - Math.min(state.pod.graceSeconds * 1_000, half) - FORCE_MARGIN_MS;
  const answerBy = state.evictionsAnswered > 0 ? 0 : limits.startedAt + FORCE_MARGIN_MS;
  return Math.max(lastMoment, answerBy, state.deleteAt);
}

/** Kubernetes only ever shortens a grace period: a second deletion takes nothing from a pod that would end in time. */
function shorteningDue({ pod, isShortened, isForced, deleteAt }: PodState, { deadline }: PodLimits): number {
  const endsAt = pod.endsAt?.getTime() ?? 0;
  return isShortened || isForced || endsAt <= deadline + GRACE_ROUNDING_MS
    ? Number.POSITIVE_INFINITY
    : deleteAt;
}

/** From when on it is overdue: on a node that is not Ready nothing will end it. */
export function overdueAt({ phase, pod }: PodState): number {
  return phase === 'terminating' && pod.endsAt
    ? pod.endsAt.getTime() + DEAD_NODE_MS
    : Number.POSITIVE_INFINITY;
}

/** Only where it must be shorter than the pod's own: the instance goes before that has passed. */
export function evictionGrace({ pod }: PodState, { deadline }: PodLimits, now: number): number | undefined {
  const left = Math.floor((deadline - now) / 1_000);
  return pod.graceSeconds > left ? Math.max(1, left) : undefined;
}

/** Never 0: that would remove the pod from the API while it still runs. */
export function deletionGrace({ pod, phase }: PodState, { deadline }: PodLimits, now: number): number {
  const left = Math.floor((deadline - now) / 1_000);
  return Math.max(1, phase === 'terminating' ? left : Math.min(pod.graceSeconds, left));
}

/** No critical pod has to wait for its first answer. */
export function isAnswered(state: PodState): boolean {
  return state.isCritical || state.phase !== 'waiting' || state.evictionsAnswered > 0;
}

/** Nothing is left to do for it. */
export function isOver({ phase }: PodState): boolean {
  return phase === 'gone' || phase === 'skipped' || phase === 'refused' || phase === 'left';
}

/** If it is still there, only a budget or an admission webhook keeps it. */
function isBlocked(state: PodState): boolean {
  return isHeldByBudget(state) || (state.phase === 'waiting' && state.isDenied === true);
}

/** If it is still there, only a budget keeps it. An admission webhook may admit it at any time. */
export function isHeldByBudget({ phase, budget }: PodState): boolean {
  return phase === 'waiting' && budget !== undefined;
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
    case 'left':
      return 'left';
    case 'unknown':
      return 'failed';
    case 'waiting':
      return isBlocked(state) ? 'blocked' : 'failed';
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

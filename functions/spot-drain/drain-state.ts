/** A drain of one node as a state machine: what is to be sent now, and what each event changes. Pure. */
import { nextAttemptMs } from './pod-reply.ts';
import {
  advancePod,
  type DrainReport,
  daemonSetOf,
  deletionDue,
  deletionGrace,
  evictionDue,
  evictionGrace,
  isAnswered,
  isHeldByBudget,
  isOver,
  outcomeOf,
  overdueAt,
  type PodEvent,
  type PodLimits,
  type PodState,
  podSeen,
} from './pod-state.ts';
import { ClusterUnavailableError, type Pod, type PodOwner } from './ports.ts';
import { admitReturned, type Returned } from './returning-pods.ts';

export interface DrainOrder {
  readonly node: string;
  readonly instanceId: string;
  /** A pod's grace period counts for at most half of the time from then to the deadline. */
  readonly noticeTime: Date;
  /** When the instance goes, less a margin. Absent where that is unknown: then nothing is forced. */
  readonly deadline?: Date | undefined;
  /** The drain stops then, empty or not. */
  readonly until: Date;
  /** Delete what a budget still blocks when the deadline is near. */
  readonly force: boolean;
  /** After so long, pods that only a budget blocks are not waited for. Absent: they are, to the end. */
  readonly budgetPatienceMs?: number | undefined;
  /** Where an earlier invocation has cordoned the node: since then. */
  readonly cordonedAt?: Date | undefined;
  /** Pods that were bound after the cordon and moved all the same, by an earlier invocation. */
  readonly returned?: Returned | undefined;
}

export interface DrainState {
  /** By UID. */
  readonly pods: ReadonlyMap<string, PodState>;
  /** By UID. */
  readonly daemonSets: ReadonlyMap<string, DaemonSetLookup>;
  readonly returned: Returned;
  readonly isListed: boolean;
  /** Infinite while one is under way. */
  readonly listAt: number;
  readonly claimCheckAt: number;
  readonly nodeCheckAt: number;
  /** In a row. */
  readonly listErrors: readonly unknown[];
  readonly isTakenOver: boolean;
  /** RBAC refused a lookup. */
  readonly refused?: string | undefined;
}

interface DaemonSetLookup {
  readonly owner: PodOwner;
  readonly namespace: string;
  /** Undefined until it is known. */
  readonly exists?: boolean | undefined;
  /** Infinite while one is under way. */
  readonly lookUpAt: number;
  readonly attempts: number;
}

export type DrainRequest =
  | { readonly kind: 'list' | 'check-claim' | 'check-node' }
  | { readonly kind: 'look-up'; readonly namespace: string; readonly owner: PodOwner }
  | { readonly kind: 'evict'; readonly pod: Pod; readonly graceSeconds: number | undefined }
  | { readonly kind: 'delete'; readonly pod: Pod; readonly graceSeconds: number };

export type DrainEvent =
  | { readonly kind: 'listed'; readonly pods: readonly Pod[]; readonly sentAt: number; readonly at: number }
  | { readonly kind: 'list-failed'; readonly error: unknown; readonly at: number; readonly random: number }
  | {
      readonly kind: 'looked-up';
      readonly uid: string;
      /** Undefined where the lookup failed. */
      readonly exists: boolean | undefined;
      readonly refused?: string | undefined;
      readonly at: number;
      readonly random: number;
    }
  | { readonly kind: 'claim-checked'; readonly isOurs: boolean; readonly at: number }
  /** Undefined where the node could not be read. */
  | { readonly kind: 'node-checked'; readonly isReady: boolean | undefined; readonly at: number }
  | { readonly kind: 'pod'; readonly uid: string; readonly event: PodEvent }
  /** Nothing that a drain expects. */
  | { readonly kind: 'failed'; readonly error: unknown };

/** How often the node's pods are listed. */
const LIST_MS = 1_000;
const CLAIM_CHECK_MS = 1_000;
/** How often the node itself is read while pods on it are overdue. */
const NODE_CHECK_MS = 10_000;

export function initialState(order: DrainOrder, now: number): DrainState {
  return {
    pods: new Map(),
    daemonSets: new Map(),
    returned: order.returned ?? {},
    isListed: false,
    listAt: now,
    claimCheckAt: now + CLAIM_CHECK_MS,
    nodeCheckAt: now,
    listErrors: [],
    isTakenOver: false,
  };
}

/** Nothing is forced where the deadline was over when the drain began: the instance is as good as gone. */
export function limitsOf(order: DrainOrder, startedAt: number): PodLimits {
  const deadline = order.deadline?.getTime() ?? Number.POSITIVE_INFINITY;
  return {
    startedAt,
    noticeTime: order.noticeTime.getTime(),
    deadline,
    until: order.until.getTime(),
    force: order.force && order.deadline !== undefined && deadline > startedAt,
  };
}

/** What is to be sent now, the state once it is sent, and when the next request is due. */
export function dispatch(state: DrainState, limits: PodLimits, now: number) {
  const requests: DrainRequest[] = [];
  const never = Number.POSITIVE_INFINITY;
  const nodeDue = Math.max(state.nodeCheckAt, Math.min(...[...state.pods.values()].map(overdueAt)));
  if (now >= state.listAt) requests.push({ kind: 'list' });
  if (now >= state.claimCheckAt) requests.push({ kind: 'check-claim' });
  if (now >= nodeDue) requests.push({ kind: 'check-node' });
  const lookups = dueLookups(state, now);
  requests.push(...lookups.requests);
  const pods = dueForPods(state, limits, now);
  requests.push(...pods.requests);
  const next: DrainState = {
    ...state,
    pods: pods.states,
    daemonSets: lookups.daemonSets,
    listAt: now >= state.listAt ? never : state.listAt,
    claimCheckAt: now >= state.claimCheckAt ? never : state.claimCheckAt,
    nodeCheckAt: now >= nodeDue ? never : state.nodeCheckAt,
  };
  const nodeNextAt = now >= nodeDue ? never : nodeDue;
  const nextAt = Math.min(pods.nextAt, lookups.nextAt, next.listAt, next.claimCheckAt, nodeNextAt);
  return { requests, state: next, nextAt };
}

/** Each DaemonSet is looked up by itself: one that does not answer delays no pod of another. */
function dueLookups({ daemonSets: before }: DrainState, now: number) {
  const requests: DrainRequest[] = [];
  const daemonSets = new Map(before);
  let nextAt = Number.POSITIVE_INFINITY;
  for (const [uid, lookup] of before) {
    if (lookup.exists !== undefined) continue;
    if (now < lookup.lookUpAt) {
      nextAt = Math.min(nextAt, lookup.lookUpAt);
      continue;
    }
    const { namespace, owner, attempts } = lookup;
    requests.push({ kind: 'look-up', namespace, owner });
    daemonSets.set(uid, { ...lookup, lookUpAt: Number.POSITIVE_INFINITY, attempts: attempts + 1 });
  }
  return { requests, daemonSets, nextAt };
}

function dueForPods(state: DrainState, limits: PodLimits, now: number) {
  const requests: DrainRequest[] = [];
  const states = new Map(state.pods);
  const areOthersAnswered = [...states.values()].every(isAnswered);
  let nextAt = Number.POSITIVE_INFINITY;
  for (const [uid, before] of state.pods) {
    let current = before;
    if (now >= deletionDue(before, limits)) {
      requests.push({ kind: 'delete', pod: before.pod, graceSeconds: deletionGrace(before, limits, now) });
      current = advancePod(before, { kind: 'deletion-sent' }, limits);
    } else if (now >= evictionDue(before, limits, areOthersAnswered)) {
      requests.push({ kind: 'evict', pod: before.pod, graceSeconds: evictionGrace(before, limits, now) });
      current = advancePod(before, { kind: 'eviction-sent' }, limits);
    }
    if (current !== before) states.set(uid, current);
    const due = Math.min(evictionDue(current, limits, areOthersAnswered), deletionDue(current, limits));
    nextAt = Math.min(nextAt, due);
  }
  return { requests, states, nextAt };
}

/** Throws what a drain does not expect. */
export function advance(
  state: DrainState,
  event: DrainEvent,
  order: DrainOrder,
  limits: PodLimits,
): DrainState {
  switch (event.kind) {
    case 'failed':
      throw event.error;
    case 'listed':
      return afterList(state, event, order, limits);
    case 'list-failed': {
      const listErrors = [...state.listErrors, event.error];
      return {
        ...state,
        listErrors,
        listAt: event.at + nextAttemptMs('error', listErrors.length, event.random),
      };
    }
    case 'looked-up':
      return afterLookup(state, event);
    case 'claim-checked':
      return { ...state, isTakenOver: !event.isOurs, claimCheckAt: event.at + CLAIM_CHECK_MS };
    case 'node-checked':
      return afterNodeCheck(state, event, limits);
    case 'pod': {
      const pod = state.pods.get(event.uid);
      if (!pod) return state;
      return { ...state, pods: new Map(state.pods).set(event.uid, advancePod(pod, event.event, limits)) };
    }
  }
}

function afterList(
  state: DrainState,
  { pods: listed, sentAt, at }: DrainEvent & { readonly kind: 'listed' },
  order: DrainOrder,
  limits: PodLimits,
): DrainState {
  const pods = new Map<string, PodState>();
  const daemonSets = new Map(state.daemonSets);
  const uids = new Set(listed.map(({ uid }) => uid));
  for (const [uid, before] of state.pods)
    pods.set(uid, uids.has(uid) ? before : advancePod(before, { kind: 'not-listed' }, limits));
  let { returned } = state;
  for (const pod of listed) {
    const before = pods.get(pod.uid);
    if (before) {
      pods.set(pod.uid, advancePod(before, { kind: 'listed', pod, sentAt }, limits));
      continue;
    }
    const owner = daemonSetOf(pod);
    if (owner && !daemonSets.has(owner.uid))
      daemonSets.set(owner.uid, { owner, namespace: pod.namespace, lookUpAt: at, attempts: 0 });
    const seen = podSeen(pod, owner && daemonSets.get(owner.uid)?.exists, at);
    const admitted = admitReturned(seen, returned, isReturned(pod, state, order));
    returned = admitted.returned;
    pods.set(pod.uid, admitted.state);
  }
  return { ...state, pods, daemonSets, returned, isListed: true, listAt: sentAt + LIST_MS, listErrors: [] };
}

/** What the first list after the cordon shows was on the node before it, unless an earlier invocation has cordoned it. */
function isReturned(pod: Pod, { isListed }: DrainState, { cordonedAt }: DrainOrder): boolean {
  if (isListed) return true;
  return cordonedAt !== undefined && pod.boundAt !== undefined && pod.boundAt > cordonedAt;
}

function afterLookup(
  state: DrainState,
  { uid, exists, refused, at, random }: DrainEvent & { readonly kind: 'looked-up' },
): DrainState {
  const lookup = state.daemonSets.get(uid);
  if (!lookup) return state;
  const lookUpAt = at + nextAttemptMs('error', lookup.attempts, random);
  const daemonSets = new Map(state.daemonSets).set(uid, { ...lookup, exists, lookUpAt });
  const pods = new Map(state.pods);
  for (const [podUid, one] of state.pods)
    if (one.phase === 'unknown' && daemonSetOf(one.pod)?.uid === uid)
      pods.set(podUid, podSeen(one.pod, exists, at));
  return { ...state, pods, daemonSets, refused: refused ?? state.refused };
}

function afterNodeCheck(
  state: DrainState,
  { isReady, at }: DrainEvent & { readonly kind: 'node-checked' },
  limits: PodLimits,
): DrainState {
  const nodeCheckAt = at + NODE_CHECK_MS;
  if (isReady !== false) return { ...state, nodeCheckAt };
  const pods = new Map(state.pods);
  for (const [uid, pod] of state.pods)
    if (overdueAt(pod) <= at) pods.set(uid, advancePod(pod, { kind: 'node-dead' }, limits));
  return { ...state, pods, nodeCheckAt };
}

/** Undefined while the drain goes on. Throws where the pods were never listed. */
export function endOf(
  state: DrainState,
  order: DrainOrder,
  limits: PodLimits,
  now: number,
): DrainReport['end'] | undefined {
  const pods = [...state.pods.values()];
  if (state.isTakenOver) return 'taken-over';
  if (state.isListed && pods.every(isOver)) return 'empty';
  const isPatienceOver = now >= limits.startedAt + (order.budgetPatienceMs ?? Number.POSITIVE_INFINITY);
  if (state.isListed && isPatienceOver && pods.every((pod) => isOver(pod) || isHeldByBudget(pod)))
    return 'timed-out';
  if (now < order.until.getTime()) return undefined;
  if (state.isListed) return 'timed-out';
  const error = new ClusterUnavailableError(`the pods of ${order.node} could not be listed in time`);
  throw state.listErrors.at(-1) ?? error;
}

export function reportOf(state: DrainState, end: DrainReport['end']): DrainReport {
  const pods = [...state.pods.values()];
  const returned = Object.keys(state.returned).length > 0 ? state.returned : undefined;
  const refused = state.refused ?? pods.find(({ phase }) => phase === 'refused')?.reason;
  return { end, pods: pods.map(podReport), refused, returned };
}

function podReport(state: PodState) {
  const { pod, phase, budget } = state;
  const finalizers = pod.finalizers ?? [];
  const isHeld = (phase === 'terminating' || phase === 'left') && finalizers.length > 0;
  const reason = isHeld ? `the finalizer ${finalizers.join(', ')} holds it` : state.reason;
  return { pod, outcome: outcomeOf(state), reason, budget };
}

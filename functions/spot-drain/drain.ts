/**
 * Moves the pods off one node: evicts in parallel, respects the budgets as long as time allows, lists the pods once a
 * second, and reports at the end what became of each. The state is pure; the loop sends what is due and waits for events.
 */
import type { DrainResult } from './claim.ts';
import { checkClaim } from './claim-instance.ts';
import {
  advancePod,
  type DrainReport,
  daemonSetOf,
  deletionDue,
  deletionGrace,
  evictionDue,
  evictionGrace,
  isAnswered,
  isBlocked,
  isOver,
  nextAttemptMs,
  outcomeOf,
  type PodEvent,
  type PodLimits,
  type PodState,
  podSeen,
} from './pod-state.ts';
import {
  type Clock,
  type Cluster,
  ClusterUnavailableError,
  type Context,
  type Node,
  type Pod,
} from './ports.ts';
import type { Claim } from './records.ts';

export interface DrainOrder {
  readonly node: string;
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
}

export interface DrainPorts {
  readonly cluster: Cluster;
  readonly clock: Clock;
  /** Called every few seconds. False: another invocation goes on with this node. */
  readonly isStillOurs: () => Promise<boolean>;
}

/** How often the node's pods are listed. */
const LIST_MS = 1_000;
const CLAIM_CHECK_MS = 5_000;
/** Kept of an invocation for what comes after the drain: reports and lifecycle actions. */
const RESERVE_MS = 10_000;
/** A late notice still gets so long, because instances do not go on the second; and so does a drain whose time is over. */
const SHORTEST_DRAIN_MS = 15_000;
/** While everything is being stopped no budget is freed elsewhere: waiting for one would only cost. */
const NIGHTLY_STOP_PATIENCE_MS = 10_000;

/** Only where the claim says so: after a cordon for a rebalance recommendation the pods stay. */
export async function drainNode(context: Context, node: Node, claim: Claim): Promise<DrainResult> {
  if (claim.task !== 'drain') return { kind: 'not-drained' };
  const latest = context.invocation.endsAt.getTime() - RESERVE_MS;
  const until = Math.max(Date.parse(claim.drainUntil), context.clock.now().getTime() + SHORTEST_DRAIN_MS);
  const heartbeats = new Map<string, number>();
  const report = await drainPods(
    {
      node: node.name,
      noticeTime: new Date(claim.noticeTime),
      deadline: claim.deadline ? new Date(Math.min(Date.parse(claim.deadline), latest)) : undefined,
      until: new Date(Math.min(until, latest)),
      force: claim.force,
      budgetPatienceMs: claim.nightlyStop ? NIGHTLY_STOP_PATIENCE_MS : undefined,
    },
    {
      cluster: context.cluster,
      clock: context.clock,
      isStillOurs: () => checkClaim(context, claim, heartbeats),
    },
  );
  return { kind: 'drained', report };
}

export async function drainPods(order: DrainOrder, ports: DrainPorts): Promise<DrainReport> {
  const { clock } = ports;
  const inbox = createInbox(clock);
  const limits = limitsOf(order, clock.now().getTime());
  let state = initialState(limits.startedAt);
  for (;;) {
    const due = dispatch(state, limits, clock.now().getTime());
    for (const request of due.requests) void send(request, due.state, order, ports).then(inbox.put);
    const wakeAt = Math.min(due.nextAt, order.until.getTime());
    state = (await inbox.take(wakeAt - clock.now().getTime())).reduce(advance, due.state);
    const end = endOf(state, order, limits, clock.now().getTime());
    if (end) return reportOf(state, end);
  }
}

interface DrainState {
  /** By UID. */
  readonly pods: ReadonlyMap<string, PodState>;
  /** By UID: whether it exists. */
  readonly daemonSets: ReadonlyMap<string, boolean>;
  readonly isListed: boolean;
  /** Infinite while one is under way. */
  readonly listAt: number;
  readonly claimCheckAt: number;
  /** In a row. */
  readonly listErrors: readonly unknown[];
  readonly isTakenOver: boolean;
}

type Request =
  | { readonly kind: 'list' | 'check-claim' }
  | { readonly kind: 'evict'; readonly pod: Pod; readonly graceSeconds: number | undefined }
  | { readonly kind: 'delete'; readonly pod: Pod; readonly graceSeconds: number };

type DrainEvent =
  | {
      readonly kind: 'listed';
      readonly pods: readonly Pod[];
      readonly daemonSets: ReadonlyMap<string, boolean>;
      readonly sentAt: number;
      readonly at: number;
    }
  | { readonly kind: 'list-failed'; readonly error: unknown; readonly at: number; readonly random: number }
  | { readonly kind: 'claim-checked'; readonly isOurs: boolean; readonly at: number }
  | { readonly kind: 'pod'; readonly uid: string; readonly event: PodEvent }
  /** Nothing that a drain expects. */
  | { readonly kind: 'failed'; readonly error: unknown };

function initialState(now: number): DrainState {
  return {
    pods: new Map(),
    daemonSets: new Map(),
    isListed: false,
    listAt: now,
    claimCheckAt: now + CLAIM_CHECK_MS,
    listErrors: [],
    isTakenOver: false,
  };
}

function limitsOf(order: DrainOrder, startedAt: number): PodLimits {
  return {
    startedAt,
    noticeTime: order.noticeTime.getTime(),
    deadline: order.deadline?.getTime() ?? Number.POSITIVE_INFINITY,
    force: order.force && order.deadline !== undefined,
  };
}

/** What is to be sent now, the state once it is sent, and when the next request is due. */
function dispatch(state: DrainState, limits: PodLimits, now: number) {
  const requests: Request[] = [];
  if (now >= state.listAt) requests.push({ kind: 'list' });
  if (now >= state.claimCheckAt) requests.push({ kind: 'check-claim' });
  const pods = new Map(state.pods);
  const areOthersAnswered = [...pods.values()].every(isAnswered);
  let nextAt = Number.POSITIVE_INFINITY;
  for (const [uid, before] of state.pods) {
    let current = before;
    if (now >= deletionDue(before, limits)) {
      requests.push({ kind: 'delete', pod: before.pod, graceSeconds: deletionGrace(before, limits, now) });
      current = advancePod(before, { kind: 'deletion-sent' });
    } else if (now >= evictionDue(before, limits, areOthersAnswered)) {
      requests.push({ kind: 'evict', pod: before.pod, graceSeconds: evictionGrace(before, limits, now) });
      current = advancePod(before, { kind: 'eviction-sent' });
    }
    if (current !== before) pods.set(uid, current);
    const due = Math.min(evictionDue(current, limits, areOthersAnswered), deletionDue(current, limits));
    nextAt = Math.min(nextAt, due);
  }
  const listAt = now >= state.listAt ? Number.POSITIVE_INFINITY : state.listAt;
  const claimCheckAt = now >= state.claimCheckAt ? Number.POSITIVE_INFINITY : state.claimCheckAt;
  return {
    requests,
    state: { ...state, pods, listAt, claimCheckAt },
    nextAt: Math.min(nextAt, listAt, claimCheckAt),
  };
}

function advance(state: DrainState, event: DrainEvent): DrainState {
  switch (event.kind) {
    case 'failed':
      throw event.error;
    case 'listed':
      return {
        ...state,
        pods: podsAfterList(state.pods, event),
        daemonSets: event.daemonSets,
        isListed: true,
        listAt: event.sentAt + LIST_MS,
        listErrors: [],
      };
    case 'list-failed': {
      const listErrors = [...state.listErrors, event.error];
      return {
        ...state,
        listErrors,
        listAt: event.at + nextAttemptMs('error', listErrors.length, event.random),
      };
    }
    case 'claim-checked':
      return { ...state, isTakenOver: !event.isOurs, claimCheckAt: event.at + CLAIM_CHECK_MS };
    case 'pod': {
      const pod = state.pods.get(event.uid);
      if (!pod) return state;
      return { ...state, pods: new Map(state.pods).set(event.uid, advancePod(pod, event.event)) };
    }
  }
}

function podsAfterList(
  before: ReadonlyMap<string, PodState>,
  { pods, daemonSets, at }: DrainEvent & { readonly kind: 'listed' },
): ReadonlyMap<string, PodState> {
  const after = new Map<string, PodState>();
  const listed = new Set(pods.map(({ uid }) => uid));
  for (const [uid, state] of before)
    after.set(uid, listed.has(uid) ? state : advancePod(state, { kind: 'not-listed' }));
  for (const pod of pods) {
    const state = before.get(pod.uid);
    const isKnownDaemonSet = (uid: string) => daemonSets.get(uid) ?? true;
    after.set(
      pod.uid,
      state ? advancePod(state, { kind: 'listed', pod }) : podSeen(pod, isKnownDaemonSet, at),
    );
  }
  return after;
}

function endOf(
  state: DrainState,
  order: DrainOrder,
  limits: PodLimits,
  now: number,
): DrainReport['end'] | undefined {
  const pods = [...state.pods.values()];
  if (state.isTakenOver) return 'taken-over';
  if (state.isListed && pods.every(isOver)) return 'empty';
  const isPatienceOver = now >= limits.startedAt + (order.budgetPatienceMs ?? Number.POSITIVE_INFINITY);
  if (state.isListed && isPatienceOver && pods.every((pod) => isOver(pod) || isBlocked(pod)))
    return 'timed-out';
  if (now < order.until.getTime()) return undefined;
  if (state.isListed) return 'timed-out';
  const error = new ClusterUnavailableError(`the pods of ${order.node} could not be listed in time`);
  throw state.listErrors.at(-1) ?? error;
}

function reportOf(state: DrainState, end: DrainReport['end']): DrainReport {
  const pods = [...state.pods.values()];
  return {
    end,
    pods: pods.map((one) => ({
      pod: one.pod,
      outcome: outcomeOf(one),
      reason: one.reason,
      budget: one.budget,
    })),
    refused: pods.find(({ phase }) => phase === 'refused')?.reason,
  };
}

/** Resolves with what came of it, never rejects. */
async function send(
  request: Request,
  state: DrainState,
  order: DrainOrder,
  { cluster, clock, isStillOurs }: DrainPorts,
): Promise<DrainEvent> {
  const now = () => clock.now().getTime();
  try {
    switch (request.kind) {
      case 'list':
        return await listPods(state, order.node, cluster, clock);
      case 'check-claim':
        return { kind: 'claim-checked', isOurs: await isStillOurs(), at: now() };
      case 'evict': {
        const reply = await cluster.evict(request.pod, request.graceSeconds);
        const event = { kind: 'eviction-answered', reply, at: now(), random: clock.random() } as const;
        return { kind: 'pod', uid: request.pod.uid, event };
      }
      case 'delete': {
        const reply = await cluster.remove(request.pod, request.graceSeconds);
        const event = { kind: 'deletion-answered', reply, at: now(), random: clock.random() } as const;
        return { kind: 'pod', uid: request.pod.uid, event };
      }
    }
  } catch (error) {
    return { kind: 'failed', error };
  }
}

async function listPods(
  { daemonSets: before }: DrainState,
  node: string,
  cluster: Cluster,
  clock: Clock,
): Promise<DrainEvent> {
  const sentAt = clock.now().getTime();
  try {
    const pods = await cluster.podsOn(node);
    const daemonSets = await lookUpDaemonSets(before, pods, cluster);
    return { kind: 'listed', pods, daemonSets, sentAt, at: clock.now().getTime() };
  } catch (error) {
    if (!(error instanceof ClusterUnavailableError)) throw error;
    return { kind: 'list-failed', error, at: clock.now().getTime(), random: clock.random() };
  }
}

/** Each DaemonSet is asked for once. */
async function lookUpDaemonSets(
  before: ReadonlyMap<string, boolean>,
  pods: readonly Pod[],
  cluster: Cluster,
): Promise<ReadonlyMap<string, boolean>> {
  const unknown = new Map<string, Promise<boolean>>();
  for (const pod of pods) {
    const owner = daemonSetOf(pod);
    if (!owner || before.has(owner.uid) || unknown.has(owner.uid)) continue;
    unknown.set(owner.uid, cluster.daemonSetExists(pod.namespace, owner.name, owner.uid));
  }
  const found = await Promise.all([...unknown].map(async ([uid, exists]) => [uid, await exists] as const));
  return new Map([...before, ...found]);
}

/** Events that have come since they were last taken. */
function createInbox(clock: Pick<Clock, 'alarm'>) {
  let events: DrainEvent[] = [];
  let wake = (): void => undefined;
  return {
    put(event: DrainEvent): void {
      events.push(event);
      wake();
    },
    /** Waits for the first event, and no longer than so many milliseconds. */
    async take(ms: number): Promise<readonly DrainEvent[]> {
      if (events.length === 0) {
        const alarm = clock.alarm(Math.max(0, Math.ceil(ms)));
        wake = () => alarm.ring();
        await alarm.rang;
      }
      const taken = events;
      events = [];
      return taken;
    },
  };
}

/**
 * Moves the pods off one node: evicts in parallel, respects the budgets as long as time allows, lists the pods once a
 * second, and reports at the end what became of each. The state is pure; the loop sends what is due and waits for events.
 */
import { messageOf } from '#functions/shared/errors.ts';
import { waitForVolumes } from './attached-volumes.ts';
import { type DrainResult, hasOpenHook } from './claim.ts';
import {
  advance,
  type DrainEvent,
  type DrainOrder,
  type DrainRequest,
  dispatch,
  endOf,
  initialState,
  limitsOf,
  reportOf,
} from './drain-state.ts';
import type { Lease } from './lease.ts';
import { workUntil } from './patience.ts';
import type { DrainReport } from './pod-state.ts';
import {
  AccessRefusedError,
  type Clock,
  type Cluster,
  type Context,
  type Node,
  type Pod,
  type PodOwner,
  type Reply,
  TransientError,
} from './ports.ts';
import type { Claim } from './records.ts';

export interface DrainPorts {
  readonly cluster: Cluster;
  readonly clock: Clock;
  /** Called once a second. False: another invocation goes on with this node. */
  readonly isStillOurs: () => Promise<boolean>;
}

/** A late notice still gets so long, because instances do not go on the second; and so does a drain whose time is over. */
const SHORTEST_DRAIN_MS = 15_000;
/** While everything is being stopped no budget is freed elsewhere: waiting for one would only cost. */
const NIGHTLY_STOP_PATIENCE_MS = 10_000;

/** Only where the claim says so: after a cordon for a rebalance recommendation the pods stay. */
export async function drainNode(
  context: Context,
  node: Node,
  claim: Claim,
  lease: Pick<Lease, 'isOurs' | 'claim'>,
): Promise<DrainResult> {
  if (claim.task !== 'drain') return { kind: 'not-drained' };
  const latest = workUntil(context).getTime();
  const until = Math.max(Date.parse(claim.drainUntil), context.clock.now().getTime() + SHORTEST_DRAIN_MS);
  const report = await drainPods(
    {
      node: node.name,
      instanceId: node.instanceId,
      noticeTime: new Date(claim.noticeTime),
      deadline: claim.deadline ? new Date(Math.min(Date.parse(claim.deadline), latest)) : undefined,
      until: new Date(Math.min(until, latest)),
      force: claim.force,
      budgetPatienceMs: claim.nightlyStop ? NIGHTLY_STOP_PATIENCE_MS : undefined,
      cordonedAt: claim.cordonedAt ? new Date(claim.cordonedAt) : undefined,
      returned: claim.returned,
    },
    { cluster: context.cluster, clock: context.clock, isStillOurs: async () => lease.isOurs() },
  );
  return { kind: 'drained', report: await withVolumes(context, node, report, lease) };
}

/** A drain that holds a lifecycle action is over when the volumes are detached too, or when its time is. */
async function withVolumes(
  context: Context,
  node: Node,
  report: DrainReport,
  lease: Pick<Lease, 'isOurs' | 'claim'>,
): Promise<DrainReport> {
  if (report.end !== 'empty') return report;
  const volumes = await context.recorder.guard(`volumes on ${node.name}`, async () => {
    const { value: own } = lease.claim();
    // A lifecycle action may have joined since the drain began.
    const claim = hasOpenHook(own) ? own : ((await context.claims.read(own.instanceId))?.value ?? own);
    if (!hasOpenHook(claim)) return [];
    return waitForVolumes(context, node.name, report, { claim, lease });
  });
  // Whether an action is to be held, or for what, could not be read: nothing is final yet.
  if (!volumes) return { ...report, end: 'timed-out', areVolumesUnknown: true };
  return volumes.length > 0 ? { ...report, end: 'timed-out', volumes } : report;
}

export async function drainPods(order: DrainOrder, ports: DrainPorts): Promise<DrainReport> {
  const { clock } = ports;
  const inbox = createInbox(clock);
  const limits = limitsOf(order, clock.now().getTime());
  let state = initialState(order, limits.startedAt);
  for (;;) {
    const due = dispatch(state, limits, clock.now().getTime());
    for (const request of due.requests) void send(request, order, ports).then(inbox.put);
    const wakeAt = Math.min(due.nextAt, order.until.getTime());
    const events = await inbox.take(wakeAt - clock.now().getTime());
    state = events.reduce((before, event) => advance(before, event, order, limits), due.state);
    const end = endOf(state, order, limits, clock.now().getTime());
    if (end) return reportOf(state, end);
  }
}

/** Resolves with what came of it, never rejects. */
async function send(request: DrainRequest, order: DrainOrder, ports: DrainPorts): Promise<DrainEvent> {
  const { cluster, clock, isStillOurs } = ports;
  const now = () => clock.now().getTime();
  try {
    switch (request.kind) {
      case 'list':
        return await listPods(order.node, ports);
      case 'check-claim':
        return { kind: 'claim-checked', isOurs: await isStillOurs(), at: now() };
      case 'check-node':
        return { kind: 'node-checked', isReady: await isNodeReady(order, cluster), at: now() };
      case 'look-up':
        return await lookUpDaemonSet(request, ports);
      case 'evict':
        return await askPod('eviction-answered', request.pod, ports, () =>
          cluster.evict(request.pod, request.graceSeconds),
        );
      case 'delete':
        return await askPod('deletion-answered', request.pod, ports, () =>
          cluster.remove(request.pod, request.graceSeconds),
        );
    }
  } catch (error) {
    return { kind: 'failed', error };
  }
}

/** Whatever went wrong with one pod: its result is unknown, and the others go on. */
async function askPod(
  kind: 'eviction-answered' | 'deletion-answered',
  { uid }: Pod,
  { clock }: DrainPorts,
  ask: () => Promise<Reply>,
): Promise<DrainEvent> {
  const reply = await ask().catch(
    (error: unknown): Reply => ({ status: 0, reason: '', causes: [], detail: messageOf(error) }),
  );
  return { kind: 'pod', uid, event: { kind, reply, at: clock.now().getTime(), random: clock.random() } };
}

async function listPods(node: string, { cluster, clock }: DrainPorts): Promise<DrainEvent> {
  const sentAt = clock.now().getTime();
  try {
    const pods = await cluster.podsOn(node);
    return { kind: 'listed', pods, sentAt, at: clock.now().getTime() };
  } catch (error) {
    if (!(error instanceof TransientError)) throw error;
    return { kind: 'list-failed', error, at: clock.now().getTime(), random: clock.random() };
  }
}

/** Where RBAC refuses the lookup, the pods of the DaemonSet are left, and the refusal is reported. */
async function lookUpDaemonSet(
  { namespace, owner }: { readonly namespace: string; readonly owner: PodOwner },
  { cluster, clock }: DrainPorts,
): Promise<DrainEvent> {
  const { name, uid } = owner;
  const result = await cluster.daemonSetExists(namespace, name, uid).then(
    (exists) => ({ exists }),
    (error: unknown) =>
      error instanceof AccessRefusedError ? { exists: true, refused: error.message } : { exists: undefined },
  );
  return { kind: 'looked-up', uid, ...result, at: clock.now().getTime(), random: clock.random() };
}

/** Undefined where it cannot be read. A node that is gone is not Ready. */
async function isNodeReady({ node, instanceId }: DrainOrder, cluster: Cluster): Promise<boolean | undefined> {
  return cluster.nodeNamed(node, instanceId).then(
    (found) => found?.readySince !== undefined,
    () => undefined,
  );
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

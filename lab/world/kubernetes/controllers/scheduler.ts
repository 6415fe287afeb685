/** Binds Pending pods to nodes that are ready for them and have room. */
import {
  condition,
  controllerOf,
  isPodFinished,
  type KubeObject,
  type NodeObject,
  type PodObject,
  withCondition,
  withoutReason,
} from '../objects.ts';
import { isEqual } from '../patch.ts';
import {
  type Bin,
  binOf,
  matchesNode,
  ROUNDING,
  type Room,
  requestsOf,
  take,
  tolerates,
  untolerated,
} from '../placement.ts';
import { resourceOf } from '../resources.ts';
import type { Listener } from '../store.ts';
import { type ControllerContext, createQueue, keyOf } from './controller.ts';

interface Candidate extends Bin {
  /** Pods on the node by the uid of their controller, to spread them. */
  siblings: Map<string, number>;
}

/** Backoff of an unschedulable pod: 1 s, 2 s, 4 s … 10 s. */
const BACKOFF_MS = { first: 1_000, most: 10_000 };

interface Waiting {
  readonly namespace: string | undefined;
  readonly name: string;
  /** As of the last pass. */
  pod: PodObject;
  failures: number;
  /** Virtual ms. */
  retryAt: number;
  demand?: Demand;
}

/** Requests and constraints of a pod; pods with the same ones share their result. */
interface Demand {
  readonly spec: PodObject['spec'];
  readonly kind: string;
  readonly room: Room;
}

export function createScheduler(context: ControllerContext): void {
  const { registry, recordEvent, clock } = context;
  const pending = new Map<string, Waiting>();

  const queue = createQueue(context, 50, () => {
    if (pending.size === 0) return;
    let candidates: readonly Candidate[] | undefined;
    /** By these requests: candidate nodes, and why no such pod fits any more. */
    const places = new Map<string, { possible: Candidate[]; refusal?: string }>();
    for (const waiting of inOrder()) {
      const { pod } = waiting;
      if (waiting.retryAt > clock.now()) {
        queue.add('', waiting.retryAt - clock.now());
        continue;
      }
      if (!waiting.demand || waiting.demand.spec !== pod.spec) waiting.demand = demandOf(pod);
      const { kind, room } = waiting.demand;
      candidates ??= registry.store.all('nodes').map(candidateOf);
      const place = places.get(kind) ?? { possible: candidates.filter((one) => mayGo(pod, one)) };
      places.set(kind, place);
      const chosen = place.refusal === undefined ? choose(pod, room, place.possible) : undefined;
      if (chosen) {
        pending.delete(keyOf(pod));
        bind(pod, room, chosen);
        continue;
      }
      place.refusal ??= whyNot(pod, room, candidates);
      waiting.failures += 1;
      waiting.retryAt =
        clock.now() + Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** (waiting.failures - 1));
      refuse(pod, place.refusal);
    }
  });

  const inOrder = (): Waiting[] => {
    const inLine: Waiting[] = [];
    for (const [key, waiting] of pending) {
      const pod = registry.find('pods', waiting.namespace, waiting.name);
      if (!pod || !isWaiting(pod)) {
        pending.delete(key);
        continue;
      }
      waiting.pod = pod;
      inLine.push(waiting);
    }
    return inLine.sort((a, b) => (b.pod.spec?.priority ?? 0) - (a.pod.spec?.priority ?? 0));
  };

  const candidateOf = (node: NodeObject): Candidate => {
    const pods = registry.store.podsOn(node.metadata.name);
    const siblings = new Map<string, number>();
    for (const pod of pods) {
      if (isPodFinished(pod)) continue;
      const owner = controllerOf(pod)?.uid;
      if (owner) siblings.set(owner, (siblings.get(owner) ?? 0) + 1);
    }
    return { ...binOf(node, pods), siblings };
  };

  const choose = (pod: PodObject, wanted: Room, possible: readonly Candidate[]): Candidate | undefined => {
    const owner = controllerOf(pod)?.uid ?? '';
    let best: Candidate | undefined;
    for (const candidate of possible) {
      if (shortage(wanted, candidate) !== undefined) continue;
      if (!best) best = candidate;
      else {
        const spread = (best.siblings.get(owner) ?? 0) - (candidate.siblings.get(owner) ?? 0);
        if (spread > 0 || (spread === 0 && candidate.free.cpu > best.free.cpu)) best = candidate;
      }
    }
    return best;
  };

  const bind = (pod: PodObject, wanted: Room, { node, free, siblings }: Candidate) => {
    take(free, wanted);
    const owner = controllerOf(pod)?.uid;
    if (owner) siblings.set(owner, (siblings.get(owner) ?? 0) + 1);
    // Through the store: the binding is the one write that may set a pod's node.
    registry.store.put(resourceOf('pods'), {
      ...(pod as KubeObject),
      metadata: { ...pod.metadata },
      spec: { ...pod.spec, nodeName: node.metadata.name },
      status: {
        ...pod.status,
        conditions: withCondition(
          pod.status?.conditions?.map(withoutReason),
          { type: 'PodScheduled', status: 'True' },
          clock.now(),
        ),
      },
    });
    recordEvent(
      'default-scheduler',
      pod as KubeObject,
      'Normal',
      'Scheduled',
      `Successfully assigned ${keyOf(pod)} to ${node.metadata.name}`,
    );
  };

  const refuse = (pod: PodObject, message: string) => {
    if (condition(pod, 'PodScheduled')?.message === message) return;
    registry.modifyStatus('pods', pod.metadata.namespace, pod.metadata.name, (draft) => {
      draft.status = {
        ...draft.status,
        conditions: withCondition(
          draft.status?.conditions,
          { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message },
          clock.now(),
        ),
      };
    });
    recordEvent('default-scheduler', pod as KubeObject, 'Warning', 'FailedScheduling', message);
  };

  const see: Listener = ({ resource, object, type, previous }) => {
    if (resource.key === 'pods') {
      const pod = object as PodObject;
      const key = keyOf(pod);
      if (type === 'DELETED') {
        pending.delete(key);
        if (pod.spec?.nodeName && pending.size > 0) queue.add('');
      } else if (type === 'ADDED' && isWaiting(pod)) {
        const { namespace, name } = pod.metadata;
        pending.set(key, { namespace, name, pod, failures: 0, retryAt: 0 });
        queue.add('');
      } else if (isPodFinished(pod) && pending.size > 0) queue.add('');
    } else if (pending.size > 0 && (type !== 'MODIFIED' || !offersSame(object, previous))) queue.add('');
  };
  registry.subscribe(see, ['pods', 'nodes']);
}

/** Whether a node has changed in a way that affects scheduling. */
function offersSame(node: KubeObject, previous: KubeObject | undefined): boolean {
  return (
    node.spec?.unschedulable === previous?.spec?.unschedulable &&
    isEqual(node.spec?.taints, previous?.spec?.taints) &&
    isEqual(node.metadata.labels, previous?.metadata.labels) &&
    isEqual(node.status?.allocatable, previous?.status?.allocatable)
  );
}

function isWaiting(pod: PodObject): boolean {
  return (
    !pod.spec?.nodeName &&
    !pod.metadata.deletionTimestamp &&
    !isPodFinished(pod) &&
    (pod.spec?.schedulerName ?? 'default-scheduler') === 'default-scheduler' &&
    !pod.spec?.schedulingGates?.length
  );
}

function demandOf({ spec }: PodObject): Demand {
  const room = requestsOf(spec);
  return { spec, kind: JSON.stringify([spec?.nodeSelector, spec?.affinity, spec?.tolerations, room]), room };
}

function mayGo(pod: PodObject, candidate: Candidate): boolean {
  return barrier(pod, candidate) === undefined;
}

/** The scheduler's message if the pod cannot run there. */
function barrier(pod: PodObject, { node }: Candidate): string | undefined {
  if (!matchesNode(pod.spec, node)) return "node(s) didn't match Pod's node affinity/selector";
  if (node.spec?.unschedulable && !toleratesCordon(pod)) return 'node(s) were unschedulable';
  const taint = untolerated(pod.spec, node, ['NoSchedule', 'NoExecute']);
  return taint && `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`;
}

/** The resources that the node lacks. */
function shortage(wanted: Room, { free }: Candidate): string | undefined {
  if (wanted.pods > free.pods) return 'Too many pods';
  if (wanted.cpu > free.cpu + ROUNDING) return 'Insufficient cpu';
  return wanted.memory > free.memory ? 'Insufficient memory' : undefined;
}

function toleratesCordon(pod: PodObject): boolean {
  return tolerates(pod.spec?.tolerations, {
    key: 'node.kubernetes.io/unschedulable',
    effect: 'NoSchedule',
  });
}

function whyNot(pod: PodObject, wanted: Room, candidates: readonly Candidate[]): string {
  if (candidates.length === 0) return 'no nodes available to schedule pods';
  const counts = new Map<string, number>();
  for (const candidate of candidates) {
    const why = barrier(pod, candidate) ?? shortage(wanted, candidate);
    if (why) counts.set(why, (counts.get(why) ?? 0) + 1);
  }
  const reasons = [...counts].map(([why, count]) => `${count} ${why}`).sort();
  const { length } = candidates;
  return `0/${length} nodes are available: ${reasons.join(', ')}. preemption: 0/${length} nodes are available: ${length} Preemption is not helpful for scheduling.`;
}

/** Binds Pending pods to nodes that are ready for them and have room. */
import {
  condition,
  controllerOf,
  isPodFinished,
  type KubeObject,
  type NodeObject,
  type PodObject,
  withCondition,
} from '../objects.ts';
import { allocatableOf, matchesNode, type Room, requestsOf, untolerated } from '../placement.ts';
import { resourceOf } from '../resources.ts';
import { type ControllerContext, createQueue, keyOf, splitKey } from './controller.ts';

interface Candidate {
  node: NodeObject;
  free: Room;
  /** Pods on the node by the uid of their controller, to spread them. */
  siblings: Map<string, number>;
}

export function createScheduler(context: ControllerContext): void {
  const { registry, recordEvent } = context;
  const pending = new Set<string>();

  const queue = createQueue(context, 50, () => {
    if (pending.size === 0) return;
    const candidates = registry.store.all('nodes').map(candidateOf);
    for (const key of inOrder()) {
      const pod = registry.find('pods', ...splitKey(key));
      if (!pod || !isWaiting(pod)) {
        pending.delete(key);
        continue;
      }
      const chosen = choose(pod, candidates);
      if (chosen) {
        pending.delete(key);
        bind(pod, chosen);
      } else refuse(pod, candidates);
    }
  });

  const inOrder = (): string[] => {
    const priority = (key: string) => registry.find('pods', ...splitKey(key))?.spec?.priority ?? 0;
    return [...pending]
      .map((key, index) => ({ key, index, priority: priority(key) }))
      .sort((a, b) => b.priority - a.priority || a.index - b.index)
      .map(({ key }) => key);
  };

  const candidateOf = (node: NodeObject): Candidate => {
    const free = allocatableOf(node);
    const siblings = new Map<string, number>();
    for (const pod of registry.store.podsOn(node.metadata.name)) {
      if (isPodFinished(pod)) continue;
      take(free, requestsOf(pod.spec));
      const owner = controllerOf(pod)?.uid;
      if (owner) siblings.set(owner, (siblings.get(owner) ?? 0) + 1);
    }
    return { node, free, siblings };
  };

  const choose = (pod: PodObject, candidates: readonly Candidate[]): Candidate | undefined => {
    const wanted = requestsOf(pod.spec);
    const owner = controllerOf(pod)?.uid ?? '';
    let best: Candidate | undefined;
    for (const candidate of candidates) {
      if (obstacle(pod, wanted, candidate) !== undefined) continue;
      if (!best) best = candidate;
      else {
        const spread = (best.siblings.get(owner) ?? 0) - (candidate.siblings.get(owner) ?? 0);
        if (spread > 0 || (spread === 0 && candidate.free.cpu > best.free.cpu)) best = candidate;
      }
    }
    return best;
  };

  const bind = (pod: PodObject, { node, free, siblings }: Candidate) => {
    take(free, requestsOf(pod.spec));
    const owner = controllerOf(pod)?.uid;
    if (owner) siblings.set(owner, (siblings.get(owner) ?? 0) + 1);
    // Through the store: the binding is the one write that may set a pod's node.
    registry.store.put(resourceOf('pods'), {
      ...(pod as KubeObject),
      spec: { ...pod.spec, nodeName: node.metadata.name },
      status: {
        ...pod.status,
        conditions: withCondition(
          pod.status?.conditions?.map(({ reason: _, message: __, ...one }) => one),
          { type: 'PodScheduled', status: 'True' },
          context.clock.now(),
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

  const refuse = (pod: PodObject, candidates: readonly Candidate[]) => {
    const message = whyNot(pod, candidates);
    if (condition(pod, 'PodScheduled')?.message === message) return;
    registry.modify('pods', pod.metadata.namespace, pod.metadata.name, (draft) => {
      draft.status = {
        ...draft.status,
        conditions: withCondition(
          draft.status?.conditions,
          { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message },
          context.clock.now(),
        ),
      };
    });
    recordEvent('default-scheduler', pod as KubeObject, 'Warning', 'FailedScheduling', message);
  };

  registry.subscribe(({ resource, object, type, previous }) => {
    if (resource.key === 'pods') {
      const pod = object as PodObject;
      const key = keyOf(pod);
      if (type === 'DELETED') {
        pending.delete(key);
        if (pod.spec?.nodeName && pending.size > 0) queue.add('');
      } else if (type === 'ADDED' && isWaiting(pod)) {
        pending.add(key);
        queue.add('');
      } else if (isPodFinished(pod) && pending.size > 0) queue.add('');
    } else if (resource.key === 'nodes' && pending.size > 0) {
      if (type !== 'MODIFIED' || offer(object) !== offer(previous)) queue.add('');
    }
  });
}

/** What of a node can change a placement. */
function offer(node: KubeObject | undefined): string {
  return JSON.stringify([
    node?.spec?.unschedulable,
    node?.spec?.taints,
    node?.metadata.labels,
    node?.status?.allocatable,
  ]);
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

function take(free: Room, used: Room): void {
  free.cpu -= used.cpu;
  free.memory -= used.memory;
  free.pods -= used.pods;
}

/** Why the pod cannot go there, in the scheduler's words; undefined when it can. */
function obstacle(pod: PodObject, wanted: Room, { node, free }: Candidate): string | undefined {
  if (!matchesNode(pod.spec, node)) return "node(s) didn't match Pod's node affinity/selector";
  if (node.spec?.unschedulable && !toleratesCordon(pod)) return 'node(s) were unschedulable';
  const taint = untolerated(pod.spec, node, ['NoSchedule', 'NoExecute']);
  if (taint) return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`;
  // A rounding error of floating-point sums must not refuse the last place.
  if (wanted.pods > free.pods) return 'Too many pods';
  if (wanted.cpu > free.cpu + 1e-9) return 'Insufficient cpu';
  if (wanted.memory > free.memory) return 'Insufficient memory';
  return undefined;
}

function toleratesCordon(pod: PodObject): boolean {
  const taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
  return untolerated(pod.spec, { spec: { taints: [taint] } } as NodeObject, ['NoSchedule']) === undefined;
}

function whyNot(pod: PodObject, candidates: readonly Candidate[]): string {
  if (candidates.length === 0) return 'no nodes available to schedule pods';
  const wanted = requestsOf(pod.spec);
  const counts = new Map<string, number>();
  for (const candidate of candidates) {
    const why = obstacle(pod, wanted, candidate);
    if (why) counts.set(why, (counts.get(why) ?? 0) + 1);
  }
  const reasons = [...counts].map(([why, count]) => `${count} ${why}`).sort();
  const { length } = candidates;
  return `0/${length} nodes are available: ${reasons.join(', ')}. preemption: 0/${length} nodes are available: ${length} Preemption is not helpful for scheduling.`;
}

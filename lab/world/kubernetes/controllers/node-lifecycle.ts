/**
 * Handles a node whose kubelet stopped reporting: the node lifecycle controller marks it, the cloud controller
 * deletes it once its instance is gone, and the pod garbage collector deletes its pods. Also the taints that
 * follow from a node's own fields, and the evictions that NoExecute taints cause.
 */
import type { Taint } from 'kubernetes-types/core/v1.d.ts';
import {
  condition,
  isPodFinished,
  type KubeObject,
  type NodeObject,
  type PodObject,
  timestamp,
  withCondition,
} from '../objects.ts';
import { isEqual } from '../patch.ts';
import { isFor } from '../placement.ts';
import { isStatus } from '../status.ts';
import type { Listener } from '../store.ts';
import { type ControllerContext, createQueue, keyOf, splitKey } from './controller.ts';
import type { Machines } from './machines.ts';

/** `--node-monitor-grace-period`: 50 s by default since Kubernetes 1.32. */
const SILENCE_MS = 50_000;
/** Interval of the cloud node lifecycle controller. */
const CLOUD_MS = 5_000;
/** The pod garbage collector waits this long for a node to come back. */
const QUARANTINE_MS = 40_000;
/** Interval of the pod garbage collector. */
const COLLECTION_MS = 20_000;

/** How often the lab checks a stopped instance. */
const STOPPED_MS = 60_000;

const STOPPED = 'node.cloudprovider.kubernetes.io/shutdown';
const UNREACHABLE = 'node.kubernetes.io/unreachable';
const NOT_READY = 'node.kubernetes.io/not-ready';
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';

export function createNodeLifecycle(
  context: ControllerContext,
  machines: Machines,
  isStopped: (instanceId: string) => boolean = () => false,
): void {
  const { registry, recordEvent, clock } = context;

  const goSilent = (name: string) => {
    clock.after(SILENCE_MS, () => {
      const node = registry.find('nodes', undefined, name);
      if (!node || machines.isReporting(name)) return;
      markUnknown(node);
      clock.after(CLOUD_MS, () => removeNode(name));
    });
  };

  const markUnknown = (node: NodeObject) => {
    const { name } = node.metadata;
    const now = clock.now();
    registry.modifyStatus('nodes', undefined, name, (draft) => {
      draft.status = {
        ...draft.status,
        conditions: (draft.status?.conditions ?? []).map((one) => ({
          ...one,
          status: 'Unknown',
          reason: 'NodeStatusUnknown',
          message: 'Kubelet stopped posting node status.',
          lastTransitionTime: timestamp(now),
        })),
      };
    });
    recordEvent(
      'node-controller',
      node as KubeObject,
      'Normal',
      'NodeNotReady',
      `Node ${name} status is now: NodeNotReady`,
    );
    for (const pod of registry.store.podsOn(name)) {
      if (condition(pod, 'Ready')?.status !== 'True') continue;
      registry.modifyStatus('pods', pod.metadata.namespace, pod.metadata.name, (draft) => {
        draft.status = {
          ...draft.status,
          conditions: withCondition(draft.status?.conditions, { type: 'Ready', status: 'False' }, now),
        };
      });
      recordEvent('node-controller', pod as KubeObject, 'Warning', 'NodeNotReady', 'Node is not ready');
    }
  };

  const removeNode = (name: string) => {
    const node = registry.find('nodes', undefined, name);
    if (!node || machines.isAlive(name)) return;
    if (isStopped(machines.instanceOf(name)?.id ?? '')) {
      markStopped(node);
      clock.after(STOPPED_MS, () => removeNode(name));
      return;
    }
    recordEvent(
      'cloud-node-lifecycle-controller',
      node as KubeObject,
      'Normal',
      'DeletingNode',
      `Deleting node ${name} because it does not exist in the cloud provider`,
    );
    registry.delete('nodes', undefined, name);
  };

  const markStopped = (node: NodeObject) => {
    if (hasTaint(node, STOPPED)) return;
    registry.amend('nodes', undefined, node.metadata.name, (draft) => {
      draft.spec = {
        ...draft.spec,
        taints: [...(draft.spec?.taints ?? []), { key: STOPPED, effect: 'NoSchedule' }],
      };
    });
  };

  const collectOrphans = createQueue(context, QUARANTINE_MS + COLLECTION_MS, (name) => {
    if (registry.find('nodes', undefined, name)) return;
    for (const pod of registry.store.podsOn(name)) collect(pod);
  });

  const collect = (pod: PodObject) => {
    const { namespace, name } = pod.metadata;
    if (!isPodFinished(pod)) {
      registry.modifyStatus('pods', namespace, name, (draft) => {
        draft.status = {
          ...draft.status,
          phase: 'Failed',
          conditions: withCondition(
            draft.status?.conditions,
            {
              type: 'DisruptionTarget',
              status: 'True',
              reason: 'DeletionByPodGC',
              message: 'PodGC: node no longer exists',
            },
            clock.now(),
          ),
        };
      });
    }
    registry.delete('pods', namespace, name, { gracePeriodSeconds: 0 });
  };

  /** The taints that the controllers keep in step with a node's condition and its `unschedulable`. */
  const taintQueue = createQueue(context, 20, (key) => {
    const [, name] = splitKey(key);
    const node = registry.find('nodes', undefined, name);
    if (!node) return;
    const taints = wantedTaints(node, timestamp(clock.now()));
    if (isEqual(taints, node.spec?.taints ?? [])) return;
    registry.amend('nodes', undefined, name, (draft) => {
      const { taints: _, ...rest } = draft.spec ?? {};
      draft.spec = taints.length > 0 ? { ...rest, taints } : rest;
    });
  });

  const noExecute = createQueue(context, 20, (key) => {
    const pod = registry.find('pods', ...splitKey(key));
    if (!pod || pod.metadata.deletionTimestamp || isPodFinished(pod)) return;
    const node = registry.find('nodes', undefined, pod.spec?.nodeName ?? '');
    const left = node ? timeLeft(pod, node, clock.now()) : undefined;
    if (left === undefined) return;
    if (left > 0) {
      noExecute.add(key, left);
      return;
    }
    recordEvent(
      'taint-eviction-controller',
      pod as KubeObject,
      'Normal',
      'TaintManagerEviction',
      `Marking for deletion Pod ${keyOf(pod)}`,
    );
    try {
      registry.modifyStatus('pods', pod.metadata.namespace, pod.metadata.name, (draft) => {
        draft.status = {
          ...draft.status,
          conditions: withCondition(
            draft.status?.conditions,
            {
              type: 'DisruptionTarget',
              status: 'True',
              reason: 'DeletionByTaintManager',
              message: 'Taint manager: deleting due to NoExecute taint',
            },
            clock.now(),
          ),
        };
      });
      registry.delete('pods', pod.metadata.namespace, pod.metadata.name);
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
    }
  });

  machines.onKubelet((name, alive) => {
    if (!alive) goSilent(name);
  });
  const endsPods = (node: NodeObject | undefined) =>
    node?.spec?.taints?.some((taint) => taint.effect === 'NoExecute') ?? false;
  const see: Listener = ({ resource, object, type }) => {
    if (resource.key === 'pods') {
      const node =
        type === 'ADDED' ? undefined : registry.find('nodes', undefined, object.spec?.nodeName ?? '');
      if (endsPods(node)) noExecute.add(keyOf(object));
      return;
    }
    const { name } = object.metadata;
    if (type === 'DELETED') {
      if (registry.store.podsOn(name).length > 0) collectOrphans.add(name);
      return;
    }
    taintQueue.add(keyOf(object));
    if (endsPods(object as NodeObject))
      for (const pod of registry.store.podsOn(name)) noExecute.add(keyOf(pod));
  };
  registry.subscribe(see, ['pods', 'nodes']);
}

/** The taints that the controllers manage, and when a node has them; undefined before its first report. */
const MANAGED_TAINTS: readonly {
  readonly key: string;
  readonly effect: string;
  readonly applies: (node: NodeObject, ready: string | undefined) => boolean | undefined;
}[] = [
  { key: NOT_READY, effect: 'NoSchedule', applies: (_, ready) => is(ready, 'False') },
  { key: NOT_READY, effect: 'NoExecute', applies: (_, ready) => is(ready, 'False') },
  { key: UNREACHABLE, effect: 'NoSchedule', applies: (_, ready) => is(ready, 'Unknown') },
  { key: UNREACHABLE, effect: 'NoExecute', applies: (_, ready) => is(ready, 'Unknown') },
  { key: UNSCHEDULABLE, effect: 'NoSchedule', applies: ({ spec }) => spec?.unschedulable === true },
  {
    key: STOPPED,
    effect: 'NoSchedule',
    applies: (node, ready) => ready !== 'True' && hasTaint(node, STOPPED),
  },
];

function is(ready: string | undefined, state: string): boolean | undefined {
  return ready === undefined ? undefined : ready === state;
}

function wantedTaints(node: NodeObject, now: string): Taint[] {
  const ready = condition(node, 'Ready')?.status;
  const isSame = (a: Taint, b: Taint) => a.key === b.key && a.effect === b.effect;
  const taints = (node.spec?.taints ?? []).filter(
    (taint) => MANAGED_TAINTS.find((one) => isSame(one, taint))?.applies(node, ready) ?? true,
  );
  for (const one of MANAGED_TAINTS) {
    if (!one.applies(node, ready) || taints.some((taint) => isSame(one, taint))) continue;
    taints.push({ key: one.key, effect: one.effect, timeAdded: now });
  }
  return taints;
}

function hasTaint(node: NodeObject, key: string): boolean {
  return node.spec?.taints?.some((taint) => taint.key === key) ?? false;
}

/** Milliseconds until the node's NoExecute taints end the pod; undefined when they never do. */
function timeLeft(pod: PodObject, node: NodeObject, now: number): number | undefined {
  let left: number | undefined;
  for (const taint of node.spec?.taints ?? []) {
    if (taint.effect !== 'NoExecute') continue;
    const matching = (pod.spec?.tolerations ?? []).filter((one) => isFor(one, taint));
    if (matching.length === 0) return 0;
    const limit = Math.min(...matching.map((one) => one.tolerationSeconds ?? Number.POSITIVE_INFINITY));
    if (limit === Number.POSITIVE_INFINITY) continue;
    const since = taint.timeAdded ? Date.parse(taint.timeAdded) : now;
    const ends = since + Math.max(0, limit) * 1_000 - now;
    left = Math.max(0, Math.min(left ?? ends, ends));
  }
  return left;
}

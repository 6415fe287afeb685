/** Keeps the number of active pods of a ReplicaSet at its replicas. */

import {
  condition,
  controlledBy,
  controllerOf,
  isPodActive,
  isPodReady,
  type KubeObject,
  type ObjectInput,
  type PodObject,
  type ReplicaSetObject,
} from '../objects.ts';
import { suffix } from '../registry.ts';
import { isStatus } from '../status.ts';
import type { Listener } from '../store.ts';
import { type ControllerContext, createQueue, keyOf, splitKey } from './controller.ts';

const KEY = 'replicasets.apps';
/** After a pod could not be created. */
const RETRY_MS = 30_000;

export function createReplicaSetController(context: ControllerContext): void {
  const { registry, recordEvent } = context;
  /** Pods by the uid of their ReplicaSet. */
  const podsOf = new Map<string, Map<string, PodObject>>();

  const queue = createQueue(context, 20, (key) => {
    const [namespace, name] = splitKey(key);
    const replicaSet = registry.find(KEY, namespace, name);
    if (!replicaSet) return;
    const pods = activePods(replicaSet.metadata.uid);
    const isScaled = !replicaSet.metadata.deletionTimestamp && scale(replicaSet, pods);
    writeStatus(replicaSet, isScaled ? activePods(replicaSet.metadata.uid) : pods);
  });

  const activePods = (uid: string): PodObject[] => {
    const active: PodObject[] = [];
    for (const pod of podsOf.get(uid)?.values() ?? []) if (isPodActive(pod)) active.push(pod);
    return active;
  };

  /** False when there was nothing to do. */
  const scale = (replicaSet: ReplicaSetObject, pods: readonly PodObject[]): boolean => {
    const wanted = replicaSet.spec?.replicas ?? 1;
    if (pods.length === wanted) return false;
    for (let count = pods.length; count < wanted; count++) if (!createPod(replicaSet)) return true;
    const surplus = [...pods].sort(byExpendability).slice(0, Math.max(0, pods.length - wanted));
    for (const pod of surplus) {
      registry.delete('pods', pod.metadata.namespace, pod.metadata.name);
      recordEvent(
        'replicaset-controller',
        replicaSet as KubeObject,
        'Normal',
        'SuccessfulDelete',
        `Deleted pod: ${pod.metadata.name}`,
      );
    }
    return true;
  };

  const createPod = (replicaSet: ReplicaSetObject): boolean => {
    const template = replicaSet.spec?.template;
    const { namespace, name } = replicaSet.metadata;
    try {
      const wanted: ObjectInput = {
        kind: 'Pod',
        apiVersion: 'v1',
        metadata: {
          name: `${name}-${suffix(context.hex)}`,
          generateName: `${name}-`,
          labels: template?.metadata?.labels ?? {},
          ...(template?.metadata?.annotations ? { annotations: template.metadata.annotations } : undefined),
          ownerReferences: [controlledBy(replicaSet as KubeObject)],
        },
        spec: { ...template?.spec },
      };
      const pod = registry.create('pods', namespace, wanted, { own: true });
      recordEvent(
        'replicaset-controller',
        replicaSet as KubeObject,
        'Normal',
        'SuccessfulCreate',
        `Created pod: ${pod.metadata.name}`,
      );
      return true;
    } catch (error) {
      if (!isStatus(error)) throw error;
      recordEvent(
        'replicaset-controller',
        replicaSet as KubeObject,
        'Warning',
        'FailedCreate',
        `Error creating: ${error.message}`,
      );
      queue.add(keyOf(replicaSet), RETRY_MS);
      return false;
    }
  };

  const writeStatus = (
    { metadata: { namespace, name, generation } }: ReplicaSetObject,
    pods: readonly PodObject[],
  ) => {
    let ready = 0;
    for (const pod of pods) if (isPodReady(pod)) ready += 1;
    registry.modifyStatus(KEY, namespace, name, (draft) => {
      draft.status = {
        ...draft.status,
        replicas: pods.length,
        fullyLabeledReplicas: pods.length,
        readyReplicas: ready,
        availableReplicas: ready,
        ...(generation === undefined ? {} : { observedGeneration: generation }),
      };
    });
  };

  const see: Listener = ({ resource, object, type, previous }) => {
    if (resource.key === KEY) {
      if (type === 'DELETED') podsOf.delete(object.metadata.uid);
      else if (previous?.metadata.generation !== object.metadata.generation) queue.add(keyOf(object));
    } else {
      const owner = controllerOf(object);
      if (owner?.kind !== 'ReplicaSet') return;
      const pods = podsOf.get(owner.uid) ?? new Map<string, PodObject>();
      if (pods.size === 0) podsOf.set(owner.uid, pods);
      if (type === 'DELETED') pods.delete(object.metadata.name);
      else pods.set(object.metadata.name, object as PodObject);
      queue.add(`${object.metadata.namespace}/${owner.name}`);
    }
  };
  registry.subscribe(see, [KEY, 'pods']);
}

/** Order of deletion: unassigned, pending, not ready, then the youngest. */
function byExpendability(a: PodObject, b: PodObject): number {
  const rank = (pod: PodObject) =>
    (pod.spec?.nodeName ? 4 : 0) + (pod.status?.phase === 'Running' ? 2 : 0) + (isPodReady(pod) ? 1 : 0);
  const readySince = (pod: PodObject) => condition(pod, 'Ready')?.lastTransitionTime ?? '';
  return (
    rank(a) - rank(b) ||
    readySince(b).localeCompare(readySince(a)) ||
    b.metadata.creationTimestamp.localeCompare(a.metadata.creationTimestamp)
  );
}

/** One pod of each DaemonSet on every node that it may run on. */

import {
  controlledBy,
  controllerOf,
  type DaemonSetObject,
  isPodFinished,
  isPodReady,
  isPodTerminating,
  type KubeObject,
  type NodeObject,
  type ObjectInput,
  type PodObject,
} from '../objects.ts';
import { isEqual } from '../patch.ts';
import { matchesNode, tolerates } from '../placement.ts';
import { suffix } from '../registry.ts';
import { isStatus } from '../status.ts';
import type { Listener } from '../store.ts';
import { type ControllerContext, createQueue, keyOf, splitKey } from './controller.ts';

const KEY = 'daemonsets.apps';
const SOURCE = 'daemonset-controller';
/** After a pod could not be created. */
const RETRY_MS = 30_000;

/** Node conditions that a DaemonSet's pods tolerate. */
const tolerations = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
];

export function createDaemonSetController(context: ControllerContext): void {
  const { registry, recordEvent } = context;
  const podsOf = new Map<string, Map<string, PodObject>>();

  const queue = createQueue(context, 50, (key) => {
    const [namespace, name] = splitKey(key);
    const daemonSet = registry.find(KEY, namespace, name);
    if (!daemonSet) return;
    const nodes = registry.store.all('nodes');
    const wanted = nodes.filter((node) => mayRun(daemonSet, node));
    if (!daemonSet.metadata.deletionTimestamp) place(daemonSet, nodes, wanted);
    writeStatus(daemonSet, new Set(wanted.map((node) => node.metadata.name)));
  });

  const podsByNode = (daemonSet: DaemonSetObject) => {
    const byNode = new Map<string, PodObject[]>();
    for (const pod of podsOf.get(daemonSet.metadata.uid)?.values() ?? []) {
      const node = targetOf(pod);
      if (node === undefined) continue;
      const pods = byNode.get(node);
      if (pods) pods.push(pod);
      else byNode.set(node, [pod]);
    }
    return byNode;
  };

  const place = (daemonSet: DaemonSetObject, nodes: readonly NodeObject[], wanted: readonly NodeObject[]) => {
    const byNode = podsByNode(daemonSet);
    const remove = (pod: PodObject) => {
      if (!isPodTerminating(pod)) registry.delete('pods', pod.metadata.namespace, pod.metadata.name);
    };
    for (const node of wanted) {
      const pods = byNode.get(node.metadata.name) ?? [];
      for (const pod of pods) if (isPodFinished(pod)) remove(pod);
      // A terminating pod blocks its replacement until it is deleted.
      if (pods.length === 0) createPod(daemonSet, node);
    }
    for (const node of nodes) if (!mayStay(daemonSet, node)) byNode.get(node.metadata.name)?.forEach(remove);
    rollImage(daemonSet, byNode, remove);
  };

  /** One pod at a time is replaced when the template's images changed, and only while all others are ready. */
  const rollImage = (
    daemonSet: DaemonSetObject,
    byNode: ReadonlyMap<string, readonly PodObject[]>,
    remove: (pod: PodObject) => void,
  ) => {
    if (daemonSet.spec?.updateStrategy?.type === 'OnDelete') return;
    const { containers = [] } = daemonSet.spec?.template.spec ?? {};
    const isStale = ({ spec }: PodObject) =>
      spec?.containers.length !== containers.length ||
      spec.containers.some(({ image }, index) => image !== containers[index]?.image);
    let next: PodObject | undefined;
    for (const pods of byNode.values())
      for (const pod of pods) {
        if (isPodTerminating(pod)) return;
        if (isStale(pod)) next ??= pod;
        else if (!isPodReady(pod)) return;
      }
    if (next) remove(next);
  };

  const createPod = (daemonSet: DaemonSetObject, node: NodeObject) => {
    const template = daemonSet.spec?.template;
    const { namespace, name } = daemonSet.metadata;
    const wanted: ObjectInput = {
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: {
        name: `${name}-${suffix(context.hex)}`,
        generateName: `${name}-`,
        labels: { ...template?.metadata?.labels, 'pod-template-generation': '1' },
        ...(template?.metadata?.annotations ? { annotations: template.metadata.annotations } : undefined),
        ownerReferences: [controlledBy(daemonSet as KubeObject)],
      },
      spec: {
        ...template?.spec,
        tolerations: [...(template?.spec?.tolerations ?? []), ...tolerations],
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [
                {
                  matchFields: [{ key: 'metadata.name', operator: 'In', values: [node.metadata.name] }],
                },
              ],
            },
          },
        },
      },
    };
    const about = daemonSet as KubeObject;
    try {
      const pod = registry.create('pods', namespace, wanted, { own: true });
      recordEvent(SOURCE, about, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
    } catch (error) {
      if (!isStatus(error)) throw error;
      recordEvent(SOURCE, about, 'Warning', 'FailedCreate', `Error creating: ${error.message}`);
      queue.add(keyOf(daemonSet), RETRY_MS);
    }
  };

  const writeStatus = (daemonSet: DaemonSetObject, wanted: ReadonlySet<string>) => {
    let scheduled = 0;
    let misscheduled = 0;
    let ready = 0;
    for (const pod of podsOf.get(daemonSet.metadata.uid)?.values() ?? []) {
      if (!pod.spec?.nodeName || isPodTerminating(pod)) continue;
      if (wanted.has(pod.spec.nodeName)) {
        scheduled += 1;
        if (isPodReady(pod)) ready += 1;
      } else misscheduled += 1;
    }
    registry.modifyStatus(KEY, daemonSet.metadata.namespace, daemonSet.metadata.name, (draft) => {
      draft.status = {
        currentNumberScheduled: scheduled,
        desiredNumberScheduled: wanted.size,
        numberMisscheduled: misscheduled,
        numberReady: ready,
        updatedNumberScheduled: scheduled,
        numberAvailable: ready,
        ...(wanted.size > ready ? { numberUnavailable: wanted.size - ready } : {}),
        observedGeneration: draft.metadata.generation ?? 1,
      };
    });
  };

  const see: Listener = ({ resource, object, type, previous }) => {
    if (resource.key === KEY) {
      if (type === 'DELETED') podsOf.delete(object.metadata.uid);
      else if (previous?.metadata.generation !== object.metadata.generation) queue.add(keyOf(object));
    } else if (resource.key === 'nodes') {
      const same =
        type === 'MODIFIED' &&
        previous?.spec?.taints === object.spec?.taints &&
        isEqual(previous?.metadata.labels, object.metadata.labels);
      if (!same) for (const one of registry.store.all(KEY)) queue.add(keyOf(one));
    } else {
      const owner = controllerOf(object);
      if (owner?.kind !== 'DaemonSet') return;
      const pods = podsOf.get(owner.uid) ?? new Map<string, PodObject>();
      if (pods.size === 0) podsOf.set(owner.uid, pods);
      if (type === 'DELETED') pods.delete(object.metadata.name);
      else pods.set(object.metadata.name, object as PodObject);
      queue.add(`${object.metadata.namespace}/${owner.name}`);
    }
  };
  registry.subscribe(see, [KEY, 'nodes', 'pods']);
}

function mayRun(daemonSet: DaemonSetObject, node: NodeObject): boolean {
  return fits(daemonSet, node, ['NoSchedule', 'NoExecute']);
}

/** A taint that keeps new pods away leaves the one that is there. */
function mayStay(daemonSet: DaemonSetObject, node: NodeObject): boolean {
  return fits(daemonSet, node, ['NoExecute']);
}

function fits(daemonSet: DaemonSetObject, node: NodeObject, effects: readonly string[]): boolean {
  const spec = daemonSet.spec?.template.spec;
  if (!matchesNode(spec, node)) return false;
  for (const taint of node.spec?.taints ?? []) {
    if (!effects.includes(taint.effect)) continue;
    if (!tolerates(spec?.tolerations, taint) && !tolerates(tolerations, taint)) return false;
  }
  return true;
}

/** The node of a pod, or the one that it was made for while it is not bound yet. */
function targetOf(pod: PodObject): string | undefined {
  return (
    pod.spec?.nodeName ??
    pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]
      ?.matchFields?.[0]?.values?.[0]
  );
}

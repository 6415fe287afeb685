/** One pod of each DaemonSet on every node that it may run on. */

import { copyOf } from '../../copy.ts';
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
import { matchesNode, tolerates } from '../placement.ts';
import { suffix } from '../registry.ts';
import { isStatus } from '../status.ts';
import { type ControllerContext, createQueue, keyOf, splitKey } from './controller.ts';

const KEY = 'daemonsets.apps';
const SOURCE = 'daemonset-controller';
/** After a pod could not be created. */
const RETRY_MS = 30_000;

/** Conditions of a node that never keep a DaemonSet's pod away. */
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
      if (node !== undefined) byNode.set(node, [...(byNode.get(node) ?? []), pod]);
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
      // One that terminates keeps its place until it is gone.
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
    const images = (spec: { containers?: readonly { image?: string }[] } | undefined) =>
      JSON.stringify(spec?.containers?.map((one) => one.image));
    const pods = [...byNode.values()].flat();
    const stale = pods.filter((pod) => images(pod.spec) !== images(daemonSet.spec?.template.spec));
    const unready = pods.filter((pod) => !isPodReady(pod) && !stale.includes(pod));
    const [next] = stale;
    if (next && unready.length === 0 && !pods.some(isPodTerminating)) remove(next);
  };

  const createPod = (daemonSet: DaemonSetObject, node: NodeObject) => {
    const template = copyOf(daemonSet.spec?.template);
    const { namespace, name } = daemonSet.metadata;
    const wanted: ObjectInput = {
      metadata: {
        name: `${name}-${suffix(context.hex)}`,
        generateName: `${name}-`,
        labels: { ...template?.metadata?.labels, 'pod-template-generation': '1' },
        annotations: { ...template?.metadata?.annotations },
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
      const pod = registry.create('pods', namespace, wanted);
      recordEvent(SOURCE, about, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
    } catch (error) {
      if (!isStatus(error)) throw error;
      recordEvent(SOURCE, about, 'Warning', 'FailedCreate', `Error creating: ${error.message}`);
      queue.add(keyOf(daemonSet), RETRY_MS);
    }
  };

  const writeStatus = (daemonSet: DaemonSetObject, wanted: ReadonlySet<string>) => {
    const all = [...(podsOf.get(daemonSet.metadata.uid)?.values() ?? [])].filter(
      (pod) => pod.spec?.nodeName && !isPodTerminating(pod),
    );
    const pods = all.filter((pod) => wanted.has(pod.spec?.nodeName ?? ''));
    const ready = pods.filter(isPodReady).length;
    registry.modifyStatus(KEY, daemonSet.metadata.namespace, daemonSet.metadata.name, (draft) => {
      draft.status = {
        currentNumberScheduled: pods.length,
        desiredNumberScheduled: wanted.size,
        numberMisscheduled: all.length - pods.length,
        numberReady: ready,
        updatedNumberScheduled: pods.length,
        numberAvailable: ready,
        ...(wanted.size > ready ? { numberUnavailable: wanted.size - ready } : {}),
        observedGeneration: draft.metadata.generation ?? 1,
      };
    });
  };

  registry.subscribe(({ resource, object, type, previous }) => {
    if (resource.key === KEY) {
      if (type === 'DELETED') podsOf.delete(object.metadata.uid);
      else if (previous?.metadata.generation !== object.metadata.generation) queue.add(keyOf(object));
    } else if (resource.key === 'nodes') {
      const same =
        type === 'MODIFIED' &&
        previous?.spec?.taints === object.spec?.taints &&
        JSON.stringify(previous?.metadata.labels) === JSON.stringify(object.metadata.labels);
      if (!same) for (const one of registry.store.all(KEY)) queue.add(keyOf(one));
    } else if (resource.key === 'pods') {
      const owner = controllerOf(object);
      if (owner?.kind !== 'DaemonSet') return;
      const pods = podsOf.get(owner.uid) ?? new Map<string, PodObject>();
      podsOf.set(owner.uid, pods);
      if (type === 'DELETED') pods.delete(object.metadata.name);
      else pods.set(object.metadata.name, object as PodObject);
      queue.add(`${object.metadata.namespace}/${owner.name}`);
    }
  });
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
  const tolerated = [...(spec?.tolerations ?? []), ...tolerations];
  return (
    matchesNode(spec, node) &&
    (node.spec?.taints ?? []).every((taint) => !effects.includes(taint.effect) || tolerates(tolerated, taint))
  );
}

/** The node of a pod, or the one that it was made for while it is not bound yet. */
function targetOf(pod: PodObject): string | undefined {
  return (
    pod.spec?.nodeName ??
    pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]
      ?.matchFields?.[0]?.values?.[0]
  );
}

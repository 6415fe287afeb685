/** Computes the status of PodDisruptionBudgets: how many pods may be evicted now. */
import { withDisruptionAllowed } from '../eviction.ts';
import {
  type BudgetObject,
  controllerOf,
  isPodReady,
  isPodTerminating,
  type KubeObject,
  type PodObject,
  withCondition,
} from '../objects.ts';
import { resourceOfKind } from '../resources.ts';
import { matchesSelector } from '../selectors.ts';
import type { Listener } from '../store.ts';
import { type ControllerContext, createQueue, keyOf, splitKey } from './controller.ts';
import { share } from './deployment.ts';

const KEY = 'poddisruptionbudgets.policy';
/** A granted eviction not carried out within this time is counted as available again. */
const DELETION_TIMEOUT_MS = 2 * 60_000;

export function createDisruptionController(context: ControllerContext): void {
  const { registry, recordEvent, clock } = context;

  const queue = createQueue(context, 25, (key) => {
    const [namespace, name] = splitKey(key);
    const budget = registry.find(KEY, namespace, name);
    if (!budget || budget.metadata.deletionTimestamp) return;
    const pods = podsOf(budget);
    try {
      write(budget, pods, expectationOf(budget, pods));
    } catch (error) {
      if (!(error instanceof SyncError)) throw error;
      failSafe(budget, error);
    }
  });

  /** The pods that each budget selects, kept up to date change by change. */
  const selected = new Map<string, Map<string, PodObject>>();

  const selects = ({ metadata, spec }: BudgetObject, pod: KubeObject): boolean =>
    metadata.namespace === pod.metadata.namespace && matchesSelector(spec?.selector, pod.metadata.labels);

  const selectAgain = (budget: BudgetObject) => {
    const pods = registry.store.all('pods').filter((pod) => selects(budget, pod as KubeObject));
    selected.set(budget.metadata.uid, new Map(pods.map((pod) => [pod.metadata.name, pod])));
  };

  const podsOf = (budget: BudgetObject): PodObject[] => [
    ...(selected.get(budget.metadata.uid)?.values() ?? []),
  ];

  const write = (
    budget: BudgetObject,
    pods: readonly PodObject[],
    { expected, desired }: { expected: number; desired: number },
  ) => {
    const now = clock.now();
    const disrupted: Record<string, string> = {};
    for (const pod of pods) {
      const since = budget.status?.disruptedPods?.[pod.metadata.name];
      if (since === undefined || isPodTerminating(pod)) continue;
      const until = Date.parse(since) + DELETION_TIMEOUT_MS;
      if (until < now) {
        recordEvent(
          'controllermanager',
          pod as KubeObject,
          'Warning',
          'NotDeleted',
          `Pod was expected by PDB ${budget.metadata.namespace}/${budget.metadata.name} to be deleted but it wasn't`,
        );
        continue;
      }
      disrupted[pod.metadata.name] = since;
      queue.add(keyOf(budget), until - now + 1_000);
    }
    let healthy = 0;
    for (const pod of pods)
      if (!isPodTerminating(pod) && disrupted[pod.metadata.name] === undefined && isPodReady(pod))
        healthy += 1;
    const spare = healthy - desired;
    registry.modifyStatus(KEY, budget.metadata.namespace, budget.metadata.name, (draft) => {
      const status = {
        currentHealthy: healthy,
        desiredHealthy: desired,
        expectedPods: expected,
        // Without expected pods nothing is allowed: the first ones may come before the next pass.
        disruptionsAllowed: expected <= 0 || spare <= 0 ? 0 : spare,
        ...(Object.keys(disrupted).length > 0 ? { disruptedPods: disrupted } : {}),
        observedGeneration: draft.metadata.generation ?? 1,
        ...(draft.status?.conditions ? { conditions: draft.status.conditions } : {}),
      };
      draft.status = withDisruptionAllowed(status, now);
    });
  };

  const failSafe = (budget: BudgetObject, error: SyncError) => {
    recordEvent(
      'controllermanager',
      budget as KubeObject,
      'Warning',
      'CalculateExpectedPodCountFailed',
      `Failed to calculate the number of expected pods: ${error.message}`,
    );
    registry.modifyStatus(KEY, budget.metadata.namespace, budget.metadata.name, (draft) => {
      draft.status = {
        currentHealthy: 0,
        desiredHealthy: 0,
        expectedPods: 0,
        ...draft.status,
        disruptionsAllowed: 0,
        conditions: withCondition(
          draft.status?.conditions,
          { type: 'DisruptionAllowed', status: 'False', reason: 'SyncFailed', message: error.message },
          clock.now(),
        ),
      };
    });
  };

  const expectationOf = (
    { spec }: BudgetObject,
    pods: readonly PodObject[],
  ): { expected: number; desired: number } => {
    const { minAvailable, maxUnavailable } = spec ?? {};
    if (maxUnavailable !== undefined) {
      const expected = expectedScale(pods);
      return { expected, desired: Math.max(0, expected - shareOf(maxUnavailable, expected)) };
    }
    if (typeof minAvailable === 'string') {
      const expected = expectedScale(pods);
      return { expected, desired: shareOf(minAvailable, expected) };
    }
    // A budget that names no number expects nothing, and so allows nothing.
    if (minAvailable === undefined) return { expected: 0, desired: 0 };
    return { expected: pods.length, desired: minAvailable };
  };

  /** The sum of the scales of all controllers of the pods; a pod without a controller does not count. */
  const expectedScale = (pods: readonly PodObject[]): number => {
    const counted = new Set<string>();
    let sum = 0;
    for (const pod of pods) {
      const owner = controllerOf(pod);
      if (!owner || counted.has(owner.uid)) continue;
      const { uid, scale } = scaleOf(pod, owner);
      if (!counted.has(uid)) sum += scale;
      counted.add(owner.uid).add(uid);
    }
    return sum;
  };

  const scaleOf = (
    pod: PodObject,
    owner: { apiVersion: string; kind: string; name: string; uid: string },
  ): { uid: string; scale: number } => {
    const { namespace, name } = pod.metadata;
    const lost = () => new SyncError(`found no controllers for pod "${name}"`);
    const find = (key: string, ownerName: string, uid: string) => {
      const found = registry.find(key, namespace, ownerName);
      if (found?.metadata.uid !== uid) throw lost();
      return found;
    };
    if (owner.kind === 'ReplicaSet') {
      const replicaSet = find('replicasets.apps', owner.name, owner.uid);
      const above = controllerOf(replicaSet);
      if (above?.kind !== 'Deployment') return { uid: owner.uid, scale: replicaSet.spec?.replicas ?? 1 };
      const deployment = find('deployments.apps', above.name, above.uid);
      return { uid: above.uid, scale: deployment.spec?.replicas ?? 1 };
    }
    if (owner.kind === 'StatefulSet')
      return { uid: owner.uid, scale: find('statefulsets.apps', owner.name, owner.uid).spec?.replicas ?? 1 };
    if (owner.kind === 'ReplicationController')
      return {
        uid: owner.uid,
        scale: find('replicationcontrollers', owner.name, owner.uid).spec?.replicas ?? 1,
      };
    const { apiVersion, kind } = owner;
    const resource = resourceOfKind(apiVersion, kind);
    if (!resource) throw new SyncError(`no matches for kind "${kind}" in version "${apiVersion}"`);
    if (!resource.subresources.includes('scale'))
      throw new SyncError(`${resource.key} does not implement the scale subresource`);
    throw lost();
  };

  const seePod = (pod: KubeObject, deleted: boolean) => {
    for (const budget of registry.store.all(KEY)) {
      if (budget.metadata.namespace !== pod.metadata.namespace) continue;
      const pods = selected.get(budget.metadata.uid);
      const known = pods?.has(pod.metadata.name);
      const isSelected = !deleted && selects(budget, pod);
      if (!known && !isSelected) continue;
      if (isSelected) pods?.set(pod.metadata.name, pod as PodObject);
      else pods?.delete(pod.metadata.name);
      queue.add(keyOf(budget));
    }
  };

  const see: Listener = ({ resource, object, previous, type }) => {
    if (resource.key === KEY) {
      if (type === 'DELETED') selected.delete(object.metadata.uid);
      else {
        if (previous?.metadata.generation !== object.metadata.generation) selectAgain(object as BudgetObject);
        // Also after an eviction: its disruption becomes available again if the pod stays.
        queue.add(keyOf(object));
      }
    } else if (resource.key === 'pods') seePod(object, type === 'DELETED');
    else {
      if (previous?.spec?.replicas === object['spec']?.replicas && type === 'MODIFIED') return;
      for (const budget of registry.store.all(KEY))
        if (budget.metadata.namespace === object.metadata.namespace) queue.add(keyOf(budget));
    }
  };
  registry.subscribe(see, [KEY, 'pods', 'deployments.apps', 'replicasets.apps']);
}

class SyncError extends Error {
  override name = 'SyncError';
}

function shareOf(value: number | string, total: number): number {
  if (typeof value === 'string' && !/^\d+%$/.test(value))
    throw new SyncError('invalid value for IntOrString: invalid type: string is not a percentage');
  return share(value, total, 'up');
}

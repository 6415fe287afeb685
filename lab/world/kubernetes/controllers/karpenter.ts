/**
 * Karpenter, while a pod of a Deployment labelled `karpenter` is Ready: NodePools give Pending pods nodes of their own
 * within their limits, or have a fixed number of nodes (`replicas`), and deleted NodeClaims are drained before
 * their instance terminates. Without its pod nothing happens: finalizers block deletion. In EKS Auto Mode it runs outside of
 * the cluster, always.
 */

import { copyOf } from '../../copy.ts';
import { allocatable, capacity, isNodeType, nodeShape } from '../node-shapes.ts';
import {
  condition,
  controlledBy,
  isNodeReady,
  isPodReady,
  type KubeObject,
  type NodeObject,
  type PodObject,
  withCondition,
} from '../objects.ts';
import { type Bin, binOf, put } from '../placement.ts';
import { parseQuantity } from '../quantity.ts';
import { suffix } from '../registry.ts';
import type { Fleet } from '../types.ts';
import { type ControllerContext, createQueue } from './controller.ts';
import { hasLaunched, NODE_CLAIMS, setClaimCondition, TERMINATION } from './karpenter-claims.ts';
import { createLauncher, type Offer } from './karpenter-launch.ts';
import { createTermination } from './karpenter-termination.ts';
import type { Machines } from './machines.ts';

const NODE_POOLS = 'nodepools.karpenter.sh';
const POOL_LABEL = 'karpenter.sh/nodepool';

/** A batch of pods is closed after one second without another. */
const BATCH_MS = 1_000;
const DEFAULT_TYPES = ['m5.large', 'm5.xlarge', 'm5.2xlarge', 'm5.4xlarge'];

export function createKarpenter(
  context: ControllerContext,
  machines: Machines,
  { fleet, isOutside }: { readonly fleet: Fleet; readonly isOutside: boolean },
): void {
  const { registry, recordEvent, clock } = context;

  const runs = (): boolean =>
    isOutside ||
    registry.store
      .all('pods')
      .some((pod) => isKarpenter(pod) && isPodReady(pod) && machines.isAlive(pod.spec?.nodeName ?? ''));

  const pools = (): readonly KubeObject[] =>
    [...registry.store.all(NODE_POOLS)].sort(
      (a, b) =>
        (b['spec']?.weight ?? 0) - (a['spec']?.weight ?? 0) || a.metadata.name.localeCompare(b.metadata.name),
    );
  const claimsOf = (pool: KubeObject): KubeObject[] =>
    registry.store
      .all(NODE_CLAIMS)
      .filter((claim) => claim.metadata.labels?.[POOL_LABEL] === pool.metadata.name);

  const launcher = createLauncher(context, fleet, {
    runs,
    offersOf: (claim) => offersOfClaim(claim, fleet),
  });
  /** One claim that has not launched stops the new claims of every pool that is not static. */
  const isSynced = () => registry.store.all(NODE_CLAIMS).every(hasLaunched);
  let waitsForLaunch = false;

  const provisioning = createQueue(context, BATCH_MS, () => {
    if (!runs()) return;
    waitsForLaunch = !isSynced();
    if (waitsForLaunch) return;
    const waiting = registry.store
      .all('pods')
      .filter(
        (pod) =>
          !pod.spec?.nodeName &&
          !pod.metadata.deletionTimestamp &&
          condition(pod, 'PodScheduled')?.reason === 'Unschedulable',
      );
    let left = leftOver(waiting);
    while (left.length > 0) {
      const rest = provisionFor(left);
      if (rest === undefined) break;
      left = rest;
    }
    for (const pod of left) {
      recordEvent(
        'karpenter',
        pod as KubeObject,
        'Warning',
        'FailedScheduling',
        `Failed to schedule pod, ${whyNot()}`,
      );
    }
  });

  /** What each pool that is not static has against the pods that are left. */
  const whyNot = (): string =>
    pools()
      .filter((pool) => pool['spec']?.replicas === undefined)
      .map((pool) => {
        const isFull = !offersOf(pool['spec']?.template?.spec, fleet).some(({ type }) =>
          withinLimits(pool, type),
        );
        const what = isFull
          ? 'all available instance types exceed limits for nodepool'
          : 'incompatible requirements for nodepool';
        return `${what} (NodePool=${pool.metadata.name})`;
      })
      .join('; ');

  /** The pods for which there is no room on the nodes that are there, nor on the claims that are on their way. */
  const leftOver = (waiting: readonly PodObject[]): PodObject[] => {
    const present = registry.store
      .all('nodes')
      .filter(isNodeReady)
      .map((node) => binOf(node, registry.store.podsOn(node.metadata.name)));
    const coming = registry.store
      .all(NODE_CLAIMS)
      .filter(
        (claim) =>
          !claim.metadata.deletionTimestamp && condition(claim as NodeObject, 'Ready')?.status !== 'True',
      )
      .map((claim) => plannedNode(claim.metadata.labels ?? {}, claim['spec']?.taints ?? []));
    return waiting.filter((pod) => ![...present, ...coming].some((bin) => put(pod, bin)));
  };

  /** Launches one node for as many of the pods as fit; the others, or undefined when nothing could be launched. */
  const provisionFor = (pods: readonly PodObject[]): PodObject[] | undefined => {
    for (const pool of pools()) {
      if (pool['spec']?.replicas !== undefined) continue;
      const options = offersOf(pool['spec']?.template?.spec, fleet)
        .filter(({ type }) => withinLimits(pool, type))
        .map((offer) => {
          const bin = plannedNode({ ...labelsOf(pool, offer) }, pool['spec']?.template?.spec?.taints ?? []);
          return { offer, left: pods.filter((pod) => !put(pod, bin)) };
        })
        .filter(({ left }) => left.length < pods.length)
        // As many pods as possible on one node, and of such the smallest.
        .sort((a, b) => a.left.length - b.left.length || cpuOf(a.offer.type) - cpuOf(b.offer.type));
      for (const { offer, left } of options) if (claimNode(pool, offer)) return left;
    }
    return undefined;
  };

  const withinLimits = (pool: KubeObject, type: string): boolean => {
    const limits: Record<string, string> = pool['spec']?.limits ?? {};
    const used = resourcesOf(claimsOf(pool));
    const more: Record<string, string> = { ...capacity(nodeShape(type)), nodes: '1' };
    return Object.entries(limits).every(
      ([name, limit]) => (used[name] ?? 0) + parseQuantity(more[name]) <= parseQuantity(limit),
    );
  };

  const claimNode = (pool: KubeObject, offer: Offer): boolean => {
    const name = `${pool.metadata.name}-${suffix(context.hex)}`;
    const labels = labelsOf(pool, offer);
    const template = pool['spec']?.template;
    const claim = registry.create(NODE_CLAIMS, undefined, {
      metadata: {
        name,
        labels,
        annotations: { ...template?.metadata?.annotations },
        finalizers: [TERMINATION],
        ownerReferences: [controlledBy(pool)],
      },
      spec: copyOf(template?.spec ?? {}),
    });
    return launcher.launch(claim, offer);
  };

  /** Follows a node from its registration to Ready. */
  const followNode = (node: NodeObject) => {
    const claim = claimOf(node);
    if (!claim || !runs()) return;
    const { name } = node.metadata;
    if (claim['status']?.nodeName !== name) {
      registry.modify('nodes', undefined, name, (draft) => {
        draft.metadata.finalizers = [...new Set([...(draft.metadata.finalizers ?? []), TERMINATION])];
      });
      setClaimCondition(context, claim.metadata.name, isTrue('Registered'), { nodeName: name });
    }
    if (isNodeReady(node) && condition(claim as NodeObject, 'Ready')?.status !== 'True') {
      setClaimCondition(context, claim.metadata.name, isTrue('Initialized'));
      setClaimCondition(context, claim.metadata.name, isTrue('Ready'));
    }
  };

  const claimOf = (node: NodeObject): KubeObject | undefined =>
    registry.store
      .all(NODE_CLAIMS)
      .find((claim) => claim['status']?.providerID && claim['status'].providerID === node.spec?.providerID);

  /** Updates a pool's resource count, and scales a static pool to its replicas. */
  const poolQueue = createQueue(context, 100, (name) => {
    const pool = registry.find(NODE_POOLS, undefined, name);
    if (!pool || !runs()) return;
    const claims = claimsOf(pool);
    const wanted: number | undefined = pool['spec']?.replicas;
    const live = claims.filter((claim) => !claim.metadata.deletionTimestamp);
    if (wanted !== undefined) {
      const [offer] = offersOf(pool['spec']?.template?.spec, fleet);
      const most: string | undefined = pool['spec']?.limits?.nodes;
      // Claims that are on their way out count against the limit, not as replicas.
      const room = most === undefined ? Number.POSITIVE_INFINITY : parseQuantity(most) - claims.length;
      const missing = Math.min(wanted - live.length, room);
      for (let count = 0; count < missing && offer; count++) if (!claimNode(pool, offer)) break;
      for (const claim of live.slice(wanted)) registry.delete(NODE_CLAIMS, undefined, claim.metadata.name);
    }
    const used = resourcesOf(claimsOf(pool));
    registry.modify(NODE_POOLS, undefined, name, (draft) => {
      draft['status'] = {
        ...draft['status'],
        resources: {
          cpu: String(used['cpu'] ?? 0),
          memory: `${Math.round((used['memory'] ?? 0) / 1024 ** 2)}Mi`,
          nodes: String(used['nodes'] ?? 0),
          pods: String(used['pods'] ?? 0),
        },
        conditions: withCondition(
          draft['status']?.conditions,
          { type: 'Ready', status: 'True', reason: 'Ready', message: '' },
          clock.now(),
        ),
      };
    });
  });

  const termination = createTermination(context, machines, fleet, runs, claimOf);
  const wakeUp = () => {
    provisioning.add('');
    for (const pool of registry.store.all(NODE_POOLS)) poolQueue.add(pool.metadata.name);
    for (const node of registry.store.all('nodes')) followNode(node);
    for (const claim of registry.store.all(NODE_CLAIMS)) {
      launcher.reconcile(claim);
      termination.reconcile(claim);
    }
  };

  registry.subscribe(({ resource, object, type, previous }) => {
    if (resource.key === 'pods') {
      const pod = object as PodObject;
      if (condition(pod, 'PodScheduled')?.reason === 'Unschedulable') provisioning.add('');
      if (isKarpenter(pod) && isPodReady(pod) && !(previous && isPodReady(previous as PodObject))) wakeUp();
    } else if (resource.key === NODE_POOLS) {
      if (type === 'DELETED' || previous?.metadata.generation === object.metadata.generation) return;
      poolQueue.add(object.metadata.name);
      // New limits may allow pods that did not fit.
      provisioning.add('');
    } else if (resource.key === NODE_CLAIMS) {
      const pool = object.metadata.labels?.[POOL_LABEL];
      if (pool !== undefined) poolQueue.add(pool);
      if (type !== 'DELETED') {
        launcher.reconcile(object);
        termination.reconcile(object);
      }
      if (waitsForLaunch && isSynced()) provisioning.add('');
    } else if (resource.key === 'nodes' && type !== 'DELETED') {
      const node = object as NodeObject;
      if (!node.metadata.labels?.[POOL_LABEL]) return;
      clock.after(0, () => {
        const current = registry.find('nodes', undefined, node.metadata.name);
        if (current) followNode(current);
      });
      if (node.metadata.deletionTimestamp) termination.nodeDeleted(node);
    }
  });

  // Karpenter's interruption queue: it drains the node of a spot interruption notice at once.
  context.signals.on('event', (event) => {
    if (event['detail-type'] !== 'EC2 Spot Instance Interruption Warning') return;
    const id = String(event.detail['instance-id'] ?? '');
    const claim = registry.store
      .all(NODE_CLAIMS)
      .find((one) => String(one['status']?.providerID ?? '').endsWith(`/${id}`));
    if (claim && !claim.metadata.deletionTimestamp && runs())
      registry.delete(NODE_CLAIMS, undefined, claim.metadata.name);
  });
}

interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

const isTrue = (type: string) => ({ type, status: 'True' });

/** What a pool's template or a claim may launch, smallest first, spot before on-demand. */
function offersOf(
  spec: { readonly requirements?: readonly Requirement[] } | undefined,
  fleet: Fleet,
): Offer[] {
  const requirements = spec?.requirements ?? [];
  const allowed = (key: string, all: readonly string[]): readonly string[] => {
    const found = requirements.find((one) => one.key === key);
    if (!found) return all;
    if (found.operator === 'In') return found.values ?? [];
    if (found.operator === 'NotIn') return all.filter((one) => !found.values?.includes(one));
    throw new Error(`the lab's Karpenter supports In and NotIn, not "${found.operator}" of ${key}`);
  };
  const capacityTypes = allowed('karpenter.sh/capacity-type', ['on-demand']);
  const ordered = ['spot', 'on-demand'].filter((one) => capacityTypes.includes(one));
  return [...allowed('node.kubernetes.io/instance-type', DEFAULT_TYPES)]
    .sort((a, b) => cpuOf(a) - cpuOf(b))
    .flatMap((type) =>
      ordered.flatMap((capacityType) =>
        allowed('topology.kubernetes.io/zone', fleet.zones).map((zone) => ({
          type,
          zone,
          capacityType: capacityType === 'spot' ? ('SPOT' as const) : ('ON_DEMAND' as const),
        })),
      ),
    );
}

/** Of a claim that has not launched: none where it asks for an instance type that does not exist. */
function offersOfClaim(claim: KubeObject, fleet: Fleet): readonly Offer[] {
  const { labels = {} } = claim.metadata;
  const spec: { readonly requirements?: readonly Requirement[] } = claim['spec'] ?? {};
  const types =
    spec.requirements?.find(({ key }) => key === 'node.kubernetes.io/instance-type')?.values ?? [];
  if (!types.every(isNodeType)) return [];
  const chosen = labels['node.kubernetes.io/instance-type'];
  const zone = labels['topology.kubernetes.io/zone'];
  return offersOf(spec, fleet).filter(
    (offer) => (chosen ?? offer.type) === offer.type && (zone ?? offer.zone) === offer.zone,
  );
}

function labelsOf(pool: KubeObject, offer: Offer): Record<string, string> {
  return {
    ...pool['spec']?.template?.metadata?.labels,
    [POOL_LABEL]: pool.metadata.name,
    'karpenter.sh/capacity-type': offer.capacityType === 'SPOT' ? 'spot' : 'on-demand',
    'node.kubernetes.io/instance-type': offer.type,
    'topology.kubernetes.io/zone': offer.zone,
    'kubernetes.io/arch': nodeShape(offer.type).architecture,
    'kubernetes.io/os': 'linux',
  };
}

function plannedNode(
  labels: Record<string, string>,
  taints: readonly { key: string; value?: string; effect: string }[],
): Bin {
  const shape = nodeShape(labels['node.kubernetes.io/instance-type'] ?? 'm5.large');
  const node: NodeObject = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: '', uid: '', resourceVersion: '', creationTimestamp: '', labels },
    spec: { taints: taints.map((taint) => ({ ...taint })) },
    status: { allocatable: allocatable(shape) },
  };
  return binOf(node, []);
}

function resourcesOf(claims: readonly KubeObject[]): Record<string, number> {
  const sum: Record<string, number> = { nodes: claims.length };
  for (const claim of claims)
    for (const [name, value] of Object.entries<string>(claim['status']?.capacity ?? {}))
      sum[name] = (sum[name] ?? 0) + parseQuantity(value);
  return sum;
}

function cpuOf(type: string): number {
  return nodeShape(type).cpu;
}

function isKarpenter(pod: PodObject): boolean {
  return Object.values(pod.metadata.labels ?? {}).includes('karpenter');
}

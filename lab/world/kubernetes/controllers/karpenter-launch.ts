/**
 * How Karpenter launches the instance of a claim. No capacity: the claim is deleted, and another one is made. Anything
 * else: the claim stays, the launch is repeated, and until the claim is gone no pool but the static ones gets another.
 */
import { AwsError } from '../../aws/error.ts';
import { allocatable, capacity, nodeShape } from '../node-shapes.ts';
import type { KubeObject } from '../objects.ts';
import type { Fleet } from '../types.ts';
import { type ControllerContext, createQueue } from './controller.ts';
import { hasLaunched, NODE_CLAIMS, setClaimCondition, TERMINATION } from './karpenter-claims.ts';

export interface Offer {
  readonly type: string;
  readonly zone: string;
  readonly capacityType: 'SPOT' | 'ON_DEMAND';
}

export interface Launcher {
  /** False when there is no capacity; the claim is gone then. */
  launch(claim: KubeObject, offer: Offer): boolean;
  /** A claim has changed, or Karpenter has come back: one that somebody else made is launched too. */
  reconcile(claim: KubeObject): void;
}

/** A claim whose instance did not launch, or whose node did not register, by then is given up. */
const TIMEOUT_MS = { launch: 5 * 60_000, registration: 15 * 60_000 };
const RETRY_MS = { first: 1_000, most: 60_000 };
const NO_CAPACITY = [
  'InsufficientInstanceCapacity',
  'InsufficientFreeAddressesInSubnet',
  'MaxSpotInstanceCountExceeded',
  'UnfulfillableCapacity',
  'Unsupported',
  'VcpuLimitExceeded',
];

export function createLauncher(
  context: ControllerContext,
  fleet: Fleet,
  options: {
    readonly runs: () => boolean;
    /** What the requirements of a claim allow. */
    readonly offersOf: (claim: KubeObject) => readonly Offer[];
  },
): Launcher {
  const { registry, recordEvent, clock } = context;
  const { runs, offersOf } = options;

  const launched = (claim: KubeObject, offer: Offer, instanceId: string) => {
    const { name } = claim.metadata;
    setClaimCondition(
      context,
      name,
      { type: 'Launched', status: 'True' },
      {
        providerID: `aws:///${offer.zone}/${instanceId}`,
        capacity: capacity(nodeShape(offer.type)),
        allocatable: allocatable(nodeShape(offer.type)),
      },
    );
    clock.after(TIMEOUT_MS.registration, () => {
      const late = registry.find(NODE_CLAIMS, undefined, name);
      if (late && !late['status']?.nodeName && runs()) registry.delete(NODE_CLAIMS, undefined, name);
    });
  };

  const launch = (claim: KubeObject, offer: Offer): boolean => {
    const { name, labels = {} } = claim.metadata;
    try {
      const nodeLabels = { ...labels, 'karpenter.sh/registered': 'true', 'karpenter.sh/initialized': 'true' };
      const { type: instanceType, zone, capacityType } = offer;
      launched(claim, offer, fleet.launch({ instanceType, zone, capacityType, labels: nodeLabels }));
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      if (!NO_CAPACITY.includes(error.code)) {
        fail(name, error.message);
        return true;
      }
      const message = `NodeClaim ${name} event: ${error.message}`;
      recordEvent('karpenter', claim, 'Warning', 'InsufficientCapacityError', message);
      registry.modify(NODE_CLAIMS, undefined, name, (draft) => {
        draft.metadata.finalizers = [];
      });
      registry.delete(NODE_CLAIMS, undefined, name);
      return false;
    }
    return true;
  };

  const fail = (name: string, message: string) => {
    const failed = { type: 'Launched', status: 'Unknown', reason: 'LaunchFailed', message };
    const since = setClaimCondition(context, name, failed);
    const waited = clock.now() - since;
    if (waited >= TIMEOUT_MS.launch) registry.delete(NODE_CLAIMS, undefined, name);
    else
      queue.add(name, Math.min(Math.max(waited, RETRY_MS.first), RETRY_MS.most, TIMEOUT_MS.launch - waited));
  };

  const queue = createQueue(context, 100, (name) => {
    const claim = registry.find(NODE_CLAIMS, undefined, name);
    if (!claim || claim.metadata.deletionTimestamp || hasLaunched(claim) || !runs()) return;
    if (!claim.metadata.finalizers?.includes(TERMINATION))
      registry.modify(NODE_CLAIMS, undefined, name, (draft) => {
        draft.metadata.finalizers = [...(draft.metadata.finalizers ?? []), TERMINATION];
      });
    const [offer] = offersOf(claim);
    if (offer) launch(registry.get(NODE_CLAIMS, undefined, name), offer);
    else fail(name, 'instance type not found');
  });

  return {
    launch,
    reconcile(claim) {
      if (!hasLaunched(claim) && !claim.metadata.deletionTimestamp) queue.add(claim.metadata.name);
    },
  };
}

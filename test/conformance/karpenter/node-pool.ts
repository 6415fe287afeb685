/** A NodePool of a bed, whose nodes take one pod each. */
import type { Json } from '../kubernetes/objects.ts';
import type { KarpenterBed } from './bed.ts';

export const NODE_POOLS = '/apis/karpenter.sh/v1/nodepools';
export const NODE_CLAIMS = '/apis/karpenter.sh/v1/nodeclaims';
export const POOL_LABEL = 'karpenter.sh/nodepool';

export interface NodePoolSeed {
  /** Of the pool: `limits`, `replicas`, `template.spec.terminationGracePeriod`. */
  readonly spec?: Json;
  readonly claimSpec?: Json;
}

export function nodePool(
  bed: Pick<KarpenterBed, 'instanceType' | 'nodeClassRef'>,
  name: string,
  { spec = {}, claimSpec = {} }: NodePoolSeed,
): Json {
  const requirements = [
    { key: 'node.kubernetes.io/instance-type', operator: 'In', values: [bed.instanceType] },
    { key: 'karpenter.sh/capacity-type', operator: 'In', values: ['on-demand'] },
  ];
  return {
    apiVersion: 'karpenter.sh/v1',
    kind: 'NodePool',
    metadata: { name },
    spec: {
      // Nothing is consolidated; a node that is deleted asks no such budget.
      disruption: { consolidationPolicy: 'WhenEmpty', consolidateAfter: 'Never', budgets: [{ nodes: '0' }] },
      template: { spec: { nodeClassRef: bed.nodeClassRef, requirements, ...claimSpec } },
      ...spec,
    },
  };
}

export function conditionOf(object: Json, type: string): Json | undefined {
  return object.status?.conditions?.find((one: Json) => one.type === type);
}

/** The NodePools of one way to stop them at night: alike for every way, with a Deployment each whose pods have a node of their own. */

import { NODE_POOLS, nodePool, POOL_LABEL } from '#test/conformance/karpenter/node-pool.ts';
import type { RealKarpenterBed } from '#test/conformance/karpenter/real.ts';
import {
  addBudget,
  addDeployment,
  type BudgetSeed,
  type Json,
  must,
} from '#test/conformance/kubernetes/objects.ts';

interface Shape {
  readonly name: string;
  readonly pods: number;
  readonly spec?: Json;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly budget?: Pick<BudgetSeed, 'minAvailable' | 'maxUnavailable'>;
}

const SHAPES: readonly Shape[] = [
  { name: 'limited', pods: 2, spec: { limits: { cpu: '100', memory: '200Gi' } } },
  { name: 'budget', pods: 3, budget: { minAvailable: 1 } },
  { name: 'blocked', pods: 1, budget: { maxUnavailable: 0 } },
  { name: 'do-not-disrupt', pods: 1, annotations: { 'karpenter.sh/do-not-disrupt': 'true' } },
  { name: 'static', pods: 2, spec: { replicas: 2 } },
];

export const POOLS = SHAPES.length;
export const NODES = SHAPES.reduce((sum, { pods }) => sum + pods, 0);
export const POOLS_TEXT =
  'a NodePool with limits (2 pods), one whose pods have a budget of minAvailable 1 (3 pods), one with maxUnavailable 0, one with karpenter.sh/do-not-disrupt (1 pod each), and a static one (2 replicas)';

export interface Place {
  readonly namespace: string;
  readonly pools: readonly string[];
  /** As they were created. */
  readonly manifests: readonly Json[];
}

/** Named `<way>-<shape>`. Their pods are not waited for. */
export async function addPools(bed: RealKarpenterBed, way: string): Promise<Place> {
  const namespace = await bed.addNamespace();
  const manifests: Json[] = [];
  for (const { name, pods, spec, annotations, budget } of SHAPES) {
    const manifest = nodePool(bed, `${way}-${name}`, { spec });
    manifests.push(manifest);
    await must(bed, 'POST', NODE_POOLS, manifest);
    await addDeployment(bed, {
      namespace,
      name,
      replicas: pods,
      cpu: bed.podCpu,
      nodeSelector: { [POOL_LABEL]: manifest.metadata.name },
      ...(annotations ? { annotations } : {}),
    });
    if (budget) await addBudget(bed, { namespace, name, ...budget });
  }
  return { namespace, manifests, pools: manifests.map(({ metadata }) => metadata.name) };
}

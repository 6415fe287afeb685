/** The built-in NodePools of EKS Auto Mode, and the NodeClass that EKS provisions with them. */
import type { Registry } from './registry.ts';

const NODE_POOLS = 'nodepools.karpenter.sh';
const NODE_CLASSES = 'nodeclasses.eks.amazonaws.com';
const BUILT_IN = { 'app.kubernetes.io/managed-by': 'eks' };
const NODE_CLASS = 'default';

export function setBuiltInPools(api: Registry, names: readonly string[]): void {
  for (const name of names)
    if (!api.find(NODE_POOLS, undefined, name)) api.create(NODE_POOLS, undefined, poolOf(name));
  for (const pool of [...api.store.all(NODE_POOLS)])
    if (
      pool.metadata.labels?.['app.kubernetes.io/managed-by'] === 'eks' &&
      !names.includes(pool.metadata.name)
    )
      api.delete(NODE_POOLS, undefined, pool.metadata.name);
  const hasClass = api.find(NODE_CLASSES, undefined, NODE_CLASS) !== undefined;
  if (names.length > 0 && !hasClass)
    api.create(NODE_CLASSES, undefined, {
      apiVersion: 'eks.amazonaws.com/v1',
      kind: 'NodeClass',
      metadata: { name: NODE_CLASS, labels: BUILT_IN },
      spec: {},
    });
  if (names.length === 0 && hasClass) api.delete(NODE_CLASSES, undefined, NODE_CLASS);
}

function poolOf(name: string) {
  return {
    apiVersion: 'karpenter.sh/v1',
    kind: 'NodePool',
    metadata: { name, labels: BUILT_IN },
    spec: {
      template: {
        spec: {
          nodeClassRef: { group: 'eks.amazonaws.com', kind: 'NodeClass', name: NODE_CLASS },
          expireAfter: '336h',
          terminationGracePeriod: '24h0m0s',
          requirements: [
            { key: 'karpenter.sh/capacity-type', operator: 'In', values: ['on-demand'] },
            { key: 'kubernetes.io/arch', operator: 'In', values: ['amd64'] },
          ],
          ...(name === 'system' ? { taints: [{ key: 'CriticalAddonsOnly', effect: 'NoSchedule' }] } : {}),
        },
      },
    },
  };
}

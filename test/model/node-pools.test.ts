import { expect, test } from 'vitest';
import type { AutoscalerConfig } from '#model/config.ts';
import { isStoppedPool } from '#model/node-pools.ts';

const deployment = { namespace: 'kube-system', deployment: 'karpenter', hostGroup: 'system' };
const karpenter: AutoscalerConfig = { kind: 'karpenter', ...deployment };
const autoMode: AutoscalerConfig = { kind: 'auto-mode' };

test.each<[string, AutoscalerConfig | undefined, Record<string, boolean>]>([
  ['without an autoscaler none is stopped', undefined, { default: false, system: false }],
  [
    'under the cluster autoscaler none is stopped',
    { kind: 'cluster-autoscaler', ...deployment },
    { default: false, system: false },
  ],
  ['with Karpenter all are stopped', karpenter, { default: true, system: true }],
  [
    'with Karpenter only those that the config names are stopped',
    { ...karpenter, nodePools: ['default'] },
    { default: true, batch: false },
  ],
  [
    'with Auto Mode those of EKS are not stopped',
    autoMode,
    { default: true, 'general-purpose': false, system: false },
  ],
  [
    'with Auto Mode those of EKS are stopped by opt-in',
    { ...autoMode, builtIn: true },
    { default: true, 'general-purpose': true, system: true },
  ],
  [
    'with Auto Mode those of EKS are not stopped by a name in the list',
    { ...autoMode, nodePools: ['default', 'system'] },
    { default: true, batch: false, system: false },
  ],
])('%s', (_, autoscaler, expected) => {
  const found = Object.keys(expected).map((pool) => [pool, isStoppedPool(autoscaler, pool)]);
  expect(Object.fromEntries(found)).toEqual(expected);
});

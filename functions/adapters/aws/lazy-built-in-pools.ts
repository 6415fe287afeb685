import type { BuiltInPools } from '#functions/night-schedule/ports.ts';

/** Loaded with its first call: only EKS Auto Mode has such pools. */
export function lazyBuiltInPools(cluster: string): BuiltInPools {
  const load = async () => (await import('./built-in-pools.ts')).createBuiltInPools(cluster);
  return {
    read: async () => (await load()).read(),
    set: async (nodePools, nodeRoleArn) => (await load()).set(nodePools, nodeRoleArn),
  };
}

/** Which NodePools of Karpenter and EKS Auto Mode the config has stopped at night. Pure. */
import type { AutoscalerConfig } from './config.ts';
import { BUILT_IN_POOLS } from './names.ts';

/** False without Karpenter or Auto Mode in the config; those of Auto Mode itself are stopped by opt-in only. */
export function isStoppedPool(autoscaler: AutoscalerConfig | undefined, pool: string): boolean {
  if (autoscaler === undefined || autoscaler.kind === 'cluster-autoscaler') return false;
  if (autoscaler.kind === 'auto-mode' && BUILT_IN_POOLS.includes(pool)) return autoscaler.builtIn === true;
  return autoscaler.nodePools?.includes(pool) !== false;
}

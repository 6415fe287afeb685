import * as z from 'zod/mini';
import { instant, type Schema } from './record-schema.ts';
import type { SleepState } from './schedule.ts';

/**
 * What was last observed of a cluster, written by night-schedule and read by the other two capabilities.
 * Kept under `night | state` in the table.
 */
export interface ClusterState {
  /** `stopping` and `starting` last until the outcome was observed. */
  readonly phase: 'awake' | 'stopping' | 'asleep' | 'starting';
  readonly desired: SleepState;
  readonly reason: string;
  /** ISO 8601 instants, UTC. `until` is when the desired state changes next, where that is known. */
  readonly since: string;
  readonly until?: string;
  /** Groups that our own stop is taking down, or has taken down, by name. */
  readonly groups: readonly string[];
}

export const clusterStateSchema: Schema<ClusterState> = z.object({
  phase: z.enum(['awake', 'stopping', 'asleep', 'starting']),
  desired: z.enum(['awake', 'asleep']),
  reason: z.string(),
  since: instant,
  until: z.exactOptional(instant),
  groups: z.array(z.string()),
});

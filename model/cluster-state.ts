import * as s from './record-schema.ts';
import type { SleepState } from './schedule.ts';

/**
 * What was last observed of a cluster, written by night-schedule and read by the other two capabilities.
 * Persisted under `night | state`.
 */
export interface ClusterState {
  /** `stopping` and `starting` last until the outcome was observed. */
  readonly phase: 'awake' | 'stopping' | 'asleep' | 'starting';
  readonly desired: SleepState;
  readonly reason: string;
  /** ISO 8601 instants, UTC. `until` is when the desired state changes next, where that is known. */
  readonly since: string;
  readonly until?: string;
  /** The names of the groups that our own stop is scaling down, or has scaled down. */
  readonly groups: readonly string[];
  /** Since when the cluster was first observed asleep in this sleep, also where something has appeared since. */
  readonly asleepSince?: string;
  /** What runs on purpose while it sleeps, as it was last observed. */
  readonly kept?: readonly string[];
}

export const clusterStateSchema: s.Schema<ClusterState> = s.object({
  phase: s.oneOf('awake', 'stopping', 'asleep', 'starting'),
  desired: s.oneOf('awake', 'asleep'),
  reason: s.text,
  since: s.instant,
  until: s.optional(s.instant),
  groups: s.listOf(s.text),
  asleepSince: s.optional(s.instant),
  kept: s.optional(s.listOf(s.text)),
});

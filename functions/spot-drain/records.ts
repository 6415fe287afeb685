/** What spot-drain keeps in the table: types, and the schemas that check them when they are read and written. */
import * as s from '#model/record-schema.ts';

export interface Hook {
  readonly group: string;
  readonly name: string;
  /** Absent where the action was found without its event: it is completed by the instance. */
  readonly token?: string | undefined;
}

/** A lifecycle action of an instance that must be completed. */
export interface ClaimedHook extends Hook {
  /** When the action began: ISO 8601, UTC. */
  readonly startedAt: string;
  readonly heartbeatSeconds: number;
  readonly completed: boolean;
}

/** Pods that have left the node, by how. */
export interface PodCounts {
  readonly evicted: number;
  /** They had succeeded or failed before. */
  readonly finished: number;
  readonly alreadyTerminating: number;
  readonly forced: number;
}

/** Who handles an instance, how far they are, and what is still to be done. One per instance. */
export interface Claim {
  readonly instanceId: string;
  readonly node?: string | undefined;
  /** The kind of notice that set the task and the deadline. */
  readonly cause: string;
  /** `complete`: there is no node to drain, only a lifecycle action to complete. */
  readonly task: 'complete' | 'cordon' | 'drain';
  readonly force: boolean;
  /** Our own nightly stop takes the node. */
  readonly nightlyStop: boolean;
  /** When the instance goes; absent where that is unknown. ISO 8601, UTC. */
  readonly deadline?: string | undefined;
  /** The drain ends then, empty or not. ISO 8601, UTC. */
  readonly drainUntil: string;
  /** The event that set them. */
  readonly trigger: string;
  /** That event's own time: ISO 8601, UTC. */
  readonly noticeTime: string;
  /** The invocation that works on it, or worked on it last. */
  readonly owner: string;
  /** Until then nobody else takes it; the owner renews it while it is at work. ISO 8601, UTC. */
  readonly leaseUntil: string;
  /** `paused`: a later invocation resumes it. `failed`: a retry may. */
  readonly state: 'working' | 'paused' | 'failed' | 'done';
  readonly attempts: number;
  /** ISO 8601, UTC. */
  readonly claimedAt: string;
  readonly doneAt?: string | undefined;
  /** Pods that the drain could not move, once it is done. */
  readonly podsRemaining?: number | undefined;
  /** Pods that are gone already, over all invocations of the drain. */
  readonly podCounts?: PodCounts | undefined;
  /** An announced change: nothing is done to the node before. ISO 8601, UTC. */
  readonly notBefore?: string | undefined;
  /** ISO 8601, UTC. */
  readonly cordonedAt?: string | undefined;
  /** Pods that were bound after the cordon and moved all the same, by owner: their UIDs. */
  readonly returned?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly hooks: readonly ClaimedHook[];
}

export const claimSchema: s.Schema<Claim> = s.object({
  instanceId: s.string,
  node: s.optional(s.string),
  cause: s.string,
  task: s.oneOf('complete', 'cordon', 'drain'),
  force: s.boolean,
  nightlyStop: s.boolean,
  deadline: s.optional(s.instant),
  drainUntil: s.instant,
  trigger: s.string,
  noticeTime: s.instant,
  owner: s.string,
  leaseUntil: s.instant,
  state: s.oneOf('working', 'paused', 'failed', 'done'),
  attempts: s.count,
  claimedAt: s.instant,
  doneAt: s.optional(s.instant),
  podsRemaining: s.optional(s.count),
  podCounts: s.optional(
    s.object({ evicted: s.count, finished: s.count, alreadyTerminating: s.count, forced: s.count }),
  ),
  notBefore: s.optional(s.instant),
  cordonedAt: s.optional(s.instant),
  returned: s.optional(s.mapOf(s.listOf(s.string))),
  hooks: s.listOf(
    s.object({
      group: s.string,
      name: s.string,
      token: s.optional(s.string),
      startedAt: s.instant,
      heartbeatSeconds: s.number,
      completed: s.boolean,
    }),
  ),
});

/** A cordon of ours that is to be undone. */
export interface Cordon {
  readonly instanceId: string;
  readonly node: string;
  /** `due`: at `dueAt`, unless an interruption follows. `ready-again`: when the node is Ready again after `dueAt`. */
  readonly undoWhen: 'due' | 'ready-again';
  /** ISO 8601, UTC. */
  readonly dueAt: string;
  readonly trigger: string;
}

export const cordonSchema: s.Schema<Cordon> = s.object({
  instanceId: s.string,
  node: s.string,
  undoWhen: s.oneOf('due', 'ready-again'),
  dueAt: s.instant,
  trigger: s.string,
});

/** The name under which the node of an instance was last seen. */
export interface NamedNode {
  readonly instanceId: string;
  readonly node: string;
}

export const namedNodeSchema: s.Schema<NamedNode> = s.object({ instanceId: s.string, node: s.string });

/** What spot-drain keeps in the table: types, and the schemas that check them when they are read and written. */
import * as z from 'zod/mini';
import { count, instant, type Schema } from '#model/record-schema.ts';

export interface Hook {
  readonly group: string;
  readonly name: string;
  readonly token: string;
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
  /** Until then the owner is at work, be it only to complete lifecycle actions. ISO 8601, UTC. */
  readonly leaseUntil: string;
  /** `paused`: the next tick resumes it. `failed`: a retry may. */
  readonly state: 'working' | 'paused' | 'failed' | 'done';
  readonly attempts: number;
  /** ISO 8601, UTC. */
  readonly claimedAt: string;
  readonly doneAt?: string | undefined;
  /** Pods that the drain could not move, once it is done. */
  readonly podsRemaining?: number | undefined;
  /** Pods that are gone already, over all invocations of the drain. */
  readonly podCounts?: PodCounts | undefined;
  readonly hooks: readonly ClaimedHook[];
}

export const claimSchema: Schema<Claim> = z.object({
  instanceId: z.string(),
  node: z.optional(z.string()),
  cause: z.string(),
  task: z.enum(['complete', 'cordon', 'drain']),
  force: z.boolean(),
  nightlyStop: z.boolean(),
  deadline: z.optional(instant),
  drainUntil: instant,
  trigger: z.string(),
  noticeTime: instant,
  owner: z.string(),
  leaseUntil: instant,
  state: z.enum(['working', 'paused', 'failed', 'done']),
  attempts: count,
  claimedAt: instant,
  doneAt: z.optional(instant),
  podsRemaining: z.optional(count),
  podCounts: z.optional(
    z.object({ evicted: count, finished: count, alreadyTerminating: count, forced: count }),
  ),
  hooks: z.array(
    z.object({
      group: z.string(),
      name: z.string(),
      token: z.string(),
      startedAt: instant,
      heartbeatSeconds: z.number(),
      completed: z.boolean(),
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

export const cordonSchema: Schema<Cordon> = z.object({
  instanceId: z.string(),
  node: z.string(),
  undoWhen: z.enum(['due', 'ready-again']),
  dueAt: instant,
  trigger: z.string(),
});

/** The name under which the node of an instance was last seen. */
export interface NamedNode {
  readonly instanceId: string;
  readonly node: string;
}

export const namedNodeSchema: Schema<NamedNode> = z.object({ instanceId: z.string(), node: z.string() });

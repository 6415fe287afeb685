/** What spot-drain keeps in the table: types, and the schemas that check them when they are read and written. */
import * as z from 'zod/mini';
import { count, instant, type Schema } from '#model/record-schema.ts';

export interface Hook {
  readonly group: string;
  readonly name: string;
  readonly token: string;
}

/** A hook of an instance that somebody must complete. */
export interface ClaimedHook extends Hook {
  /** When the action began: ISO 8601, UTC. */
  readonly since: string;
  readonly heartbeatSeconds: number;
  readonly completed: boolean;
}

/** What became of the pods that are gone. */
export interface Tally {
  readonly evicted: number;
  readonly finished: number;
  readonly waited: number;
  readonly forced: number;
}

/** Who deals with an instance, how far, and what is left to do. One per instance. */
export interface Claim {
  readonly instanceId: string;
  readonly node?: string;
  /** The kind of notice that set the depth and the deadline. */
  readonly cause: string;
  /** `none`: there is no node to drain, only a hook to complete. */
  readonly depth: 'none' | 'cordon' | 'drain';
  readonly force: boolean;
  /** Our own night stop takes the node. */
  readonly night: boolean;
  /** When the instance goes; absent where nobody knows. ISO 8601, UTC. */
  readonly deadline?: string;
  /** A drain ends then, empty or not. ISO 8601, UTC. */
  readonly until: string;
  /** The event that set them. */
  readonly trigger: string;
  /** That event's own time: ISO 8601, UTC. */
  readonly noticedAt: string;
  /** The invocation that works on it, or worked last. */
  readonly owner: string;
  /** While it is ahead, the owner is at work, be it only to complete hooks. ISO 8601, UTC. */
  readonly leaseUntil: string;
  /** `paused`: the tick goes on with it. `failed`: a retry may. */
  readonly state: 'working' | 'paused' | 'failed' | 'done';
  readonly attempts: number;
  readonly since: string;
  readonly doneAt?: string;
  /** Pods that the drain could not move, once it is done. */
  readonly left?: number;
  /** Pods that are gone already, where the drain takes several invocations. */
  readonly tally?: Tally;
  readonly hooks: readonly ClaimedHook[];
}

export const claimSchema: Schema<Claim> = z.object({
  instanceId: z.string(),
  node: z.exactOptional(z.string()),
  cause: z.string(),
  depth: z.enum(['none', 'cordon', 'drain']),
  force: z.boolean(),
  night: z.boolean(),
  deadline: z.exactOptional(instant),
  until: instant,
  trigger: z.string(),
  noticedAt: instant,
  owner: z.string(),
  leaseUntil: instant,
  state: z.enum(['working', 'paused', 'failed', 'done']),
  attempts: count,
  since: instant,
  doneAt: z.exactOptional(instant),
  left: z.exactOptional(count),
  tally: z.exactOptional(z.object({ evicted: count, finished: count, waited: count, forced: count })),
  hooks: z.array(
    z.object({
      group: z.string(),
      name: z.string(),
      token: z.string(),
      since: instant,
      heartbeatSeconds: z.number(),
      completed: z.boolean(),
    }),
  ),
});

/** A cordon of ours that is undone one day. */
export interface Cordon {
  readonly instanceId: string;
  readonly node: string;
  /** `time`: at `due`, unless an interruption follows. `return`: when the node is ready again after `due`. */
  readonly undo: 'time' | 'return';
  /** ISO 8601, UTC. */
  readonly due: string;
  readonly trigger: string;
}

export const cordonSchema: Schema<Cordon> = z.object({
  instanceId: z.string(),
  node: z.string(),
  undo: z.enum(['time', 'return']),
  due: instant,
  trigger: z.string(),
});

/** Under which name the node of an instance was last seen. */
export interface NamedNode {
  readonly instanceId: string;
  readonly node: string;
}

export const namedNodeSchema: Schema<NamedNode> = z.object({ instanceId: z.string(), node: z.string() });

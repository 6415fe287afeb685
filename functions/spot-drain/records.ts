/** What spot-drain keeps in the table: the schemas that check it when it is read and written, and their types. */
import * as s from '#model/record-schema.ts';

/** A key that is undefined is not written. */
const optional = <T>(schema: s.Schema<T>): s.OptionalSchema<T | undefined> => s.optional(schema);

const hook = {
  group: s.string,
  name: s.string,
  /** Absent where the action was found without its event: it is completed by the instance. */
  token: optional(s.string),
};
const hookSchema = s.object(hook);
export type Hook = s.TypeOf<typeof hookSchema>;

/** A lifecycle action of an instance that must be completed. */
const claimedHookSchema = s.object({
  ...hook,
  startedAt: s.instant,
  heartbeatSeconds: s.number,
  completed: s.boolean,
});
export type ClaimedHook = s.TypeOf<typeof claimedHookSchema>;

/** Pods that have left the node, by how. */
const podCountsSchema = s.object({
  evicted: s.count,
  /** They had succeeded or failed before. */
  finished: s.count,
  alreadyTerminating: s.count,
  forced: s.count,
});
export type PodCounts = s.TypeOf<typeof podCountsSchema>;

/** A change that AWS announced for a later day. */
const announcedSchema = s.object({
  /** Nothing is done to the node before. */
  notBefore: s.instant,
  drainUntil: s.instant,
  trigger: s.string,
  noticeTime: s.instant,
});
export type Announced = s.TypeOf<typeof announcedSchema>;

/** Who handles an instance, how far they are, and what is still to be done. One per instance. */
export const claimSchema = s.object({
  instanceId: s.string,
  node: optional(s.string),
  /** The kind of notice that set the task and the deadline. */
  cause: s.string,
  /** `complete`: there is no node to drain, only a lifecycle action to complete. */
  task: s.oneOf('complete', 'cordon', 'drain'),
  force: s.boolean,
  /** Our own nightly stop takes the node. */
  nightlyStop: s.boolean,
  /** When the instance goes; absent where that is unknown. */
  deadline: optional(s.instant),
  /** The drain ends then, empty or not. */
  drainUntil: s.instant,
  /** The event that set them. */
  trigger: s.string,
  /** That event's own time. */
  noticeTime: s.instant,
  /** The invocation that works on it, or worked on it last. */
  owner: s.string,
  /** Until then nobody else takes it; the owner renews it while it is at work. */
  leaseUntil: s.instant,
  /** `paused`: a later invocation resumes it. `failed`: a retry may. */
  state: s.oneOf('working', 'paused', 'failed', 'done'),
  attempts: s.count,
  claimedAt: s.instant,
  doneAt: optional(s.instant),
  /** Pods that the drain could not move, once it is done. */
  podsRemaining: optional(s.count),
  /** Pods that it moved had volumes: a lifecycle action that comes later waits until they are detached. */
  hasVolumes: optional(s.boolean),
  /** Pods that are gone already, over all invocations of the drain. */
  podCounts: optional(podCountsSchema),
  /** An announced change: nothing is done to the node before. */
  notBefore: optional(s.instant),
  /** An announced change that is still to come, while the claim is one for something that came first. */
  announced: optional(announcedSchema),
  /** Of the event that ended a change: one about it that is older comes late. */
  changeOverAt: optional(s.instant),
  cordonedAt: optional(s.instant),
  /** Pods that were bound after the cordon and moved all the same, by owner: their UIDs. */
  returned: optional(s.mapOf(s.listOf(s.string))),
  hooks: s.listOf(claimedHookSchema),
});
export type Claim = s.TypeOf<typeof claimSchema>;

/** A cordon of ours that is to be undone. */
export const cordonSchema = s.object({
  instanceId: s.string,
  node: s.string,
  /** `due`: at `dueAt`, unless an interruption follows. `ready-again`: when the node is Ready again after `dueAt`. */
  undoWhen: s.oneOf('due', 'ready-again'),
  dueAt: s.instant,
  trigger: s.string,
});
export type Cordon = s.TypeOf<typeof cordonSchema>;

/** The name under which the node of an instance was last seen. */
export const namedNodeSchema = s.object({ instanceId: s.string, node: s.string });
export type NamedNode = s.TypeOf<typeof namedNodeSchema>;

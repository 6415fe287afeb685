/** The records of night-schedule in the table: the schemas check them on read and on write. Instants are ISO 8601. */
import * as s from '#model/record-schema.ts';

export interface Size {
  readonly min: number;
  readonly desired: number;
  readonly max: number;
}

/** A record that a person edited by hand, or that something else wrote, must never become a group's size. */
const sizeSchema: s.Schema<Size> = s.object(
  { min: s.count, desired: s.count, max: s.count },
  ({ min, desired, max }) => min <= desired && desired <= max,
);

/** The warm pool of a group, as it was before the stop. */
const warmPoolSchema = s.object({
  min: s.count,
  /** Of the group and its pool together; absent: the max of the group. */
  maxPrepared: s.optional(s.count),
  state: s.oneOf('Stopped', 'Running', 'Hibernated'),
  /** Whether instances that are scaled in return to the pool. */
  reuse: s.boolean,
});
export type WarmPool = s.TypeOf<typeof warmPoolSchema>;

const savedSizeShape = {
  group: s.string,
  autoScalingGroup: s.string,
  /** Of the Auto Scaling group. */
  arn: s.optional(s.string),
  size: sizeSchema,
  warmPool: s.optional(warmPoolSchema),
  /**
   * `stopping`: saved, perhaps not yet zeroed. `zeroed`: the size was observed at zero. `asleep`: no instance was left.
   * `manual`: somebody scaled it up while it slept. `restoring`: the sizes are being restored. `restored`: they were
   * observed, and the nodes are awaited.
   */
  phase: s.oneOf('stopping', 'zeroed', 'asleep', 'manual', 'restoring', 'restored'),
  /** When this phase began. */
  since: s.instant,
  /** Since when the group was observed with no instance. The ledger counts from here. */
  asleepSince: s.optional(s.instant),
};
/** The sizes of a group, saved before it is zeroed and until the restore was observed. Of a group at zero only the pool is saved. */
export const savedSizeSchema = s.object(
  savedSizeShape,
  ({ size, warmPool }) => size.desired > 0 || warmPool !== undefined,
);
export type SavedSize = s.TypeOf<typeof savedSizeSchema>;

/** A NodePool's ceiling: `limits` as written in its spec, or `replicas` of a static pool. */
export const nodePoolSettingSchema = s.object({
  limits: s.nullable(s.mapOf(s.string)),
  replicas: s.nullable(s.count),
  /** Of the object that has them: one that is created again under its name has another. */
  uid: s.optional(s.text),
});
export type NodePoolSetting = s.TypeOf<typeof nodePoolSettingSchema>;

/** The setting of one object of an autoscaler before it was paused: its Deployment, one NodePool, the built-in NodePools. */
export const savedAutoscalerSchema = s.union(
  s.object({
    kind: s.oneOf('cluster-autoscaler'),
    /** `<namespace>/<name>` */
    deployment: s.string,
    replicas: s.count,
    since: s.instant,
    cluster: s.optional(s.string),
  }),
  s.object({
    kind: s.oneOf('karpenter'),
    nodePool: s.string,
    setting: nodePoolSettingSchema,
    since: s.instant,
    cluster: s.optional(s.string),
  }),
  s.object({
    kind: s.oneOf('built-in-pools'),
    nodePools: s.listOf(s.text),
    nodeRoleArn: s.text,
    since: s.instant,
    cluster: s.optional(s.string),
  }),
);
export type SavedAutoscaler = s.TypeOf<typeof savedAutoscalerSchema>;

export const deploymentObject = (deployment: string) => `deployment#${deployment}`;
export const nodePoolObject = (name: string) => `nodepool#${name}`;

/** The key of its record: each object has its own, so that a bad record stops only one. */
export function objectOf(saved: SavedAutoscaler): string {
  if (saved.kind === 'built-in-pools') return BUILT_IN_OBJECT;
  return saved.kind === 'cluster-autoscaler'
    ? deploymentObject(saved.deployment)
    : nodePoolObject(saved.nodePool);
}

/** A CronJob that was suspended with the stop. `suspending`: saved, perhaps not yet suspended, or perhaps resumed already. `suspended`: observed. */
export const savedCronJobSchema = s.object({
  namespace: s.string,
  name: s.string,
  /** A new one of the same name has another. */
  uid: s.string,
  phase: s.oneOf('suspending', 'suspended'),
  since: s.instant,
  cluster: s.optional(s.string),
});
export type SavedCronJob = s.TypeOf<typeof savedCronJobSchema>;

/** The key of its record. */
export const cronJobObject = ({ namespace, name }: Pick<SavedCronJob, 'namespace' | 'name'>) =>
  `${namespace}/${name}`;

export const BUILT_IN_OBJECT = 'cluster#built-in-pools';

const gapSchema = s.object({ from: s.instant, to: s.instant });
export type Gap = s.TypeOf<typeof gapSchema>;

/**
 * One start, and when its phases were observed. Short, because every pass reads the last 60 of them: a phase is the
 * seconds from `asked` on, and absent where it was not observed.
 */
const morningSchema = s.object({
  /** When the first pass restored sizes. */
  asked: s.instant,
  /** The time of the schedule by which it was to be ready; absent for a start that nobody was promised. */
  promised: s.optional(s.instant),
  /** `instances`: all in service. `nodes`: all Ready. `argocd`: it answered. `applications`: all Healthy. `url`: it answered. */
  seconds: s.mapOf(s.count),
  /** What it waited for longest, where it was late. */
  late: s.optional(s.string),
  /** The on-demand group that was scaled up. */
  fallback: s.optional(s.string),
  /** When people were warned that it would be late. */
  announced: s.optional(s.instant),
  /** Its phases are still observed. */
  isOpen: s.optional(s.boolean),
});
export type Morning = s.TypeOf<typeof morningSchema>;
export type MorningPhase = 'instances' | 'nodes' | 'argocd' | 'applications' | 'url';

/** Small facts that passes leave for later passes. */
const notes = {
  /** The stop that people were already warned of. */
  warned: s.object({ stop: s.instant }),
  /** The last starts, newest last. */
  mornings: s.listOf(morningSchema),
  /** The version of the ConfigMap `keep-up` that was handled, acted on or not. */
  'keep-up': s.object({ version: s.text }),
  /** What was reported, and when: it is reported again only after a while. */
  reported: s.mapOf(s.instant),
  /** Written by a dry run in place of the state and the sizes, which only a real run may write. */
  'dry-run': s.object({
    /** As the groups are. */
    phase: s.oneOf('awake', 'asleep'),
    /** As the schedule and the overrides would have them. */
    desired: s.oneOf('awake', 'asleep'),
    reason: s.string,
    /** When both became what they are. */
    since: s.instant,
    /** The sizes that a real run would have saved. */
    wouldSave: s.listOf(s.object({ group: s.string, size: sizeSchema })),
  }),
  /** When the groups were last observed, to within some minutes; how many; times without it since the ledger was last written. */
  seen: s.object({ at: s.instant, gaps: s.listOf(gapSchema), groups: s.optional(s.count) }),
  /**
   * The rules of the doorbell. `placing`, `removing`: they may be there or not. `placed`, `removed`: observed. `refused`: there
   * can be none on this listener; it is tried again after the next start.
   */
  doorbell: s.object({
    phase: s.oneOf('placing', 'placed', 'removing', 'removed', 'refused'),
    since: s.instant,
    /** Where they are, also when the config has changed since. */
    listener: s.text,
    from: s.count,
    to: s.count,
    hosts: s.listOf(s.text),
  }),
  /** With `since`: the stack goes, and no pass may stop anything again. Without: a stack is there again. */
  retired: s.object({
    since: s.optional(s.instant),
    /** Until then a pass that began before may still stop a group. */
    quietAt: s.optional(s.instant),
    /** CloudFormation's id of the request, and whether it was answered. */
    request: s.optional(s.text),
    isAnswered: s.optional(s.boolean),
    /** A person has decided that the removal restores nothing. */
    restoresNothing: s.optional(s.boolean),
  }),
};
export type NoteName = keyof typeof notes;
export type Notes = { readonly [N in NoteName]: s.TypeOf<(typeof notes)[N]> };
export type DryRunNote = Notes['dry-run'];
export const noteSchemas: { readonly [N in NoteName]: s.Schema<Notes[N]> } = notes;
export const NOTE_NAMES = Object.keys(noteSchemas) as readonly NoteName[];

/** One stretch of sleep of one group within one date of the schedule's zone. */
const stretchSchema = s.object({
  from: s.instant,
  to: s.instant,
  /** Nodes that would have run: the saved desired size. */
  nodes: s.number,
  asleepMinutes: s.number,
  /** Minutes of the stretch without an observation: not counted as saved. */
  gapMinutes: s.number,
  nodeMinutesSaved: s.number,
});
export type Stretch = s.TypeOf<typeof stretchSchema>;
export type LedgerEntry = Stretch & { readonly date: string; readonly group: string };

/** The stretches of one date and group, in the order of time. */
export const ledgerSchema = s.object({ date: s.string, group: s.string, stretches: s.listOf(stretchSchema) });
export type LedgerRecord = s.TypeOf<typeof ledgerSchema>;

/** A stretch is known by its beginning: written again it replaces itself. */
export function withStretch(record: LedgerRecord, stretch: Stretch): LedgerRecord {
  const others = record.stretches.filter(({ from }) => from !== stretch.from);
  const stretches = [...others, stretch].sort((a, b) => Date.parse(a.from) - Date.parse(b.from));
  return { ...record, stretches };
}

export function entriesOf({ date, group, stretches }: LedgerRecord): readonly LedgerEntry[] {
  return stretches.map((stretch) => ({ date, group, ...stretch }));
}

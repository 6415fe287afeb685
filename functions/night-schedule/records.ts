/** What night-schedule keeps in the table: types, and the schemas that check them when they are read and written. */
import * as s from '#model/record-schema.ts';

export interface Size {
  readonly min: number;
  readonly desired: number;
  readonly max: number;
}

/**
 * The sizes of a group, written down before they are taken away and kept until the restore was observed.
 * `stopping`: written down, perhaps not yet zeroed. `zeroed`: the size was seen at zero. `asleep`: no instance was left.
 * `manual`: somebody scaled it up while it slept. `restoring`: the sizes are being restored. `restored`: they were seen
 * restored, and the nodes are awaited.
 */
export interface SavedSize {
  readonly group: string;
  readonly autoScalingGroup: string;
  /** Of the Auto Scaling group. */
  readonly arn?: string;
  readonly size: Size;
  readonly phase: 'stopping' | 'zeroed' | 'asleep' | 'manual' | 'restoring' | 'restored';
  /** ISO 8601: when this phase began. */
  readonly since: string;
  /** ISO 8601: since when the group was seen with no instance. The ledger counts from here. */
  readonly asleepSince?: string;
}

/** A record that a person edited by hand, or that something else wrote, must never become a group's size. */
const sizeSchema: s.Schema<Size> = s.object(
  { min: s.count, desired: s.count, max: s.count },
  ({ min, desired, max }) => desired > 0 && min <= desired && desired <= max,
);

export const savedSizeSchema: s.Schema<SavedSize> = s.object({
  group: s.string,
  autoScalingGroup: s.string,
  arn: s.optional(s.string),
  size: sizeSchema,
  phase: s.oneOf('stopping', 'zeroed', 'asleep', 'manual', 'restoring', 'restored'),
  since: s.instant,
  asleepSince: s.optional(s.instant),
});

/** A NodePool's ceiling: `limits` as written in its spec, or `replicas` of a static pool. */
export interface NodePoolSetting {
  readonly limits: Readonly<Record<string, string>> | null;
  readonly replicas: number | null;
}

/** What was taken from one object of an autoscaler: its Deployment, or one NodePool. */
export type SavedAutoscaler =
  | {
      readonly kind: 'cluster-autoscaler';
      /** `<namespace>/<name>` */
      readonly deployment: string;
      readonly replicas: number;
      readonly since: string;
    }
  | {
      readonly kind: 'karpenter';
      readonly nodePool: string;
      readonly setting: NodePoolSetting;
      readonly since: string;
    };

export const savedAutoscalerSchema: s.Schema<SavedAutoscaler> = s.union(
  s.object({
    kind: s.oneOf('cluster-autoscaler'),
    deployment: s.string,
    replicas: s.count,
    since: s.instant,
  }),
  s.object({
    kind: s.oneOf('karpenter'),
    nodePool: s.string,
    setting: s.object({
      limits: s.nullable(s.mapOf(s.string)),
      replicas: s.nullable(s.count),
    }),
    since: s.instant,
  }),
);

export const deploymentObject = (deployment: string) => `deployment#${deployment}`;
export const nodePoolObject = (name: string) => `nodepool#${name}`;

/** Under which name it is kept: each object by itself, so that a bad record stops only its own. */
export function objectOf(saved: SavedAutoscaler): string {
  return saved.kind === 'cluster-autoscaler'
    ? deploymentObject(saved.deployment)
    : nodePoolObject(saved.nodePool);
}

/** Small facts that passes leave for later passes. Instants are ISO 8601. */
export interface Notes {
  /** The stop that people were already warned of. */
  readonly warned: { readonly stop: string };
  /** Seconds that the last starts took until every node was Ready, newest last. */
  readonly 'start-times': { readonly seconds: readonly number[] };
  /** What was reported, and when: it is reported again only after a while. */
  readonly reported: Readonly<Record<string, string>>;
  readonly seen: SeenNote;
  /** Written by a dry run in place of the state and the sizes, which only a real run may write. */
  readonly 'dry-run': DryRunNote;
}

export interface DryRunNote {
  /** As the groups are. */
  readonly phase: 'awake' | 'asleep';
  /** As the schedule and the overrides would have them. */
  readonly desired: 'awake' | 'asleep';
  readonly reason: string;
  /** ISO 8601: when both became what they are. */
  readonly since: string;
  /** The sizes that a real run would have written down. */
  readonly wouldSave: readonly { readonly group: string; readonly size: Size }[];
}

export interface SeenNote {
  /** The last time the groups were seen, kept to within some minutes. */
  readonly at: string;
  /** Times without any observation since the ledger was last written. */
  readonly gaps: readonly Gap[];
}

export interface Gap {
  readonly from: string;
  readonly to: string;
}

export type NoteName = keyof Notes;

export const noteSchemas: { readonly [N in NoteName]: s.Schema<Notes[N]> } = {
  warned: s.object({ stop: s.instant }),
  'start-times': s.object({ seconds: s.listOf(s.number) }),
  reported: s.mapOf(s.instant),
  'dry-run': s.object({
    phase: s.oneOf('awake', 'asleep'),
    desired: s.oneOf('awake', 'asleep'),
    reason: s.string,
    since: s.instant,
    wouldSave: s.listOf(s.object({ group: s.string, size: sizeSchema })),
  }),
  seen: s.object({ at: s.instant, gaps: s.listOf(s.object({ from: s.instant, to: s.instant })) }),
};

export const NOTE_NAMES = Object.keys(noteSchemas) as readonly NoteName[];

/** One stretch of sleep of one group within one date of the schedule's zone. */
export interface LedgerEntry extends Stretch {
  readonly date: string;
  readonly group: string;
}

export interface Stretch {
  readonly from: string;
  readonly to: string;
  /** Nodes that would have run: the desired size that was taken away. */
  readonly nodes: number;
  readonly asleepMinutes: number;
  /** Minutes of the stretch in which nobody looked: not counted as saved. */
  readonly gapMinutes: number;
  readonly nodeMinutesSaved: number;
}

/** As it is kept: the stretches of one date and group together, in the order of time. */
export interface LedgerRecord {
  readonly date: string;
  readonly group: string;
  readonly stretches: readonly Stretch[];
}

export const ledgerSchema: s.Schema<LedgerRecord> = s.object({
  date: s.string,
  group: s.string,
  stretches: s.listOf(
    s.object({
      from: s.instant,
      to: s.instant,
      nodes: s.number,
      asleepMinutes: s.number,
      gapMinutes: s.number,
      nodeMinutesSaved: s.number,
    }),
  ),
});

/** A stretch is known by its beginning: written again it replaces itself. */
export function withStretch(record: LedgerRecord, stretch: Stretch): LedgerRecord {
  const others = record.stretches.filter(({ from }) => from !== stretch.from);
  const stretches = [...others, stretch].sort((a, b) => Date.parse(a.from) - Date.parse(b.from));
  return { ...record, stretches };
}

export function entriesOf({ date, group, stretches }: LedgerRecord): readonly LedgerEntry[] {
  return stretches.map((stretch) => ({ date, group, ...stretch }));
}

/** What night-schedule needs of the world, in our words. */
import type { ClusterState } from '#model/cluster-state.ts';
import type { Override } from '#model/schedule.ts';

export interface Size {
  readonly min: number;
  readonly desired: number;
  readonly max: number;
}

/** A managed nodegroup, or a self-managed Auto Scaling group of the cluster. */
export interface Group {
  /** Nodegroup name; for a self-managed group its Auto Scaling group's name. */
  readonly name: string;
  readonly kind: 'managed' | 'self-managed';
  /** Unique to this incarnation: a nodegroup that was deleted and made again has another one. */
  readonly autoScalingGroup: string;
  readonly size: Size;
  /** Every instance that the group still lists, whatever its state: each of them costs money. */
  readonly instances: readonly { readonly id: string; readonly inService: boolean }[];
}

/** `busy`: another update runs, or the service throttles: the next pass tries again. `gone`: it does not exist any more. */
export type Resized = 'accepted' | 'busy' | 'gone';

export interface Groups {
  /** The groups of the cluster, at most 100 per call to AWS. */
  list(): Promise<readonly Group[]>;
  /** `token` makes a repeated request of the same intent one request. */
  resize(group: Group, to: Size, token: string): Promise<Resized>;
  /** What the group's newest scaling activity that did not succeed says, in AWS's own words. */
  trouble(group: Group): Promise<string | undefined>;
}

export interface Nodes {
  /** The instance ids whose node is Ready, as the Kubernetes API says. */
  ready(): Promise<ReadonlySet<string>>;
}

/**
 * The sizes of a group, written down before they are taken away and kept until the restore was observed.
 * `stopping`: written down, perhaps not yet zeroed. `zeroed`: the size was seen at zero. `asleep`: no instance was left.
 * `held`: somebody scaled it up while it slept. `restoring`: the sizes are being given back. `restored`: they were seen
 * given back, and the nodes are awaited.
 */
export interface SavedSize {
  readonly group: string;
  readonly autoScalingGroup: string;
  readonly size: Size;
  readonly phase: 'stopping' | 'zeroed' | 'asleep' | 'held' | 'restoring' | 'restored';
  /** ISO 8601: when this phase began. */
  readonly since: string;
  /** ISO 8601: since when the group was seen with no instance. The ledger counts from here. */
  readonly asleepSince?: string;
}

/** What was taken from an autoscaler. */
export type SavedAutoscaler =
  | { readonly kind: 'cluster-autoscaler'; readonly replicas: number; readonly since: string }
  | {
      readonly kind: 'karpenter';
      readonly pools: Readonly<Record<string, NodePoolSetting>>;
      readonly since: string;
    };

/** A NodePool's ceiling: `limits` as written in its spec, or `replicas` of a static pool. */
export interface NodePoolSetting {
  readonly limits: Readonly<Record<string, string>> | null;
  readonly replicas: number | null;
}

export type AutoscalerView =
  | { readonly kind: 'cluster-autoscaler'; readonly replicas: number }
  | {
      readonly kind: 'karpenter';
      readonly pools: Readonly<Record<string, NodePoolSetting>>;
      /** NodeClaims that still exist, of those pools. */
      readonly claims: number;
    };

export interface Autoscaler {
  observe(): Promise<AutoscalerView>;
  /** Nothing it does may start a node any more: replicas 0; or limits 0 and the NodeClaims deleted. */
  pause(view: AutoscalerView): Promise<void>;
  resume(saved: SavedAutoscaler): Promise<void>;
}

/** Small facts that passes leave for later passes. */
export interface Memo {
  /** ISO 8601 of the stop that people were already warned of. */
  readonly warnedOf?: string;
  /** Seconds that the last starts took until every node was Ready, newest last. */
  readonly startSeconds: readonly number[];
  /** What was reported, and when (ISO 8601): it is said again only after an hour. */
  readonly reported: Readonly<Record<string, string>>;
  /** The last time the groups were seen (ISO 8601), kept to within some minutes. */
  readonly seenAt?: string;
  /** Times without any observation since the ledger was last written. */
  readonly gaps: readonly { readonly from: string; readonly to: string }[];
}

export const EMPTY_MEMO: Memo = { startSeconds: [], reported: {}, gaps: [] };

/** A value with the version that a conditional write must name. `absent` where there is none yet. */
export interface Versioned<T> {
  readonly value: T;
  readonly version: number;
}

export interface Memory {
  readonly state?: Versioned<ClusterState>;
  readonly override?: Override;
  readonly saved: ReadonlyMap<string, Versioned<SavedSize>>;
  /** Names of groups whose saved record cannot be read: such a group is left alone. */
  readonly corrupt: readonly string[];
  readonly autoscaler?: Versioned<SavedAutoscaler>;
  readonly memo?: Versioned<Memo>;
}

/** One stretch of sleep of one group within one date of the schedule's zone. */
export interface LedgerEntry {
  readonly date: string;
  readonly group: string;
  readonly from: string;
  readonly to: string;
  /** Nodes that would have run: the desired size that was taken away. */
  readonly nodes: number;
  readonly asleepMinutes: number;
  /** Minutes of the stretch in which nobody looked: not counted as saved. */
  readonly gapMinutes: number;
  readonly nodeMinutesSaved: number;
}

/** Every write is conditional and says whether it took place: false means that another pass was quicker. */
export interface Store {
  load(): Promise<Memory>;
  writeState(next: ClusterState, over?: number): Promise<boolean>;
  writeSaved(next: SavedSize, over?: number): Promise<boolean>;
  clearSaved(group: string, over: number): Promise<boolean>;
  writeAutoscaler(next: SavedAutoscaler, over?: number): Promise<boolean>;
  clearAutoscaler(over: number): Promise<boolean>;
  writeMemo(next: Memo, over?: number): Promise<boolean>;
  /** Idempotent: an entry is found again by its date, group and beginning. */
  writeLedger(entries: readonly LedgerEntry[]): Promise<void>;
}

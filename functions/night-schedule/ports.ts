/** What night-schedule needs of the world, in our words. */
import type { Expected, Versioned } from '#functions/shared/versioned.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { Override, Pause } from '#model/schedule.ts';
import type {
  LedgerEntry,
  NodePoolSetting,
  NoteName,
  Notes,
  SavedAutoscaler,
  SavedCronJob,
  SavedSize,
  Size,
  WarmPool,
} from './records.ts';

/** A managed nodegroup, or a self-managed Auto Scaling group of the cluster. */
export interface Group {
  /** Nodegroup name; for a self-managed group its Auto Scaling group's name. */
  readonly name: string;
  readonly kind: 'managed' | 'self-managed';
  /** Unique to this incarnation: a nodegroup that was deleted and created again has another one. */
  readonly autoScalingGroup: string;
  /** Of the Auto Scaling group. */
  readonly arn?: string;
  readonly size: Size;
  /** Every instance that the group still lists, whatever its state: each of them costs money. */
  readonly instances: readonly { readonly id: string; readonly inService: boolean }[];
  /** Instances of the warm pool that the group still lists, in every state: they cost money as well. */
  readonly warmInstances?: number;
  /** Absent where there is none, or where it is being deleted. */
  readonly warmPool?: WarmPool;
}

/** `busy`: another update runs, or the service throttles: the next pass tries again. `gone`: it does not exist any more. */
export type Resized = 'accepted' | 'busy' | 'gone';

export interface Groups {
  /** The groups of the cluster, at most 100 per call to AWS. */
  list(): Promise<readonly Group[]>;
  /** `token` makes a repeated request of the same intent one request. */
  resize(group: Group, to: Size, token: string): Promise<Resized>;
  /** `off`: it holds no instance. Otherwise it is as given, whatever it was before. */
  setWarmPool(group: Group, to: WarmPool | 'off', token: string): Promise<Resized>;
  /** The message of the group's newest scaling activity since then (ISO 8601) that did not succeed. */
  lastScalingFailure(group: Group, since?: string): Promise<string | undefined>;
  /**
   * A rollout of EKS raises desired and max of the Auto Scaling group while it runs: the sizes that somebody configured are
   * those of EKS. Undefined for a group that is not managed.
   */
  configuredSize(group: Group): Promise<ConfiguredSize | undefined>;
}

export interface ConfiguredSize {
  readonly size: Size;
  readonly isUpdating: boolean;
}

export interface Nodes {
  /** The instance ids whose node is Ready. */
  ready(): Promise<ReadonlySet<string>>;
  all(): Promise<readonly NodeView[]>;
}

/** What people wait for beyond the nodes. */
export interface Readiness {
  /** When each application (`<project>/<name>`) was Healthy after its last wake (ISO 8601), and when Argo CD answered. */
  healthy(): Promise<{
    readonly applications: ReadonlyMap<string, string>;
    readonly argocd?: string | undefined;
  }>;
  /** Whether the URL answers with a status below 400. */
  answers(url: string): Promise<boolean>;
}

export interface NodeView {
  readonly name: string;
  readonly instanceId: string;
  /** Only instances of EC2 are stopped. */
  readonly kind: 'instance' | 'fargate' | 'hybrid';
  /** Of Karpenter or EKS Auto Mode. */
  readonly nodePool?: string;
  /** The managed nodegroup, as its label says. */
  readonly nodegroup?: string;
}

export type AutoscalerView =
  | {
      readonly kind: 'cluster-autoscaler';
      /** `<namespace>/<name>` */
      readonly deployment: string;
      readonly replicas: number;
      /** Absent where that could not be observed. */
      readonly readyReplicas?: number;
    }
  | {
      readonly kind: 'karpenter';
      readonly pools: Readonly<Record<string, NodePoolSetting>>;
      /** NodeClaims that still exist, of those pools. */
      readonly claims: readonly NodeClaimView[];
      /** NodeClaims of every NodePool without an instance: each of them stops the new NodeClaims of all. */
      readonly unlaunched?: readonly UnlaunchedClaim[];
      /** Of EKS Auto Mode, where the config has them stopped. */
      readonly builtIn?: BuiltInView & {
        /** NodePools that use the NodeClass `default`, which EKS removes with the last built-in pool. */
        readonly neededBy: readonly string[];
      };
      /** NodePools that are not what their CustomResourceDefinition says: they and their NodeClaims are left alone. */
      readonly malformed?: readonly string[];
    };

export interface BuiltInView {
  /** Those that are on. */
  readonly nodePools: readonly string[];
  /** EKS reports it only while a pool is on. */
  readonly nodeRoleArn?: string;
  /** An update of the cluster runs: what is on may change. */
  readonly isUpdating: boolean;
}

/** The built-in NodePools of EKS Auto Mode: EKS deletes and creates them. */
export interface BuiltInPools {
  read(): Promise<BuiltInView>;
  /** The role is needed where a pool is named. */
  set(nodePools: readonly string[], nodeRoleArn: string): Promise<'accepted' | 'busy'>;
}

export interface NodeClaimView {
  /** Empty where the object has none: then it can be counted, and not ended. */
  readonly name: string;
  readonly nodePool: string;
  readonly isDeleting: boolean;
  /** Until then Karpenter respects budgets: its annotation, as it is written there. */
  readonly terminateAt?: string;
  /** What its launch or its end waits for, as its conditions say. */
  readonly waitsFor?: string;
}

export interface UnlaunchedClaim extends NodeClaimView {
  /** When it was made (ISO 8601). */
  readonly since: string;
  /** Of a NodePool that this environment stops. */
  readonly isOurs: boolean;
}

/** An object of the autoscaler that could not be changed. */
export interface ObjectFailure {
  readonly target: string;
  readonly error: unknown;
}

export interface Autoscaler {
  observe(): Promise<AutoscalerView>;
  /**
   * Afterwards it starts no node: replicas 0; or limits 0 and the NodeClaims deleted. With `terminateAt` (ISO 8601) Karpenter
   * ends the drain of each NodeClaim by then. A NodePool or NodeClaim that fails does not stop the others.
   */
  pause(view: AutoscalerView, terminateAt?: string): Promise<readonly ObjectFailure[]>;
  /** Deletes these NodeClaims. One that fails does not stop the others. */
  deleteClaims(claims: readonly NodeClaimView[]): Promise<readonly ObjectFailure[]>;
  /** From the record alone, whatever the config names. */
  resume(saved: SavedAutoscaler): Promise<'resumed' | 'busy' | 'gone'>;
}

/** Objects of one autoscaler that were paused. */
export interface SavedObjects {
  readonly autoscaler: Autoscaler;
  readonly saved: readonly SavedAutoscaler[];
}

export interface CronJobView {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly isSuspended: boolean;
}

export interface CronJobs {
  /** Those that the selector of the config selects. */
  list(): Promise<readonly CronJobView[]>;
  /** False where it does not exist any more. */
  suspend(job: CronJobView): Promise<boolean>;
  /** From the record alone, whatever the config selects. `gone`: deleted, or created again. */
  resume(saved: SavedCronJob): Promise<'resumed' | 'gone'>;
}

/** An item of the night that cannot be read, and what it is about. */
export interface CorruptItem {
  /** `night | saved#develop/workers` */
  readonly item: string;
  readonly kind: 'state' | 'saved' | 'autoscaler' | 'cronjob' | 'note' | 'override';
  /** The group, the object of the autoscaler, the CronJob, the note or the override's id. */
  readonly name: string;
}

/** A rule of a listener. */
export interface ListenerRule {
  readonly arn: string;
  /** Absent for the default one. */
  readonly priority?: number;
  /** Patterns with `*` and `?`; empty where it is for every host. */
  readonly hosts: readonly string[];
  readonly targetGroups: readonly string[];
}

/** `taken`: somebody else has the priority. `full`: the quota of rules is used. `gone`: there is no such listener. */
export type RuleCreated = 'created' | 'taken' | 'full' | 'gone';

/** The rules of the listener that the config names. */
export interface ListenerRules {
  list(listener: string): Promise<readonly ListenerRule[] | 'gone'>;
  /** The tag by which a controller marks what it reconciles, on the listener or its load balancer; undefined without. */
  controllerTag(listener: string): Promise<string | undefined>;
  create(
    listener: string,
    rule: { readonly host: string; readonly priority: number; readonly targetGroup: string },
  ): Promise<RuleCreated>;
  /** One that is gone needs no removal. */
  remove(rule: string): Promise<void>;
  /** Whether each of the target groups has a target that passes its health check. */
  areHealthy(targetGroups: readonly string[]): Promise<boolean>;
}

export interface Memory {
  readonly state?: Versioned<ClusterState>;
  readonly overrides: readonly Override[];
  /** The last one, ended or not. */
  readonly pause?: Pause | undefined;
  /** By group. */
  readonly saved: ReadonlyMap<string, Versioned<SavedSize>>;
  /** By object. */
  readonly autoscaler: ReadonlyMap<string, Versioned<SavedAutoscaler>>;
  /** By `<namespace>/<name>`. */
  readonly cronJobs: ReadonlyMap<string, Versioned<SavedCronJob>>;
  readonly notes: { readonly [N in NoteName]?: Versioned<Notes[N]> };
  /** An item that was saved for another cluster. */
  readonly foreign?: string | undefined;
  /** A group or an autoscaler whose record is among them is left alone; a state or a note is written again. */
  readonly corrupt: readonly CorruptItem[];
}

/** Over what is written: the version that was read, nothing, or something that cannot be read. */
export type Over = number | 'absent' | 'corrupt';

/** Every write is conditional: false means that another pass came first, and nothing was written. */
export interface Store {
  /** Throws where the table has the layout of an earlier release. */
  load(): Promise<Memory>;
  writeState(next: ClusterState, over: Over): Promise<boolean>;
  writeSaved(next: SavedSize, over: Expected): Promise<boolean>;
  clearSaved(group: string, over: number): Promise<boolean>;
  writeAutoscaler(next: SavedAutoscaler, over: Expected): Promise<boolean>;
  clearAutoscaler(object: string, over: number): Promise<boolean>;
  writeCronJob(next: SavedCronJob, over: Expected): Promise<boolean>;
  clearCronJob(object: string, over: number): Promise<boolean>;
  writeNote<N extends NoteName>(what: N, next: Notes[N], over: Over): Promise<boolean>;
  /** False: an override with that id is there. */
  addOverride(override: Override): Promise<boolean>;
  /** Idempotent: a stretch is found again by its date, group and beginning. Returns the items that could not be read. */
  writeLedger(entries: readonly LedgerEntry[]): Promise<readonly string[]>;
}

/** What somebody wrote into the ConfigMap `keep-up` of the cluster. Anybody may have written anything. */
export interface KeepUpRequest {
  /** Changes with each change of the ConfigMap. */
  readonly version: string;
  /** When it was written, as far as the API server says. */
  readonly writtenAt?: Date;
  readonly until: string;
  readonly reason: string;
  readonly requestedBy: string;
}

export interface KeepUpRequests {
  /** Undefined where nothing was ever requested. */
  read(): Promise<KeepUpRequest | undefined>;
}

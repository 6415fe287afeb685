/** What spot-drain needs of the world, in its own words, and what the steps of one invocation share. */
import type { DecisionRecorder, Reported } from '#functions/shared/decision-recorder.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import type { DecisionTrail } from '#functions/shared/observability.ts';
import type { Expected, Versioned } from '#functions/shared/versioned.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { Pause } from '#model/schedule.ts';
import type { SpotDrainSettings } from '#model/settings.ts';
import type { Claim, Cordon, Hook } from './records.ts';

/** The cluster refuses what spot-drain must do. Somebody has to grant the rights. */
export class AccessRefusedError extends NightshiftError {
  override name = 'AccessRefusedError';
}

/** What was asked fails for the moment: asking again may succeed. */
export class TransientError extends NightshiftError {
  override name = 'TransientError';
}

/** The API server, or the way to it, fails for the moment. */
export class ClusterUnavailableError extends TransientError {
  override name = 'ClusterUnavailableError';
}

/** What the process holds, from one invocation to the next. */
export interface Ports {
  readonly settings: SpotDrainSettings;
  readonly cluster: Cluster;
  readonly groups: Groups;
  readonly lifecycle: Lifecycle;
  readonly claims: Claims;
  readonly cordons: Cordons;
  readonly names: NodeNames;
  readonly night: Night;
  readonly watchdog: Watchdog;
  readonly trail: DecisionTrail;
  /** What this process has reported of what lasts. */
  readonly reported?: Reported;
  readonly clock: Clock;
  readonly gate: CordonGate;
}

/**
 * Of the notices that one process handles at once, none begins to drain while the node of another is not yet cordoned:
 * a cordon is one request, and a drain is hundreds.
 */
export interface CordonGate {
  enter(notice: object): void;
  /** Its node is cordoned, or needs no cordon. */
  leave(notice: object): void;
  /** Resolves when no notice is in hand, or after two seconds: one that hangs must not hold up the others. */
  open(): Promise<void>;
}

export interface Invocation {
  readonly id: string;
  /** When Lambda ends it. */
  readonly endsAt: Date;
}

/** What the steps of one invocation share. */
export interface Context extends Ports {
  readonly invocation: Invocation;
  readonly startedAt: Date;
  readonly recorder: DecisionRecorder;
  /** The event that began it, as it came. */
  readonly event: unknown;
}

export interface Clock {
  now(): Date;
  sleep(ms: number): Promise<void>;
  /** For a sleep that may end early. */
  alarm(ms: number): Alarm;
  /** In [0, 1): jitter. */
  random(): number;
}

export interface Alarm {
  /** Resolves when the time is over, or as soon as `ring` is called. */
  readonly rang: Promise<void>;
  ring(): void;
}

/** Whoever set it. */
export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

/** A node of this cluster. */
export interface Node {
  readonly name: string;
  readonly uid: string;
  readonly instanceId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly unschedulable: boolean;
  readonly taints: readonly Taint[];
  /** Since when the kubelet says that it is ready; absent where it does not. */
  readonly readySince?: Date;
  /** The version that was read: marks are set and undone over it alone. */
  readonly version: string;
}

export interface PodOwner {
  readonly kind: string;
  /** The API group, without the version: `apps`. */
  readonly group: string;
  readonly name: string;
  readonly uid: string;
}

export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly phase: string;
  /** It is being deleted already, by whomever. */
  readonly terminating: boolean;
  /** What it was given to end by itself: `terminationGracePeriodSeconds`. */
  readonly graceSeconds: number;
  readonly priority: number;
  readonly priorityClass: string;
  /** The kubelet's picture of a static pod: it cannot be evicted. */
  readonly mirror: boolean;
  /** Its controlling owner. */
  readonly controller?: PodOwner;
  /** When its grace period ends, where it is being deleted. */
  readonly endsAt?: Date | undefined;
  /** When it was bound to its node. */
  readonly boundAt?: Date | undefined;
  /** They keep it in the API although it has ended. */
  readonly finalizers?: readonly string[];
  /** How many persistent volume claims it mounts. */
  readonly volumeClaims?: number;
  /** What lets it be bound to a cordoned node: `node.kubernetes.io/unschedulable`, or `everything`. */
  readonly tolerates?: string | undefined;
}

/** What the API server said to an eviction or a deletion. Status 0: no whole reply came. */
export interface Reply {
  readonly status: number;
  readonly reason: string;
  readonly causes: readonly { readonly reason: string; readonly message: string }[];
  readonly detail: string;
  readonly retryAfterSeconds?: number;
  /** Somebody has to grant the rights. */
  readonly isRefusedByRbac?: boolean;
}

/** Which marks a node gets. A cordon alone keeps it behind the load balancers. */
export interface Marks {
  readonly task: 'cordon' | 'drain';
  /** The kind of notice, for whoever looks at the node. */
  readonly cause: string;
  readonly since: Date;
}

export interface NodeEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly at: Date;
}

/** Where an instance is and what it is, as its node's labels say too. */
export interface Place {
  /** `ap-northeast-1a` */
  readonly zone: string;
  readonly instanceType: string;
}

/** The cluster's Kubernetes API. A refusal by RBAC is thrown as `AccessRefusedError`. */
export interface Cluster {
  /** The cluster is about to be asked: a process that has never done so has much to look up first. */
  prepare(): void;
  /** The node of the instance, whatever its name is. Knowing its place saves the API server a list of all nodes. */
  findNode(instanceId: string, place?: Place): Promise<Node | undefined>;
  /** The node of that name, if it runs on that instance: one small request. */
  nodeNamed(name: string, instanceId: string): Promise<Node | undefined>;
  /** Of all nodes: instance id → name. */
  nodeNames(): Promise<ReadonlyMap<string, string>>;
  /** One patch with all marks, repeated where somebody else wrote to the node. `gone` where the node is no more. */
  mark(node: Node, marks: Marks): Promise<'marked' | 'gone'>;
  /** Takes our own marks away, and only them. `changed` where somebody wrote to the node since it was read. */
  unmark(node: Node): Promise<'unmarked' | 'gone' | 'changed' | 'not-ours'>;
  podsOn(nodeName: string): Promise<readonly Pod[]>;
  /** Names of the volumes that are attached to the node. Undefined where the manifests do not grant the list. */
  volumesOn(nodeName: string): Promise<readonly string[] | undefined>;
  /** False only where the API server says that it is no more. */
  daemonSetExists(namespace: string, name: string, uid: string): Promise<boolean>;
  /** Never throws for a refusal: the reply is data. `graceSeconds` only where it must be shorter than the pod's own. */
  evict(pod: Pod, graceSeconds?: number): Promise<Reply>;
  /** Deletes past every budget. */
  remove(pod: Pod, graceSeconds: number): Promise<Reply>;
  /** Writes an event on the node, for `kubectl describe node`. */
  recordEvent(node: Pick<Node, 'name' | 'uid'>, event: NodeEvent): Promise<void>;
}

/** The Auto Scaling group that an instance belongs to. */
export interface Group {
  readonly name: string;
  /** Clusters that its tags name. Empty where it has no such tag. */
  readonly clusters: readonly string[];
  /** Set on the group of a managed nodegroup. */
  readonly nodegroup?: string;
  /** It replaces spot instances by itself when they are at risk. */
  readonly capacityRebalance: boolean;
}

export interface Membership {
  readonly group: Group;
  readonly place: Place;
  /** The group terminates the instance; a lifecycle action may still be open. */
  readonly isTerminating: boolean;
}

export interface Groups {
  ofInstance(instanceId: string): Promise<Membership | undefined>;
  /** Instances of any group that wait for a lifecycle action before their end: instance id → group. */
  waitingToTerminate(): Promise<ReadonlyMap<string, string>>;
  named(name: string): Promise<Group | undefined>;
  /**
   * Detaches the instance without lowering the desired size, so that the group starts another at once.
   * `already-leaving`: the group detaches or ends it, and starts another by itself.
   */
  replace(group: string, instanceId: string): Promise<'requested' | 'already-leaving'>;
}

export interface HookTimes {
  /** The action ends by itself so long after the last heartbeat. */
  readonly heartbeatSeconds: number;
  /** However many heartbeats: it ends so long after it began. */
  readonly globalSeconds: number;
}

export interface Lifecycle {
  /** The names of the group's hooks at the termination of an instance. */
  terminateHooks(group: string): Promise<readonly string[]>;
  times(hook: Hook): Promise<HookTimes | undefined>;
  heartbeat(hook: Hook, instanceId: string): Promise<void>;
  /** Always CONTINUE. `over` where there was no action any more, which is as good. */
  complete(hook: Hook, instanceId: string): Promise<'completed' | 'over'>;
}

/** What the table holds about an instance. */
export interface KnownInstance {
  readonly claim?: Versioned<Claim> | undefined;
  readonly nodeName?: string | undefined;
}

/** One claim per instance. A conditional write that fails is `undefined`: somebody else wrote first, so read again. */
export interface Claims {
  /** In one read: the claim, and the name under which the instance's node was last seen. */
  find(instanceId: string): Promise<KnownInstance>;
  read(instanceId: string): Promise<Versioned<Claim> | undefined>;
  saveIf(claim: Claim, expected: Expected, now: Date): Promise<Versioned<Claim> | undefined>;
  remove(instanceId: string, version: number): Promise<boolean>;
  /** Whether the claim of any instance is in work and its node is not cordoned yet; of very many claims a sample. */
  areCordonsPending(): Promise<boolean>;
  /** With the items that cannot be read. */
  all(): Promise<{ readonly claims: readonly Versioned<Claim>[]; readonly corrupt: readonly string[] }>;
}

/** The name of each instance's node: written by the tick, read with the claim. */
export interface NodeNames {
  /** Instance id → name. */
  all(): Promise<ReadonlyMap<string, string>>;
  put(instanceId: string, name: string, now: Date): Promise<void>;
  remove(instanceId: string): Promise<void>;
}

export interface Cordons {
  put(cordon: Cordon): Promise<void>;
  remove(instanceId: string): Promise<void>;
  all(): Promise<{ readonly cordons: readonly Cordon[]; readonly corrupt: readonly string[] }>;
}

/** Invokes this function once more after so long: it takes over a claim whose worker has died. */
export interface Watchdog {
  send(check: WatchdogCheck, delaySeconds: number): Promise<void>;
}

export interface WatchdogCheck {
  /** The invocation whose claims are to be checked. */
  readonly owner: string;
  readonly instanceIds: readonly string[];
  /** The event as it came, in case its worker died before it had a claim. */
  readonly event?: unknown;
}

/** What night-schedule does with the cluster. Throws `CorruptRecordError` where that cannot be read. */
export interface Night {
  state(): Promise<ClusterState | undefined>;
  /** The last pause of the environment, ended or not. */
  pause(): Promise<Pause | undefined>;
}

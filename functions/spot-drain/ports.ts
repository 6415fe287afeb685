/** What spot-drain needs of the world, in its own words. */
import type { ClusterState } from '#model/cluster-state.ts';

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
}

/** What the API server said to an eviction or a deletion. Status 0: no whole reply came. */
export interface Reply {
  readonly status: number;
  readonly reason: string;
  readonly causes: readonly { readonly reason: string; readonly message: string }[];
  readonly detail: string;
  readonly retryAfterSeconds?: number;
}

/** Which marks a node gets. A cordon alone leaves it behind the load balancers. */
export interface Marks {
  readonly depth: 'cordon' | 'drain';
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
  /** False only where the API server says that it is no more. */
  daemonSetLives(namespace: string, name: string, uid: string): Promise<boolean>;
  /** Never throws for a refusal: the reply is data. `graceSeconds` only where it must be shorter than the pod's own. */
  evict(pod: Pod, graceSeconds?: number): Promise<Reply>;
  /** Deletes past every budget. */
  remove(pod: Pod, graceSeconds: number): Promise<Reply>;
  note(node: Pick<Node, 'name' | 'uid'>, event: NodeEvent): Promise<void>;
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
  named(name: string): Promise<Group | undefined>;
  /**
   * Lets go of the instance without lowering the desired size, so that the group starts another at once. `leaving`: the
   * group was letting go of it, or had, and starts another by itself.
   */
  replace(group: string, instanceId: string): Promise<'asked' | 'leaving'>;
}

export interface Hook {
  readonly group: string;
  readonly name: string;
  readonly token: string;
}

export interface HookTimes {
  /** The action ends by itself so long after the last heartbeat. */
  readonly heartbeatSeconds: number;
  /** However many heartbeats: it ends so long after it began. */
  readonly globalSeconds: number;
}

export interface Lifecycle {
  times(hook: Hook): Promise<HookTimes | undefined>;
  heartbeat(hook: Hook, instanceId: string): Promise<void>;
  /** Always CONTINUE. `over` where there was no action any more, which is as good. */
  complete(hook: Hook, instanceId: string): Promise<'completed' | 'over'>;
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

export interface Held<T> {
  readonly value: T;
  readonly version: number;
}

export interface Known {
  readonly claim?: Held<Claim>;
  readonly nodeName?: string;
}

/** One per instance. Writes say over what: a lost race is `undefined`, and the caller reads again. */
export interface Claims {
  /** What is known of an instance, in one read: its claim, and under which name its node was last seen. */
  look(instanceId: string): Promise<Known>;
  read(instanceId: string): Promise<Held<Claim> | undefined>;
  create(claim: Claim, now: Date): Promise<Held<Claim> | undefined>;
  replace(claim: Claim, version: number): Promise<Held<Claim> | undefined>;
  remove(instanceId: string, version: number): Promise<boolean>;
  all(): Promise<readonly Held<Claim>[]>;
}

/** Under which name the node of an instance was last seen: written by the tick, read with the claim. */
export interface NodeNames {
  /** Instance id → name. */
  all(): Promise<ReadonlyMap<string, string>>;
  put(instanceId: string, name: string, now: Date): Promise<void>;
  remove(instanceId: string): Promise<void>;
}

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

export interface Cordons {
  put(cordon: Cordon): Promise<void>;
  remove(instanceId: string): Promise<void>;
  all(): Promise<readonly Cordon[]>;
}

export interface Night {
  state(): Promise<ClusterState | undefined>;
}

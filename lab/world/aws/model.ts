/** The records of the lab's AWS. Times are virtual, in milliseconds since the epoch. */
import type { ClusterNodes, InstanceView } from '../interfaces.ts';

/** Where a resource lives. Names are unique within a scope only. */
export interface Scope {
  readonly account: string;
  readonly region: string;
}

export type CapacityType = 'SPOT' | 'ON_DEMAND';

/** What EKS runs for a cluster, outside of it. */
export interface Capability {
  readonly name: string;
  readonly arn: string;
  readonly type: 'ACK' | 'ARGOCD' | 'KRO';
  readonly version: string;
  readonly createdAt: number;
  status: 'CREATING' | 'ACTIVE' | 'UPDATING' | 'DELETING';
  /** Of an Argo CD: where it looks for applications, and where it answers once it was created. */
  readonly argoCd?: { readonly namespace: string; serverUrl?: string };
}

export interface EksCluster extends Scope {
  readonly name: string;
  readonly arn: string;
  readonly version: string;
  readonly authenticationMode: 'API' | 'API_AND_CONFIG_MAP' | 'CONFIG_MAP';
  readonly createdAt: number;
  readonly zones: readonly string[];
  readonly subnets: readonly Subnet[];
  /** Addresses that an instance takes from its subnet, as the VPC CNI does with whole interfaces. */
  readonly addressesPerNode: number;
  readonly tags: Readonly<Record<string, string>>;
  /** Set when its API server listens. */
  endpoint: string;
  /** PEM. */
  ca: string;
  status: 'ACTIVE' | 'UPDATING' | 'CREATING' | 'DELETING' | 'FAILED';
  nodes: ClusterNodes | undefined;
  /** Undefined without EKS Auto Mode. The role is there only with pools. */
  autoMode: { readonly nodePools: readonly string[]; readonly nodeRoleArn: string | undefined } | undefined;
  /** It can never be another one. */
  autoModeRole: string | undefined;
  readonly updates: Map<string, EksUpdate>;
  /** Instances of Karpenter or Auto Mode, outside of any group. */
  readonly fleet: Set<Instance>;
  readonly accessEntries: Map<string, AccessEntry>;
  /** By name. */
  readonly capabilities: Map<string, Capability>;
  readonly nodegroups: Map<string, Nodegroup>;
  readonly groups: Map<string, AutoScalingGroup>;
}

export interface Subnet {
  readonly id: string;
  readonly zone: string;
  readonly cidr: string;
  readonly vpc: string;
}

export interface AccessEntry {
  readonly principalArn: string;
  readonly arn: string;
  readonly username: string;
  readonly kubernetesGroups: readonly string[];
  readonly type: 'STANDARD' | 'EC2_LINUX';
  readonly createdAt: number;
}

export interface Nodegroup {
  readonly cluster: EksCluster;
  readonly name: string;
  readonly arn: string;
  readonly createdAt: number;
  readonly instanceTypes: readonly string[];
  readonly capacityType: CapacityType;
  /** Desired, minimum and maximum are those of this group, unless a rollout has raised them. */
  readonly group: AutoScalingGroup;
  /** What was configured, while a rollout runs. */
  configured?: { readonly min: number; readonly desired: number; readonly max: number } | undefined;
  readonly tags: Readonly<Record<string, string>>;
  labels: Readonly<Record<string, string>>;
  taints: readonly { key: string; value?: string; effect: string }[];
  maxUnavailable: number;
  /** How long EKS evicts from a node before it continues anyway. */
  readonly drainMinutes: number;
  modifiedAt: number;
  status: 'CREATING' | 'ACTIVE' | 'UPDATING' | 'DELETING' | 'CREATE_FAILED' | 'DELETE_FAILED' | 'DEGRADED';
  issues: readonly { code: string; message: string; resourceIds: readonly string[] }[];
  readonly updates: Map<string, EksUpdate>;
}

export interface EksUpdate {
  readonly id: string;
  readonly type: 'ConfigUpdate' | 'VersionUpdate' | 'AutoModeUpdate';
  readonly createdAt: number;
  readonly params: readonly { type: string; value: string }[];
  readonly clientRequestToken: string | undefined;
  /** The request, to distinguish a repeated one from another with the same token. */
  readonly fingerprint: string;
  status: 'InProgress' | 'Failed' | 'Cancelled' | 'Successful';
  errors: readonly { errorCode: string; errorMessage: string; resourceIds: readonly string[] }[];
}

export interface AutoScalingGroup extends Scope {
  readonly cluster: EksCluster;
  readonly name: string;
  readonly arn: string;
  readonly createdAt: number;
  /** Set for the group of a managed nodegroup. */
  nodegroup: Nodegroup | undefined;
  min: number;
  desired: number;
  max: number;
  readonly zones: readonly string[];
  readonly instanceTypes: readonly string[];
  /** Share of spot instances, 0 to 100. */
  readonly spotPercent: number;
  readonly capacityRebalance: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly cooldownSeconds: number;
  readonly hooks: Map<string, LifecycleHook>;
  /** Suspended processes with their reasons. */
  readonly suspended: Map<string, string>;
  /** The members, whatever their lifecycle state. */
  readonly instances: Map<string, Instance>;
  warmPool: WarmPool | undefined;
  /** Newest first. */
  readonly activities: Activity[];
  lastActivityEndedAt: number;
}

export interface WarmPool {
  readonly min: number;
  /** Of the group and its pool together; undefined: the group's max. */
  readonly maxPrepared: number | undefined;
  readonly state: 'Stopped' | 'Running' | 'Hibernated';
  /** Whether instances that the group scales in return to the pool. */
  readonly reuse: boolean;
  /** `forced`: its instances terminate without their lifecycle hooks. */
  deletion: 'forced' | 'waits' | undefined;
  readonly instances: Map<string, Instance>;
  /** Ids of instances that the group is scaling in, and that return to the pool. */
  readonly returning: Set<string>;
}

export type Transition = 'autoscaling:EC2_INSTANCE_LAUNCHING' | 'autoscaling:EC2_INSTANCE_TERMINATING';

export interface LifecycleHook {
  readonly name: string;
  readonly transition: Transition;
  readonly heartbeatTimeoutSeconds: number;
  /** At most 100 × the heartbeat timeout or 48 hours, whichever is less. */
  readonly globalTimeoutSeconds: number;
  readonly defaultResult: 'CONTINUE' | 'ABANDON';
  readonly notificationMetadata?: string;
  readonly notificationTargetArn?: string;
  readonly roleArn?: string;
}

export type LifecycleState =
  | 'Pending'
  | 'Pending:Wait'
  | 'Pending:Proceed'
  | 'InService'
  | 'Terminating'
  | 'Terminating:Wait'
  | 'Terminating:Proceed'
  | 'Terminated'
  | 'Detaching'
  | 'Detached'
  | 'Warmed:Pending'
  | 'Warmed:Stopped'
  | 'Warmed:Running'
  | 'Warmed:Hibernated'
  | 'Warmed:Terminating'
  | 'Warmed:Terminated';

export type InstanceState = 'pending' | 'running' | 'stopping' | 'stopped' | 'shutting-down' | 'terminated';

export interface Instance {
  readonly id: string;
  readonly view: InstanceView;
  /** That launched it; while it is detached it is no member of it any more. */
  readonly group: AutoScalingGroup;
  readonly subnet: Subnet;
  /** Of its subnet, held until it is terminated; fewer than wanted where the subnet ran short. */
  readonly addresses: number;
  /** Those addresses; the first is its own. */
  readonly addressesHeld: readonly string[];
  readonly launchedAt: number;
  readonly spotRequestId: string | undefined;
  state: InstanceState;
  stateChangedAt: number;
  /** `User initiated (2026-11-22 10:00:00 GMT)` and the like; empty while it runs. */
  stateTransitionReason: string;
  stateReason: { readonly code: string; readonly message: string } | undefined;
  lifecycleState: LifecycleState;
  health: 'Healthy' | 'Unhealthy';
  protectedFromScaleIn: boolean;
  /** The announced interruption and its time. */
  interruption: { readonly action: 'terminate' | 'stop' | 'hibernate'; readonly at: number } | undefined;
  rebalanceRecommendedAt: number | undefined;
}

export interface Activity {
  readonly id: string;
  readonly group: AutoScalingGroup;
  readonly kind: 'launch' | 'terminate' | 'detach';
  readonly instanceId: string | undefined;
  readonly description: string;
  readonly cause: string;
  readonly startedAt: number;
  readonly details: Readonly<Record<string, string>>;
  endedAt: number | undefined;
  statusCode: 'PreInService' | 'InProgress' | 'MidLifecycleAction' | 'Successful' | 'Failed' | 'Cancelled';
  statusMessage: string | undefined;
  progress: number;
}

export interface LifecycleAction {
  readonly token: string;
  readonly hook: LifecycleHook;
  readonly instance: Instance;
  readonly startedAt: number;
  deadline: number;
}

export interface Secret extends Scope {
  readonly name: string;
  readonly arn: string;
  value: string;
  versionId: string;
  /** The previous value: `AWSPREVIOUS`. */
  previous?: { readonly value: string; readonly versionId: string; readonly changedAt: number };
  readonly createdAt: number;
  changedAt: number;
}

export interface Topic extends Scope {
  readonly name: string;
  readonly arn: string;
  /** Endpoints, like e-mail addresses. */
  readonly subscribers: string[];
  readonly messages: {
    readonly id: string;
    readonly time: number;
    readonly subject?: string;
    readonly message: string;
  }[];
}

export interface Queue extends Scope {
  readonly name: string;
  readonly arn: string;
  readonly messages: {
    readonly id: string;
    readonly time: number;
    readonly body: string;
    readonly attributes: Readonly<Record<string, unknown>>;
  }[];
}

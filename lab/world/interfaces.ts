/**
 * Interfaces between the parts of the lab's world. Each part owns its own state; this file is all that they share.
 * No I/O here or below `lab/world`.
 */
import type { Clock } from './clock.ts';

/** An EC2 instance as the parts outside the AWS model see it. */
export interface InstanceView {
  readonly id: string;
  readonly account: string;
  readonly region: string;
  /** `ap-northeast-1a` */
  readonly zone: string;
  readonly type: string;
  readonly privateDnsName: string;
  readonly privateIp: string;
  readonly capacityType: 'SPOT' | 'ON_DEMAND';
  /** EKS cluster that the instance's group belongs to. */
  readonly cluster: string;
  readonly autoScalingGroup: string;
  /** Set for a managed nodegroup. */
  readonly nodegroup?: string;
  /** Labels that the node registers with (nodegroup name, capacity type, instance type, zone …). */
  readonly labels: Readonly<Record<string, string>>;
}

/** Changes inside AWS that other parts react to. Synchronous: listeners run before `emit` returns. */
export interface Signals {
  on<K extends keyof SignalMap>(name: K, listener: (value: SignalMap[K]) => void): () => void;
  emit<K extends keyof SignalMap>(name: K, value: SignalMap[K]): void;
  /** Whether there is a listener. */
  isHeard(name: keyof SignalMap): boolean;
}

export interface SignalMap {
  /** The instance runs; its kubelet will register a node after it booted. */
  'instance-running': InstanceView;
  /** The instance is shutting down or stopping: its pods are killed. */
  'instance-gone': InstanceView;
  /** An event on the account's default event bus, as EventBridge delivers it. */
  event: AwsEvent;
  /** A remark for the timeline. */
  note: { readonly environment?: string; readonly text: string };
}

/** The EventBridge envelope. */
export interface AwsEvent {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: string;
  readonly account: string;
  /** ISO 8601 without milliseconds, UTC. */
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

/** The caller of an AWS API, found by the access key of the request's signature. */
export interface Principal {
  readonly arn: string;
  readonly account: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Context of every part of the world. */
export interface WorldContext {
  readonly clock: Clock;
  readonly signals: Signals;
  /** Deterministic: the same seed gives the same world. In [0, 1). */
  readonly random: () => number;
  /** Deterministic ids: `i-0123456789abcdef0`, UUIDs and the like are made from it. */
  readonly hex: (length: number) => string;
  readonly uuid: () => string;
}

/** What EKS needs from Kubernetes to drain a managed node (at most 15 minutes). */
export interface ClusterNodes {
  cordon(instanceId: string): void;
  /** Evicts what can be evicted now, within the budgets; false while pods (other than DaemonSet pods) are left. */
  evict(instanceId: string): boolean;
  /** EKS Auto Mode creates these NodePools, and deletes the built-in ones that are not among them. */
  setBuiltInPools?(names: readonly string[]): void;
}

/** A workload of the cluster as Argo CD sees and sets it. */
/** A pod as the Kubernetes API shows it, as far as Argo CD and its clients read it. */
export interface LivePodObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly deletionTimestamp?: string;
  };
  readonly spec: {
    readonly containers: readonly { readonly name: string; readonly image?: string }[];
    readonly initContainers?: readonly { readonly name: string; readonly image?: string }[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly containerStatuses?: readonly { readonly name: string; readonly imageID: string }[];
  };
}

export interface Workloads {
  /** Creates or updates a Deployment; its pods are rolled when the image changes. */
  apply(deployment: {
    readonly namespace: string;
    readonly name: string;
    readonly image: string;
    readonly replicas: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly terminationGracePeriodSeconds?: number;
  }): void;
  /** Deletes a Deployment that was pruned. Optional. */
  remove?(namespace: string, name: string): void;
  /** Health of a Deployment as Argo CD assesses it. */
  health(namespace: string, name: string): 'Healthy' | 'Progressing' | 'Degraded' | 'Missing';
  /** The pods of a Deployment with their ReplicaSets. Without it Argo CD shows no pod. */
  pods?(
    namespace: string,
    name: string,
  ): readonly {
    readonly pod: LivePodObject;
    readonly replicaSet: { readonly name: string; readonly uid: string };
  }[];
  /** Rolls the pods, as the annotation `kubectl.kubernetes.io/restartedAt` of the pod template does. */
  restart?(namespace: string, name: string): void;
  /** True while at least one pod of the Deployment is Ready: an in-cluster Argo CD answers only then. */
  available(namespace: string, name: string): boolean;
}

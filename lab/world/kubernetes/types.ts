/** The interface of one cluster's Kubernetes to the rest of the lab. */
import type { ClusterNodes, Workloads } from '../interfaces.ts';
import type { ImageRegistry } from '../registry/registry.ts';
import type { Authorizer, User } from './authorize.ts';
import type { ObjectInput, PodObject } from './objects.ts';
import type { Registry } from './registry.ts';

export interface KubernetesOptions {
  readonly cluster: string;
  readonly account: string;
  readonly region: string;
  /** Default `1.33`. */
  readonly version?: string;
  /** How the cluster's autoscaler requests nodes. Without it Pending pods stay Pending. */
  readonly scaleOut?: ScaleOut;
  /** EKS runs Karpenter outside of the cluster. Needs a fleet. */
  readonly autoMode?: boolean;
  /** API groups of the custom resources that the cluster serves. Default: all that the lab knows. */
  readonly customGroups?: readonly string[];
  /** What the kubelets pull images from. Default: every image exists, and its digest follows from its name. */
  readonly images?: Pick<ImageRegistry, 'pull'>;
  /** True for an instance that was stopped, not terminated: its node stays, NotReady, until the instance is gone. */
  readonly isStopped?: (instanceId: string) => boolean;
}

/** What an autoscaler in the cluster does to AWS. The AWS world implements it. */
export interface ScaleOut {
  /** The cluster's groups as Cluster Autoscaler discovers them by tag. */
  groups(): readonly ScalableGroup[];
  /** SetDesiredCapacity of an Auto Scaling group, as Cluster Autoscaler calls it. Throws AWS's error. */
  setDesired(group: string, desired: number): void;
  /** TerminateInstanceInAutoScalingGroup with a smaller desired size. Needed for scale-in only. */
  terminate?(instanceId: string): void;
  /** EC2 CreateFleet and TerminateInstances as Karpenter calls them. Without it no Karpenter runs. */
  readonly fleet?: Fleet;
}

export interface Fleet {
  /** An instance outside any group; its id. Throws AwsError, for example when there is no capacity. */
  launch(wanted: {
    readonly instanceType: string;
    readonly zone: string;
    readonly capacityType: 'SPOT' | 'ON_DEMAND';
    /** Labels that its node registers with. */
    readonly labels: Readonly<Record<string, string>>;
  }): string;
  terminate(instanceId: string): void;
  /** False while it is shutting down. Default: as soon as its kubelet is gone. */
  isGone?(instanceId: string): boolean;
  /** Zones in which instances can be launched. */
  readonly zones: readonly string[];
}

export interface ScalableGroup {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly desired: number;
  readonly instanceType: string;
  readonly zones: readonly string[];
  /** Labels that a new node of the group would have. */
  readonly labels: Readonly<Record<string, string>>;
  readonly taints?: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
}

/** A pod that was still running when its instance terminated. */
export interface LostPod {
  /** Virtual, ms. */
  readonly at: number;
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  readonly instanceId: string;
  /** The pod was already terminating, and its grace period was cut short. */
  readonly terminating: boolean;
  readonly daemonSet: boolean;
}

export interface DeploymentSeed {
  readonly name: string;
  /** Default `default`. Created when it is missing. */
  readonly namespace?: string;
  readonly image?: string;
  readonly replicas?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Of the pods: `lab.nightshift/start-seconds`, `lab.nightshift/ready-seconds`, `lab.nightshift/exit-seconds`. */
  readonly podAnnotations?: Readonly<Record<string, string>>;
  readonly cpu?: string;
  readonly memory?: string;
  readonly terminationGracePeriodSeconds?: number;
  readonly priorityClassName?: string;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly Readonly<Record<string, unknown>>[];
}

export interface BudgetSeed {
  readonly name: string;
  readonly namespace?: string;
  readonly matchLabels: Readonly<Record<string, string>>;
  readonly minAvailable?: number | string;
  readonly maxUnavailable?: number | string;
  readonly unhealthyPodEvictionPolicy?: 'IfHealthyBudget' | 'AlwaysAllow';
}

export interface Kubernetes extends ClusterNodes, Workloads {
  readonly cluster: string;
  readonly account: string;
  readonly region: string;
  /** `v1.33.5-eks-…` */
  readonly gitVersion: string;
  /** The API below HTTP: no authentication, no authorization. Throws StatusError. */
  readonly api: Registry;
  /** False for a custom resource that is not installed. */
  serves(resource: { readonly custom: boolean; readonly group: string }): boolean;
  readonly authorize: Authorizer;
  /** Every pod lost with its instance, in order. */
  readonly lostPods: readonly LostPod[];
  /** Evicts a pod as the API does, without its waits for conflicts. Throws StatusError. */
  evictPod(namespace: string, name: string): void;
  podsOn(nodeName: string): readonly PodObject[];
  nodeOf(instanceId: string): string | undefined;
  /** The kubelet dies, and its instance runs on: the node becomes NotReady, and its pods never end. */
  killKubelet(nodeName: string): void;

  addNamespace(name: string): void;
  addDeployment(seed: DeploymentSeed): void;
  addDaemonSet(seed: Omit<DeploymentSeed, 'replicas'>): void;
  addPdb(seed: BudgetSeed): void;
  /** Creates or replaces objects, in an order that works; the caller parses the manifests. */
  applyObjects(objects: readonly ObjectInput[]): void;
}

export type { Authorizer, User };

/** The input of the checks: the config of one environment, and what was observed in AWS, Kubernetes and Argo CD. */
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { CronJob } from 'kubernetes-types/batch/v1.js';
import type { Namespace, Node, PersistentVolume, Pod, Service } from 'kubernetes-types/core/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import type { ListenerRule } from '#functions/night-schedule/ports.ts';
import type { Size, WarmPool } from '#functions/night-schedule/records.ts';
import type { EnvironmentConfig } from '#model/config.ts';
import type { Capability } from '#model/decision.ts';
import type { InstanceNetwork } from '#model/instance-network.ts';
import type { CniSettings } from '#model/pod-addresses.ts';
import type { Schedule } from '#model/schedule.ts';
import type { EnvironmentSettings } from '#model/settings.ts';
import type { Night } from '../cloud.ts';
import type { Observation } from './observation.ts';

export interface EnvironmentFacts {
  readonly name: string;
  readonly environment: EnvironmentConfig;
  readonly now: Date;
  /** From the config, not from what is deployed; absent when the environment is never stopped. */
  readonly schedule?: Schedule;
  readonly settings: EnvironmentSettings;
  readonly cluster: Observation<ClusterFacts>;
  readonly groups: Observation<readonly GroupFacts[]>;
  readonly subnets: Observation<readonly SubnetFacts[]>;
  readonly interfaceAddresses: Observation<readonly InterfaceAddresses[]>;
  /** By instance type. A type whose limits are not known is absent. */
  readonly networks: Observation<Readonly<Record<string, InstanceNetwork>>>;
  readonly cni: Observation<CniSettings>;
  readonly night: Observation<Night>;
  readonly functions: Observation<readonly DeployedFunction[]>;
  readonly concurrency: Observation<ConcurrencyFacts>;
  /** ARNs of the roles that have night-schedule's group in the cluster, whichever stack they are of. */
  readonly schedulers: Observation<readonly string[]>;
  /** In the account and region, of environments that the config does not have, with something saved. */
  readonly leftTables: Observation<readonly LeftTable[]>;
  /** Absent where the doorbell puts no rules on a listener. */
  readonly listener?: Observation<ListenerFacts>;
  readonly reviews: Observation<readonly AccessReview[]>;
  /** What no function may do in production; empty elsewhere. */
  readonly excess: Observation<readonly AccessReview[]>;
  readonly kubernetes: KubernetesFacts;
  /** Absent when no token is used. */
  readonly token?: Observation<TokenClaims>;
  /** Absent when no capability is used, or it belongs to another account. */
  readonly argocdCapability?: Observation<ArgocdCapabilityFacts>;
  readonly projects: Observation<readonly ProjectFacts[]>;
  /** Undefined when the functions run outside of a VPC. */
  readonly vpc: Observation<VpcFacts | undefined>;
  /** Undefined when there is no topic. */
  readonly alarmTopic: Observation<AlarmTopicFacts | undefined>;
}

export interface LeftTable {
  readonly table: string;
  /** Whose sizes they are. */
  readonly clusters: readonly string[];
  /** Their sort keys. */
  readonly items: readonly string[];
}

/** What can be known before anything is deployed: the checks of these facts run on a template too. */
export interface TemplateFacts
  extends Pick<
    EnvironmentFacts,
    'name' | 'environment' | 'groups' | 'subnets' | 'interfaceAddresses' | 'networks' | 'cni' | 'night'
  > {
  readonly kubernetes: Pick<KubernetesFacts, 'pods'>;
}

export interface ClusterFacts {
  readonly status: string;
  readonly authenticationMode: string;
  readonly publicAccess: boolean;
  readonly privateAccess: boolean;
  /** The addresses that may use the public endpoint. */
  readonly publicAccessCidrs: readonly string[];
}

/** Where the default route of a subnet leads; functions get no public address, so an internet gateway is no way out. */
export type DefaultRoute = 'internet-gateway' | 'other';

export interface VpcFacts {
  /** The last part of their service names: `dynamodb`. */
  readonly endpoints: readonly string[];
  /** Those of `network`. */
  readonly subnets: readonly { readonly id: string; readonly defaultRoute: DefaultRoute | undefined }[];
}

export interface ListenerFacts {
  readonly rules: readonly ListenerRule[] | 'gone';
  /** Of a controller that deletes the rules of others. */
  readonly controllerTag?: string;
}

export interface AlarmTopicFacts {
  readonly confirmed: number;
  readonly pending: number;
}

export interface GroupFacts {
  /** The name of the managed nodegroup, or of the self-managed Auto Scaling group. */
  readonly name: string;
  readonly kind: 'managed' | 'self-managed';
  readonly size: Size;
  readonly instanceTypes: readonly string[];
  readonly zones: readonly string[];
  readonly subnets: readonly string[];
  readonly instances: readonly string[];
  /** On-demand instances that do not count into the spot share. */
  readonly onDemandBase: number;
  /** Spot share of the instances above the base: 0 to 100. */
  readonly spotPercent: number;
  readonly warmPool?: WarmPool & {
    /** Those that it holds now. */
    readonly instances: number;
  };
  readonly tags: Readonly<Record<string, string>>;
}

export interface SubnetFacts {
  readonly id: string;
  readonly zone: string;
  readonly cidr: string;
  readonly freeAddresses: number;
}

/** Addresses that one network interface of an instance holds in its subnet. */
export interface InterfaceAddresses {
  readonly instance: string;
  readonly subnet: string;
  readonly addresses: number;
}

/** Invocations of Lambda at once, in the account and region. */
export interface ConcurrencyFacts {
  readonly limit: number;
  /** Less what functions have reserved for themselves. */
  readonly unreserved: number;
}

export interface DeployedFunction {
  readonly capability: Capability;
  /** Undefined when it is not deployed. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly role?: string;
  /** The Kubernetes groups of its access entry; the value is undefined when it has no entry. */
  readonly kubernetesGroups?: Observation<readonly string[] | undefined>;
}

/** The functions that the config has deployed, with their settings. */
export function configuredFunctions(
  settings: EnvironmentSettings,
): readonly { readonly capability: Capability; readonly settings: object }[] {
  const { nightSchedule, spotDrain, branchDeploy, selfService, doorbell } = settings;
  const all = {
    'night-schedule': nightSchedule,
    'spot-drain': spotDrain,
    'branch-deploy': branchDeploy,
    'self-service': selfService,
    doorbell,
  } satisfies { readonly [C in Capability]?: object | undefined };
  return Object.entries(all).flatMap(([capability, own]) =>
    own ? [{ capability: capability as Capability, settings: own }] : [],
  );
}

/** Whether the cluster allows a function one request: the result of a SubjectAccessReview for its group. */
export interface AccessReview {
  readonly capability: Capability;
  /** `patch nodes` */
  readonly request: string;
  readonly allowed: boolean;
}

export interface WebhookFacts {
  readonly kind: 'validating' | 'mutating';
  readonly configuration: string;
  readonly name: string;
  readonly failurePolicy: 'Fail' | 'Ignore';
  readonly service?: { readonly namespace: string; readonly name: string };
  readonly rules: readonly { readonly apiGroups: readonly string[]; readonly resources: readonly string[] }[];
  readonly namespaceSelector?: LabelSelector;
}

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

export interface KubernetesFacts {
  readonly webhooks: Observation<readonly WebhookFacts[]>;
  readonly budgets: Observation<readonly PodDisruptionBudget[]>;
  readonly volumes: Observation<readonly PersistentVolume[]>;
  readonly cronJobs: Observation<readonly CronJob[]>;
  readonly deployments: Observation<readonly Deployment[]>;
  readonly services: Observation<readonly Service[]>;
  readonly namespaces: Observation<readonly Namespace[]>;
  readonly pods: Observation<readonly Pod[]>;
  readonly nodes: Observation<readonly Node[]>;
  /** Empty without Karpenter or EKS Auto Mode. */
  readonly nodePools: Observation<readonly NodePoolFacts[]>;
  /** Of the Argo CD in this cluster; empty without one. */
  readonly applications: Observation<readonly ApplicationFacts[]>;
}

export interface NodePoolFacts {
  readonly name: string;
  /** Of EKS Auto Mode: EKS creates and deletes it. */
  readonly isBuiltIn: boolean;
  /** It has replicas instead of limits. */
  readonly isStatic: boolean;
  readonly annotations: Readonly<Record<string, string>>;
  readonly nodeClass?: { readonly group: string; readonly name: string };
}

export interface ObjectId {
  readonly group: string;
  readonly kind: string;
  /** Absent for an object of the cluster. */
  readonly namespace?: string;
  readonly name: string;
}

/** An entry of `ignoreDifferences`: an empty name or namespace stands for all. */
export interface IgnoredDifference extends ObjectId {
  readonly jsonPointers?: readonly string[];
  readonly jqPathExpressions?: readonly string[];
}

export interface ApplicationFacts {
  readonly namespace: string;
  readonly name: string;
  /** Addresses of the repositories of its sources; with a source hydrator that of the dry one. */
  readonly repositories: readonly string[];
  readonly isAutomated: boolean;
  readonly selfHeal: boolean;
  readonly syncOptions: readonly string[];
  readonly ignored: readonly IgnoredDifference[];
  /** What it manages, as its status says. */
  readonly resources: readonly ObjectId[];
}

/** The Argo CD that EKS runs. */
export interface ArgocdCapabilityFacts {
  readonly name: string;
  readonly existing?: { readonly url: string; readonly namespace?: string; readonly version?: string };
  /** Why it cannot be used. */
  readonly problem?: string;
}

/** The claims of the Argo CD token. The token itself is not kept. */
export interface TokenClaims {
  /** `proj:<project>:<role>`, or the name of an account. */
  readonly subject: string;
  readonly expires?: Date;
}

export interface ProjectFacts {
  readonly name: string;
  /** Absent when CodeBuild has no such project. */
  readonly existing?: {
    readonly source: string;
    readonly filterGroups?: readonly (readonly {
      readonly type: string;
      readonly pattern: string;
      readonly excludeMatchedPattern: boolean;
    }[])[];
  };
}

/** The groups that the schedule stops and starts. */
export function scheduledGroups(
  facts: Pick<EnvironmentFacts, 'environment'>,
  groups: readonly GroupFacts[],
): readonly GroupFacts[] {
  const { environment } = facts;
  if (environment.production || environment.schedule === undefined) return [];
  const { nodegroups = 'all', keep = [], fallbackGroup } = environment;
  return groups.filter(
    ({ name }) =>
      (nodegroups === 'all' || nodegroups.includes(name)) && !keep.includes(name) && name !== fallbackGroup,
  );
}

/** The node count of the group when awake: its saved size, or its current one. */
export function nodesWhenAwake(group: GroupFacts, night: Night | undefined): number {
  return night?.saved.find((saved) => saved.group === group.name)?.size.desired ?? group.size.desired;
}

/** The names of the groups on whose nodes the pods run. A pod without a node gives `undefined`. */
export function groupsOf(
  pods: readonly Pod[],
  nodes: readonly Node[],
  groups: readonly GroupFacts[],
): ReadonlySet<string | undefined> {
  const groupOfNode = (name: string | undefined) => {
    const node = nodes.find((one) => one.metadata?.name === name);
    const instance = node?.spec?.providerID?.split('/').at(-1);
    return groups.find((group) => instance !== undefined && group.instances.includes(instance))?.name;
  };
  return new Set(pods.map((pod) => groupOfNode(pod.spec?.nodeName)));
}

export function isLive(pod: Pod): boolean {
  return pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed';
}

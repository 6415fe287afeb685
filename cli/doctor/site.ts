/** All that the checks look at: the config, and what AWS, Kubernetes and Argo CD said of the environment. */

import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { CronJob } from 'kubernetes-types/batch/v1.js';
import type { Namespace, Node, PersistentVolume, Pod, Service } from 'kubernetes-types/core/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import type { Size } from '#functions/night-schedule/records.ts';
import type { EnvironmentConfig } from '#model/config.ts';
import type { Capability } from '#model/decision.ts';
import type { InstanceNetwork } from '#model/instance-network.ts';
import type { Schedule } from '#model/schedule.ts';
import type { EnvironmentSettings } from '#model/settings.ts';
import type { Night } from '../cloud.ts';
import type { Answer } from './finding.ts';
import type { CniSettings } from './pod-addresses.ts';

export interface Site {
  readonly name: string;
  readonly environment: EnvironmentConfig;
  readonly now: Date;
  /** As the config says it now; absent where the environment is never stopped. */
  readonly schedule?: Schedule;
  readonly settings: EnvironmentSettings;
  readonly cluster: Answer<ClusterFacts>;
  readonly groups: Answer<readonly GroupFacts[]>;
  readonly subnets: Answer<readonly SubnetFacts[]>;
  readonly held: Answer<readonly HeldAddresses[]>;
  /** By instance type. A type that nobody knows is absent. */
  readonly networks: Answer<Readonly<Record<string, InstanceNetwork>>>;
  readonly cni: Answer<CniSettings>;
  readonly night: Answer<Night>;
  readonly functions: Answer<readonly DeployedFunction[]>;
  readonly reviews: Answer<readonly Review[]>;
  readonly kubernetes: KubernetesFacts;
  /** Absent where no token is used. */
  readonly token?: Answer<TokenClaims>;
  readonly projects: Answer<readonly ProjectFacts[]>;
}

export interface ClusterFacts {
  readonly status: string;
  readonly authenticationMode: string;
}

export interface GroupFacts {
  /** Nodegroup, or Auto Scaling group of a self-managed one. */
  readonly name: string;
  readonly kind: 'managed' | 'self-managed';
  readonly size: Size;
  readonly instanceTypes: readonly string[];
  readonly zones: readonly string[];
  readonly subnets: readonly string[];
  readonly instances: readonly string[];
  /** On-demand instances before any share is counted. */
  readonly onDemandBase: number;
  /** Of what is above the base: 0 to 100. */
  readonly spotPercent: number;
  readonly tags: Readonly<Record<string, string>>;
}

export interface SubnetFacts {
  readonly id: string;
  readonly zone: string;
  readonly cidr: string;
  readonly freeAddresses: number;
}

/** Addresses that an instance holds in one subnet. */
export interface HeldAddresses {
  readonly instance: string;
  readonly subnet: string;
  readonly addresses: number;
}

export interface DeployedFunction {
  readonly capability: Capability;
  /** Undefined where it is not deployed. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly role?: string;
  /** Groups of its access entry; undefined where there is none, or where nobody may look. */
  readonly kubernetesGroups?: Answer<readonly string[] | undefined>;
}

/** What a function may do in the cluster, as the API server answers for its group. */
export interface Review {
  readonly capability: Capability;
  readonly what: string;
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
  readonly webhooks: Answer<readonly WebhookFacts[]>;
  readonly budgets: Answer<readonly PodDisruptionBudget[]>;
  readonly volumes: Answer<readonly PersistentVolume[]>;
  readonly cronJobs: Answer<readonly CronJob[]>;
  readonly deployments: Answer<readonly Deployment[]>;
  readonly services: Answer<readonly Service[]>;
  readonly namespaces: Answer<readonly Namespace[]>;
  readonly pods: Answer<readonly Pod[]>;
  readonly nodes: Answer<readonly Node[]>;
}

/** Of the Argo CD token. The token itself goes no further than where it was read. */
export interface TokenClaims {
  /** `proj:<project>:<role>`, or the name of an account. */
  readonly subject: string;
  readonly expires?: Date;
}

export interface ProjectFacts {
  readonly name: string;
  /** Absent where CodeBuild has no such project. */
  readonly found?: {
    readonly source: string;
    readonly filterGroups?: readonly (readonly {
      readonly type: string;
      readonly pattern: string;
      readonly excludeMatchedPattern: boolean;
    }[])[];
  };
}

// --- what several checks ask of it -------------------------------------------------------------------------------------

/** The groups that the night takes down and the morning brings back. */
export function sleepers(site: Site, groups: readonly GroupFacts[]): readonly GroupFacts[] {
  const { environment } = site;
  if (environment.production || environment.schedule === undefined) return [];
  const { nodegroups = 'all', keep = [], fallbackGroup } = environment;
  return groups.filter(
    ({ name }) =>
      (nodegroups === 'all' || nodegroups.includes(name)) && !keep.includes(name) && name !== fallbackGroup,
  );
}

/** Nodes that the group has when it is awake: what was saved of it, or what is desired now. */
export function nodesAwake(group: GroupFacts, night: Night | undefined): number {
  return night?.saved.find((saved) => saved.group === group.name)?.size.desired ?? group.size.desired;
}

/** The names of the groups on whose nodes the pods run. A pod without a node counts as `undefined`. */
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

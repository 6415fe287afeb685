/**
 * Reads a stack that describes an EKS cluster: its nodegroups, subnets, access entries and add-ons. The functions of other
 * stacks run on it. What is read here becomes a part of the lab's world; everything else is counted, so that it can be named.
 */

import type { Stack } from './assembly.ts';
import type { AccessEntrySpec } from './deployment.ts';
import { AssemblyError } from './errors.ts';
import { isObject, type Json, type JsonObject, resolve, type Scope } from './intrinsics.ts';
import { objects, strings } from './properties.ts';

export interface SubnetSpec {
  readonly zone: string;
  readonly cidr: string;
}

export interface NodegroupSpec {
  readonly name: string;
  readonly min: number;
  readonly desired: number;
  readonly max: number;
  readonly capacityType: 'SPOT' | 'ON_DEMAND';
  readonly instanceTypes: readonly string[];
  readonly subnets: readonly SubnetSpec[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface ClusterTemplate {
  readonly stack: Stack;
  readonly name: string;
  readonly version: string;
  readonly nodegroups: readonly NodegroupSpec[];
  /** With the names of the EKS access policies that are associated, which the lab does not evaluate. */
  readonly accessEntries: readonly (AccessEntrySpec & { readonly policies: readonly string[] })[];
  readonly addOns: readonly string[];
  /** Types of capabilities that EKS runs beside the cluster: `ARGOCD`. */
  readonly capabilities: readonly string[];
  /** How many resources of each other type the stack has. */
  readonly others: ReadonlyMap<string, number>;
}

const READ = new Set([
  'AWS::EKS::Cluster',
  'AWS::EKS::Nodegroup',
  'AWS::EKS::AccessEntry',
  'AWS::EKS::Addon',
  'AWS::EKS::Capability',
  'AWS::CDK::Metadata',
]);

export function hasCluster({ template }: Stack): boolean {
  return Object.values(resourcesOf(template)).some(({ Type }) => Type === 'AWS::EKS::Cluster');
}

/** Throws `AssemblyError` for a stack without exactly one cluster, and for what the lab could not play as it is written. */
export function readClusterTemplate(stack: Stack): ClusterTemplate {
  const resources = resourcesOf(stack.template);
  const scope = scopeOf(stack, resources);
  const ofType = (type: string) =>
    Object.values(resources)
      .filter(({ Type }) => Type === type)
      .map(({ Properties }) => resolve(Properties ?? {}, scope) as JsonObject);
  const clusters = ofType('AWS::EKS::Cluster');
  const [cluster] = clusters;
  if (!cluster || clusters.length > 1)
    throw new AssemblyError(
      `${stack.name} has ${clusters.length} EKS clusters: the lab reads stacks with one`,
    );
  const others = new Map<string, number>();
  for (const { Type } of Object.values(resources)) {
    const type = String(Type);
    if (!READ.has(type)) others.set(type, (others.get(type) ?? 0) + 1);
  }
  return {
    stack,
    name: textOf(stack, cluster, 'Name'),
    version: textOf(stack, cluster, 'Version'),
    nodegroups: ofType('AWS::EKS::Nodegroup').map((one) => readNodegroup(stack, one, resources)),
    accessEntries: ofType('AWS::EKS::AccessEntry').map((one) => ({
      cluster: textOf(stack, one, 'ClusterName'),
      principalArn: textOf(stack, one, 'PrincipalArn'),
      type: String(one['Type'] ?? 'STANDARD'),
      kubernetesGroups: strings(one['KubernetesGroups']),
      policies: objects(one['AccessPolicies']).map(
        ({ PolicyArn }) => String(PolicyArn).split('/').at(-1) ?? '',
      ),
    })),
    addOns: ofType('AWS::EKS::Addon').map((one) => textOf(stack, one, 'AddonName')),
    capabilities: ofType('AWS::EKS::Capability').map((one) => textOf(stack, one, 'Type')),
    others,
  };
}

function readNodegroup(
  stack: Stack,
  properties: JsonObject,
  resources: Readonly<Record<string, JsonObject>>,
): NodegroupSpec {
  const name = textOf(stack, properties, 'NodegroupName');
  const sizes = properties['ScalingConfig'];
  const size = (field: string): number => {
    const value = isObject(sizes) ? sizes[field] : undefined;
    if (typeof value !== 'number')
      throw new AssemblyError(`the nodegroup ${name} of ${stack.name} has no ${field} in its ScalingConfig`);
    return value;
  };
  const capacityType = String(properties['CapacityType'] ?? 'ON_DEMAND');
  if (capacityType !== 'SPOT' && capacityType !== 'ON_DEMAND')
    throw new AssemblyError(
      `the nodegroup ${name} of ${stack.name} has the capacity type ${capacityType}: the lab has SPOT and ON_DEMAND`,
    );
  const labels = properties['Labels'];
  return {
    name,
    min: size('MinSize'),
    desired: size('DesiredSize'),
    max: size('MaxSize'),
    capacityType,
    instanceTypes: strings(properties['InstanceTypes']),
    subnets: strings(properties['Subnets']).map((id) => readSubnet(stack, id, resources[id])),
    labels: isObject(labels)
      ? Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, String(value)]))
      : {},
  };
}

function readSubnet(stack: Stack, id: string, resource: JsonObject | undefined): SubnetSpec {
  const properties = resource?.['Properties'];
  const zone = isObject(properties) ? properties['AvailabilityZone'] : undefined;
  const cidr = isObject(properties) ? properties['CidrBlock'] : undefined;
  if (typeof zone !== 'string' || typeof cidr !== 'string')
    throw new AssemblyError(
      `the subnet ${id} of ${stack.name} has no zone and addresses in the template: the lab reads subnets of the same stack`,
    );
  return { zone, cidr };
}

function textOf(stack: Stack, properties: JsonObject, field: string): string {
  const value = properties[field];
  if (typeof value !== 'string')
    throw new AssemblyError(`${stack.name} has a cluster resource without ${field}`);
  return value;
}

function resourcesOf(template: JsonObject): Readonly<Record<string, JsonObject>> {
  const resources = template['Resources'];
  return isObject(resources) ? (resources as Readonly<Record<string, JsonObject>>) : {};
}

/** A cluster is referred to by its name, a role by its ARN, and everything else by its logical id. */
function scopeOf(stack: Stack, resources: Readonly<Record<string, JsonObject>>): Scope {
  const { account, region } = stack;
  const pseudo: Readonly<Record<string, string>> = {
    'AWS::AccountId': account,
    'AWS::Region': region,
    'AWS::Partition': 'aws',
    'AWS::URLSuffix': 'amazonaws.com',
    'AWS::StackName': stack.name,
    'AWS::NoValue': '',
  };
  const unsupported = (what: string) => (): never => {
    throw new AssemblyError(`${stack.name} has ${what}, which the lab does not read in a cluster's stack`);
  };
  const property = (id: string, name: string): Json | undefined => {
    const properties = resources[id]?.['Properties'];
    return isObject(properties) ? properties[name] : undefined;
  };
  const scope: Scope = {
    ref: (id) => {
      if (pseudo[id] !== undefined) return pseudo[id];
      const name = resources[id]?.['Type'] === 'AWS::EKS::Cluster' ? property(id, 'Name') : undefined;
      return name === undefined ? id : resolve(name, scope);
    },
    attribute: (id, name) => {
      if (name !== 'Arn' || resources[id]?.['Type'] !== 'AWS::IAM::Role') return `${id}.${name}`;
      const given = property(id, 'RoleName');
      const role = given === undefined ? `${stack.name}-${id}` : String(resolve(given, scope));
      return `arn:aws:iam::${account}:role/${role}`;
    },
    condition: unsupported('a condition'),
    mapping: unsupported('a mapping'),
  };
  return scope;
}

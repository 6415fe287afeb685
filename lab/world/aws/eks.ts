/** EKS below its API: clusters, access entries, managed nodegroups and their updates. */
import type { ClusterNodes } from '../interfaces.ts';
import type { GroupBuilder } from './auto-scaling.ts';
import { type ClusterChange, updateCluster } from './cluster-update.ts';
import { AwsError } from './error.ts';
import type {
  AccessEntry,
  Capability,
  CapacityType,
  EksCluster,
  EksUpdate,
  Nodegroup,
  Scope,
  Subnet,
} from './model.ts';
import { watchLaunches } from './nodegroup-health.ts';
import { type RolloutOptions, rollOut } from './nodegroup-rollout.ts';
import { type NodegroupChange, updateNodegroup } from './nodegroup-update.ts';
import type { Scaling } from './scaling.ts';
import { isoSeconds, keyOf, type State } from './state.ts';
import type { WarmPoolOptions } from './warm-pool.ts';

export interface ClusterOptions extends Scope {
  readonly name: string;
  /** Default `1.33`, as the lab's Kubernetes. */
  readonly version?: string;
  /** Default `API_AND_CONFIG_MAP`. */
  readonly authenticationMode?: EksCluster['authenticationMode'];
  /** Default: three zones of the region. */
  readonly zones?: readonly string[];
  /** Size of each zone's subnet: `/20` (the default) holds 4091 addresses, `/24` holds 251. */
  readonly subnetBits?: number;
  /** In place of `zones` and `subnetBits`. */
  readonly subnets?: readonly { readonly zone: string; readonly cidr: string }[];
  /** Default 1. With the VPC CNI a c5.4xlarge takes up to 240: eight interfaces of thirty addresses. */
  readonly addressesPerNode?: number;
  readonly tags?: Readonly<Record<string, string>>;
  /** With EKS Auto Mode: its built-in NodePools. */
  readonly autoMode?: { readonly nodePools: readonly string[] };
}

export interface AccessEntryOptions {
  readonly principalArn: string;
  readonly kubernetesGroups: readonly string[];
  /** Default: derived from the principal's ARN, as EKS does. */
  readonly username?: string;
  readonly type?: AccessEntry['type'];
}

export interface NodegroupOptions {
  readonly name: string;
  readonly min: number;
  readonly desired: number;
  readonly max: number;
  readonly instanceTypes: readonly string[];
  readonly capacityType: CapacityType;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: Nodegroup['taints'];
  readonly zones?: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
  /** Default 15. Clusters were also seen to take the whole 30 minutes of the hook's heartbeat timeout. */
  readonly drainMinutes?: number;
  readonly warmPool?: WarmPoolOptions;
}

export interface Eks {
  clusters(scope: Scope): readonly EksCluster[];
  cluster(scope: Scope, name: string): EksCluster;
  /** By name, in any account and region: for the Kubernetes API server in front of it. */
  nodegroups(scope: Scope, cluster: string): readonly Nodegroup[];
  nodegroup(scope: Scope, cluster: string, name: string): Nodegroup;
  updateNodegroupConfig(scope: Scope, cluster: string, name: string, change: NodegroupChange): EksUpdate;
  /** UpdateNodegroupVersion. */
  updateNodegroupVersion(scope: Scope, cluster: string, name: string, options?: RolloutOptions): EksUpdate;
  updateClusterConfig(scope: Scope, cluster: string, change: ClusterChange): EksUpdate;
  deleteNodegroup(scope: Scope, cluster: string, name: string): Nodegroup;
  updates(scope: Scope, cluster: string, nodegroup?: string): readonly EksUpdate[];
  update(scope: Scope, cluster: string, nodegroup: string | undefined, id: string): EksUpdate;
  accessEntries(scope: Scope, cluster: string): readonly AccessEntry[];
  accessEntry(scope: Scope, cluster: string, principalArn: string): AccessEntry;
  capability(scope: Scope, cluster: string, name: string): Capability;
  /** Sets a nodegroup's status, for those that the lab does not reach otherwise. */
  setStatus(nodegroup: Nodegroup, status: Nodegroup['status'], issues?: Nodegroup['issues']): void;
}

export interface EksBuilder {
  addCluster(options: ClusterOptions): EksCluster;
  setClusterEndpoint(cluster: EksCluster, server: { readonly endpoint: string; readonly ca: string }): void;
  attachNodes(cluster: EksCluster, nodes: ClusterNodes): void;
  addAccessEntry(cluster: EksCluster, entry: AccessEntryOptions): AccessEntry;
  /** One of each type in a cluster. */
  addCapability(
    cluster: EksCluster,
    capability: Pick<Capability, 'name' | 'type' | 'argoCd'> & { readonly status?: Capability['status'] },
  ): Capability;
  addNodegroup(cluster: EksCluster, options: NodegroupOptions): Nodegroup;
}

export function createEks(
  state: State,
  groups: GroupBuilder,
  scaling: Scaling,
): { readonly api: Eks; readonly builder: EksBuilder } {
  const clustersByKey = new Map<string, EksCluster>();

  const cluster = (scope: Scope, name: string): EksCluster => {
    const found = clustersByKey.get(keyOf(scope, name));
    if (!found)
      throw new AwsError('ResourceNotFoundException', `No cluster found for name: ${name}.`, { status: 404 });
    return found;
  };

  const nodegroup = (scope: Scope, clusterName: string, name: string): Nodegroup => {
    const found = cluster(scope, clusterName).nodegroups.get(name);
    if (!found) {
      throw new AwsError('ResourceNotFoundException', `No node group found for name: ${name}.`, {
        status: 404,
        members: { clusterName, nodegroupName: name },
      });
    }
    return found;
  };

  watchLaunches(state, scaling);

  const api: Eks = {
    cluster,
    nodegroup,
    clusters: (scope) =>
      byName(
        state.clusters.filter(({ account, region }) => account === scope.account && region === scope.region),
      ),
    nodegroups: (scope, name) => byName([...cluster(scope, name).nodegroups.values()]),
    updateNodegroupConfig: (scope, clusterName, name, change) =>
      updateNodegroup(state, scaling, nodegroup(scope, clusterName, name), change),
    updateNodegroupVersion: (scope, clusterName, name, options) =>
      rollOut(state, scaling, nodegroup(scope, clusterName, name), options),
    updateClusterConfig: (scope, name, change) => updateCluster(state, cluster(scope, name), change),
    deleteNodegroup(scope, clusterName, name) {
      const target = nodegroup(scope, clusterName, name);
      if (target.status === 'UPDATING') {
        throw new AwsError('ResourceInUseException', 'Nodegroup has an update in progress', {
          status: 409,
          members: { clusterName, nodegroupName: name },
        });
      }
      if (target.status === 'DELETING') return target;
      target.status = 'DELETING';
      Object.assign(target.group, { min: 0, desired: 0 });
      if (target.group.warmPool) target.group.warmPool.deletion = 'waits';
      scaling.requested(
        target.group,
        `At ${isoSeconds(state.now())} a user request deleted the nodegroup ${name}.`,
      );
      const gone = state.onChange(() => {
        if (target.group.instances.size + (target.group.warmPool?.instances.size ?? 0) > 0) return;
        gone();
        target.cluster.nodegroups.delete(name);
        target.cluster.groups.delete(target.group.name);
        state.groups.delete(keyOf(scope, target.group.name));
        state.changed();
      });
      return target;
    },
    updates(scope, clusterName, name) {
      if (name === undefined) return [...cluster(scope, clusterName).updates.values()].toReversed();
      return [...nodegroup(scope, clusterName, name).updates.values()].toReversed();
    },
    update(scope, clusterName, name, id) {
      const { updates } =
        name === undefined ? cluster(scope, clusterName) : nodegroup(scope, clusterName, name);
      const update = updates.get(id);
      if (!update) {
        throw new AwsError('ResourceNotFoundException', `No update found for ID: ${id}`, { status: 404 });
      }
      return update;
    },
    accessEntries: (scope, name) => [...cluster(scope, name).accessEntries.values()],
    accessEntry(scope, name, principalArn) {
      const entry = cluster(scope, name).accessEntries.get(principalArn);
      if (!entry) {
        throw new AwsError(
          'ResourceNotFoundException',
          `The specified principalArn could not be found. You can view your available access entries with 'list-access-entries'.`,
          { status: 404 },
        );
      }
      return entry;
    },
    capability(scope, name, capabilityName) {
      const found = cluster(scope, name).capabilities.get(capabilityName);
      if (!found)
        throw new AwsError(
          'ResourceNotFoundException',
          `No capability found for name: ${capabilityName} in cluster ${name}.`,
          { status: 404 },
        );
      return found;
    },
    setStatus(target, status, issues = []) {
      target.status = status;
      target.issues = issues;
      state.changed();
    },
  };

  const builder: EksBuilder = {
    addCluster(options) {
      const { account, region, name } = options;
      if (!/^\d{12}$/.test(account)) throw new TypeError(`account "${account}" is not twelve digits`);
      if (clustersByKey.has(keyOf(options, name)))
        throw new AwsError('ResourceInUseException', `Cluster already exists with name: ${name}`, {
          status: 409,
        });
      const given = options.subnets;
      const zones = given ? [...new Set(given.map(({ zone }) => zone))] : (options.zones ?? zonesOf(region));
      const role = `arn:aws:iam::${account}:role/eks-auto-node-${name}`;
      const pools = options.autoMode?.nodePools;
      const vpc = `vpc-0${state.context.hex(16)}`;
      const added: EksCluster = {
        account,
        region,
        name,
        arn: `arn:aws:eks:${region}:${account}:cluster/${name}`,
        version: options.version ?? '1.33',
        authenticationMode: options.authenticationMode ?? 'API_AND_CONFIG_MAP',
        createdAt: state.now(),
        zones,
        subnets:
          given?.map(({ zone, cidr }) => ({ id: `subnet-0${state.context.hex(16)}`, zone, cidr, vpc })) ??
          zones.map((zone, index) => subnetOf(state, { zone, index, vpc, bits: options.subnetBits ?? 20 })),
        addressesPerNode: options.addressesPerNode ?? 1,
        tags: options.tags ?? {},
        endpoint: `https://${state.context.hex(32).toUpperCase()}.gr7.${region}.eks.amazonaws.com`,
        ca: '',
        status: 'ACTIVE',
        nodes: undefined,
        autoMode: pools && { nodePools: pools, nodeRoleArn: pools.length > 0 ? role : undefined },
        autoModeRole: pools && role,
        updates: new Map(),
        fleet: new Set(),
        accessEntries: new Map(),
        capabilities: new Map(),
        nodegroups: new Map(),
        groups: new Map(),
      };
      state.clusters.push(added);
      clustersByKey.set(keyOf(added, name), added);
      return added;
    },
    setClusterEndpoint(target, server) {
      target.endpoint = server.endpoint;
      target.ca = server.ca;
    },
    attachNodes(target, nodes) {
      target.nodes = nodes;
      if (target.autoMode) nodes.setBuiltInPools?.(target.autoMode.nodePools);
    },
    addAccessEntry(target, entry) {
      const { account, region, name } = target;
      if (target.authenticationMode === 'CONFIG_MAP') {
        throw new AwsError(
          'InvalidRequestException',
          `The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.`,
        );
      }
      const reserved = entry.kubernetesGroups.find((group) =>
        /^(system:|eks:|aws:|amazon:|iam:)/.test(group),
      );
      if (reserved !== undefined) {
        throw new AwsError(
          'InvalidParameterException',
          `The kubernetes group name ${reserved} is invalid, it cannot start with ${reserved.split(':')[0]}:`,
        );
      }
      const added: AccessEntry = {
        principalArn: entry.principalArn,
        arn: `arn:aws:eks:${region}:${account}:access-entry/${name}/${entry.principalArn.includes(':user/') ? 'user' : 'role'}/${account}/${entry.principalArn.split('/').at(-1)}/${state.context.uuid()}`,
        username: entry.username ?? usernameOf(entry.principalArn),
        kubernetesGroups: entry.kubernetesGroups,
        type: entry.type ?? 'STANDARD',
        createdAt: state.now(),
      };
      target.accessEntries.set(entry.principalArn, added);
      return added;
    },
    addCapability(target, { name, type, argoCd, status = 'ACTIVE' }) {
      const { account, region } = target;
      if ([...target.capabilities.values()].some((one) => one.type === type))
        throw new AwsError('ResourceInUseException', `Cluster already has a capability of type ${type}`, {
          status: 409,
        });
      const added: Capability = {
        name,
        type,
        status,
        version: '3.3.10-eks-6',
        arn: `arn:aws:eks:${region}:${account}:capability/${target.name}/${type.toLowerCase()}/${name}/${state.context.hex(8)}`,
        createdAt: state.now(),
        ...(argoCd ? { argoCd } : {}),
      };
      target.capabilities.set(name, added);
      return added;
    },
    addNodegroup(target, options) {
      if (target.nodegroups.has(options.name)) {
        throw new AwsError(
          'ResourceInUseException',
          `NodeGroup already exists with name ${options.name} and cluster name ${target.name}`,
          { status: 409, members: { clusterName: target.name, nodegroupName: options.name } },
        );
      }
      const { account, region } = target;
      const id = state.context.uuid();
      const group = groups.add(target, {
        name: `eks-${options.name}-${id}`,
        min: options.min,
        desired: options.desired,
        max: options.max,
        instanceTypes: options.instanceTypes,
        spotPercent: options.capacityType === 'SPOT' ? 100 : 0,
        capacityRebalance: options.capacityType === 'SPOT',
        lifecycleHooks: eksHooks(region),
        ...(options.zones ? { zones: options.zones } : {}),
        ...(options.warmPool ? { warmPool: options.warmPool } : {}),
        tags: { 'eks:cluster-name': target.name, 'eks:nodegroup-name': options.name, ...options.tags },
      });
      const added: Nodegroup = {
        cluster: target,
        name: options.name,
        arn: `arn:aws:eks:${region}:${account}:nodegroup/${target.name}/${options.name}/${id}`,
        createdAt: state.now(),
        instanceTypes: options.instanceTypes,
        capacityType: options.capacityType,
        group,
        tags: options.tags ?? {},
        labels: options.labels ?? {},
        taints: options.taints ?? [],
        maxUnavailable: 1,
        drainMinutes: options.drainMinutes ?? 15,
        modifiedAt: state.now(),
        status: 'ACTIVE',
        issues: [],
        updates: new Map(),
      };
      group.nodegroup = added;
      target.nodegroups.set(added.name, added);
      return added;
    },
  };

  return { api, builder };
}

/** The hooks that EKS adds to the group of every managed nodegroup. */
function eksHooks(region: string) {
  const topic = `arn:aws:sns:${region}:600734575887:eks-asg-lifecycle-hook-topic`;
  const common = {
    heartbeatTimeoutSeconds: 1800,
    defaultResult: 'CONTINUE',
    notificationTargetArn: topic,
  } as const;
  return [
    { name: 'Launch-LC-Hook', transition: 'launching', ...common },
    { name: 'Terminate-LC-Hook', transition: 'terminating', ...common },
  ] as const;
}

function usernameOf(principalArn: string): string {
  const role = /^arn:([^:]+):iam::(\d{12}):role\/(?:.*\/)?([^/]+)$/.exec(principalArn);
  return role ? `arn:${role[1]}:sts::${role[2]}:assumed-role/${role[3]}/{{SessionName}}` : principalArn;
}

/** New accounts have no zone b in Tokyo. */
function zonesOf(region: string): readonly string[] {
  return (region === 'ap-northeast-1' ? ['a', 'c', 'd'] : ['a', 'b', 'c']).map((zone) => `${region}${zone}`);
}

function subnetOf(
  state: State,
  { zone, index, vpc, bits }: { zone: string; index: number; vpc: string; bits: number },
): Subnet {
  const start = index * 2 ** (32 - bits);
  const address = [10, 0, Math.floor(start / 256) % 256, start % 256].join('.');
  return { id: `subnet-0${state.context.hex(16)}`, zone, cidr: `${address}/${bits}`, vpc };
}

function byName<T extends { readonly name: string }>(items: readonly T[]): readonly T[] {
  return items.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

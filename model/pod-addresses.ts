/** How many subnet addresses a node takes with the VPC CNI, and how many nodes fit into the subnets. Pure. */
import type { InstanceNetwork } from './instance-network.ts';

/** The environment of the DaemonSet aws-node. */
export interface CniSettings {
  /** WARM_ENI_TARGET; 1 when not set. */
  readonly warmInterfaces: number;
  /** WARM_IP_TARGET, which replaces WARM_ENI_TARGET. */
  readonly warmAddresses?: number;
  /** MINIMUM_IP_TARGET. */
  readonly minimumAddresses?: number;
  /** ENABLE_PREFIX_DELEGATION */
  readonly prefixes: boolean;
  /** WARM_PREFIX_TARGET; 1 when not set. */
  readonly warmPrefixes: number;
  /** AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG: pods take addresses from other subnets than the nodes. */
  readonly customNetworking: boolean;
}

/** What the VPC CNI does when none of its variables is set. */
export const CNI_DEFAULTS: CniSettings = {
  warmInterfaces: 1,
  prefixes: false,
  warmPrefixes: 1,
  customNetworking: false,
};

const PREFIX_ADDRESSES = 16;
/** With prefixes the kubelet's own limit is reached long before the addresses are used. */
const MAX_PODS_WITH_PREFIXES = 110;

/** Subnet addresses that a node with `pods` pods holds. Pods on the host network take none. */
export function addressesOfNode(type: InstanceNetwork, cni: CniSettings, pods: number): number {
  const perInterface = Math.max(1, type.addressesPerInterface - 1);
  const slots = type.interfaces * perInterface;
  const pooled =
    cni.warmAddresses !== undefined || cni.minimumAddresses !== undefined
      ? Math.max(pods + (cni.warmAddresses ?? 0), cni.minimumAddresses ?? 0)
      : undefined;
  if (cni.prefixes) {
    const needed =
      pooled === undefined
        ? Math.ceil(pods / PREFIX_ADDRESSES) + cni.warmPrefixes
        : Math.ceil(pooled / PREFIX_ADDRESSES);
    const prefixes = Math.min(slots, Math.max(1, needed));
    return prefixes * PREFIX_ADDRESSES + Math.ceil(prefixes / perInterface);
  }
  if (pooled !== undefined) {
    const taken = Math.min(slots, pooled);
    return taken + Math.max(1, Math.ceil(taken / perInterface));
  }
  const interfaces = Math.max(1, Math.ceil(Math.min(pods, slots) / perInterface) + cni.warmInterfaces);
  return Math.min(type.interfaces, interfaces) * type.addressesPerInterface;
}

/** Subnet addresses of a node without room for another pod. */
export function addressesOfFullNode(type: InstanceNetwork, cni: CniSettings): number {
  const slots = type.interfaces * (type.addressesPerInterface - 1);
  return addressesOfNode(type, cni, cni.prefixes ? Math.min(slots, MAX_PODS_WITH_PREFIXES) : slots);
}

export interface AddressDemand {
  readonly group: string;
  readonly nodes: number;
  readonly addressesPerNode: number;
  /** Subnet ids. */
  readonly subnets: readonly string[];
}

/**
 * How many nodes of each group find all their addresses. Groups start at the same time; each spreads its nodes over its
 * subnets as Auto Scaling does, and continues in another subnet when one is full.
 */
export function nodesThatFit(
  demand: readonly AddressDemand[],
  free: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const left = new Map(free);
  const placed = new Map(demand.map(({ group }) => [group, new Map<string, number>()]));
  const rounds = Math.max(0, ...demand.map(({ nodes }) => nodes));
  for (let round = 0; round < rounds; round++) {
    for (const { group, nodes, addressesPerNode, subnets } of demand) {
      if (round >= nodes) continue;
      const here = placed.get(group) ?? new Map<string, number>();
      const subnet = subnets
        .filter((id) => (left.get(id) ?? 0) >= addressesPerNode)
        .sort((a, b) => (here.get(a) ?? 0) - (here.get(b) ?? 0))[0];
      if (subnet === undefined) continue;
      left.set(subnet, (left.get(subnet) ?? 0) - addressesPerNode);
      here.set(subnet, (here.get(subnet) ?? 0) + 1);
    }
  }
  return new Map(
    [...placed].map(([group, subnets]) => [group, [...subnets.values()].reduce((sum, n) => sum + n, 0)]),
  );
}

/** How many addresses of its subnets a node takes under the VPC CNI, and how many nodes that leaves room for. Pure. */
import type { InstanceNetwork } from '#model/instance-network.ts';

/** The environment of the DaemonSet aws-node. */
export interface CniSettings {
  /** WARM_ENI_TARGET; 1 where it is not set. */
  readonly warmInterfaces: number;
  /** WARM_IP_TARGET, which takes the place of the warm interfaces. */
  readonly warmAddresses?: number;
  /** MINIMUM_IP_TARGET. */
  readonly minimumAddresses?: number;
  /** ENABLE_PREFIX_DELEGATION */
  readonly prefixes: boolean;
  /** WARM_PREFIX_TARGET; 1 where it is not set. */
  readonly warmPrefixes: number;
  /** AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG: pods take addresses of other subnets than the nodes. */
  readonly otherSubnets: boolean;
}

const PREFIX_ADDRESSES = 16;
/** With prefixes the kubelet's own limit is reached long before the addresses are used. */
const MOST_PODS_WITH_PREFIXES = 110;

/** Addresses of its subnet that a node with so many pods holds. Pods of the host's network take none. */
export function addressesOfNode(type: InstanceNetwork, cni: CniSettings, pods: number): number {
  const perInterface = Math.max(1, type.addressesPerInterface - 1);
  const slots = type.interfaces * perInterface;
  const pooled =
    cni.warmAddresses !== undefined || cni.minimumAddresses !== undefined
      ? Math.max(pods + (cni.warmAddresses ?? 0), cni.minimumAddresses ?? 0)
      : undefined;
  if (cni.prefixes) {
    const wanted =
      pooled === undefined
        ? Math.ceil(pods / PREFIX_ADDRESSES) + cni.warmPrefixes
        : Math.ceil(pooled / PREFIX_ADDRESSES);
    const prefixes = Math.min(slots, Math.max(1, wanted));
    return prefixes * PREFIX_ADDRESSES + Math.ceil(prefixes / perInterface);
  }
  if (pooled !== undefined) {
    const taken = Math.min(slots, pooled);
    return taken + Math.max(1, Math.ceil(taken / perInterface));
  }
  const interfaces = Math.max(1, Math.ceil(Math.min(pods, slots) / perInterface) + cni.warmInterfaces);
  return Math.min(type.interfaces, interfaces) * type.addressesPerInterface;
}

/** Of a node on which no further pod finds room. */
export function addressesOfFullNode(type: InstanceNetwork, cni: CniSettings): number {
  const slots = type.interfaces * (type.addressesPerInterface - 1);
  return addressesOfNode(type, cni, cni.prefixes ? Math.min(slots, MOST_PODS_WITH_PREFIXES) : slots);
}

export interface Wanted {
  readonly group: string;
  readonly nodes: number;
  readonly addressesPerNode: number;
  /** Ids. */
  readonly subnets: readonly string[];
}

/**
 * How many nodes of each group find all their addresses. Groups start side by side, each spreads its nodes over its
 * subnets as Auto Scaling does, and goes on in another subnet where one is full.
 */
export function roomFor(
  wanted: readonly Wanted[],
  free: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const left = new Map(free);
  const placed = new Map(wanted.map(({ group }) => [group, new Map<string, number>()]));
  const rounds = Math.max(0, ...wanted.map(({ nodes }) => nodes));
  for (let round = 0; round < rounds; round++) {
    for (const { group, nodes, addressesPerNode, subnets } of wanted) {
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

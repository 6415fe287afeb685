/** Do the subnets have enough free addresses for the nodes of the morning start? */

import type { InstanceNetwork } from '#model/instance-network.ts';
import { ownValue } from '#model/own-value.ts';
import {
  type AddressDemand,
  addressesOfFullNode,
  addressesOfNode,
  type CniSettings,
  nodesThatFit,
} from '#model/pod-addresses.ts';
import {
  type GroupFacts,
  type InterfaceAddresses,
  isLive,
  nodesWhenAwake,
  type SubnetFacts,
  scheduledGroups,
  type TemplateFacts,
} from '../facts.ts';
import { type Check, type CheckResult, whenObserved } from '../finding.ts';
import { observed } from '../observation.ts';

const ADVICE =
  'give the group larger subnets (a /20 has 4091 addresses) or smaller instance types, or enable prefix delegation in the VPC CNI';

export const podIpCapacity: Check<TemplateFacts> = {
  name: 'pod-ip-capacity',
  why: 'each node reserves whole network interfaces of pod addresses in its subnets: without free addresses nodes start without room for pods, or not at all, while CPU and memory stay unused',
  evaluate: (facts) =>
    whenObserved(
      [facts.groups, facts.subnets, facts.interfaceAddresses, facts.networks, facts.cni],
      (groups, subnets, interfaceAddresses, networks, cni) => {
        if (cni.customNetworking) return [customNetworking];
        const scheduled = scheduledGroups(facts, groups);
        // Without a scheduled group, the running nodes have already found room.
        const checked = scheduled.length > 0 ? scheduled : groups;
        const usages = groupUsages(facts, checked, {
          pods: podsPerNode(facts, groups),
          free: freeAtStart(checked, subnets, interfaceAddresses),
          networks,
          cni,
        });
        return usages.map((usage) => resultOf(usage, subnets));
      },
    ),
};

const customNetworking: CheckResult = {
  severity: 'unknown',
  found:
    'the VPC CNI uses custom networking, so pods take their addresses from the subnets of its ENIConfigs',
  advice: 'compare the free addresses of those subnets with interfaces × addresses of the instance types',
};

interface NodeAddressing {
  /** Expected pods on a node; undefined when the pods could not be counted. */
  readonly pods: number | undefined;
  /** Free addresses by subnet id, once the groups' nodes are gone. */
  readonly free: ReadonlyMap<string, number>;
  readonly networks: Readonly<Record<string, InstanceNetwork>>;
  readonly cni: CniSettings;
}

interface GroupUsage {
  readonly group: GroupFacts;
  readonly nodes: number;
  readonly pods: number | undefined;
  readonly free: ReadonlyMap<string, number>;
  /** Undefined when the network limits of an instance type are not known. */
  readonly addressing?: {
    readonly instanceType: string;
    /** Addresses that a node takes with the expected pods, and how many nodes fit then. */
    readonly expected: number;
    readonly fitExpected: number;
    /** The same for a node without room for another pod. */
    readonly full: number;
    readonly fitFull: number;
  };
}

function groupUsages(
  facts: TemplateFacts,
  groups: readonly GroupFacts[],
  { pods, free, networks, cni }: NodeAddressing,
): readonly GroupUsage[] {
  const rows = groups.map((group) => ({
    group,
    nodes: nodesWhenAwake(group, observed(facts.night)),
    widest: widestTypeOf(group, networks, cni),
  }));
  const demandWith = (addressesOf: (network: InstanceNetwork) => number): AddressDemand[] =>
    rows.flatMap(({ group, nodes, widest }) =>
      widest
        ? [
            {
              group: group.name,
              nodes,
              addressesPerNode: addressesOf(widest.network),
              subnets: group.subnets,
            },
          ]
        : [],
    );
  const full = demandWith((network) => addressesOfFullNode(network, cni));
  const expected = pods === undefined ? full : demandWith((network) => addressesOfNode(network, cni, pods));
  const fitFull = nodesThatFit(full, free);
  const fitExpected = nodesThatFit(expected, free);
  const perNode = (demand: readonly AddressDemand[], name: string) =>
    demand.find(({ group }) => group === name)?.addressesPerNode ?? 0;
  return rows.map(({ group, nodes, widest }) => ({
    group,
    nodes,
    pods,
    free,
    ...(widest
      ? {
          addressing: {
            instanceType: widest.name,
            expected: perNode(expected, group.name),
            fitExpected: fitExpected.get(group.name) ?? 0,
            full: perNode(full, group.name),
            fitFull: fitFull.get(group.name) ?? 0,
          },
        }
      : {}),
  }));
}

/** Addresses of the groups' own instances are free by the time of the start: those instances stop at night. */
function freeAtStart(
  groups: readonly GroupFacts[],
  subnets: readonly SubnetFacts[],
  interfaceAddresses: readonly InterfaceAddresses[],
): ReadonlyMap<string, number> {
  const released = interfaceAddresses.filter(({ instance }) =>
    groups.some((group) => group.instances.includes(instance)),
  );
  return new Map(
    subnets.map(({ id, freeAddresses }) => [
      id,
      released
        .filter(({ subnet }) => subnet === id)
        .reduce((sum, { addresses }) => sum + addresses, freeAddresses),
    ]),
  );
}

function resultOf(usage: GroupUsage, subnets: readonly SubnetFacts[]): CheckResult {
  const { group, nodes, pods, free, addressing } = usage;
  const target = group.name;
  if (!addressing)
    return {
      severity: 'unknown',
      target,
      found: `the number of addresses that a ${group.instanceTypes.join(' or ')} takes is not known`,
      advice: 'allow ec2:DescribeInstanceTypes for the credentials of this shell',
      permission: 'ec2:DescribeInstanceTypes',
    };
  const { instanceType, expected, fitExpected, full, fitFull } = addressing;
  const freePerSubnet = subnets
    .filter(({ id }) => group.subnets.includes(id))
    .map(({ id, cidr }) => `${free.get(id) ?? 0} in ${id} (${cidr})`)
    .join(', ');
  const load = pods === undefined ? 'when full' : `for ${pods} pods`;
  const demand = `${nodes} ${nodes === 1 ? 'node' : 'nodes'} of ${instanceType} with ${expected} addresses each ${load}`;
  const available = `free at the start: ${freePerSubnet}`;
  if (fitExpected < nodes) {
    return {
      severity: 'failure',
      target,
      found: `the ${ordinal(fitExpected + 1)} node has no room: the start needs ${demand}, but only ${fitExpected} of them fit; ${available}`,
      advice: ADVICE,
    };
  }
  if (fitFull < nodes) {
    return {
      severity: 'warning',
      target,
      found: `${demand} fit today, but full nodes take ${full} each and only ${fitFull} of ${nodes} would fit; ${available}`,
      advice: ADVICE,
    };
  }
  return { severity: 'ok', target, found: `${demand} fit, also when they are full (${full} each)` };
}

/** The instance type of the group that takes the most addresses: Auto Scaling may launch any of them. */
function widestTypeOf(
  group: GroupFacts,
  networks: Readonly<Record<string, InstanceNetwork>>,
  cni: CniSettings,
): { name: string; network: InstanceNetwork } | undefined {
  const types = group.instanceTypes.flatMap((name) => {
    const network = ownValue(networks, name);
    return network ? [{ name, network }] : [];
  });
  if (types.length === 0 || types.length < group.instanceTypes.length) return undefined;
  return types.sort((a, b) => addressesOfFullNode(b.network, cni) - addressesOfFullNode(a.network, cni))[0];
}

/** Pods with their own address, pending ones included, divided by the nodes of the awake cluster. */
function podsPerNode(facts: TemplateFacts, groups: readonly GroupFacts[]): number | undefined {
  const pods = observed(facts.kubernetes.pods);
  const nodes = groups.reduce((sum, group) => sum + nodesWhenAwake(group, observed(facts.night)), 0);
  if (!pods || nodes === 0) return undefined;
  return Math.ceil(pods.filter((pod) => isLive(pod) && !pod.spec?.hostNetwork).length / nodes);
}

function ordinal(n: number): string {
  const ending = n % 100 >= 11 && n % 100 <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th');
  return `${n}${ending}`;
}

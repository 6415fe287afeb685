/** Do the subnets hold the addresses that the morning start will take? */
import type { InstanceNetwork } from '#model/instance-network.ts';
import { type Check, known, needing, type Verdict } from '../finding.ts';
import {
  addressesOfFullNode,
  addressesOfNode,
  type CniSettings,
  roomFor,
  type Wanted,
} from '../pod-addresses.ts';
import { type GroupFacts, isLive, nodesAwake, type Site, type SubnetFacts, sleepers } from '../site.ts';

export const podIpCapacity: Check = {
  name: 'pod-ip-capacity',
  why: 'each node takes whole network interfaces of pod addresses from its subnets: when they are used up nodes start without room for pods, or not at all, while CPU and memory stand free',
  judge: (site) =>
    needing(
      [site.groups, site.subnets, site.held, site.networks, site.cni],
      (groups, subnets, held, networks, cni) => {
        if (cni.otherSubnets)
          return [
            {
              severity: 'unknown',
              found:
                'the VPC CNI uses custom networking, so pods take their addresses from the subnets of its ENIConfigs',
              advice:
                'compare the free addresses of those subnets with interfaces × addresses of the instance types',
            },
          ];
        const starting = sleepers(site, groups);
        // Where nothing sleeps, the nodes that are there must have found room.
        const judged = starting.length > 0 ? starting : groups;
        const freed = held.filter(({ instance }) =>
          judged.some((group) => group.instances.includes(instance)),
        );
        const free = new Map(
          subnets.map(({ id, freeAddresses }) => [
            id,
            freeAddresses +
              freed.filter((one) => one.subnet === id).reduce((sum, one) => sum + one.addresses, 0),
          ]),
        );
        const pods = podsPerNode(site, groups);
        const widest = new Map(judged.map((group) => [group.name, widestOf(group, networks, cni)]));
        const wantedWith = (addresses: (type: InstanceNetwork) => number): Wanted[] =>
          judged.flatMap((group) => {
            const type = widest.get(group.name);
            const nodes = nodesAwake(group, known(site.night));
            return type
              ? [
                  {
                    group: group.name,
                    nodes,
                    addressesPerNode: addresses(type.network),
                    subnets: group.subnets,
                  },
                ]
              : [];
          });
        const full = wantedWith((type) => addressesOfFullNode(type, cni));
        const expected = pods === undefined ? full : wantedWith((type) => addressesOfNode(type, cni, pods));
        const room = { full: roomFor(full, free), expected: roomFor(expected, free) };
        return judged.map((group): Verdict => {
          const type = widest.get(group.name);
          if (!type)
            return {
              severity: 'unknown',
              target: group.name,
              found: `nobody knows how many addresses a ${group.instanceTypes.join(' or ')} takes`,
              advice: 'allow ec2:DescribeInstanceTypes for the credentials of this shell',
              permission: 'ec2:DescribeInstanceTypes',
            };
          return verdict({
            group,
            type: type.name,
            pods,
            nodes: nodesAwake(group, known(site.night)),
            full: full.find((one) => one.group === group.name)?.addressesPerNode ?? 0,
            expected: expected.find((one) => one.group === group.name)?.addressesPerNode ?? 0,
            fitFull: room.full.get(group.name) ?? 0,
            fitExpected: room.expected.get(group.name) ?? 0,
            subnets: subnets.filter(({ id }) => group.subnets.includes(id)),
            free,
          });
        });
      },
    ),
};

interface Case {
  readonly group: GroupFacts;
  readonly type: string;
  /** A node is expected to run; undefined where the pods could not be counted. */
  readonly pods: number | undefined;
  readonly nodes: number;
  readonly full: number;
  readonly expected: number;
  readonly fitFull: number;
  readonly fitExpected: number;
  readonly subnets: readonly SubnetFacts[];
  readonly free: ReadonlyMap<string, number>;
}

function verdict(one: Case): Verdict {
  const { group, type, nodes, pods, full, expected, fitFull, fitExpected, subnets, free } = one;
  const target = group.name;
  const places = subnets.map(({ id, cidr }) => `${free.get(id) ?? 0} in ${id} (${cidr})`).join(', ');
  const load = pods === undefined ? 'when it is full' : `for ${pods} pods`;
  const wants = `${nodes} ${nodes === 1 ? 'node' : 'nodes'} of ${type}, each with ${expected} addresses ${load}`;
  const room = `free when they start: ${places}`;
  if (fitExpected < nodes) {
    return {
      severity: 'failure',
      target,
      found: `the ${ordinal(fitExpected + 1)} node has no room: the start asks for ${wants}, and ${fitExpected} of them find their addresses; ${room}`,
      advice: ADVICE,
    };
  }
  if (fitFull < nodes) {
    return {
      severity: 'warning',
      target,
      found: `${wants}: they fit today, but full nodes take ${full} each and only ${fitFull} of ${nodes} would fit; ${room}`,
      advice: ADVICE,
    };
  }
  return {
    severity: 'ok',
    target,
    found: `${wants}: all fit, also when they are full (${full} each)`,
  };
}

const ADVICE =
  'give the group larger subnets (a /20 holds 4091 addresses), smaller instance types, or turn on prefix delegation in the VPC CNI';

/** The type of the group that takes most: any of them may come. */
function widestOf(
  group: GroupFacts,
  networks: Readonly<Record<string, InstanceNetwork>>,
  cni: CniSettings,
): { name: string; network: InstanceNetwork } | undefined {
  const types = group.instanceTypes.flatMap((name) => {
    const network = networks[name];
    return network ? [{ name, network }] : [];
  });
  if (types.length === 0 || types.length < group.instanceTypes.length) return undefined;
  return types.sort((a, b) => addressesOfFullNode(b.network, cni) - addressesOfFullNode(a.network, cni))[0];
}

/** Pods with an address of their own, those that wait for a node as well, over all nodes of the awake cluster. */
function podsPerNode(site: Site, groups: readonly GroupFacts[]): number | undefined {
  const pods = known(site.kubernetes.pods);
  const nodes = groups.reduce((sum, group) => sum + nodesAwake(group, known(site.night)), 0);
  if (!pods || nodes === 0) return undefined;
  return Math.ceil(pods.filter((pod) => isLive(pod) && !pod.spec?.hostNetwork).length / nodes);
}

function ordinal(n: number): string {
  const ending = n % 100 >= 11 && n % 100 <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th');
  return `${n}${ending}`;
}

/** Subnets, the addresses that instances hold in them, and what an instance type can hold. */
import {
  DescribeSubnetsCommand,
  type EC2Client,
  type Instance,
  paginateDescribeInstances,
  paginateDescribeInstanceTypes,
} from '@aws-sdk/client-ec2';
import { type InstanceNetwork, instanceNetwork } from '#model/instance-network.ts';
import type { Answer } from '../finding.ts';
import type { GroupFacts, HeldAddresses, SubnetFacts } from '../site.ts';
import { asking } from './asking.ts';

const PREFIX_ADDRESSES = 16;
/** Values of one filter, types of one call. */
const MOST_AT_ONCE = 100;

export function gatherSubnets(
  ec2: EC2Client,
  groups: readonly GroupFacts[],
): Promise<Answer<readonly SubnetFacts[]>> {
  const ids = [...new Set(groups.flatMap(({ subnets }) => subnets))];
  return asking('ec2:DescribeSubnets', async () => {
    if (ids.length === 0) return [];
    const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({ SubnetIds: ids }));
    return Subnets.map((subnet) => ({
      id: subnet.SubnetId ?? '',
      zone: subnet.AvailabilityZone ?? '',
      cidr: subnet.CidrBlock ?? '',
      freeAddresses: subnet.AvailableIpAddressCount ?? 0,
    }));
  });
}

export function gatherHeld(
  ec2: EC2Client,
  groups: readonly GroupFacts[],
): Promise<Answer<readonly HeldAddresses[]>> {
  const ids = groups.flatMap(({ instances }) => instances);
  return asking('ec2:DescribeInstances', async () => {
    const held: HeldAddresses[] = [];
    for (let from = 0; from < ids.length; from += MOST_AT_ONCE) {
      // A filter, because an id that has gone meanwhile would be an error.
      const pages = paginateDescribeInstances(
        { client: ec2 },
        { Filters: [{ Name: 'instance-id', Values: ids.slice(from, from + MOST_AT_ONCE) }] },
      );
      for await (const page of pages)
        for (const { Instances = [] } of page.Reservations ?? []) held.push(...Instances.flatMap(heldBy));
    }
    return held;
  });
}

function heldBy(instance: Instance): HeldAddresses[] {
  return (instance.NetworkInterfaces ?? []).map((one) => ({
    instance: instance.InstanceId ?? '',
    subnet: one.SubnetId ?? '',
    addresses: (one.PrivateIpAddresses ?? []).length + PREFIX_ADDRESSES * (one.Ipv4Prefixes ?? []).length,
  }));
}

/** EC2 knows every type; where it may not be asked, the table of the common ones does. */
export async function gatherNetworks(
  ec2: EC2Client,
  groups: readonly GroupFacts[],
): Promise<Answer<Readonly<Record<string, InstanceNetwork>>>> {
  const types = [...new Set(groups.flatMap(({ instanceTypes }) => instanceTypes))];
  const table = Object.fromEntries(
    types.flatMap((type) => {
      const network = instanceNetwork(type);
      return network ? [[type, network] as const] : [];
    }),
  );
  const asked = await asking('ec2:DescribeInstanceTypes', async () => {
    const found: Record<string, InstanceNetwork> = {};
    for (let from = 0; from < types.length; from += MOST_AT_ONCE) {
      const pages = paginateDescribeInstanceTypes(
        { client: ec2 },
        { InstanceTypes: types.slice(from, from + MOST_AT_ONCE) as never },
      );
      for await (const page of pages) {
        for (const { InstanceType, NetworkInfo } of page.InstanceTypes ?? []) {
          const { MaximumNetworkInterfaces, Ipv4AddressesPerInterface } = NetworkInfo ?? {};
          if (InstanceType && MaximumNetworkInterfaces && Ipv4AddressesPerInterface)
            found[InstanceType] = {
              interfaces: MaximumNetworkInterfaces,
              addressesPerInterface: Ipv4AddressesPerInterface,
            };
        }
      }
    }
    return found;
  });
  return { value: { ...table, ...('value' in asked ? asked.value : {}) } };
}

/** Observes subnets, the addresses that instances hold in them, and the network limits of instance types. */
import {
  DescribeSubnetsCommand,
  type EC2Client,
  type Instance,
  paginateDescribeInstances,
  paginateDescribeInstanceTypes,
} from '@aws-sdk/client-ec2';
import { type InstanceNetwork, instanceNetwork } from '#model/instance-network.ts';
import type { GroupFacts, InterfaceAddresses, SubnetFacts } from '../facts.ts';
import type { Observation } from '../observation.ts';
import { observe } from './observe.ts';

const PREFIX_ADDRESSES = 16;
/** Limit of EC2 for the values of one filter and for the types of one call. */
const BATCH_SIZE = 100;

export function observeSubnets(
  ec2: EC2Client,
  groups: readonly GroupFacts[],
): Promise<Observation<readonly SubnetFacts[]>> {
  const ids = [...new Set(groups.flatMap(({ subnets }) => subnets))];
  return observe('ec2:DescribeSubnets', async () => {
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

export function observeInterfaceAddresses(
  ec2: EC2Client,
  groups: readonly GroupFacts[],
): Promise<Observation<readonly InterfaceAddresses[]>> {
  const ids = groups.flatMap(({ instances }) => instances);
  return observe('ec2:DescribeInstances', async () => {
    const addresses: InterfaceAddresses[] = [];
    for (let from = 0; from < ids.length; from += BATCH_SIZE) {
      // A filter, because EC2 rejects a list of ids when one of them no longer exists.
      const pages = paginateDescribeInstances(
        { client: ec2 },
        { Filters: [{ Name: 'instance-id', Values: ids.slice(from, from + BATCH_SIZE) }] },
      );
      for await (const page of pages)
        for (const { Instances = [] } of page.Reservations ?? [])
          addresses.push(...Instances.flatMap(addressesOf));
    }
    return addresses;
  });
}

function addressesOf(instance: Instance): InterfaceAddresses[] {
  return (instance.NetworkInterfaces ?? []).map((one) => ({
    instance: instance.InstanceId ?? '',
    subnet: one.SubnetId ?? '',
    addresses: (one.PrivateIpAddresses ?? []).length + PREFIX_ADDRESSES * (one.Ipv4Prefixes ?? []).length,
  }));
}

/** EC2 knows every type; without the permission to ask it, the built-in table covers the common ones. */
export async function observeInstanceNetworks(
  ec2: EC2Client,
  groups: readonly GroupFacts[],
): Promise<Observation<Readonly<Record<string, InstanceNetwork>>>> {
  const types = [...new Set(groups.flatMap(({ instanceTypes }) => instanceTypes))];
  const table = Object.fromEntries(
    types.flatMap((type) => {
      const network = instanceNetwork(type);
      return network ? [[type, network] as const] : [];
    }),
  );
  const described = await observe('ec2:DescribeInstanceTypes', async () => {
    const found: Record<string, InstanceNetwork> = {};
    for (let from = 0; from < types.length; from += BATCH_SIZE) {
      const pages = paginateDescribeInstanceTypes(
        { client: ec2 },
        { InstanceTypes: types.slice(from, from + BATCH_SIZE) as never },
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
  return { value: { ...table, ...('value' in described ? described.value : {}) } };
}

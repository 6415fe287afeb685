import { DescribeInstancesCommand, DescribeInstanceTypesCommand } from '@aws-sdk/client-ec2';
import { expect, test } from 'vitest';
import { serveAws } from '#lab/http/aws/server.ts';
import { anEndpoint } from './endpoint.ts';
import { aNodegroup, aWorld } from './world.ts';

test('shows the interfaces of a node, and how the 4th comes up short in three /24', async () => {
  const world = aWorld({ subnetBits: 24, addressesPerNode: 240 });
  aNodegroup(world, { instanceTypes: ['c5.4xlarge'], desired: 4 });
  await world.pass(60);
  const held = world.aws.instances(world.cluster).map(({ addressesHeld }) => new Set(addressesHeld).size);
  expect(held.sort((a, b) => b - a)).toEqual([240, 240, 240, 11]);

  const endpoint = await serveAws({ aws: world.aws });
  const { EC2Client } = await import('@aws-sdk/client-ec2');
  const credentials = world.aws.addPrincipal({
    account: '111111111111',
    arn: 'arn:aws:iam::111111111111:user/operator',
    anyTime: true,
  });
  const ec2 = new EC2Client({ endpoint: endpoint.url, region: 'ap-northeast-1', credentials });
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({}));
  const interfaces = Reservations.flatMap(({ Instances = [] }) => Instances).map((instance) =>
    (instance.NetworkInterfaces ?? []).map((one) => one.PrivateIpAddresses?.length),
  );
  expect(interfaces).toContainEqual([30, 30, 30, 30, 30, 30, 30, 30]);
  expect(interfaces).toContainEqual([11]);
  await endpoint.close();
});

test('returns the network limits of common instance types, and refuses an unknown type', async () => {
  const { ec2 } = await anEndpoint();
  const { InstanceTypes } = await ec2.send(
    new DescribeInstanceTypesCommand({ InstanceTypes: ['c5.4xlarge'] }),
  );
  expect(InstanceTypes?.[0]?.NetworkInfo).toEqual({
    MaximumNetworkInterfaces: 8,
    Ipv4AddressesPerInterface: 30,
  });
  await expect(
    ec2.send(new DescribeInstanceTypesCommand({ InstanceTypes: ['z9.large' as never] })),
  ).rejects.toMatchObject({ name: 'InvalidInstanceType' });
  for (const input of [
    { InstanceTypes: Array.from({ length: 101 }, () => 'c5.4xlarge' as const) },
    { InstanceTypes: ['c5.4xlarge' as const], MaxResults: 5 },
  ])
    await expect(ec2.send(new DescribeInstanceTypesCommand(input))).rejects.toThrow();
});

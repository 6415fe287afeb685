import { DescribeNatGatewaysCommand, DescribeVolumesCommand } from '@aws-sdk/client-ec2';
import {
  DescribeLoadBalancersCommand,
  ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { expect, test } from 'vitest';
import { anEndpoint } from './endpoint.ts';
import { scope } from './world.ts';

test('NAT gateways are listed by VPC and state, those of other regions are not', async () => {
  const { world, ec2 } = await anEndpoint();
  const { standing } = world.aws;
  const kept = standing.addNatGateway({ ...scope, vpc: 'vpc-1', subnet: 'subnet-1' });
  standing.addNatGateway({ ...scope, vpc: 'vpc-1', subnet: 'subnet-1', state: 'deleted' });
  standing.addNatGateway({ ...scope, vpc: 'vpc-2', subnet: 'subnet-2' });
  standing.addNatGateway({ ...scope, region: 'eu-west-1', vpc: 'vpc-1', subnet: 'subnet-1' });
  const Filter = [
    { Name: 'vpc-id', Values: ['vpc-1'] },
    { Name: 'state', Values: ['pending', 'available'] },
  ];
  const { NatGateways } = await ec2.send(new DescribeNatGatewaysCommand({ Filter }));
  expect(NatGateways).toMatchObject([{ NatGatewayId: kept.id, VpcId: 'vpc-1', State: 'available' }]);
  const unknown = new DescribeNatGatewaysCommand({ NatGatewayIds: ['nat-0'] });
  await expect(ec2.send(unknown)).rejects.toMatchObject({ name: 'NatGatewayNotFound' });
  const wrong = new DescribeNatGatewaysCommand({ Filter: [{ Name: 'colour', Values: ['red'] }] });
  await expect(ec2.send(wrong)).rejects.toMatchObject({ name: 'InvalidParameterValue' });
});

test('volumes are listed by the keys and values of their tags, with what they are attached to', async () => {
  const { world, ec2 } = await anEndpoint();
  const volume = { ...scope, sizeGib: 20, type: 'gp3', zone: 'ap-northeast-1a' };
  const tags = { 'kubernetes.io/cluster/develop': 'owned' };
  world.aws.standing.addVolume({
    ...volume,
    tags,
    attachment: { instance: 'i-1', deleteOnTermination: false },
  });
  world.aws.standing.addVolume({ ...volume, tags: { team: 'web' } });
  const find = async (Name: string, ...Values: string[]) =>
    (await ec2.send(new DescribeVolumesCommand({ Filters: [{ Name, Values }] }))).Volumes ?? [];
  expect(await find('tag-key', 'kubernetes.io/cluster/develop')).toMatchObject([
    { Size: 20, VolumeType: 'gp3', State: 'in-use', Attachments: [{ DeleteOnTermination: false }] },
  ]);
  expect(await find('tag:team', 'web')).toMatchObject([{ State: 'available', Attachments: [] }]);
  expect(await find('tag-key', 'owned')).toEqual([]);
});

test('load balancers are listed with their VPC and type, in pages', async () => {
  const { world, config } = await anEndpoint();
  const client = new ElasticLoadBalancingV2Client(config());
  const { loadBalancers } = world.aws;
  const arn = loadBalancers.addLoadBalancer({ ...scope, name: 'web', vpc: 'vpc-1' });
  loadBalancers.addLoadBalancer({ ...scope, name: 'queue', type: 'network', vpc: 'vpc-1' });
  const first = await client.send(new DescribeLoadBalancersCommand({ PageSize: 1 }));
  expect(first.LoadBalancers).toMatchObject([{ LoadBalancerArn: arn, Type: 'application', VpcId: 'vpc-1' }]);
  const second = await client.send(new DescribeLoadBalancersCommand({ Marker: first.NextMarker }));
  expect(second.LoadBalancers).toMatchObject([{ LoadBalancerName: 'queue', Type: 'network' }]);
  const unknown = new DescribeLoadBalancersCommand({ Names: ['gone'] });
  await expect(client.send(unknown)).rejects.toMatchObject({ name: 'LoadBalancerNotFoundException' });
  client.destroy();
});

import { describe, expect, test } from 'vitest';
import type { Stack } from '#lab/assembly/assembly.ts';
import { hasCluster, readClusterTemplate } from '#lab/assembly/cluster-template.ts';
import type { JsonObject } from '#lab/assembly/intrinsics.ts';

const aStack = (resources: JsonObject): Stack => ({
  name: 'Platform-develop',
  account: '111111111111',
  region: 'ap-northeast-1',
  template: { Resources: resources },
  assetPath: () => undefined,
});
const CLUSTER = { Type: 'AWS::EKS::Cluster', Properties: { Name: 'develop', Version: '1.35' } };
const aNodegroup = (properties: JsonObject = {}) => ({
  Type: 'AWS::EKS::Nodegroup',
  Properties: {
    NodegroupName: 'spot',
    CapacityType: 'SPOT',
    InstanceTypes: ['c5.4xlarge'],
    ScalingConfig: { MinSize: 3, DesiredSize: 3, MaxSize: 12 },
    Subnets: [{ Ref: 'SubnetA' }],
    ...properties,
  },
});
const SUBNET = {
  Type: 'AWS::EC2::Subnet',
  Properties: { AvailabilityZone: 'ap-northeast-1a', CidrBlock: '10.1.48.0/20', VpcId: { Ref: 'Vpc' } },
};

describe('the stack of a cluster', () => {
  test('gives its nodegroups with sizes, types and the subnets that they refer to', () => {
    const { nodegroups, name, version } = readClusterTemplate(
      aStack({ Eks: CLUSTER, Spot: aNodegroup({ Labels: { capacity: 'spot' } }), SubnetA: SUBNET }),
    );
    expect([name, version]).toEqual(['develop', '1.35']);
    expect(nodegroups).toEqual([
      {
        name: 'spot',
        min: 3,
        desired: 3,
        max: 12,
        capacityType: 'SPOT',
        instanceTypes: ['c5.4xlarge'],
        subnets: [{ zone: 'ap-northeast-1a', cidr: '10.1.48.0/20' }],
        labels: { capacity: 'spot' },
      },
    ]);
  });

  test('gives access entries with the names of their policies, by the ARN of a role of the stack', () => {
    const { accessEntries } = readClusterTemplate(
      aStack({
        Eks: CLUSTER,
        Role: { Type: 'AWS::IAM::Role', Properties: { RoleName: 'host' } },
        Access: {
          Type: 'AWS::EKS::AccessEntry',
          Properties: {
            ClusterName: { Ref: 'Eks' },
            PrincipalArn: { 'Fn::GetAtt': ['Role', 'Arn'] },
            AccessPolicies: [
              { PolicyArn: 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy', AccessScope: {} },
            ],
          },
        },
      }),
    );
    expect(accessEntries).toEqual([
      {
        cluster: 'develop',
        principalArn: 'arn:aws:iam::111111111111:role/host',
        type: 'STANDARD',
        kubernetesGroups: [],
        policies: ['AmazonEKSEditPolicy'],
      },
    ]);
  });

  test('counts what is not read, and gives the names of add-ons', () => {
    const { addOns, others } = readClusterTemplate(
      aStack({
        Eks: CLUSTER,
        Dns: { Type: 'AWS::EKS::Addon', Properties: { AddonName: 'coredns' } },
        A: { Type: 'AWS::EC2::EIP' },
        B: { Type: 'AWS::EC2::EIP' },
      }),
    );
    expect(addOns).toEqual(['coredns']);
    expect([...others]).toEqual([['AWS::EC2::EIP', 2]]);
  });

  test.each([
    [{ Eks: CLUSTER, Second: CLUSTER }, 'Platform-develop has 2 EKS clusters'],
    [
      { Eks: CLUSTER, Spot: aNodegroup() },
      'the subnet SubnetA of Platform-develop has no zone and addresses',
    ],
    [
      { Eks: CLUSTER, Spot: aNodegroup({ CapacityType: 'CAPACITY_BLOCK' }), SubnetA: SUBNET },
      'the nodegroup spot of Platform-develop has the capacity type CAPACITY_BLOCK',
    ],
    [
      { Eks: CLUSTER, Spot: aNodegroup({ ScalingConfig: { MinSize: 1, DesiredSize: 1 } }), SubnetA: SUBNET },
      'the nodegroup spot of Platform-develop has no MaxSize',
    ],
    [{ Eks: { Type: 'AWS::EKS::Cluster', Properties: {} } }, 'without Name'],
  ])('is refused where the lab could not play it as it is written', (resources, message) => {
    expect(() => readClusterTemplate(aStack(resources as unknown as JsonObject))).toThrow(message);
  });

  test('is distinguished from a stack without one', () => {
    expect(hasCluster(aStack({ Eks: CLUSTER }))).toBe(true);
    expect(hasCluster(aStack({ Queue: { Type: 'AWS::SQS::Queue' } }))).toBe(false);
  });
});

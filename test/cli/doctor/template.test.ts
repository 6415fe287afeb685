/** `doctor --template`: the checks of nodegroups and subnets before anything is deployed. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { aPlatform, platformStackOf } from '#test/platform/a-platform.ts';
import { nightshift } from '../run-nightshift.ts';

const directory = mkdtempSync(join(tmpdir(), 'nightshift-template-'));
const CONFIG = 'examples/platform/nightshift.config.ts';

async function doctor(environment: string, template: string, ...options: readonly string[]) {
  return nightshift(['--config', CONFIG, 'doctor', environment, '--template', template, ...options], {
    now: new Date('2026-11-24T00:00:00Z'),
    cloud: async () => {
      throw new Error('a template needs no AWS access');
    },
  });
}

function write(resources: object): string {
  const path = join(mkdtempSync(join(directory, 'one-')), 'a.template.json');
  writeFileSync(path, JSON.stringify({ Resources: resources }));
  return path;
}

function synthesized(environment: 'develop' | 'production', subnetMask: number, desired: number): string {
  const { template } = platformStackOf(
    environment,
    aPlatform(environment, ({ network, nodes }) => ({
      network: { ...network, subnetMask },
      nodes: { ...nodes, spot: { ...nodes.spot, desired } },
    })),
  );
  return write(template.toJSON()['Resources']);
}

describe('the platform of the example', () => {
  test('has room for its nodes with /20 subnets', async () => {
    const { code, out } = await doctor('develop', synthesized('develop', 20, 12));
    expect(code).toBe(0);
    expect(out).toContain('ok       pod-ip-capacity  spot: 12 nodes of c5.4xlarge with 240 addresses each');
    expect(out).toContain('100 % of the nodes are spot');
  });

  test('has no room for the 4th node with three /24: the incident of the team', async () => {
    const { code, out } = await doctor('develop', synthesized('develop', 24, 4));
    expect(code).toBe(1);
    expect(out).toContain('failure  pod-ip-capacity  spot: the 4th node has no room');
    expect(out).toMatch(/251 in NetworkVpcprivate\w+ \(10\.1\.\d+\.0\/24\)/);
  });

  test('counts both groups of production against the same subnets', async () => {
    const { code, out } = await doctor('production', synthesized('production', 24, 3), '--json');
    expect(code).toBe(1);
    const [{ findings }] = JSON.parse(out);
    expect(findings).toContainEqual(
      expect.objectContaining({ check: 'pod-ip-capacity', severity: 'failure' }),
    );
  });
});

describe('other templates', () => {
  const subnet = (CidrBlock: unknown, AvailabilityZone = 'ap-northeast-1a') => ({
    Type: 'AWS::EC2::Subnet',
    Properties: { CidrBlock, AvailabilityZone },
  });
  const nodegroup = (properties: object) => ({
    Type: 'AWS::EKS::Nodegroup',
    Properties: { NodegroupName: 'spot', CapacityType: 'SPOT', Subnets: [{ Ref: 'A' }], ...properties },
  });

  test('take the instance type from the launch template, and ranges that CloudFormation cuts', async () => {
    const path = write({
      A: subnet({ 'Fn::Select': [0, { 'Fn::Cidr': [{ 'Fn::GetAtt': ['Vpc', 'CidrBlock'] }, 4, '8'] }] }),
      Template: {
        Type: 'AWS::EC2::LaunchTemplate',
        Properties: { LaunchTemplateData: { InstanceType: 'm5.4xlarge' } },
      },
      Group: nodegroup({
        LaunchTemplate: { Id: { Ref: 'Template' } },
        ScalingConfig: { MinSize: 0, DesiredSize: 2, MaxSize: 4 },
      }),
    });
    const { code, out } = await doctor('develop', path);
    expect(code).toBe(1);
    expect(out).toContain('2 nodes of m5.4xlarge with 240 addresses each when full, but only 1 of them fit');
    expect(out).toContain('251 in A (/24)');
  });

  test('have the sizes and the type of EKS where they name none', async () => {
    const { out } = await doctor('develop', write({ A: subnet('10.0.0.0/20'), Group: nodegroup({}) }));
    expect(out).toContain('2 nodes of t3.medium');
  });

  test('count self-managed groups of the cluster, with their share of spot', async () => {
    const path = write({
      A: subnet('10.0.0.0/24'),
      Group: {
        Type: 'AWS::AutoScaling::AutoScalingGroup',
        Properties: {
          AutoScalingGroupName: 'spot',
          MinSize: '0',
          MaxSize: '4',
          DesiredCapacity: '2',
          VPCZoneIdentifier: [{ Ref: 'A' }],
          Tags: [
            { Key: { 'Fn::Join': ['', ['kubernetes.io/cluster/', { Ref: 'Cluster' }]] }, Value: 'owned' },
          ],
          MixedInstancesPolicy: {
            InstancesDistribution: { OnDemandPercentageAboveBaseCapacity: 50 },
            LaunchTemplate: { Overrides: [{ InstanceType: 'c5.4xlarge' }, { InstanceType: 'c5.2xlarge' }] },
          },
        },
      },
    });
    const { code, out } = await doctor('develop', path);
    expect(code).toBe(1);
    expect(out).toContain('2 nodes of c5.4xlarge with 240 addresses each when full, but only 1 of them fit');
    expect(out).toContain('50 % of the nodes are spot');
  });

  test('are unknown where the subnets are elsewhere, or the type', async () => {
    const imported = write({ Group: nodegroup({ Subnets: ['subnet-0a1b2c3d'] }) });
    expect((await doctor('develop', imported)).out).toContain('the subnets of spot are not in the template');
    const parameter = write({ A: subnet({ Ref: 'SubnetCidr' }), Group: nodegroup({}) });
    expect((await doctor('develop', parameter)).out).toContain('unknown  pod-ip-capacity');
    const sizes = write({
      A: subnet('10.0.0.0/20'),
      Group: nodegroup({ ScalingConfig: { MinSize: 0, DesiredSize: { Ref: 'Nodes' }, MaxSize: 4 } }),
    });
    expect((await doctor('develop', sizes)).out).toContain('the sizes of spot are not literal numbers');
    const type = write({ A: subnet('10.0.0.0/20'), Group: nodegroup({ InstanceTypes: ['z9.large'] }) });
    expect((await doctor('develop', type)).out).toContain('unknown  pod-ip-capacity');
  });
});

describe('one line refuses', () => {
  const text = (content: string) => {
    const path = join(mkdtempSync(join(directory, 'one-')), 'a.template.json');
    writeFileSync(path, content);
    return path;
  };
  test.for([
    ['a file that does not exist', join(directory, 'none.json'), 'cannot be read (ENOENT)'],
    ['a file that is not JSON', text('AWSTemplateFormatVersion: 2010-09-09'), 'is not JSON'],
    ['a file that is no template', text('[]'), 'has no Resources'],
    [
      'a template without nodegroups',
      text('{"Resources": {"A": {"Type": "AWS::SNS::Topic"}}}'),
      'has no nodegroup',
    ],
  ] as const)('%s', async ([, path, message]) => {
    const { code, err } = await doctor('develop', path);
    expect(code).toBe(1);
    expect(err).toContain(message);
    expect(err.split('\n')).toHaveLength(1);
  });

  test('a template without the name of its environment', async () => {
    const { code, err } = await nightshift(['--config', CONFIG, 'doctor', '--template', 'x.json'], {
      now: new Date('2026-11-24T00:00:00Z'),
    });
    expect(code).toBe(1);
    expect(err).toContain(
      'a template is of one environment: name it, develop or staging or production or sandbox',
    );
  });
});

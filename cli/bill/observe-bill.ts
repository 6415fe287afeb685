/** Observes what stands in the account of one environment, with the credentials of the config or this shell. */
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import {
  EC2Client,
  paginateDescribeNatGateways,
  paginateDescribeVolumes,
  type Volume,
} from '@aws-sdk/client-ec2';
import { DescribeClusterCommand, EKSClient } from '@aws-sdk/client-eks';
import {
  ElasticLoadBalancingV2Client,
  paginateDescribeLoadBalancers,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Node } from 'kubernetes-types/core/v1.js';
import { clientAccess } from '../account-access.ts';
import type { Observation } from '../doctor/observation.ts';
import { kubernetesClient, withEnvironmentName } from '../doctor/observe/environment.ts';
import { observeGroups } from '../doctor/observe/groups.ts';
import { observe } from '../doctor/observe/observe.ts';
import { CloudError } from '../errors.ts';
import type { Io } from '../io.ts';
import type { NamedEnvironment } from '../select-environments.ts';
import type { BillFacts } from './standing.ts';

/** Throws a `CloudError` where nothing can be observed: no valid credentials, or no such cluster in their account. */
export function observeBill(named: NamedEnvironment, io: Io): Promise<BillFacts> {
  const { name, environment } = named;
  const { cluster, region } = environment;
  const options = { region, maxAttempts: 3, ...clientAccess(name, region, environment) };
  const eks = new EKSClient(options);
  const autoScaling = new AutoScalingClient(options);
  const ec2 = new EC2Client(options);
  const loadBalancing = new ElasticLoadBalancingV2Client(options);
  const kubernetes = kubernetesClient(eks, named, io);
  return withEnvironmentName(named, async () => {
    try {
      const vpc = await observeVpcOf(eks, cluster);
      if ('missing' in vpc && vpc.missing.reason.includes('ResourceNotFoundException'))
        throw new CloudError(`${name}: no cluster ${cluster} in ${region} with these credentials`);
      const [natGateways, loadBalancers, volumes, groups, nodes] = await Promise.all([
        within(vpc, (id) => observeNatGateways(ec2, id)),
        within(vpc, (id) => observeLoadBalancers(loadBalancing, id)),
        observeVolumes(ec2, cluster),
        observeGroups({ autoScaling, eks }, cluster),
        observe('list nodes', () => kubernetes.list<Node>('/api/v1/nodes')),
      ]);
      return { vpc, natGateways, loadBalancers, volumes, groups, nodes };
    } finally {
      kubernetes.close();
    }
  });
}

function observeVpcOf(eks: EKSClient, name: string): Promise<Observation<string>> {
  return observe('eks:DescribeCluster', async () => {
    const { cluster } = await eks.send(new DescribeClusterCommand({ name }));
    const vpc = cluster?.resourcesVpcConfig?.vpcId;
    if (!vpc) throw new CloudError(`eks described ${name} without its VPC`);
    return vpc;
  });
}

async function within<T>(
  vpc: Observation<string>,
  read: (id: string) => Promise<Observation<T>>,
): Promise<Observation<T>> {
  return 'missing' in vpc ? vpc : read(vpc.value);
}

function observeNatGateways(ec2: EC2Client, vpc: string): Promise<Observation<readonly string[]>> {
  return observe('ec2:DescribeNatGateways', async () => {
    const ids: string[] = [];
    const pages = paginateDescribeNatGateways(
      { client: ec2 },
      {
        Filter: [
          { Name: 'vpc-id', Values: [vpc] },
          { Name: 'state', Values: ['pending', 'available'] },
        ],
      },
    );
    for await (const page of pages)
      ids.push(...(page.NatGateways ?? []).map(({ NatGatewayId = '' }) => NatGatewayId));
    return ids;
  });
}

/** The API has no filter by VPC. */
function observeLoadBalancers(
  client: ElasticLoadBalancingV2Client,
  vpc: string,
): Promise<Observation<readonly string[]>> {
  return observe('elasticloadbalancing:DescribeLoadBalancers', async () => {
    const types: string[] = [];
    for await (const page of paginateDescribeLoadBalancers({ client }, {}))
      for (const { VpcId, Type = 'application' } of page.LoadBalancers ?? [])
        if (VpcId === vpc) types.push(Type);
    return types;
  });
}

/** The CSI driver of EBS tags its volumes with the cluster. A volume that goes with its instance does not stay at night. */
function observeVolumes(ec2: EC2Client, cluster: string): Promise<BillFacts['volumes']> {
  return observe('ec2:DescribeVolumes', async () => {
    const found: Volume[] = [];
    const pages = paginateDescribeVolumes(
      { client: ec2 },
      { Filters: [{ Name: 'tag-key', Values: [`kubernetes.io/cluster/${cluster}`] }] },
    );
    for await (const page of pages) found.push(...(page.Volumes ?? []));
    return found
      .filter(({ Attachments = [] }) => !Attachments.some(({ DeleteOnTermination }) => DeleteOnTermination))
      .map(({ Size = 0, VolumeType = '' }) => ({ gib: Size, type: VolumeType }));
  });
}

/** Observes the cluster's groups: Auto Scaling has all of them, EKS the instance types and subnets of the managed ones. */
import {
  type AutoScalingClient,
  type AutoScalingGroup,
  paginateDescribeAutoScalingGroups,
} from '@aws-sdk/client-auto-scaling';
import {
  DescribeClusterCommand,
  DescribeNodegroupCommand,
  type EKSClient,
  type Nodegroup,
} from '@aws-sdk/client-eks';
import { warmPoolOf } from '#functions/adapters/aws/groups.ts';
import type { ClusterFacts, GroupFacts } from '../facts.ts';
import type { Observation } from '../observation.ts';
import { observe } from './observe.ts';

export function observeCluster(eks: EKSClient, name: string): Promise<Observation<ClusterFacts>> {
  return observe('eks:DescribeCluster', async () => {
    const { cluster } = await eks.send(new DescribeClusterCommand({ name }));
    return {
      status: cluster?.status ?? 'unknown',
      authenticationMode: cluster?.accessConfig?.authenticationMode ?? 'CONFIG_MAP',
      publicAccess: cluster?.resourcesVpcConfig?.endpointPublicAccess ?? true,
      privateAccess: cluster?.resourcesVpcConfig?.endpointPrivateAccess ?? false,
      publicAccessCidrs: cluster?.resourcesVpcConfig?.publicAccessCidrs ?? ['0.0.0.0/0'],
    };
  });
}

export async function observeGroups(
  clients: { readonly autoScaling: AutoScalingClient; readonly eks: EKSClient },
  cluster: string,
): Promise<Observation<readonly GroupFacts[]>> {
  const found = await observe('autoscaling:DescribeAutoScalingGroups', async () => {
    const groups: AutoScalingGroup[] = [];
    const pages = paginateDescribeAutoScalingGroups(
      { client: clients.autoScaling, pageSize: 100 },
      { Filters: [{ Name: 'tag-key', Values: [`kubernetes.io/cluster/${cluster}`] }] },
    );
    for await (const page of pages) groups.push(...(page.AutoScalingGroups ?? []));
    return groups.filter((group) => group.Status === undefined);
  });
  if ('missing' in found) return found;
  return observe('eks:DescribeNodegroup', () =>
    Promise.all(
      found.value.map(async (group) => {
        const nodegroupName = tagsOf(group)['eks:nodegroup-name'];
        if (nodegroupName === undefined) return factsOf(group);
        const { nodegroup } = await clients.eks.send(
          new DescribeNodegroupCommand({ clusterName: cluster, nodegroupName }),
        );
        return factsOf(group, nodegroup);
      }),
    ),
  );
}

function factsOf(group: AutoScalingGroup, nodegroup?: Nodegroup): GroupFacts {
  const policy = group.MixedInstancesPolicy;
  const pool = group.WarmPoolConfiguration;
  const distribution = policy?.InstancesDistribution;
  const overrides = (policy?.LaunchTemplate?.Overrides ?? []).flatMap(
    ({ InstanceType }) => InstanceType ?? [],
  );
  const running = (group.Instances ?? []).flatMap(({ InstanceType }) => InstanceType ?? []);
  const types = nodegroup?.instanceTypes ?? overrides;
  const spotPercent = nodegroup
    ? nodegroup.capacityType === 'SPOT'
      ? 100
      : 0
    : policy
      ? 100 - (distribution?.OnDemandPercentageAboveBaseCapacity ?? 100)
      : 0;
  return {
    name: nodegroup?.nodegroupName ?? group.AutoScalingGroupName ?? '',
    kind: nodegroup ? 'managed' : 'self-managed',
    size: { min: group.MinSize ?? 0, desired: group.DesiredCapacity ?? 0, max: group.MaxSize ?? 0 },
    // Only the launch template may set the type: then the running instances are all that shows it.
    instanceTypes: [...new Set(types.length > 0 ? types : running)],
    zones: group.AvailabilityZones ?? [],
    subnets: nodegroup?.subnets ?? (group.VPCZoneIdentifier ?? '').split(',').filter(Boolean),
    instances: (group.Instances ?? []).flatMap(({ InstanceId }) => InstanceId ?? []),
    onDemandBase: nodegroup ? 0 : (distribution?.OnDemandBaseCapacity ?? 0),
    spotPercent,
    ...(pool && pool.Status === undefined
      ? { warmPool: { ...warmPoolOf(pool), instances: group.WarmPoolSize ?? 0 } }
      : {}),
    tags: { ...tagsOf(group), ...nodegroup?.tags },
  };
}

function tagsOf(group: AutoScalingGroup): Record<string, string> {
  return Object.fromEntries((group.Tags ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']));
}

/** What Cluster Autoscaler sees and does in AWS, for a cluster of the lab. */
import type { AwsWorld, EksCluster } from './aws/index.ts';
import type { ScaleOut } from './kubernetes/index.ts';

export function scaleOutOf(aws: AwsWorld, cluster: EksCluster): ScaleOut {
  return {
    groups: () =>
      aws.groups(cluster).map((group) => ({
        name: group.name,
        min: group.min,
        max: group.max,
        desired: group.desired,
        instanceType: group.instanceTypes[0] ?? 'm6i.large',
        zones: group.zones,
        labels: {
          ...group.labels,
          ...group.nodegroup?.labels,
          ...(group.nodegroup ? { 'eks.amazonaws.com/nodegroup': group.nodegroup.name } : {}),
        },
        taints: group.nodegroup?.taints ?? [],
      })),
    setDesired: (group, desired) => aws.autoScaling.setDesiredCapacity(cluster, group, { desired }),
    terminate: (instanceId) =>
      void aws.autoScaling.terminateInstance(cluster, instanceId, { decrement: true }),
  };
}

/** Cluster Autoscaler's and Karpenter's access to the lab's AWS. */
import type { AwsWorld, EksCluster, FleetLaunch } from './aws/index.ts';
import type { ScaleOut } from './kubernetes/index.ts';

/** `hasFleet`: Karpenter or EKS Auto Mode may launch instances of its own. */
export function scaleOutOf(aws: AwsWorld, cluster: EksCluster, hasFleet = false): ScaleOut {
  const fleet = {
    zones: cluster.zones,
    launch: (wanted: FleetLaunch) => aws.launchInstance(cluster, wanted).id,
    terminate: (instanceId: string) => aws.terminateInstance(instanceId),
    isGone: (instanceId: string) =>
      !aws.instances(cluster).some(({ id, state }) => id === instanceId && state !== 'terminated'),
  };
  return {
    ...(hasFleet ? { fleet } : {}),
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

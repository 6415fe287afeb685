/** The groups of the lab's AWS as night-schedule's port shows them. */

import {
  type AutoScalingGroup,
  AwsError,
  type AwsWorld,
  configuredSizes,
  type EksCluster,
} from '@nightshift/lab/world/aws/index.ts';
import type { ConfiguredSize, Group, Resized } from '#functions/night-schedule/ports.ts';
import type { Size, WarmPool } from '#functions/night-schedule/records.ts';

export type LabGroups = ReturnType<typeof createLabGroups>;

/** As the adapter reads it. */
export function poolOf({
  min,
  maxPrepared,
  state,
  reuse,
}: NonNullable<AutoScalingGroup['warmPool']>): WarmPool {
  return { min, ...(maxPrepared === undefined ? {} : { maxPrepared }), state, reuse };
}

export function createLabGroups(aws: AwsWorld, cluster: EksCluster) {
  const scope = { account: cluster.account, region: cluster.region };
  const nameOf = (group: AutoScalingGroup) => group.nodegroup?.name ?? group.name;
  const sizeOf = (group: AutoScalingGroup): Size => ({
    min: group.min,
    desired: group.desired,
    max: group.max,
  });

  const viewOf = (group: AutoScalingGroup): Group => {
    const instances: { id: string; inService: boolean }[] = [];
    for (const { id, lifecycleState } of group.instances.values())
      instances.push({ id, inService: lifecycleState === 'InService' });
    return {
      name: nameOf(group),
      kind: group.nodegroup ? 'managed' : 'self-managed',
      autoScalingGroup: group.name,
      size: sizeOf(group),
      instances,
      ...(group.warmPool ? { warmInstances: group.warmPool.instances.size } : {}),
      ...(group.warmPool && !group.warmPool.deletion ? { warmPool: poolOf(group.warmPool) } : {}),
    };
  };

  const refusedIfBusy = (change: () => unknown): Exclude<Resized, 'gone'> => {
    try {
      change();
    } catch (error) {
      if (error instanceof AwsError && error.code === 'ResourceInUseException') return 'busy';
      throw error;
    }
    return 'accepted';
  };

  return {
    nameOf,
    sizeOf,
    find(name: string): AutoScalingGroup | undefined {
      for (const group of cluster.groups.values()) if (nameOf(group) === name) return group;
      return undefined;
    },
    readyIn(group: AutoScalingGroup, isReady: (instanceId: string) => boolean): number {
      let ready = 0;
      for (const { id, lifecycleState } of group.instances.values())
        if (lifecycleState === 'InService' && isReady(id)) ready += 1;
      return ready;
    },
    list(): Group[] {
      const views: Group[] = [];
      for (const group of cluster.groups.values()) views.push(viewOf(group));
      return views;
    },
    resize: (group: AutoScalingGroup, to: Size, token: string) =>
      refusedIfBusy(() => {
        if (group.nodegroup)
          aws.eks.updateNodegroupConfig(scope, cluster.name, group.nodegroup.name, {
            scaling: to,
            clientRequestToken: token,
          });
        else aws.autoScaling.updateGroup(scope, group.name, to);
      }),
    setWarmPool: (group: AutoScalingGroup, to: WarmPool | 'off', token: string) =>
      refusedIfBusy(() => {
        if (group.nodegroup)
          aws.eks.updateNodegroupConfig(scope, cluster.name, group.nodegroup.name, {
            warmPool: to === 'off' ? { enabled: false } : { enabled: true, ...to },
            clientRequestToken: token,
          });
        else
          aws.autoScaling.putWarmPool(
            scope,
            group.name,
            to === 'off' ? { min: 0, maxPrepared: 0, reuse: false } : { maxPrepared: -1, ...to },
          );
      }),
    configuredSize(group: Group): ConfiguredSize | undefined {
      if (group.kind !== 'managed') return undefined;
      const nodegroup = aws.eks.nodegroup(scope, cluster.name, group.name);
      return { size: configuredSizes(nodegroup), isUpdating: nodegroup.status === 'UPDATING' };
    },
    lastScalingFailure: (group: Group) =>
      aws.autoScaling.activities(scope, group.autoScalingGroup).find((one) => one.statusCode === 'Failed')
        ?.statusMessage,
  };
}

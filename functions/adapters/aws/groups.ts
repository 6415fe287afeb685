/** The cluster's groups through Auto Scaling (all of them, 100 a call) and EKS (writes to managed nodegroups). */
import {
  type AutoScalingClient,
  type AutoScalingGroup,
  type DescribeAutoScalingGroupsCommandOutput,
  DescribeScalingActivitiesCommand,
  type DescribeScalingActivitiesCommandOutput,
  paginateDescribeAutoScalingGroups,
  UpdateAutoScalingGroupCommand,
  type WarmPoolConfiguration,
} from '@aws-sdk/client-auto-scaling';
import type { EKSClient } from '@aws-sdk/client-eks';
import type { Group, Groups, Resized } from '#functions/night-schedule/ports.ts';
import type { WarmPool } from '#functions/night-schedule/records.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import { errorName, isThrottled } from './errors.ts';
import type { NodegroupSizes } from './nodegroup-size.ts';
import { putWarmPool } from './warm-pool.ts';

export interface GroupClients {
  readonly autoScaling: AutoScalingClient;
  /** Default: one that is made with the first managed nodegroup that is resized. */
  readonly eks?: Pick<EKSClient, 'send'>;
}

export function createGroups(clients: GroupClients, cluster: string): Groups {
  /** What the next pass tries again, and what needs no change any more, are replies. */
  const attempt = async (change: () => Promise<unknown>): Promise<Resized> => {
    try {
      await change();
      return 'accepted';
    } catch (error) {
      if (isBusy(error)) return 'busy';
      if (isGone(error)) return 'gone';
      throw error;
    }
  };
  let loading: Promise<NodegroupSizes> | undefined;
  const load = () => {
    loading ??= import('./nodegroup-size.ts').then(({ createNodegroupSizes }) =>
      createNodegroupSizes(cluster, clients.eks),
    );
    return loading;
  };
  return {
    async list() {
      const groups: Group[] = [];
      // Managed nodegroups carry this tag too, so that one filter finds both kinds.
      const pages = paginateDescribeAutoScalingGroups(
        { client: clients.autoScaling, pageSize: 100 },
        { Filters: [{ Name: 'tag-key', Values: [`kubernetes.io/cluster/${cluster}`] }] },
      );
      for await (const page of pages)
        for (const group of groupsIn(page)) if (group.Status === undefined) groups.push(groupOf(group));
      return groups;
    },

    resize: (group, to, token) =>
      attempt(async () => {
        if (group.kind === 'managed') {
          const { resizeNodegroup } = await load();
          await resizeNodegroup(group.name, to, token);
        } else
          await clients.autoScaling.send(
            new UpdateAutoScalingGroupCommand({
              AutoScalingGroupName: group.autoScalingGroup,
              MinSize: to.min,
              DesiredCapacity: to.desired,
              MaxSize: to.max,
            }),
          );
      }),

    setWarmPool: (group, to, token) =>
      attempt(async () => {
        if (group.kind === 'managed') {
          const { setNodegroupWarmPool } = await load();
          await setNodegroupWarmPool(group.name, to, token);
        } else {
          await putWarmPool(clients.autoScaling, group.autoScalingGroup, to);
        }
      }),

    async configuredSize(group) {
      if (group.kind !== 'managed') return undefined;
      const { readNodegroup } = await load();
      return readNodegroup(group.name);
    },

    async lastScalingFailure(group, since) {
      const request = new DescribeScalingActivitiesCommand({
        AutoScalingGroupName: group.autoScalingGroup,
        MaxRecords: 10,
      });
      const reply = await clients.autoScaling.send(request).catch((error: unknown) => {
        // Only an environment with a fallback group has the permission.
        if (errorName(error) === 'AccessDenied') return undefined;
        throw error;
      });
      return reply && lastFailureIn(reply, since);
    },
  };
}

/** A cluster without a group has an empty list; a reply without a list is none of Auto Scaling (a proxy, an outage). */
function groupsIn({ AutoScalingGroups: groups }: DescribeAutoScalingGroupsCommandOutput) {
  if (!Array.isArray(groups))
    throw new NightshiftError(
      'auto scaling answered DescribeAutoScalingGroups with a reply without its list',
    );
  return groups;
}

function lastFailureIn(
  { Activities: activities }: DescribeScalingActivitiesCommandOutput,
  since: string | undefined,
): string | undefined {
  if (!Array.isArray(activities))
    throw new NightshiftError(
      'auto scaling answered DescribeScalingActivities with a reply without its list',
    );
  const from = since === undefined ? 0 : Date.parse(since);
  const failed = activities.find(
    ({ StatusCode, StartTime }) =>
      (StatusCode === 'Failed' || StatusCode === 'Cancelled') && (StartTime?.getTime() ?? from) >= from,
  );
  return failed?.StatusMessage;
}

/** Another update of the nodegroup runs, an instance refresh or a scaling activity does, or the service throttles. */
function isBusy(error: unknown): boolean {
  return (
    isThrottled(error) ||
    [
      'ResourceInUseException',
      'ResourceInUseFault',
      'ResourceInUse',
      'ScalingActivityInProgress',
      'ScalingActivityInProgressFault',
      'ResourceContention',
      'ResourceContentionFault',
    ].includes(errorName(error))
  );
}

function isGone(error: unknown): boolean {
  return (
    errorName(error) === 'ResourceNotFoundException' ||
    (errorName(error) === 'ValidationError' && /not found/i.test(String((error as Error).message)))
  );
}

function groupOf(group: AutoScalingGroup): Group {
  const { AutoScalingGroupName: name, MinSize: min, DesiredCapacity: desired, MaxSize: max } = group;
  // A size that is missing must not count as zero.
  if (name === undefined || min === undefined || desired === undefined || max === undefined)
    throw new NightshiftError(
      `auto scaling answered DescribeAutoScalingGroups with a group without its ${name === undefined ? 'name' : `sizes: ${name}`}`,
    );
  // Only that of a group at zero may be left out: elsewhere it must not count as empty.
  if (!Array.isArray(group.Instances) && desired > 0)
    throw new NightshiftError(
      `auto scaling answered DescribeAutoScalingGroups with a group without its instances: ${name}`,
    );
  const pool = group.WarmPoolConfiguration;
  const nodegroup = group.Tags?.find((tag) => tag.Key === 'eks:nodegroup-name')?.Value;
  return {
    name: nodegroup ?? name,
    kind: nodegroup === undefined ? 'self-managed' : 'managed',
    autoScalingGroup: name,
    ...(group.AutoScalingGroupARN ? { arn: group.AutoScalingGroupARN } : {}),
    size: { min, desired, max },
    instances: (group.Instances ?? []).map((instance) => ({
      id: instance.InstanceId ?? '',
      inService: instance.LifecycleState === 'InService',
    })),
    ...(group.WarmPoolSize ? { warmInstances: group.WarmPoolSize } : {}),
    ...(pool && pool.Status === undefined ? { warmPool: warmPoolOf(pool) } : {}),
  };
}

/** Auto Scaling reports what is not set as absent, or as -1. */
export function warmPoolOf(pool: WarmPoolConfiguration): WarmPool {
  const { MinSize, MaxGroupPreparedCapacity: max = -1, PoolState, InstanceReusePolicy } = pool;
  return {
    min: MinSize ?? 0,
    ...(max < 0 ? {} : { maxPrepared: max }),
    state: PoolState ?? 'Stopped',
    reuse: InstanceReusePolicy?.ReuseOnScaleIn ?? false,
  };
}

/** The cluster's groups through Auto Scaling (all of them, 100 a call) and EKS (writes to managed nodegroups). */
import {
  type AutoScalingClient,
  type AutoScalingGroup,
  DescribeScalingActivitiesCommand,
  paginateDescribeAutoScalingGroups,
  UpdateAutoScalingGroupCommand,
} from '@aws-sdk/client-auto-scaling';
import type { EKSClient } from '@aws-sdk/client-eks';
import type { Group, Groups } from '#functions/night-schedule/ports.ts';
import { errorName, isThrottled } from '../aws-client.ts';

export function createGroups(
  clients: { readonly autoScaling: AutoScalingClient; readonly eks: Pick<EKSClient, 'send'> },
  cluster: string,
): Groups {
  return {
    async list() {
      const groups: Group[] = [];
      // Managed nodegroups carry this tag too, so that one filter finds both kinds.
      const pages = paginateDescribeAutoScalingGroups(
        { client: clients.autoScaling, pageSize: 100 },
        { Filters: [{ Name: 'tag-key', Values: [`kubernetes.io/cluster/${cluster}`] }] },
      );
      for await (const page of pages)
        for (const group of page.AutoScalingGroups ?? [])
          if (group.Status === undefined) groups.push(groupOf(group));
      return groups;
    },

    async resize(group, to, token) {
      try {
        if (group.kind === 'managed') {
          const { UpdateNodegroupConfigCommand } = await import('../on-demand/update-nodegroup-config.ts');
          await clients.eks.send(
            new UpdateNodegroupConfigCommand({
              clusterName: cluster,
              nodegroupName: group.name,
              scalingConfig: { minSize: to.min, desiredSize: to.desired, maxSize: to.max },
              clientRequestToken: await digest(token),
            }),
          );
        } else
          await clients.autoScaling.send(
            new UpdateAutoScalingGroupCommand({
              AutoScalingGroupName: group.autoScalingGroup,
              MinSize: to.min,
              DesiredCapacity: to.desired,
              MaxSize: to.max,
            }),
          );
        return 'accepted';
      } catch (error) {
        if (isBusy(error)) return 'busy';
        if (isGone(error)) return 'gone';
        throw error;
      }
    },

    async trouble(group) {
      const reply = await clients.autoScaling.send(
        new DescribeScalingActivitiesCommand({
          AutoScalingGroupName: group.autoScalingGroup,
          MaxRecords: 10,
        }),
      );
      const failed = reply.Activities?.find(
        (activity) => activity.StatusCode === 'Failed' || activity.StatusCode === 'Cancelled',
      );
      return failed?.StatusMessage;
    },
  };
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
  const name = group.AutoScalingGroupName ?? '';
  const nodegroup = group.Tags?.find((tag) => tag.Key === 'eks:nodegroup-name')?.Value;
  return {
    name: nodegroup ?? name,
    kind: nodegroup === undefined ? 'self-managed' : 'managed',
    autoScalingGroup: name,
    ...(group.AutoScalingGroupARN ? { arn: group.AutoScalingGroupARN } : {}),
    size: { min: group.MinSize ?? 0, desired: group.DesiredCapacity ?? 0, max: group.MaxSize ?? 0 },
    instances: (group.Instances ?? []).map((instance) => ({
      id: instance.InstanceId ?? '',
      inService: instance.LifecycleState === 'InService',
    })),
  };
}

/** EKS takes a token of at most 64 characters; the same intent gives the same token. */
async function digest(intent: string): Promise<string> {
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(intent));
  return Buffer.from(bytes).toString('hex');
}

/** What spot-drain asks of Auto Scaling: whose an instance is, its lifecycle actions, and a replacement in time. */
import {
  type AutoScalingClient,
  type AutoScalingGroup,
  CompleteLifecycleActionCommand,
  DescribeAutoScalingGroupsCommand,
  DescribeAutoScalingInstancesCommand,
  DescribeLifecycleHooksCommand,
  DetachInstancesCommand,
  RecordLifecycleActionHeartbeatCommand,
} from '@aws-sdk/client-auto-scaling';
import { NightshiftError } from '#functions/shared/errors.ts';
import type { Group, Groups, Lifecycle } from '#functions/spot-drain/ports.ts';
import type { Hook } from '#functions/spot-drain/records.ts';
import { createAutoScalingClient } from './clients.ts';
import { errorName } from './errors.ts';

type Client = Pick<AutoScalingClient, 'send'>;

/** With a client of their own. */
export function createAutoScaling(now: () => Date): {
  readonly groups: Groups;
  readonly lifecycle: Lifecycle;
} {
  const client = createAutoScalingClient();
  return { groups: createInstanceGroups(client, now), lifecycle: createLifecycle(client) };
}

/** A group's tags hardly ever change: a warm function asks again after so long. */
const GROUP_CACHED_MS = 10 * 60_000;

export function createInstanceGroups(client: Client, now: () => Date): Groups {
  const known = new Map<string, { group: Group; at: number }>();

  const named = async (name: string): Promise<Group | undefined> => {
    const cached = known.get(name);
    if (cached && now().getTime() - cached.at < GROUP_CACHED_MS) return cached.group;
    const reply = await client.send(new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [name] }));
    const [found] = listed(reply.AutoScalingGroups, 'groups');
    if (!found) return undefined;
    const group = groupOf(name, found);
    known.set(name, { group, at: now().getTime() });
    return group;
  };

  return {
    named,
    async ofInstance(instanceId) {
      const reply = await client.send(new DescribeAutoScalingInstancesCommand({ InstanceIds: [instanceId] }));
      const [found] = listed(reply.AutoScalingInstances, 'instances');
      const group = found?.AutoScalingGroupName && (await named(found.AutoScalingGroupName));
      if (!group) return undefined;
      return {
        group,
        place: { zone: found.AvailabilityZone ?? '', instanceType: found.InstanceType ?? '' },
        isTerminating: /\bTerminat(ing|ed)\b/.test(found.LifecycleState ?? ''),
      };
    },
    async waitingToTerminate() {
      const waiting = new Map<string, string>();
      for (let token: string | undefined, seen = new Set<string>(); ; ) {
        const reply = await client.send(new DescribeAutoScalingInstancesCommand({ NextToken: token }));
        for (const { InstanceId, AutoScalingGroupName, LifecycleState } of listed(
          reply.AutoScalingInstances,
          'instances',
        ))
          if (InstanceId && AutoScalingGroupName && LifecycleState === 'Terminating:Wait')
            waiting.set(InstanceId, AutoScalingGroupName);
        token = reply.NextToken;
        if (!token) return waiting;
        if (seen.has(token))
          throw new NightshiftError('auto scaling answered with the same page token again');
        seen.add(token);
      }
    },
    async replace(group, instanceId) {
      try {
        await client.send(
          new DetachInstancesCommand({
            AutoScalingGroupName: group,
            InstanceIds: [instanceId],
            ShouldDecrementDesiredCapacity: false,
          }),
        );
        return 'requested';
      } catch (error) {
        if (isLeaving(error)) return 'already-leaving';
        throw error;
      }
    },
  };
}

export function createLifecycle(client: Client): Lifecycle {
  return {
    async terminateHooks(group) {
      const reply = await client.send(new DescribeLifecycleHooksCommand({ AutoScalingGroupName: group }));
      return listed(reply.LifecycleHooks, 'lifecycle hooks').flatMap(
        ({ LifecycleHookName, LifecycleTransition }) =>
          LifecycleHookName && LifecycleTransition === 'autoscaling:EC2_INSTANCE_TERMINATING'
            ? [LifecycleHookName]
            : [],
      );
    },
    async times(hook) {
      const reply = await client.send(
        new DescribeLifecycleHooksCommand({
          AutoScalingGroupName: hook.group,
          LifecycleHookNames: [hook.name],
        }),
      );
      const found = reply.LifecycleHooks?.[0];
      if (!found?.HeartbeatTimeout) return undefined;
      return {
        heartbeatSeconds: found.HeartbeatTimeout,
        // 48 hours or 100 times the heartbeat timeout, whichever is less.
        globalSeconds: found.GlobalTimeout ?? Math.min(172_800, 100 * found.HeartbeatTimeout),
      };
    },
    async heartbeat(hook, instanceId) {
      try {
        await client.send(new RecordLifecycleActionHeartbeatCommand(action(hook, instanceId)));
      } catch (error) {
        if (!isOver(error)) throw error;
      }
    },
    async complete(hook, instanceId) {
      try {
        await client.send(
          new CompleteLifecycleActionCommand({
            ...action(hook, instanceId),
            LifecycleActionResult: 'CONTINUE',
          }),
        );
        return 'completed';
      } catch (error) {
        if (isOver(error)) return 'over';
        throw error;
      }
    },
  };
}

/** A reply without its list shows nothing: it is not an empty one. */
function listed<T>(list: readonly T[] | undefined, of: string): readonly T[] {
  if (!list) throw new NightshiftError(`auto scaling answered without its list of ${of}`);
  return list;
}

function action(hook: Hook, instanceId: string) {
  return {
    AutoScalingGroupName: hook.group,
    LifecycleHookName: hook.name,
    ...(hook.token === undefined ? {} : { LifecycleActionToken: hook.token }),
    InstanceId: instanceId,
  };
}

/** Completed before, timed out, or the group is no more: nothing waits for us. */
function isOver(error: unknown): boolean {
  return (
    errorName(error) === 'ValidationError' &&
    /^no active lifecycle action found|^(?:auto ?scaling ?)?group name not found/i.test(
      (error as Error).message,
    )
  );
}

/** Detached or terminated before: by us, in an invocation that failed later, or by the group itself. */
function isLeaving(error: unknown): boolean {
  return (
    errorName(error) === 'ValidationError' &&
    /^The instance i-\w+ is not (?:in InService or Standby|part of Auto Scaling group)/i.test(
      (error as Error).message,
    )
  );
}

function groupOf(name: string, group: AutoScalingGroup): Group {
  const tags = new Map((group.Tags ?? []).map((tag) => [tag.Key ?? '', tag.Value ?? '']));
  const clusters = new Set<string>();
  for (const [key, value] of tags) {
    if (key === 'eks:cluster-name') clusters.add(value);
    const cluster = /^(?:kubernetes\.io|k8s\.io)\/cluster\/(.+)$/.exec(key)?.[1];
    if (cluster) clusters.add(cluster);
  }
  const nodegroup = tags.get('eks:nodegroup-name');
  return {
    name,
    clusters: [...clusters],
    capacityRebalance: group.CapacityRebalance ?? false,
    ...(nodegroup ? { nodegroup } : {}),
  };
}

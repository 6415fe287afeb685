/** The lab's Auto Scaling as the SDK's client shows it to the adapters, without HTTP. */
import type { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import {
  type AutoScalingGroup,
  AwsError,
  type AwsWorld,
  type Scope,
} from '@nightshift/lab/world/aws/index.ts';

export interface AutoScalingRequest {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
}

export interface AutoScalingApiOptions {
  readonly aws: AwsWorld;
  readonly scope: Scope;
  /** Called before a request takes effect. */
  readonly onRequest: (request: AutoScalingRequest) => void;
  /** Called after a request took effect. */
  readonly onApplied: (request: AutoScalingRequest) => void;
  /** Called when the reply has reached the caller. */
  readonly onReply: (request: AutoScalingRequest) => void;
  readonly around: <T>(call: string, act: () => T) => Promise<T>;
}

export type AutoScalingApi = Pick<AutoScalingClient, 'send'> & {
  call(operation: string, input: Readonly<Record<string, unknown>>): Promise<unknown>;
};

export function createAutoScalingApi(options: AutoScalingApiOptions): AutoScalingApi {
  const { aws, scope, onRequest, onApplied, onReply } = options;
  const { autoScaling } = aws;

  const serve = (operation: string, input: Readonly<Record<string, unknown>>): unknown => {
    const group = String(input['AutoScalingGroupName'] ?? '');
    const target = {
      group,
      hook: String(input['LifecycleHookName'] ?? ''),
      token: String(input['LifecycleActionToken'] ?? ''),
      instanceId: String(input['InstanceId'] ?? ''),
    };
    switch (operation) {
      case 'DescribeAutoScalingGroups':
        return {
          AutoScalingGroups: autoScaling
            .groups(scope, input['AutoScalingGroupNames'] as string[])
            .map(describeGroup),
        };
      case 'DescribeAutoScalingInstances':
        return {
          AutoScalingInstances: autoScaling.instances(scope, input['InstanceIds'] as string[]).map((one) => ({
            InstanceId: one.id,
            InstanceType: one.view.type,
            AvailabilityZone: one.view.zone,
            AutoScalingGroupName: one.group.name,
            LifecycleState: one.lifecycleState,
          })),
        };
      case 'DescribeLifecycleHooks': {
        const names = input['LifecycleHookNames'] as string[] | undefined;
        const hooks = [...autoScaling.group(scope, group).hooks.values()];
        return {
          LifecycleHooks: hooks
            .filter((hook) => !names || names.includes(hook.name))
            .map((hook) => ({
              LifecycleHookName: hook.name,
              LifecycleTransition: `autoscaling:EC2_INSTANCE_${hook.transition.toUpperCase()}`,
              HeartbeatTimeout: hook.heartbeatTimeoutSeconds,
              GlobalTimeout: hook.globalTimeoutSeconds,
            })),
        };
      }
      case 'CompleteLifecycleAction':
        return autoScaling.completeLifecycleAction(scope, {
          ...target,
          result: String(input['LifecycleActionResult']),
        });
      case 'DetachInstances':
        return autoScaling.detachInstances(scope, group, {
          instanceIds: input['InstanceIds'] as string[],
          decrement: input['ShouldDecrementDesiredCapacity'] as boolean,
        });
      case 'RecordLifecycleActionHeartbeat':
        return autoScaling.recordLifecycleActionHeartbeat(scope, target);
      default:
        throw new Error(`the simulation's Auto Scaling has no ${operation}`);
    }
  };

  const call = async (operation: string, input: Readonly<Record<string, unknown>>) => {
    const request = { operation, input };
    const answer = await options.around(`autoscaling:${operation}`, () => {
      onRequest(request);
      try {
        const reply = serve(operation, input);
        onApplied(request);
        return reply ?? {};
      } catch (error) {
        if (!(error instanceof AwsError)) throw error;
        const named = new Error(error.message);
        named.name = error.code;
        throw named;
      }
    });
    onReply(request);
    return answer;
  };

  return {
    call,
    send: ((command: { readonly input: object; readonly constructor: { readonly name: string } }) =>
      call(
        command.constructor.name.slice(0, -'Command'.length),
        command.input as Readonly<Record<string, unknown>>,
      )) as unknown as AutoScalingClient['send'],
  };
}

function describeGroup(group: AutoScalingGroup) {
  const tags = group.nodegroup
    ? {
        ...group.tags,
        'eks:cluster-name': group.cluster.name,
        'eks:nodegroup-name': group.nodegroup.name,
      }
    : group.tags;
  return {
    AutoScalingGroupName: group.name,
    CapacityRebalance: group.capacityRebalance,
    Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
  };
}

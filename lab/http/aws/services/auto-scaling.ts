/** Amazon EC2 Auto Scaling, API version 2011-01-01. */
import {
  type Activity,
  type AutoScalingGroup,
  AwsError,
  type AwsWorld,
  type Instance,
  page,
  type WarmPool,
} from '../../../world/aws/index.ts';
import { type Parameters, parametersOf } from '../parameters.ts';
import { type AwsRequest, type AwsService, type Reply, unknownOperation } from '../service.ts';

type Operation = (aws: AwsWorld, request: AwsRequest, input: Parameters) => Reply;

export function autoScalingService(aws: AwsWorld): AwsService {
  return {
    service: 'autoscaling',
    protocol: 'query',
    namespace: 'http://autoscaling.amazonaws.com/doc/2011-01-01/',
    resource(request) {
      const name = request.parameters['AutoScalingGroupName'];
      if (request.operation.startsWith('Describe')) return undefined;
      const instance = request.parameters['InstanceId'];
      const group =
        typeof name === 'string'
          ? aws.autoScaling.groups(request, [name])[0]
          : typeof instance === 'string'
            ? aws.autoScaling.instances(request, [instance])[0]?.group
            : undefined;
      return group?.arn;
    },
    handle(request) {
      const operation = operations[request.operation];
      return operation ? operation(aws, request, parametersOf(request)) : unknownOperation;
    },
  };
}

const operations: Readonly<Record<string, Operation>> = {
  DescribeAutoScalingGroups(aws, request, input) {
    const size = input.pageSize('MaxRecords', 50, 100);
    const names = input.texts('AutoScalingGroupNames');
    if (names && names.length > size) {
      throw new AwsError(
        'ValidationError',
        `The number of group names that may be passed in is limited to ${size}`,
      );
    }
    const filters = filtersOf(input);
    const found = aws.autoScaling
      .groups(request, names?.length ? names : undefined)
      .filter((group) => filters.every((filter) => filter(group)));
    const { items, nextToken } = page(found, size, input.optionalText('NextToken'), invalidToken);
    const withInstances = input.flag('IncludeInstances') ?? true;
    return {
      AutoScalingGroups: items.map((group) => groupOut(group, withInstances)),
      NextToken: nextToken,
    };
  },
  DescribeAutoScalingInstances(aws, request, input) {
    const size = input.pageSize('MaxRecords', 50, 50);
    const ids = input.texts('InstanceIds');
    if (ids && ids.length > 50) {
      throw new AwsError(
        'ValidationError',
        'The number of instance IDs that may be passed in is limited to 50',
      );
    }
    const found = aws.autoScaling.instances(request, ids?.length ? ids : undefined);
    const { items, nextToken } = page(found, size, input.optionalText('NextToken'), invalidToken);
    return {
      AutoScalingInstances: items.map((instance) => ({
        ...instanceOut(instance),
        AutoScalingGroupName: instance.group.name,
        // This operation, unlike the description of a group, writes the health in capitals.
        HealthStatus: instance.health.toUpperCase(),
      })),
      NextToken: nextToken,
    };
  },
  DescribeScalingActivities(aws, request, input) {
    const size = input.pageSize('MaxRecords', 100, 100);
    const name = input.optionalText('AutoScalingGroupName');
    const ids = input.texts('ActivityIds');
    const filters = (input.structures('Filters') ?? []).map((filter) => activityFilter(filter, name));
    const found = aws.autoScaling
      .activities(request, name)
      .filter((activity) => !ids?.length || ids.includes(activity.id))
      .filter((activity) => filters.every((filter) => filter(activity)));
    const { items, nextToken } = page(found, size, input.optionalText('NextToken'), invalidToken);
    return { Activities: items.map(activityOut), NextToken: nextToken };
  },
  UpdateAutoScalingGroup(aws, request, input) {
    const supported = ['AutoScalingGroupName', 'MinSize', 'MaxSize', 'DesiredCapacity'];
    const other = Object.keys(request.parameters).find((name) => !supported.includes(name));
    if (other !== undefined) {
      throw new AwsError('ValidationError', `the lab's UpdateAutoScalingGroup does not know ${other}`);
    }
    const min = input.optionalInteger('MinSize');
    const max = input.optionalInteger('MaxSize');
    const desired = input.optionalInteger('DesiredCapacity');
    aws.autoScaling.updateGroup(request, input.text('AutoScalingGroupName'), {
      ...(min === undefined ? {} : { min }),
      ...(max === undefined ? {} : { max }),
      ...(desired === undefined ? {} : { desired }),
    });
    return undefined;
  },
  SetDesiredCapacity(aws, request, input) {
    aws.autoScaling.setDesiredCapacity(request, input.text('AutoScalingGroupName'), {
      desired: input.integer('DesiredCapacity'),
      honorCooldown: input.flag('HonorCooldown') ?? false,
    });
    return undefined;
  },
  TerminateInstanceInAutoScalingGroup(aws, request, input) {
    const decrement = input.flag('ShouldDecrementDesiredCapacity');
    if (decrement === undefined) input.text('ShouldDecrementDesiredCapacity');
    const activity = aws.autoScaling.terminateInstance(request, input.text('InstanceId'), {
      decrement: decrement ?? false,
    });
    return { Activity: activityOut(activity) };
  },
  DetachInstances(aws, request, input) {
    const decrement = input.flag('ShouldDecrementDesiredCapacity');
    if (decrement === undefined) input.text('ShouldDecrementDesiredCapacity');
    const activities = aws.autoScaling.detachInstances(request, input.text('AutoScalingGroupName'), {
      instanceIds: input.texts('InstanceIds') ?? [],
      decrement: decrement ?? false,
    });
    return { Activities: activities.map(activityOut) };
  },
  DescribeTags(aws, request, input) {
    const size = input.pageSize('MaxRecords', 50, 100);
    const filters = (input.structures('Filters') ?? []).map(tagFilter);
    const tags = aws.autoScaling.groups(request).flatMap(tagsOut);
    const found = tags.filter((tag) => filters.every((filter) => filter(tag)));
    const { items, nextToken } = page(found, size, input.optionalText('NextToken'), invalidToken);
    return { Tags: items, NextToken: nextToken };
  },
  PutLifecycleHook(aws, request, input) {
    const known = [
      'AutoScalingGroupName',
      'LifecycleHookName',
      'LifecycleTransition',
      'HeartbeatTimeout',
      'DefaultResult',
      'NotificationMetadata',
    ];
    const other = Object.keys(request.parameters).find((name) => !known.includes(name));
    if (other !== undefined)
      throw new AwsError('ValidationError', `the lab's PutLifecycleHook does not know ${other}`);
    const group = input.text('AutoScalingGroupName');
    const name = input.text('LifecycleHookName');
    const before = aws.autoScaling.group(request, group).hooks.get(name);
    const transition = input.optionalText('LifecycleTransition') ?? before?.transition;
    const result = input.optionalText('DefaultResult');
    const seconds = input.optionalInteger('HeartbeatTimeout') ?? before?.heartbeatTimeoutSeconds;
    const metadata = input.optionalText('NotificationMetadata');
    if (!/^[A-Za-z0-9\-_/]{1,255}$/.test(name))
      throw constraint(name, 'lifecycleHookName', '[A-Za-z0-9\\-_\\/]+');
    if (transition !== LAUNCHING && transition !== TERMINATING)
      throw constraint(transition ?? '', 'lifecycleTransition', `${LAUNCHING}|${TERMINATING}`);
    if (result !== undefined && result !== 'CONTINUE' && result !== 'ABANDON')
      throw constraint(result, 'defaultResult', 'CONTINUE|ABANDON');
    if (seconds !== undefined && (seconds < 30 || seconds > 7200)) {
      throw new AwsError(
        'ValidationError',
        `Heartbeat timeout must be between 30 and 7200 seconds, not ${seconds}`,
      );
    }
    if (metadata !== undefined && !/^[\t\n\r\x20-\x7e]{1,4000}$/.test(metadata))
      throw constraint(metadata, 'notificationMetadata', '1 to 4000 printable characters of ASCII');
    aws.autoScaling.putLifecycleHook(request, group, {
      name,
      transition: transition === LAUNCHING ? 'launching' : 'terminating',
      ...(seconds === undefined ? {} : { heartbeatTimeoutSeconds: seconds }),
      ...(result ? { defaultResult: result } : before ? { defaultResult: before.defaultResult } : {}),
      ...(metadata === undefined ? {} : { notificationMetadata: metadata }),
    });
    return {};
  },
  PutWarmPool(aws, request, input) {
    const state = input.optionalText('PoolState');
    if (state !== undefined && state !== 'Stopped' && state !== 'Running' && state !== 'Hibernated')
      throw constraint(state, 'poolState', 'Stopped|Running|Hibernated');
    const min = input.optionalInteger('MinSize');
    const maxPrepared = input.optionalInteger('MaxGroupPreparedCapacity');
    const reuse = input.structure('InstanceReusePolicy')?.flag('ReuseOnScaleIn');
    aws.autoScaling.putWarmPool(request, input.text('AutoScalingGroupName'), {
      ...(min === undefined ? {} : { min }),
      ...(maxPrepared === undefined ? {} : { maxPrepared }),
      ...(state === undefined ? {} : { state }),
      ...(reuse === undefined ? {} : { reuse }),
    });
    return {};
  },
  DeleteWarmPool(aws, request, input) {
    aws.autoScaling.deleteWarmPool(request, input.text('AutoScalingGroupName'), {
      force: input.flag('ForceDelete') ?? false,
    });
    return {};
  },
  DescribeWarmPool(aws, request, input) {
    const { warmPool } = aws.autoScaling.group(request, input.text('AutoScalingGroupName'));
    const size = input.pageSize('MaxRecords', 50, 50);
    const all = [...(warmPool?.instances.values() ?? [])];
    const { items, nextToken } = page(all, size, input.optionalText('NextToken'), invalidToken);
    return {
      ...(warmPool ? { WarmPoolConfiguration: warmPoolOut(warmPool) } : {}),
      Instances: items.map(instanceOut),
      NextToken: nextToken,
    };
  },
  DescribeLifecycleHooks(aws, request, input) {
    const group = aws.autoScaling.group(request, input.text('AutoScalingGroupName'));
    const names = input.texts('LifecycleHookNames');
    return {
      LifecycleHooks: [...group.hooks.values()]
        .filter((hook) => !names?.length || names.includes(hook.name))
        .map((hook) => ({
          LifecycleHookName: hook.name,
          AutoScalingGroupName: group.name,
          LifecycleTransition: hook.transition,
          NotificationTargetARN: hook.notificationTargetArn,
          RoleARN: hook.roleArn,
          NotificationMetadata: hook.notificationMetadata,
          HeartbeatTimeout: hook.heartbeatTimeoutSeconds,
          GlobalTimeout: hook.globalTimeoutSeconds,
          DefaultResult: hook.defaultResult,
        })),
    };
  },
  CompleteLifecycleAction(aws, request, input) {
    aws.autoScaling.completeLifecycleAction(request, {
      ...lifecycleTarget(input),
      result: input.text('LifecycleActionResult'),
    });
    return {};
  },
  RecordLifecycleActionHeartbeat(aws, request, input) {
    aws.autoScaling.recordLifecycleActionHeartbeat(request, lifecycleTarget(input));
    return {};
  },
  SuspendProcesses(aws, request, input) {
    const chosen = input.texts('ScalingProcesses');
    aws.autoScaling.suspend(request, input.text('AutoScalingGroupName'), chosen?.length ? chosen : undefined);
    return undefined;
  },
  ResumeProcesses(aws, request, input) {
    const chosen = input.texts('ScalingProcesses');
    aws.autoScaling.resume(request, input.text('AutoScalingGroupName'), chosen?.length ? chosen : undefined);
    return undefined;
  },
};

const LAUNCHING = 'autoscaling:EC2_INSTANCE_LAUNCHING';
const TERMINATING = 'autoscaling:EC2_INSTANCE_TERMINATING';

function constraint(value: string, member: string, allowed: string): AwsError {
  return new AwsError(
    'ValidationError',
    `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: ${allowed}`,
  );
}

function tagsOut(group: AutoScalingGroup) {
  return Object.entries(group.tags).map(([Key, Value]) => ({
    ResourceId: group.name,
    ResourceType: 'auto-scaling-group',
    Key,
    Value,
    PropagateAtLaunch: true,
  }));
}

function tagFilter(filter: Readonly<Record<string, unknown>>) {
  const { name, values } = filterOf(filter);
  const member = { 'auto-scaling-group': 'ResourceId', key: 'Key', value: 'Value' }[name];
  return (tag: ReturnType<typeof tagsOut>[number]): boolean => {
    if (name === 'propagate-at-launch') return values.includes(String(tag.PropagateAtLaunch));
    if (member === undefined) {
      throw new AwsError(
        'ValidationError',
        `Filter type ${name} is not correct. Allowed Filter types are: auto-scaling-group key value propagate-at-launch`,
      );
    }
    return values.includes(tag[member as 'Key']);
  };
}

function lifecycleTarget(input: Parameters) {
  const token = input.optionalText('LifecycleActionToken');
  const instanceId = input.optionalText('InstanceId');
  if (token !== undefined && token.length !== 36) {
    throw new AwsError(
      'ValidationError',
      `1 validation error detected: Value '${token}' at 'lifecycleActionToken' failed to satisfy constraint: Member must have length 36`,
    );
  }
  return {
    group: input.text('AutoScalingGroupName'),
    hook: input.text('LifecycleHookName'),
    ...(token === undefined ? {} : { token }),
    ...(instanceId === undefined ? {} : { instanceId }),
  };
}

/** Filters are joined with AND, the values of one with OR. */
function filtersOf(input: Parameters): readonly ((group: AutoScalingGroup) => boolean)[] {
  return (input.structures('Filters') ?? []).map((filter) => {
    const { name, values } = filterOf(filter);
    if (name === 'tag-key') return (group) => values.some((value) => value in group.tags);
    if (name === 'tag-value') {
      return (group) => Object.values(group.tags).some((value) => values.includes(value));
    }
    if (name.startsWith('tag:')) {
      const key = name.slice(4);
      return (group) => values.includes(group.tags[key] ?? missingTag);
    }
    throw new AwsError(
      'ValidationError',
      `Filter type ${name} is not correct. Allowed Filter types are: tag-key tag-value tag:<key>`,
    );
  });
}

/** No tag value can be this. */
const missingTag = '\0';

function activityFilter(filter: Readonly<Record<string, unknown>>, group: string | undefined) {
  const { name, values } = filterOf(filter);
  const bound = () => {
    const at = Date.parse(values[0] ?? '');
    if (Number.isNaN(at)) throw new AwsError('ValidationError', `${name} is no ISO 8601 time: ${values[0]}`);
    return at;
  };
  switch (name) {
    case 'StartTimeLowerBound': {
      const at = bound();
      return (activity: Activity) => activity.startedAt >= at;
    }
    case 'StartTimeUpperBound': {
      const at = bound();
      return (activity: Activity) => activity.startedAt <= at;
    }
    case 'Status':
      if (group === undefined) {
        throw new AwsError(
          'ValidationError',
          'The Status filter can only be used in combination with the AutoScalingGroupName parameter',
        );
      }
      return (activity: Activity) => values.includes(activity.statusCode);
    default:
      throw new AwsError('ValidationError', `Filter type ${name} is not correct for scaling activities`);
  }
}

function filterOf(filter: Readonly<Record<string, unknown>>) {
  const input = parametersOf({ parameters: filter });
  return { name: input.text('Name'), values: input.texts('Values') ?? [] };
}

function invalidToken() {
  return new AwsError('InvalidNextToken', 'The token is not valid');
}

function groupOut(group: AutoScalingGroup, withInstances: boolean) {
  const template = launchTemplateOf(group);
  const mixed = group.spotPercent > 0 || group.instanceTypes.length > 1;
  return {
    AutoScalingGroupName: group.name,
    AutoScalingGroupARN: group.arn,
    ...(mixed
      ? {
          MixedInstancesPolicy: {
            LaunchTemplate: {
              LaunchTemplateSpecification: template,
              Overrides: group.instanceTypes.map((type) => ({ InstanceType: type })),
            },
            InstancesDistribution: {
              OnDemandAllocationStrategy: 'prioritized',
              OnDemandBaseCapacity: 0,
              OnDemandPercentageAboveBaseCapacity: 100 - group.spotPercent,
              SpotAllocationStrategy: 'capacity-optimized',
            },
          },
        }
      : { LaunchTemplate: template }),
    MinSize: group.min,
    MaxSize: group.max,
    DesiredCapacity: group.desired,
    DefaultCooldown: group.cooldownSeconds,
    AvailabilityZones: group.zones,
    LoadBalancerNames: [],
    TargetGroupARNs: [],
    HealthCheckType: 'EC2',
    HealthCheckGracePeriod: group.nodegroup ? 15 : 300,
    Instances: withInstances ? [...group.instances.values()].map(instanceOut) : [],
    CreatedTime: new Date(group.createdAt),
    SuspendedProcesses: [...group.suspended].map(([ProcessName, SuspensionReason]) => ({
      ProcessName,
      SuspensionReason,
    })),
    VPCZoneIdentifier: group.cluster.subnets
      .filter((subnet) => group.zones.includes(subnet.zone))
      .map((subnet) => subnet.id)
      .join(','),
    EnabledMetrics: [],
    Tags: tagsOut(group),
    TerminationPolicies: group.nodegroup
      ? ['AllocationStrategy', 'OldestLaunchTemplate', 'OldestInstance']
      : ['Default'],
    NewInstancesProtectedFromScaleIn: false,
    ServiceLinkedRoleARN: `arn:aws:iam::${group.account}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling`,
    CapacityRebalance: group.capacityRebalance,
    TrafficSources: [],
    ...(group.warmPool
      ? { WarmPoolConfiguration: warmPoolOut(group.warmPool), WarmPoolSize: group.warmPool.instances.size }
      : {}),
  };
}

function warmPoolOut(pool: WarmPool) {
  return {
    MinSize: pool.min,
    ...(pool.maxPrepared === undefined ? {} : { MaxGroupPreparedCapacity: pool.maxPrepared }),
    PoolState: pool.state,
    InstanceReusePolicy: { ReuseOnScaleIn: pool.reuse },
    ...(pool.deletion ? { Status: 'PendingDelete' } : {}),
  };
}

function instanceOut(instance: Instance) {
  return {
    InstanceId: instance.id,
    InstanceType: instance.view.type,
    AvailabilityZone: instance.view.zone,
    LifecycleState: instance.lifecycleState,
    HealthStatus: instance.health,
    LaunchTemplate: launchTemplateOf(instance.group),
    ProtectedFromScaleIn: instance.protectedFromScaleIn,
  };
}

function launchTemplateOf(group: AutoScalingGroup) {
  return {
    LaunchTemplateId: `lt-0${group.arn.split(':')[6]?.replaceAll('-', '').slice(0, 16)}`,
    LaunchTemplateName: group.name,
    Version: '1',
  };
}

function activityOut(activity: Activity) {
  return {
    ActivityId: activity.id,
    AutoScalingGroupName: activity.group.name,
    Description: activity.description,
    Cause: activity.cause,
    StartTime: new Date(activity.startedAt),
    EndTime: activity.endedAt === undefined ? undefined : new Date(activity.endedAt),
    StatusCode: activity.statusCode,
    StatusMessage: activity.statusMessage,
    Progress: activity.progress,
    Details: JSON.stringify(activity.details),
    AutoScalingGroupARN: activity.group.arn,
  };
}

import {
  AutoScalingClient,
  CompleteLifecycleActionCommand,
  DescribeAutoScalingGroupsCommand,
  DescribeAutoScalingInstancesCommand,
  DescribeLifecycleHooksCommand,
  DetachInstancesCommand,
  RecordLifecycleActionHeartbeatCommand,
} from '@aws-sdk/client-auto-scaling';
import { anEndpoint } from '@nightshift/lab/test/aws/endpoint.ts';
import { aGroup, scope } from '@nightshift/lab/test/aws/world.ts';
import { type AwsClientStub, mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, test } from 'vitest';
import { createInstanceGroups, createLifecycle } from '#functions/adapters/aws/lifecycle.ts';

const INSTANCE = 'i-0123456789abcdef0';
const HOOK = { group: 'workers', name: 'drain', token: 'token-1' };
const ACTION = {
  AutoScalingGroupName: 'workers',
  LifecycleHookName: 'drain',
  LifecycleActionToken: 'token-1',
  InstanceId: INSTANCE,
};

let client: AutoScalingClient;
let mock: AwsClientStub<AutoScalingClient>;

beforeEach(() => {
  client = new AutoScalingClient({ region: 'ap-northeast-1' });
  mock = mockClient(client) as unknown as typeof mock;
});

describe('the group of an instance', () => {
  test('comes with its clusters, its nodegroup and whether it rebalances its capacity', async () => {
    isIn('workers');
    groupIs({
      CapacityRebalance: true,
      Tags: [
        { Key: 'kubernetes.io/cluster/develop', Value: 'owned' },
        { Key: 'eks:cluster-name', Value: 'develop' },
        { Key: 'eks:nodegroup-name', Value: 'spot' },
        { Key: 'k8s.io/cluster/other', Value: 'shared' },
      ],
    });
    expect(await groups().ofInstance(INSTANCE)).toEqual({
      place: { zone: 'ap-northeast-1a', instanceType: 'm6i.large' },
      group: {
        name: 'workers',
        clusters: ['develop', 'other'],
        nodegroup: 'spot',
        capacityRebalance: true,
      },
      isTerminating: false,
    });
  });

  test.each([
    ['InService', false],
    ['Standby', false],
    ['Detaching', false],
    ['Terminating', true],
    ['Terminating:Wait', true],
    ['Terminating:Proceed', true],
    ['Warmed:Terminating:Wait', true],
    ['Terminated', true],
  ])('terminates the instance or does not, by its state: %s', async (state, isTerminating) => {
    isIn('workers', state);
    groupIs({});
    expect(await groups().ofInstance(INSTANCE)).toMatchObject({ isTerminating });
  });

  test('without tags belongs to no cluster that is known', async () => {
    isIn('workers');
    groupIs({});
    expect(await groups().ofInstance(INSTANCE)).toMatchObject({
      group: { name: 'workers', clusters: [], capacityRebalance: false },
    });
  });

  test('is unknown for an instance outside every group, and for a group that is gone', async () => {
    mock.on(DescribeAutoScalingInstancesCommand).resolves({ AutoScalingInstances: [] });
    expect(await groups().ofInstance(INSTANCE)).toBeUndefined();
    mock.on(DescribeAutoScalingGroupsCommand).resolves({ AutoScalingGroups: [] });
    expect(await groups().named('workers')).toBeUndefined();
  });

  test('is described once in ten minutes', async () => {
    isIn('workers');
    groupIs({});
    let now = new Date('2026-08-27T03:00:00Z');
    const warm = createInstanceGroups(client, () => now);
    await warm.ofInstance(INSTANCE);
    await warm.ofInstance('i-0fedcba9876543210');
    expect(mock.commandCalls(DescribeAutoScalingGroupsCommand)).toHaveLength(1);
    now = new Date('2026-08-27T03:10:00Z');
    await warm.named('workers');
    expect(mock.commandCalls(DescribeAutoScalingGroupsCommand)).toHaveLength(2);
  });

  test('gets another instance when it lets go of this one without becoming smaller', async () => {
    mock.on(DetachInstancesCommand).resolves({});
    expect(await groups().replace('workers', INSTANCE)).toBe('requested');
    expect(mock.commandCalls(DetachInstancesCommand)[0]?.args[0].input).toEqual({
      AutoScalingGroupName: 'workers',
      InstanceIds: [INSTANCE],
      ShouldDecrementDesiredCapacity: false,
    });
  });
});

describe('a replacement over the lab’s Auto Scaling', () => {
  test('is asked for once: the group that lets go of the instance already replaces it', async () => {
    const { world, autoScaling } = await anEndpoint();
    const workers = aGroup(world);
    await world.pass(120);
    const [first = '', second = ''] = workers.instances.keys();
    const adapter = createInstanceGroups(autoScaling, () => new Date(world.context.clock.now()));
    expect(await adapter.replace('workers', first)).toBe('requested');
    expect(await adapter.replace('workers', first)).toBe('already-leaving');
    await world.pass(60);
    expect(await adapter.replace('workers', first)).toBe('already-leaving');
    world.aws.autoScaling.terminateInstance(scope, second, { decrement: false });
    expect(await adapter.replace('workers', second)).toBe('already-leaving');
    await world.pass(120);
    expect(workers.desired).toBe(3);
    expect([...workers.instances.values()].filter((one) => one.lifecycleState === 'InService')).toHaveLength(
      3,
    );
    await expect(adapter.replace('gone', first)).rejects.toThrow('not found');
  });
});

describe('a lifecycle action', () => {
  test('is completed with CONTINUE and its token', async () => {
    mock.on(CompleteLifecycleActionCommand).resolves({});
    expect(await createLifecycle(client).complete(HOOK, INSTANCE)).toBe('completed');
    expect(mock.commandCalls(CompleteLifecycleActionCommand)[0]?.args[0].input).toEqual({
      ...ACTION,
      LifecycleActionResult: 'CONTINUE',
    });
  });

  test('that is not there any more counts as over', async () => {
    mock
      .on(CompleteLifecycleActionCommand)
      .rejects(validation(`No active Lifecycle Action found with instance ID ${INSTANCE}`));
    expect(await createLifecycle(client).complete(HOOK, INSTANCE)).toBe('over');
    mock.on(CompleteLifecycleActionCommand).rejects(validation('AutoScalingGroup name not found - null'));
    expect(await createLifecycle(client).complete(HOOK, INSTANCE)).toBe('over');
  });

  test('that cannot be completed is loud', async () => {
    mock.on(CompleteLifecycleActionCommand).rejects(validation('1 validation error detected'));
    await expect(createLifecycle(client).complete(HOOK, INSTANCE)).rejects.toThrow('validation error');
  });

  test('is kept alive by a heartbeat, unless it is over', async () => {
    mock.on(RecordLifecycleActionHeartbeatCommand).resolves({});
    await createLifecycle(client).heartbeat(HOOK, INSTANCE);
    expect(mock.commandCalls(RecordLifecycleActionHeartbeatCommand)[0]?.args[0].input).toEqual(ACTION);
    mock.on(RecordLifecycleActionHeartbeatCommand).rejects(validation('No active Lifecycle Action found'));
    await createLifecycle(client).heartbeat(HOOK, INSTANCE);
  });

  test.each([
    [
      { HeartbeatTimeout: 300, GlobalTimeout: 30_000 },
      { heartbeatSeconds: 300, globalSeconds: 30_000 },
    ],
    [{ HeartbeatTimeout: 3_600 }, { heartbeatSeconds: 3_600, globalSeconds: 172_800 }],
    [undefined, undefined],
  ])('knows the times of its hook: %j', async (hook, times) => {
    mock.on(DescribeLifecycleHooksCommand).resolves({ LifecycleHooks: hook ? [hook] : [] });
    expect(await createLifecycle(client).times(HOOK)).toEqual(times);
  });
});

function groups() {
  return createInstanceGroups(client, () => new Date('2026-08-27T03:00:00Z'));
}

function isIn(group: string, state = 'InService'): void {
  mock.on(DescribeAutoScalingInstancesCommand, { InstanceIds: [INSTANCE] }).resolves(instances(group, state));
  mock.on(DescribeAutoScalingInstancesCommand).resolves(instances(group, state));
}

function instances(group: string, state: string) {
  return {
    AutoScalingInstances: [
      {
        InstanceId: INSTANCE,
        AutoScalingGroupName: group,
        AvailabilityZone: 'ap-northeast-1a',
        InstanceType: 'm6i.large',
        LifecycleState: state,
        HealthStatus: 'HEALTHY',
        ProtectedFromScaleIn: false,
      },
    ],
  };
}

function groupIs(fields: { CapacityRebalance?: boolean; Tags?: { Key: string; Value: string }[] }): void {
  mock.on(DescribeAutoScalingGroupsCommand, { AutoScalingGroupNames: ['workers'] }).resolves({
    AutoScalingGroups: [
      {
        AutoScalingGroupName: 'workers',
        MinSize: 0,
        MaxSize: 3,
        DesiredCapacity: 1,
        DefaultCooldown: 300,
        AvailabilityZones: [],
        HealthCheckType: 'EC2',
        CreatedTime: new Date(0),
        ...fields,
      },
    ],
  });
}

function validation(message: string): Error {
  return Object.assign(new Error(message), { name: 'ValidationError' });
}

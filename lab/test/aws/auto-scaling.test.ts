import { describe, expect, test } from 'vitest';
import type { AutoScalingGroup } from '#lab/world/aws/index.ts';
import { aGroup, aWorld, scope } from './world.ts';

const inService = (group: AutoScalingGroup) =>
  [...group.instances.values()].filter((instance) => instance.lifecycleState === 'InService');

describe('an Auto Scaling group', () => {
  test('launches what is desired, one instance to each zone, and then schedules nothing', async () => {
    const world = aWorld();
    const group = aGroup(world);
    await world.pass(120);
    expect(inService(group)).toHaveLength(3);
    expect(new Set(inService(group).map((instance) => instance.view.zone)).size).toBe(3);
    expect(world.running).toHaveLength(3);
    const before = world.events.length;
    await world.pass(12 * 3600);
    expect(world.events).toHaveLength(before);
  });

  test('shrinks to nothing when minimum, maximum and desired capacity are set to zero', async () => {
    const world = aWorld();
    const group = aGroup(world);
    await world.pass(120);
    world.aws.autoScaling.updateGroup(scope, 'workers', { min: 0, desired: 0, max: 0 });
    await world.pass(120);
    expect(group.instances.size).toBe(0);
    expect(world.gone).toHaveLength(3);
    const [latest] = world.aws.autoScaling.activities(scope, 'workers');
    expect(latest).toMatchObject({ statusCode: 'Successful', progress: 100 });
    expect(latest?.cause).toMatch(
      /a user request update of AutoScalingGroup constraints to min: 0, max: 0, desired: 0 changing the desired capacity from 3 to 0\. At \S+ an instance was taken out of service in response to a difference between desired and actual capacity, shrinking the capacity from 3 to 0\./,
    );
  });

  test('moves the desired capacity into new bounds when none is given, and refuses one outside of them', () => {
    const world = aWorld();
    const group = aGroup(world);
    world.aws.autoScaling.updateGroup(scope, 'workers', { min: 4 });
    expect(group.desired).toBe(4);
    world.aws.autoScaling.updateGroup(scope, 'workers', { min: 0, max: 2 });
    expect(group.desired).toBe(2);
    const update = (change: object) => () => world.aws.autoScaling.updateGroup(scope, 'workers', change);
    expect(update({ min: 3 })).toThrow('Max bound, 2, must be greater than or equal to min bound, 3');
    expect(update({ desired: 5 })).toThrow(
      'Desired capacity:5 must be between the specified min size:0 and max size:2',
    );
    expect(() => world.aws.autoScaling.setDesiredCapacity(scope, 'workers', { desired: 3 })).toThrow(
      'New SetDesiredCapacity value 3 is above max value 2 for the AutoScalingGroup.',
    );
    expect(group).toMatchObject({ min: 0, desired: 2, max: 2 });
  });

  test('honours the cooldown only if requested', async () => {
    const world = aWorld();
    aGroup(world);
    await world.pass(120);
    const set = (honorCooldown: boolean) => () =>
      world.aws.autoScaling.setDesiredCapacity(scope, 'workers', { desired: 4, honorCooldown });
    expect(set(true)).toThrow(expect.objectContaining({ code: 'ScalingActivityInProgress' }));
    expect(set(false)).not.toThrow();
  });

  test('keeps its on-demand percentage, rounded up', async () => {
    const world = aWorld();
    const group = aGroup(world, { spotPercent: 50, desired: 5 });
    await world.pass(120);
    const types = () => inService(group).map((instance) => instance.view.capacityType);
    expect(types().filter((type) => type === 'ON_DEMAND')).toHaveLength(3);
    world.aws.autoScaling.setDesiredCapacity(scope, 'workers', { desired: 2 });
    await world.pass(120);
    expect(types().sort()).toEqual(['ON_DEMAND', 'SPOT']);
  });

  test('replaces an instance that a person terminated or stopped', async () => {
    const world = aWorld();
    const group = aGroup(world);
    await world.pass(120);
    const [first, second] = inService(group);
    world.aws.terminateInstance(first!.id);
    world.aws.stopInstance(second!.id);
    await world.pass(240);
    expect(inService(group)).toHaveLength(3);
    expect([first!.state, second!.state]).toEqual(['terminated', 'terminated']);
    expect(world.gone.map((view) => view.id).sort()).toEqual([first!.id, second!.id].sort());
    const states = world
      .eventsOf('EC2 Instance State-change Notification')
      .filter((event) => event.detail['instance-id'] === second!.id)
      .map((event) => event.detail['state']);
    expect(states).toEqual(['pending', 'running', 'stopping', 'shutting-down', 'terminated']);
  });

  test('reports missing spot capacity with the message of AWS, retries, and recovers', async () => {
    const world = aWorld();
    world.aws.setCapacity({ capacityType: 'SPOT', available: false });
    const group = aGroup(world);
    await world.pass(600);
    expect(group.instances.size).toBe(0);
    expect(group.activities[0]).toMatchObject({
      statusCode: 'Failed',
      statusMessage: expect.stringMatching(/^Could not launch Spot Instances\. UnfulfillableCapacity - /),
    });
    world.aws.setCapacity({ capacityType: 'SPOT', available: true });
    await world.pass(300);
    expect(inService(group)).toHaveLength(3);
  });

  test('launches in another zone or of another type if the first choice has no capacity', async () => {
    const world = aWorld();
    world.aws.setCapacity({ zone: 'ap-northeast-1a', available: false });
    world.aws.setCapacity({ zone: 'ap-northeast-1c', type: 'm6i.large', available: false });
    const group = aGroup(world, {
      instanceTypes: ['m6i.large', 'm5.large'],
      zones: ['ap-northeast-1a', 'ap-northeast-1c'],
    });
    await world.pass(120);
    expect(inService(group).map(({ view }) => `${view.zone} ${view.type}`)).toEqual(
      Array(3).fill('ap-northeast-1c m5.large'),
    );
  });

  test('cannot grow past the addresses of its subnets', async () => {
    // The small subnets of the story: three /24, and nodes that take 240 addresses each.
    const world = aWorld({ subnetBits: 24, addressesPerNode: 240 });
    const group = aGroup(world, { desired: 5, max: 10 });
    await world.pass(300);
    const held = inService(group).map((instance) => instance.addresses);
    expect(held).toEqual([240, 240, 240, 11, 11]);
    world.aws.autoScaling.setDesiredCapacity(scope, 'workers', { desired: 7 });
    await world.pass(300);
    expect(inService(group)).toHaveLength(6);
    expect(group.activities[0]?.statusMessage).toMatch(
      /^There are not enough free addresses in subnet 'subnet-/,
    );
    expect(world.cluster.subnets.map(world.aws.ec2.freeAddresses)).toEqual([0, 0, 0]);
  });

  test('does not launch, terminate or replace while the process is suspended', async () => {
    const world = aWorld();
    const group = aGroup(world);
    await world.pass(120);
    world.aws.autoScaling.suspend(scope, 'workers', ['Terminate']);
    world.aws.autoScaling.setDesiredCapacity(scope, 'workers', { desired: 1 });
    await world.pass(300);
    expect(inService(group)).toHaveLength(3);
    world.aws.autoScaling.resume(scope, 'workers');
    await world.pass(300);
    expect(inService(group)).toHaveLength(1);
    world.aws.autoScaling.suspend(scope, 'workers', ['Launch']);
    world.aws.autoScaling.setDesiredCapacity(scope, 'workers', { desired: 2 });
    await world.pass(300);
    expect(inService(group)).toHaveLength(1);
    expect(() => world.aws.autoScaling.suspend(scope, 'workers', ['Everything'])).toThrow(
      'Invalid scaling process',
    );
  });

  test('sends one instance away, with or without a replacement', async () => {
    const world = aWorld();
    const group = aGroup(world, { min: 2 });
    await world.pass(120);
    const [first, second] = inService(group);
    world.aws.autoScaling.terminateInstance(scope, first!.id, { decrement: true });
    await world.pass(200);
    expect(group.desired).toBe(2);
    expect(inService(group)).toHaveLength(2);
    const again = (decrement: boolean) => () =>
      world.aws.autoScaling.terminateInstance(scope, second!.id, { decrement });
    expect(again(true)).toThrow("Terminating instance without replacement will violate group's min size");
    again(false)();
    await world.pass(200);
    expect(inService(group)).toHaveLength(2);
    expect(inService(group)).not.toContain(second);
  });
});

describe('a terminate lifecycle hook', () => {
  const hooked = async (hook: object = {}) => {
    const world = aWorld();
    const group = aGroup(world, {
      lifecycleHooks: [{ name: 'drain', heartbeatTimeoutSeconds: 300, notificationMetadata: 'm', ...hook }],
    });
    await world.pass(120);
    world.aws.autoScaling.setDesiredCapacity(scope, 'workers', { desired: 2 });
    await world.pass(10);
    const [event] = world.eventsOf('EC2 Instance-terminate Lifecycle Action');
    return { world, group, event: event! };
  };
  const target = (event: { detail: Readonly<Record<string, unknown>> }) => ({
    group: 'workers',
    hook: 'drain',
    token: String(event.detail['LifecycleActionToken']),
  });

  test('emits the event of AWS and keeps the instance running until it is completed', async () => {
    const { world, group, event } = await hooked();
    expect(event).toMatchObject({
      source: 'aws.autoscaling',
      account: '111111111111',
      region: 'ap-northeast-1',
      detail: {
        AutoScalingGroupName: 'workers',
        LifecycleHookName: 'drain',
        LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
        NotificationMetadata: 'm',
      },
    });
    const instance = group.instances.get(String(event.detail['EC2InstanceId']))!;
    await world.pass(200);
    expect(instance).toMatchObject({ state: 'running', lifecycleState: 'Terminating:Wait' });
    world.aws.autoScaling.completeLifecycleAction(scope, { ...target(event), result: 'CONTINUE' });
    expect(instance.state).toBe('shutting-down');
    await world.pass(60);
    expect(group.instances.size).toBe(2);
    expect(() =>
      world.aws.autoScaling.completeLifecycleAction(scope, { ...target(event), result: 'CONTINUE' }),
    ).toThrow('No active Lifecycle Action found');
  });

  test('is extended by heartbeats, and ends by itself after its timeout', async () => {
    const { world, group, event } = await hooked();
    await world.pass(280);
    world.aws.autoScaling.recordLifecycleActionHeartbeat(scope, target(event));
    await world.pass(280);
    expect(group.instances.size).toBe(3);
    await world.pass(100);
    expect(group.instances.size).toBe(2);
  });

  test('terminates all the same when it is abandoned', async () => {
    const { world, group, event } = await hooked();
    world.aws.autoScaling.completeLifecycleAction(scope, { ...target(event), result: 'ABANDON' });
    await world.pass(60);
    expect(group.instances.size).toBe(2);
    expect(() =>
      world.aws.autoScaling.completeLifecycleAction(scope, { ...target(event), result: 'DONE' }),
    ).toThrow('CONTINUE or ABANDON');
  });

  test('still waits for its completion after spot took the instance', async () => {
    const world = aWorld();
    const group = aGroup(world, { lifecycleHooks: [{ name: 'drain' }] });
    await world.pass(120);
    const [instance] = inService(group);
    world.aws.interruptSpot(instance!.id);
    await world.pass(300);
    expect(instance).toMatchObject({ state: 'terminated', lifecycleState: 'Terminating:Wait' });
    world.aws.autoScaling.completeLifecycleAction(scope, {
      group: 'workers',
      hook: 'drain',
      instanceId: instance!.id,
      result: 'CONTINUE',
    });
    expect(group.instances.has(instance!.id)).toBe(false);
  });
});

describe('an instance that is detached', () => {
  const detach = (world: ReturnType<typeof aWorld>, ids: readonly string[], decrement = false) =>
    world.aws.autoScaling.detachInstances(scope, 'workers', { instanceIds: ids, decrement });

  test('runs on outside of its group, which starts another and runs no hook', async () => {
    const world = aWorld();
    const group = aGroup(world, { lifecycleHooks: [{ name: 'drain' }] });
    await world.pass(120);
    const [instance] = inService(group);
    const [activity] = detach(world, [instance!.id]);
    expect(activity).toMatchObject({
      description: `Detaching EC2 instance: ${instance!.id}`,
      cause: `At 2026-11-24T00:02:00Z instance ${instance!.id} was detached in response to a user request.`,
      statusCode: 'InProgress',
      progress: 50,
    });
    expect(instance!.lifecycleState).toBe('Detaching');
    await world.pass(120);
    expect(group).toMatchObject({ min: 1, desired: 3, max: 6 });
    expect(inService(group)).toHaveLength(3);
    expect(group.instances.has(instance!.id)).toBe(false);
    expect(instance).toMatchObject({ state: 'running', lifecycleState: 'Detached' });
    expect(world.aws.autoScaling.instances(scope, [instance!.id])).toEqual([]);
    expect(world.aws.ec2.describe(scope, [instance!.id])).toEqual([instance]);
    expect(world.aws.instances(world.cluster)).toContain(instance);
    expect(activity).toMatchObject({ statusCode: 'Successful', progress: 100 });
    expect(world.aws.autoScaling.pendingLifecycleActions()).toEqual([]);
    expect(world.eventsOf('EC2 Instance-terminate Lifecycle Action')).toEqual([]);
  });

  test('terminates after an interruption or TerminateInstances, and is not replaced', async () => {
    const world = aWorld();
    const group = aGroup(world);
    await world.pass(120);
    const [taken, ended] = inService(group);
    world.aws.interruptSpot(taken!.id);
    detach(world, [taken!.id, ended!.id]);
    await world.pass(60);
    world.aws.terminateInstance(ended!.id);
    await world.pass(240);
    expect([taken!.state, ended!.state]).toEqual(['terminated', 'terminated']);
    expect(inService(group)).toHaveLength(3);
    expect(world.running).toHaveLength(5);
    expect(world.aws.instances(world.cluster)).toEqual(inService(group));
  });

  test('decrements the desired capacity if requested, but not below the minimum', async () => {
    const world = aWorld();
    const group = aGroup(world, { min: 2 });
    await world.pass(120);
    const [first, second] = inService(group);
    const [activity] = detach(world, [first!.id], true);
    expect(activity?.cause).toMatch(
      /was detached in response to a user request, shrinking the capacity from 3 to 2\.$/,
    );
    await world.pass(120);
    expect(group.desired).toBe(2);
    expect(inService(group)).toHaveLength(2);
    expect(() => detach(world, [second!.id], true)).toThrow(
      'AutoScalingGroup workers has min-size=2, max-size=6, and desired-size=2. To detach 1 instance, please update the AutoScalingGroup sizes appropriately.',
    );
    expect(second!.lifecycleState).toBe('InService');
  });

  test('must be in service in this group', async () => {
    const world = aWorld();
    const group = aGroup(world);
    const [early] = group.instances.keys();
    expect(early).toBeUndefined();
    await world.pass(10);
    const [pending] = group.instances.keys();
    expect(() => detach(world, [pending!])).toThrow(
      `The instance ${pending} is not in InService or Standby.`,
    );
    await world.pass(120);
    const [first, second, third] = inService(group);
    detach(world, [first!.id]);
    expect(() => detach(world, [first!.id])).toThrow(
      `The instance ${first!.id} is not in InService or Standby.`,
    );
    world.aws.autoScaling.terminateInstance(scope, second!.id, { decrement: false });
    // One that cannot be detached keeps the others in, too.
    expect(() => detach(world, [third!.id, second!.id])).toThrow('is not in InService or Standby');
    expect(third!.lifecycleState).toBe('InService');
    await world.pass(60);
    expect(() => detach(world, [first!.id])).toThrow(
      `The instance ${first!.id} is not part of Auto Scaling group workers.`,
    );
    expect(() => detach(world, [])).toThrow('instanceIds');
    expect(() => detach(world, Array(21).fill(third!.id))).toThrow(
      'List exceeds the maximum number of instances to detach. Please retry your request with fewer instances.',
    );
  });
});

describe('a launch lifecycle hook', () => {
  test('keeps a new instance out of service until it is completed, and an abandoned one is replaced', async () => {
    const world = aWorld();
    const group = aGroup(world, {
      min: 0,
      desired: 1,
      lifecycleHooks: [{ name: 'warm', transition: 'launching' }],
    });
    await world.pass(120);
    const [first] = [...group.instances.values()];
    expect(first!.lifecycleState).toBe('Pending:Wait');
    const complete = (instanceId: string, result: string) =>
      world.aws.autoScaling.completeLifecycleAction(scope, {
        group: 'workers',
        hook: 'warm',
        instanceId,
        result,
      });
    complete(first!.id, 'ABANDON');
    await world.pass(120);
    const [second] = [...group.instances.values()];
    expect(second!.id).not.toBe(first!.id);
    complete(second!.id, 'CONTINUE');
    expect(second!.lifecycleState).toBe('InService');
  });
});

import { describe, expect, test } from 'vitest';
import { aGroup, aNodegroup, aWorld } from './world.ts';

const members = (group: ReturnType<typeof aGroup>) => [...group.instances.values()];

describe('a spot interruption', () => {
  test('sends the event of EventBridge, and terminates the instance two minutes later', async () => {
    const world = aWorld();
    const group = aGroup(world);
    await world.pass(120);
    const [instance] = members(group);
    world.aws.interruptSpot(instance!.id);
    const [warning] = world.eventsOf('EC2 Spot Instance Interruption Warning');
    expect(warning).toEqual({
      version: '0',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      'detail-type': 'EC2 Spot Instance Interruption Warning',
      source: 'aws.ec2',
      account: '111111111111',
      time: '2026-11-24T00:02:00Z',
      region: 'ap-northeast-1',
      resources: [`arn:aws:ec2:${instance!.view.zone}:instance/${instance!.id}`],
      detail: { 'instance-id': instance!.id, 'instance-action': 'terminate' },
    });
    await world.pass(119);
    expect(instance!.state).toBe('running');
    await world.pass(1);
    expect(instance!.state).toBe('shutting-down');
    await world.pass(240);
    expect(instance!.state).toBe('terminated');
    expect(members(group).filter(({ lifecycleState }) => lifecycleState === 'InService')).toHaveLength(3);
  });

  test('starts at once with hibernation, and stops instead of terminating if the request says so', async () => {
    const world = aWorld();
    const group = aGroup(world);
    await world.pass(120);
    const [first, second] = members(group);
    world.aws.interruptSpot(first!.id, { action: 'hibernate' });
    world.aws.interruptSpot(second!.id, { action: 'stop' });
    await world.pass(0);
    expect([first!.state, second!.state]).toEqual(['stopping', 'running']);
    await world.pass(120);
    expect(second!.state).toBe('stopping');
  });

  test('is refused for an on-demand instance', async () => {
    const world = aWorld();
    const group = aGroup(world, { spotPercent: 0 });
    await world.pass(120);
    expect(() => world.aws.interruptSpot(members(group)[0]!.id)).toThrow('is not a spot instance');
  });

  test('makes a group with capacity rebalancing send the instance through its hooks at once', async () => {
    const world = aWorld();
    const group = aGroup(world, { capacityRebalance: true, lifecycleHooks: [{ name: 'drain' }] });
    await world.pass(120);
    const [instance] = members(group);
    world.aws.interruptSpot(instance!.id);
    await world.pass(60);
    expect(world.eventsOf('EC2 Instance-terminate Lifecycle Action')).toHaveLength(1);
    expect(instance).toMatchObject({ state: 'running', lifecycleState: 'Terminating:Wait' });
    expect(members(group)).toHaveLength(4);
  });
});

describe('a rebalance recommendation', () => {
  test('changes nothing in a group without capacity rebalancing', async () => {
    const world = aWorld();
    const group = aGroup(world);
    await world.pass(120);
    const before = members(group);
    world.aws.recommendRebalance(before[0]!.id);
    expect(world.eventsOf('EC2 Instance Rebalance Recommendation')).toHaveLength(1);
    await world.pass(3600);
    expect(members(group)).toEqual(before);
  });

  test('launches the replacement first with capacity rebalancing', async () => {
    const world = aWorld();
    const { group } = aNodegroup(world);
    await world.pass(120);
    const [instance] = members(group);
    world.aws.recommendRebalance(instance!.id);
    await world.pass(20);
    expect(members(group)).toHaveLength(4);
    expect(instance!.lifecycleState).toBe('InService');
    await world.pass(200);
    expect(instance!.state).toBe('terminated');
    expect(members(group)).toHaveLength(3);
  });

  test('does not keep an instance that a scale-in terminates anyway', async () => {
    const world = aWorld();
    const group = aGroup(world, { capacityRebalance: true });
    await world.pass(120);
    world.aws.setCapacity({ available: false });
    world.aws.recommendRebalance(members(group)[0]!.id);
    await world.pass(30);
    world.aws.resizeAsPerson(group, { min: 0, desired: 0, max: 0 });
    await world.pass(120);
    expect(members(group)).toEqual([]);
  });
});

describe('a health event', () => {
  test('has the format of AWS Health, with entities as ARNs or bare ids', async () => {
    const world = aWorld();
    const group = aGroup(world);
    await world.pass(120);
    const [first, second] = members(group).map(({ id }) => id);
    world.aws.healthEvent({
      account: '111111111111',
      region: 'ap-northeast-1',
      instanceIds: [first!, second!],
    });
    world.aws.healthEvent({
      account: '111111111111',
      region: 'ap-northeast-1',
      instanceIds: [first!],
      entityForm: 'bare',
      page: 2,
      totalPages: 2,
      backupEvent: true,
      statusCode: 'closed',
    });
    const [arns, bare] = world.eventsOf('AWS Health Event').map((event) => event.detail);
    expect(arns).toMatchObject({
      service: 'EC2',
      eventTypeCategory: 'scheduledChange',
      startTime: 'Tue, 01 Dec 2026 00:02:00 GMT',
      page: '1',
      totalPages: '1',
      backupEvent: 'false',
    });
    expect(arns?.['affectedEntities']).toMatchObject([
      { entityValue: `arn:aws:ec2:ap-northeast-1:111111111111:instance/${first}` },
      { entityValue: `arn:aws:ec2:ap-northeast-1:111111111111:instance/${second}` },
    ]);
    expect(bare).toMatchObject({ statusCode: 'closed', page: '2', backupEvent: 'true' });
    expect(bare?.['affectedEntities']).toMatchObject([{ entityValue: first }]);
  });
});

describe('the world', () => {
  test('is the same for the same seed', async () => {
    const story = async () => {
      const world = aWorld({ seed: 7 });
      const group = aGroup(world);
      await world.pass(120);
      world.aws.interruptSpot(members(group)[0]!.id);
      await world.pass(600);
      return world.events;
    };
    expect(await story()).toEqual(await story());
  });
});

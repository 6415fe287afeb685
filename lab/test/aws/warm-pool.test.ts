/** Warm pools, with the AWS SDK against the lab. */
import {
  DeleteWarmPoolCommand,
  DescribeAutoScalingGroupsCommand,
  DescribeAutoScalingInstancesCommand,
  DescribeWarmPoolCommand,
  PutWarmPoolCommand,
  type PutWarmPoolCommandInput,
  UpdateAutoScalingGroupCommand,
} from '@aws-sdk/client-auto-scaling';
import { DescribeNodegroupCommand, UpdateNodegroupConfigCommand } from '@aws-sdk/client-eks';
import { expect, test } from 'vitest';
import { anEndpoint } from './endpoint.ts';
import { aGroup, aNodegroup } from './world.ts';

const AutoScalingGroupName = 'workers';

async function withWorkers(overrides: Parameters<typeof aGroup>[1] = {}) {
  const endpoint = await anEndpoint();
  const { world, autoScaling } = endpoint;
  const group = aGroup(world, { spotPercent: 0, ...overrides });
  await world.pass(180);
  return {
    ...endpoint,
    group,
    put: (input: Omit<PutWarmPoolCommandInput, 'AutoScalingGroupName'>) =>
      autoScaling.send(new PutWarmPoolCommand({ AutoScalingGroupName, ...input })),
    scaleTo: (desired: number) =>
      autoScaling.send(
        new UpdateAutoScalingGroupCommand({ AutoScalingGroupName, MinSize: 0, DesiredCapacity: desired }),
      ),
    describe: async () =>
      (await autoScaling.send(new DescribeAutoScalingGroupsCommand({}))).AutoScalingGroups?.[0],
    pool: () => autoScaling.send(new DescribeWarmPoolCommand({ AutoScalingGroupName })),
  };
}

const statesOf = (instances: readonly { LifecycleState?: string | undefined }[] = []) =>
  instances.map(({ LifecycleState }) => LifecycleState);

test('a warm pool holds max minus desired, stopped, beside the instances of the group', async () => {
  const { put, pool, describe, world, autoScaling } = await withWorkers();
  await put({});
  await world.pass(300);
  expect(statesOf((await pool()).Instances)).toEqual(Array(3).fill('Warmed:Stopped'));
  expect(await describe()).toMatchObject({
    WarmPoolSize: 3,
    WarmPoolConfiguration: {
      MinSize: 0,
      PoolState: 'Stopped',
      InstanceReusePolicy: { ReuseOnScaleIn: false },
    },
    Instances: [{ LifecycleState: 'InService' }, {}, {}],
  });
  const listed = await autoScaling.send(new DescribeAutoScalingInstancesCommand({}));
  expect(listed.AutoScalingInstances).toHaveLength(6);
});

test('a pool grows to max while its group is at zero', async () => {
  const { put, pool, scaleTo, world } = await withWorkers();
  await put({ PoolState: 'Running' });
  await scaleTo(0);
  await world.pass(600);
  expect(statesOf((await pool()).Instances)).toEqual(Array(6).fill('Warmed:Running'));
});

test('with a prepared capacity of zero the pool empties and stays empty at desired zero', async () => {
  const { put, pool, describe, scaleTo, world } = await withWorkers();
  await put({ MinSize: 2 });
  await world.pass(300);
  await put({ MinSize: 0, MaxGroupPreparedCapacity: 0 });
  await scaleTo(0);
  await world.pass(600);
  expect((await pool()).Instances).toEqual([]);
  expect((await describe())?.WarmPoolConfiguration).toMatchObject({
    MinSize: 0,
    MaxGroupPreparedCapacity: 0,
  });
  await put({ MinSize: 2, MaxGroupPreparedCapacity: -1 });
  expect((await describe())?.WarmPoolConfiguration).not.toHaveProperty('MaxGroupPreparedCapacity');
});

test('an instance of the pool joins the cluster only when the group scales out to it', async () => {
  const { put, group, scaleTo, world } = await withWorkers();
  await put({});
  await world.pass(300);
  const before = world.running.map(({ id }) => id);
  const warm = [...(group.warmPool?.instances.keys() ?? [])];
  expect(before).toHaveLength(3);
  await scaleTo(4);
  await world.pass(120);
  expect(warm).toContain(world.running.at(-1)?.id);
  expect(world.running).toHaveLength(4);
  expect(group.instances.size).toBe(4);
});

test('with reuse, instances that are scaled in return to the pool and leave the cluster', async () => {
  const { put, group, scaleTo, world } = await withWorkers();
  await put({ InstanceReusePolicy: { ReuseOnScaleIn: true }, MaxGroupPreparedCapacity: 3 });
  await world.pass(300);
  const members = [...group.instances.keys()].sort();
  await scaleTo(0);
  await world.pass(300);
  expect([...(group.warmPool?.instances.keys() ?? [])].sort()).toEqual(members);
  expect(world.gone.map(({ id }) => id).sort()).toEqual(members);
});

test('a deleted pool is PendingDelete until its instances are gone', async () => {
  const { put, pool, describe, world, autoScaling } = await withWorkers();
  await put({ PoolState: 'Running' });
  await world.pass(300);
  await autoScaling.send(new DeleteWarmPoolCommand({ AutoScalingGroupName }));
  expect((await pool()).WarmPoolConfiguration?.Status).toBe('PendingDelete');
  await expect(put({ MinSize: 1 })).rejects.toMatchObject({ name: 'ScalingActivityInProgressFault' });
  await world.pass(300);
  expect(await describe()).not.toHaveProperty('WarmPoolConfiguration');
});

test('a pool is not deleted while the group scales', async () => {
  const { put, scaleTo, world, autoScaling } = await withWorkers();
  await put({});
  await world.pass(300);
  await scaleTo(1);
  await world.pass(10);
  await expect(autoScaling.send(new DeleteWarmPoolCommand({ AutoScalingGroupName }))).rejects.toMatchObject({
    name: 'ScalingActivityInProgressFault',
  });
});

test('refuses sizes that contradict each other', async () => {
  const { put } = await withWorkers();
  await expect(put({ MinSize: 3, MaxGroupPreparedCapacity: 2 })).rejects.toThrow(
    'must not be less than MinSize',
  );
  await expect(put({ MaxGroupPreparedCapacity: -2 })).rejects.toThrow('at least -1');
});

test('EKS removes and creates the pool of a managed nodegroup, and shows it only while it is there', async () => {
  const { world, eks } = await anEndpoint();
  const nodegroup = aNodegroup(world, { capacityType: 'ON_DEMAND', warmPool: { min: 2, state: 'Running' } });
  const names = { clusterName: 'develop', nodegroupName: 'app' };
  const described = async () =>
    (await eks.send(new DescribeNodegroupCommand(names))).nodegroup?.warmPoolConfig;
  await world.pass(300);
  expect(await described()).toEqual({
    enabled: true,
    minSize: 2,
    poolState: 'RUNNING',
    reuseOnScaleIn: false,
  });
  await eks.send(new UpdateNodegroupConfigCommand({ ...names, warmPoolConfig: { enabled: false } }));
  await world.pass(300);
  expect(await described()).toBeUndefined();
  expect(nodegroup.group.warmPool).toBeUndefined();
  const again = { enabled: true, minSize: 1, poolState: 'STOPPED', maxGroupPreparedCapacity: 4 } as const;
  await eks.send(new UpdateNodegroupConfigCommand({ ...names, warmPoolConfig: again }));
  await world.pass(300);
  expect(await described()).toMatchObject(again);
  await expect(
    eks.send(
      new UpdateNodegroupConfigCommand({
        ...names,
        warmPoolConfig: { enabled: false },
        scalingConfig: { minSize: 0, desiredSize: 0 },
      }),
    ),
  ).rejects.toThrow('not both');
});

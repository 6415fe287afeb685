/** What the contract of the groups cannot ask, because only the lab shows it: which calls are made, and how many. */

import { Readable } from 'node:stream';
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { anEndpoint } from '@nightshift/lab/test/aws/endpoint.ts';
import { aGroup, aNodegroup } from '@nightshift/lab/test/aws/world.ts';
import { describe, expect, test } from 'vitest';
import { createGroups } from '#functions/adapters/aws/groups.ts';
import { aGroup as aGroupOfOurs } from '#test/functions/night-schedule/builders.ts';

async function someGroups() {
  const lab = await anEndpoint();
  aNodegroup(lab.world, { name: 'app', min: 1, desired: 3, max: 6 });
  aGroup(lab.world, { name: 'workers', min: 1, desired: 2, max: 4 });
  await lab.world.pass(300);
  const groups = createGroups({ autoScaling: lab.autoScaling, eks: lab.eks }, 'develop');
  const find = async (name: string) => {
    const group = (await groups.list()).find((one) => one.name === name);
    if (!group) throw new Error(`no group ${name}`);
    return group;
  };
  return { ...lab, groups, find };
}

describe('the groups of a cluster', () => {
  test('cost one call for each hundred', async () => {
    const { world, groups, endpoint } = await someGroups();
    for (let n = 0; n < 230; n++)
      world.aws.addAutoScalingGroup(world.cluster, {
        name: `g-${n}`,
        min: 0,
        desired: 0,
        max: 1,
        instanceTypes: ['m6i.large'],
      });
    const before = endpoint.calls.length;
    expect(await groups.list()).toHaveLength(232);
    expect(endpoint.calls.length - before).toBe(3);
  });
});

test('a group without one of its sizes is an error: it must not count as one at zero', async () => {
  const autoScaling = new AutoScalingClient({ region: 'ap-northeast-1' });
  autoScaling.send = async () => ({
    AutoScalingGroups: [{ AutoScalingGroupName: 'workers', MinSize: 1, MaxSize: 3, Instances: [] }],
  });
  await expect(createGroups({ autoScaling }, 'develop').list()).rejects.toThrow(
    'auto scaling answered DescribeAutoScalingGroups with a group without its sizes: workers',
  );
});

describe('a resize', () => {
  test('of a managed nodegroup goes through EKS and keeps max', async () => {
    const { world, groups, find, endpoint } = await someGroups();
    expect(await groups.resize(await find('app'), { min: 0, desired: 0, max: 6 }, 'night-1')).toBe(
      'accepted',
    );
    await world.pass(30);
    expect((await find('app')).size).toEqual({ min: 0, desired: 0, max: 6 });
    expect(endpoint.calls.map((call) => call.operation)).not.toContain('UpdateAutoScalingGroup');
  });

  test('is busy while another update of the nodegroup runs, and while EKS throttles', async () => {
    const { groups, find, endpoint } = await someGroups();
    const app = await find('app');
    await groups.resize(app, { min: 0, desired: 0, max: 6 }, 'night-1');
    expect(await groups.resize(app, { min: 0, desired: 1, max: 6 }, 'night-2')).toBe('busy');
    endpoint.faults.add({ service: 'eks', operation: 'UpdateNodegroupConfig', times: 1, kind: 'throttle' });
    expect(await groups.resize(app, { min: 0, desired: 1, max: 6 }, 'night-3')).toBe('busy');
  });

  test('asked twice with one intent is one update', async () => {
    const { world, groups, find } = await someGroups();
    const app = await find('app');
    await groups.resize(app, { min: 0, desired: 0, max: 6 }, 'night-1');
    expect(await groups.resize(app, { min: 0, desired: 0, max: 6 }, 'night-1')).toBe('accepted');
    expect(world.cluster.nodegroups.get('app')?.updates.size).toBe(1);
  });
});

describe('the last scaling failure of a group', () => {
  test('is the message of Auto Scaling', async () => {
    const { world, groups, find } = await someGroups();
    world.aws.setCapacity({ capacityType: 'SPOT', available: false });
    await groups.resize(await find('workers'), { min: 1, desired: 4, max: 4 }, 'x');
    await world.pass(120);
    expect(await groups.lastScalingFailure(await find('workers'))).toMatch(/Could not launch Spot Instances/);
  });

  test('is nothing where every activity succeeded', async () => {
    const { groups, find } = await someGroups();
    expect(await groups.lastScalingFailure(await find('workers'))).toBeUndefined();
  });
});

describe('N10: a reply without a list of groups', () => {
  const groupsAnswering = (body: string) =>
    createGroups(
      {
        autoScaling: new AutoScalingClient({
          region: 'ap-northeast-1',
          credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
          maxAttempts: 1,
          requestHandler: {
            handle: async () => ({
              response: { statusCode: 200, headers: {}, body: Readable.from([body]) } as never,
            }),
          },
        }),
      },
      'develop',
    );
  const answering = (body: string) => groupsAnswering(body).list();

  test.each([
    [
      'empty',
      '<DescribeScalingActivitiesResponse><DescribeScalingActivitiesResult/></DescribeScalingActivitiesResponse>',
    ],
    ['HTML', '<html><body>Service unavailable</body></html>'],
  ])('or of scaling activities is an error: %s', async (_what, body) => {
    const group = aGroupOfOurs();
    await expect(groupsAnswering(body).lastScalingFailure(group)).rejects.toThrow();
  });

  test.each([
    ['HTML', '<html><body>Service unavailable</body></html>'],
    ['empty', ''],
    [
      'a result without it',
      '<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult/></DescribeAutoScalingGroupsResponse>',
    ],
    [
      'of another operation',
      '<DescribeTagsResponse><DescribeTagsResult><Tags/></DescribeTagsResult></DescribeTagsResponse>',
    ],
  ])('is an error: %s', async (_what, body) => {
    await expect(answering(body)).rejects.toThrow();
  });

  test('is not a list that is empty', async () => {
    const empty =
      '<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups/></DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>';
    expect(await answering(empty)).toEqual([]);
  });

  test('nor a group of three whose instances are missing', async () => {
    const members =
      '<AutoScalingGroupName>web</AutoScalingGroupName><MinSize>0</MinSize><DesiredCapacity>3</DesiredCapacity><MaxSize>5</MaxSize>';
    const reply = (instances: string) =>
      `<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups><member>${members}${instances}</member></AutoScalingGroups></DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>`;
    await expect(answering(reply(''))).rejects.toThrow('a group without its instances: web');
    // Just created: it has none yet.
    expect(await answering(reply('<Instances/>'))).toMatchObject([{ name: 'web', instances: [] }]);
  });

  test('N5: shows the instances of a warm pool', async () => {
    const members =
      '<AutoScalingGroupName>web</AutoScalingGroupName><MinSize>0</MinSize><DesiredCapacity>0</DesiredCapacity><MaxSize>5</MaxSize><WarmPoolSize>5</WarmPoolSize>';
    const reply = `<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups><member>${members}</member></AutoScalingGroups></DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>`;
    expect(await answering(reply)).toMatchObject([{ name: 'web', instances: [], warmInstances: 5 }]);
  });
});

test('N8: only the scaling activities since this start count', async () => {
  const { world, groups, find } = await someGroups();
  world.aws.setCapacity({ capacityType: 'SPOT', available: false });
  await groups.resize(await find('workers'), { min: 1, desired: 4, max: 4 }, 'x');
  await world.pass(120);
  const since = new Date(world.context.clock.now() + 1).toISOString();
  expect(await groups.lastScalingFailure(await find('workers'), since)).toBeUndefined();
});

test('N4: the configured sizes of a managed nodegroup are those of EKS', async () => {
  const { groups, find } = await someGroups();
  const size = { min: 1, desired: 3, max: 6 };
  expect(await groups.configuredSize(await find('app'))).toEqual({ size, isUpdating: false });
  await groups.resize(await find('app'), { min: 0, desired: 0, max: 6 }, 'night-1');
  expect(await groups.configuredSize(await find('app'))).toMatchObject({ isUpdating: true });
  expect(await groups.configuredSize(await find('workers'))).toBeUndefined();
});

/** What runs beside the groups while a cluster sleeps: what is kept is named, and what appears ends the sleep. */
import { describe, expect, test } from 'vitest';
import { isResumed } from '#functions/night-schedule/decide-autoscaler.ts';
import type { NodeView } from '#functions/night-schedule/ports.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import { aGroup, claims, instances, MORNING, NIGHT } from './builders.ts';
import { aWorld } from './memory-ports.ts';
import { failures, karpenter, minutes, open, phase, state, system, ticks } from './ticks.ts';

const aNode = (overrides: Partial<NodeView> = {}): NodeView => ({
  name: 'ip-10-0-0-9',
  instanceId: 'i-9',
  kind: 'instance',
  ...overrides,
});
const stray = aNode({ name: 'ip-10-0-0-66', instanceId: 'i-untagged' });
const closed = { limits: { cpu: '0' }, replicas: null };
const hour = (n: number) => minutes(NIGHT, n * 60 - 5);

describe('the reason of asleep names', () => {
  test.each<[string, readonly NodeView[], Partial<NightScheduleSettings>, string]>([
    [
      'Fargate and hybrid nodes',
      [
        aNode({ kind: 'fargate', instanceId: '' }),
        aNode({ name: 'f2', kind: 'fargate', instanceId: '' }),
        aNode({ name: 'rack-1', kind: 'hybrid', instanceId: '' }),
      ],
      {},
      '2 Fargate nodes, 1 hybrid node',
    ],
    [
      'a NodePool that the config does not name',
      [aNode({ nodePool: 'gpu' })],
      { autoscaler: { ...karpenter, nodePools: ['default'] } },
      '1 node of the NodePool gpu',
    ],
    [
      'the built-in NodePools that stay on',
      [aNode({ nodePool: 'system' }), aNode({ name: 'b', nodePool: 'general-purpose' })],
      { autoscaler: { kind: 'auto-mode' } },
      '1 node of the NodePool general-purpose, 1 node of the NodePool system',
    ],
    [
      'nodes of no group, where the groups are named',
      [stray],
      { nodegroups: ['workers'] },
      '1 node of no group',
    ],
  ])('%s', async (_what, nodes, settings, kept) => {
    const world = aWorld([aGroup()], { kind: 'karpenter', pools: {}, claims: [] });
    world.nodes = nodes;
    await ticks(world, NIGHT, 12, settings);
    expect(state(world)).toMatchObject({ phase: 'asleep' });
    expect(state(world)?.reason).toMatch(new RegExp(`; still running: ${kept}$`));
  });

  test('a group that is kept, and a warm pool', async () => {
    const kept = aGroup({
      name: 'monitoring',
      autoScalingGroup: 'eks-monitoring-1',
      instances: instances(2),
    });
    const pool = { min: 1, maxPrepared: 4, state: 'Stopped', reuse: false } as const;
    const world = aWorld([aGroup({ warmPool: pool, warmInstances: 4 }), kept]);
    world.settle();
    await ticks(world, NIGHT, 12, { keep: ['monitoring'], warmPools: 'keep' });
    expect(state(world)?.reason).toMatch(
      /; still running: 4 instances of the warm pool of workers, 3 nodes of monitoring$/,
    );
  });

  test('a group that somebody has scaled up at night, and no longer when it is at zero again', async () => {
    const world = aWorld([aGroup()]);
    await ticks(world, NIGHT, 12);
    expect(state(world)?.reason).not.toContain('still running');
    world.groups.set('workers', aGroup({ size: { min: 0, desired: 2, max: 5 }, instances: instances(2) }));
    await ticks(world, minutes(NIGHT, 20), 10);
    expect(state(world)).toMatchObject({ phase: 'asleep' });
    expect(state(world)?.reason).toMatch(/; still running: 2 nodes of workers \(scaled up by somebody\)$/);
    world.groups.set('workers', aGroup({ size: { min: 0, desired: 0, max: 5 }, instances: [] }));
    await ticks(world, minutes(NIGHT, 40), 20);
    expect(state(world)).toMatchObject({ phase: 'asleep' });
    expect(state(world)?.reason).not.toContain('still running');
  });

  test('nothing any more in the morning', async () => {
    const world = aWorld([aGroup()]);
    world.nodes = [aNode({ kind: 'fargate', instanceId: '' })];
    await ticks(world, NIGHT, 12);
    await ticks(world, MORNING, 10);
    expect(state(world)).toMatchObject({ phase: 'awake' });
    expect(state(world)).not.toHaveProperty('kept');
    expect(state(world)).not.toHaveProperty('asleepSince');
    expect(state(world)?.reason).not.toContain('still running');
  });
});

describe('a node of no group that appears while the cluster sleeps', () => {
  test('ends the sleep within five minutes, is a failure once an hour after the deadline, and the sleep goes on when it is gone', async () => {
    const world = aWorld([aGroup()]);
    await ticks(world, NIGHT, 12);
    expect(phase(world)).toBe('asleep');
    world.nodes = [stray];
    const { decisions } = await ticks(world, hour(3), 180);
    expect(phase(world)).toBe('stopping');
    expect(failures(decisions)).toHaveLength(3);
    expect(failures(decisions)[0]?.reason).toMatch(
      /^nodes of no group .* run 20 min after they appeared at night: ip-10-0-0-66; tag/,
    );
    world.nodes = [];
    const after = await ticks(world, hour(6), 10);
    expect(phase(world)).toBe('asleep');
    expect(failures(after.decisions)).toEqual([]);
  });

  test('makes nothing of what a person scaled up at night a part of the stop', async () => {
    const world = aWorld([
      aGroup(),
      aGroup({ name: 'idle', size: { min: 0, desired: 0, max: 5 }, instances: [] }),
    ]);
    await ticks(world, NIGHT, 12);
    world.nodes = [stray];
    await ticks(world, hour(2), 10);
    expect(phase(world)).toBe('stopping');
    world.groups.set(
      'idle',
      aGroup({ name: 'idle', size: { min: 0, desired: 1, max: 5 }, instances: instances(1) }),
    );
    await ticks(world, minutes(hour(2), 10), 30);
    expect(world.size('idle').desired).toBe(1);
  });

  test('is not found by a request that fails: the state stays', async () => {
    const world = aWorld([aGroup()]);
    await ticks(world, NIGHT, 12);
    world.ports.nodes.all = async () => {
      throw new Error('kubernetes answered 503');
    };
    const { decisions } = await ticks(world, hour(2), 60);
    expect(phase(world)).toBe('asleep');
    expect(failures(decisions).length).toBeLessThanOrEqual(1);
  });
});

test('an instance of a group at zero that appears at night and stays is a failure after the deadline, once an hour', async () => {
  const world = aWorld([aGroup()]);
  await ticks(world, NIGHT, 12);
  const zeroed = aGroup({ size: { min: 0, desired: 0, max: 5 }, instances: instances(1) });
  const { list } = world.ports.groups;
  world.ports.groups.list = async () => [zeroed];
  const { decisions } = await ticks(world, hour(3), 120);
  expect(phase(world)).toBe('stopping');
  expect(failures(decisions).map(({ target, reason }) => [target, reason.split(';')[0]])).toEqual([
    ['workers', '1 instance still there 20 min after the stop'],
    ['workers', '1 instance still there 80 min after the stop'],
  ]);
  world.ports.groups.list = list;
  await ticks(world, hour(5), 10);
  expect(phase(world)).toBe('asleep');
});

describe('a NodeClaim that appears while the cluster sleeps', () => {
  const asleep = async () => {
    const world = aWorld([system()], { kind: 'karpenter', pools: { default: open }, claims: [] });
    await ticks(world, NIGHT, 15, { autoscaler: karpenter });
    expect(phase(world)).toBe('asleep');
    return world;
  };

  test('is ended, and the cluster does not count as asleep until it is gone', async () => {
    const world = await asleep();
    world.autoscaler = {
      kind: 'karpenter',
      pools: { default: closed },
      claims: claims(1, { nodePool: 'default' }),
    };
    const { decisions } = await ticks(world, hour(3), 8, { autoscaler: karpenter });
    expect(phase(world)).toBe('stopping');
    expect(decisions.filter(({ action }) => action === 'pause')).toHaveLength(1);
    expect(world.calls).toContain('autoscaler.pause');
    world.autoscaler = { kind: 'karpenter', pools: { default: closed }, claims: [] };
    const after = await ticks(world, minutes(hour(3), 8), 5, { autoscaler: karpenter });
    expect(phase(world)).toBe('asleep');
    expect(after.decisions.filter(({ action }) => action === 'confirm-stop')).toMatchObject([
      { target: 'karpenter', reason: 'no NodeClaim is left' },
    ]);
  });

  test('again and again, because somebody makes it, is recorded once an hour', async () => {
    const world = await asleep();
    let serial = 0;
    const { observe } = world.ports.autoscaler;
    world.ports.autoscaler.observe = async () => {
      const view = await observe();
      const [claim] = claims(1, { nodePool: 'default' });
      return claim && view.kind === 'karpenter'
        ? { ...view, claims: [{ ...claim, name: `default-${serial++}` }] }
        : view;
    };
    const { decisions } = await ticks(world, hour(3), 120, { autoscaler: karpenter });
    expect(decisions.filter(({ action }) => action === 'pause').length).toBeLessThanOrEqual(2);
    expect(failures(decisions).length).toBeLessThanOrEqual(4);
  });
});

test('a cluster without groups confirms its stop when no NodeClaim is left', async () => {
  const world = aWorld([], { kind: 'karpenter', pools: { default: open }, claims: claims(2) });
  const settings = { autoscaler: { kind: 'auto-mode' } } as const;
  await ticks(world, NIGHT, 5, settings);
  expect(phase(world)).toBe('stopping');
  expect(world.decisions.filter(({ action }) => action === 'confirm-stop')).toEqual([]);
  world.autoscaler = { kind: 'karpenter', pools: { default: closed }, claims: [] };
  await ticks(world, minutes(NIGHT, 5), 5, settings);
  expect(phase(world)).toBe('asleep');
  expect(world.decisions.filter(({ action }) => action === 'confirm-stop')).toHaveLength(1);
});

test('a cluster with built-in NodePools alone is asleep when EKS has deleted them, and nothing is reported as not found', async () => {
  const nodePools = ['general-purpose', 'system'];
  const off = { nodePools: [], isUpdating: false, neededBy: [] };
  const world = aWorld([], {
    kind: 'karpenter',
    pools: {},
    claims: claims(1, { nodePool: 'system' }),
    builtIn: { ...off, nodePools, nodeRoleArn: 'arn:aws:iam::111111111111:role/eks-auto' },
  });
  const settings = { autoscaler: { kind: 'auto-mode', builtIn: true } } as const;
  await ticks(world, NIGHT, 3, settings);
  expect(phase(world)).toBe('stopping');
  world.autoscaler = { kind: 'karpenter', pools: {}, claims: [], builtIn: off };
  const { decisions } = await ticks(world, minutes(NIGHT, 3), 120, settings);
  expect(phase(world)).toBe('asleep');
  expect(failures(decisions)).toEqual([]);
  expect(decisions.filter(({ action }) => action === 'confirm-stop')).toHaveLength(1);
});

test('a cluster is not asleep while EKS may still switch its built-in NodePools on: a start was asked for, and cut off', async () => {
  const nodePools = ['general-purpose', 'system'];
  const nodeRoleArn = 'arn:aws:iam::111111111111:role/eks-auto';
  const builtIn = { nodePools, isUpdating: false, neededBy: [], nodeRoleArn };
  const world = aWorld([], { kind: 'karpenter', pools: {}, claims: [], builtIn });
  const settings = { autoscaler: { kind: 'auto-mode', builtIn: true } } as const;
  await ticks(world, NIGHT, 1, settings);
  const off = { nodePools: [], isUpdating: true, neededBy: [] };
  world.autoscaler = { kind: 'karpenter', pools: {}, claims: [], builtIn: off };
  await ticks(world, minutes(NIGHT, 1), 3, settings);
  expect(phase(world)).toBe('stopping');
  world.autoscaler = { kind: 'karpenter', pools: {}, claims: [], builtIn: { ...off, isUpdating: false } };
  await ticks(world, minutes(NIGHT, 4), 2, settings);
  expect(phase(world)).toBe('asleep');
});

test('built-in NodePools that EKS is still switching off are not resumed: their record stays (found by simulation)', () => {
  const nodePools = ['general-purpose', 'system'];
  const since = NIGHT.toISOString();
  const saved = { kind: 'built-in-pools', nodePools, nodeRoleArn: 'arn:aws:iam::1:role/eks', since } as const;
  const view = (isUpdating: boolean) => ({
    kind: 'karpenter' as const,
    pools: {},
    claims: [],
    builtIn: { nodePools, isUpdating, neededBy: [] },
  });
  expect(isResumed(view(true), saved)).toBe(false);
  expect(isResumed(view(false), saved)).toBe(true);
});

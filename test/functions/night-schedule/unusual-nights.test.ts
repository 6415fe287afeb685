/** Unusual inputs of the same kinds as the field cases, under the same numbers. */
import { describe, expect, test } from 'vitest';
import {
  autoscalerKey,
  cronJobKey,
  NIGHT as PARTITION,
  savedKey,
} from '#functions/adapters/dynamodb/table-keys.ts';
import { isTerminatedBy } from '#functions/night-schedule/decide-claims.ts';
import type { AutoscalerView } from '#functions/night-schedule/ports.ts';
import type { NodePoolSetting, Size } from '#functions/night-schedule/records.ts';
import { nodePoolObject } from '#functions/night-schedule/records.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import { aGroup, claims, instances, MORNING, NIGHT } from './builders.ts';
import { aWorld } from './memory-ports.ts';
import {
  clusterAutoscaler,
  deployment,
  failures,
  karpenter,
  minutes,
  open,
  phase,
  state,
  system,
  ticks,
} from './ticks.ts';

const closed = { limits: { cpu: '0' }, replicas: null };
const fixed = (replicas: number): NodePoolSetting => ({ limits: { nodes: '9' }, replicas });

describe('N1: NodeClaims', () => {
  test.each([
    ['30 February', '2026-02-30T13:00:00Z'],
    ['the 13th month', '2026-13-01T13:00:00Z'],
    ['24 o’clock', '2026-11-23T24:00:00Z'],
    ['no zone', '2026-11-24T13:00:00'],
    ['a date alone', '2026-11-24'],
    ['seconds since 1970', '1795525200'],
    ['nothing', ''],
  ])('with %s as their termination time get another: Karpenter cannot read it', (_what, terminateAt) => {
    const claim = { name: 'a', nodePool: 'b', isDeleting: true, terminateAt };
    expect(isTerminatedBy(claim, '2026-11-24T13:15:00Z')).toBe(false);
  });

  test('of several NodePools of all kinds are named together, and only the held ones keep the host', async () => {
    const world = aWorld([system()], {
      kind: 'karpenter',
      pools: { general: open, fixed: fixed(3), batch: { limits: { cpu: '10' }, replicas: null } },
      claims: [
        ...claims(2, { waitsFor: 'Drained is Unknown (Draining)' }),
        ...claims(1, { name: 'fixed-0', nodePool: 'fixed', isDeleting: true }),
        ...claims(1, { name: 'batch-0', nodePool: 'batch' }),
      ],
    });
    const { decisions } = await ticks(world, NIGHT, 60, { autoscaler: karpenter });
    expect(failures(decisions).map(({ reason }) => reason)).toEqual([
      'NodeClaims are still there 20 min after the stop: general-0: Drained is Unknown (Draining); general-1: Drained is Unknown (Draining); fixed-0; batch-0',
    ]);
    expect(world.size('system').desired).toBe(3);
    expect(world.autoscaler).toMatchObject({ pools: { fixed: { replicas: 0 }, batch: closed } });
  });

  test('more than ten are named by the first ten', async () => {
    const world = aWorld([system()], { kind: 'karpenter', pools: { general: open }, claims: claims(40) });
    const { decisions } = await ticks(world, NIGHT, 30, { autoscaler: karpenter });
    expect(failures(decisions)[0]?.reason.match(/general-\d+/g)).toHaveLength(10);
  });
});

describe('N2: records of NodePools', () => {
  test.each<[string, unknown]>([
    ['a text', 'limits'],
    ['null', null],
    ['without its setting', { kind: 'karpenter', nodePool: 'batch', since: NIGHT.toISOString() }],
    [
      'with limits that are a list',
      {
        kind: 'karpenter',
        nodePool: 'batch',
        since: NIGHT.toISOString(),
        setting: { limits: ['100'], replicas: null },
      },
    ],
    [
      'of another NodePool',
      {
        kind: 'karpenter',
        nodePool: 'default',
        since: NIGHT.toISOString(),
        setting: { limits: null, replicas: null },
      },
    ],
    [
      'with an empty uid',
      {
        kind: 'karpenter',
        nodePool: 'batch',
        since: NIGHT.toISOString(),
        setting: { limits: null, replicas: null, uid: '' },
      },
    ],
  ])('one that is %s stops only itself, night and morning', async (_what, value) => {
    const world = aWorld([system()], {
      kind: 'karpenter',
      pools: { default: open, batch: open },
      claims: [],
    });
    await ticks(world, NIGHT, 10, { autoscaler: karpenter });
    await world.table.through().save(PARTITION, autoscalerKey(nodePoolObject('batch')), value);
    const { decisions, errors } = await ticks(world, MORNING, 40, { autoscaler: karpenter });
    expect(errors).toBe(0);
    expect(world.autoscaler).toMatchObject({ pools: { default: open, batch: closed } });
    expect(phase(world)).toBe('awake');
    expect(failures(decisions).map(({ target }) => target)).toEqual(['nodepool#batch']);
  });

  test.each<[string, NodePoolSetting]>([
    ['limits without a cpu', { limits: { memory: '64Gi', 'nvidia.com/gpu': '4' }, replicas: null }],
    ['empty limits', { limits: {}, replicas: null }],
    ['a limit in millicores', { limits: { cpu: '500m' }, replicas: null }],
    ['replicas and a limit of nodes', fixed(2)],
  ])('%s come back as they were', async (_what, setting) => {
    const world = aWorld([system()], {
      kind: 'karpenter',
      pools: { gone: open, odd: setting, default: open },
      claims: [],
    });
    await ticks(world, NIGHT, 10, { autoscaler: karpenter });
    expect(phase(world)).toBe('asleep');
    if (world.autoscaler?.kind === 'karpenter') {
      const { gone: _gone, ...pools } = world.autoscaler.pools;
      world.autoscaler = { ...world.autoscaler, pools };
    }
    const { decisions } = await ticks(world, MORNING, 10, { autoscaler: karpenter });
    expect(world.autoscaler).toMatchObject({ pools: { odd: setting, default: open } });
    expect(decisions.filter(({ action }) => action === 'ignore')).toHaveLength(1);
    expect(phase(world)).toBe('awake');
  });
});

describe('N4: sizes that are those of a rollout', () => {
  test('of a nodegroup that somebody has set to zero are not saved: it stays at zero', async () => {
    const world = aWorld([aGroup({ size: { min: 0, desired: 3, max: 8 } })]);
    world.configured.set('workers', { size: { min: 0, desired: 0, max: 5 }, isUpdating: true });
    const { settle } = world;
    world.settle = () => undefined;
    const during = await ticks(world, NIGHT, 10);
    expect(phase(world)).toBe('stopping');
    expect(world.table.all(PARTITION, 'saved#')).toEqual([]);
    expect(world.calls.filter((call) => call.startsWith('groups.resize'))).toEqual([]);
    expect(failures(during.decisions)).toEqual([]);
    expect(during.decisions.filter(({ action }) => action === 'stop').length).toBeLessThanOrEqual(1);
    const { decisions } = await ticks(world, minutes(NIGHT, 10), 60);
    expect(failures(decisions)[0]?.reason).toMatch(/not complete after 20 min: .*0\/0\/5/);
    // The rollout ends.
    world.configured.clear();
    world.groups.set('workers', aGroup({ size: { min: 0, desired: 0, max: 5 }, instances: [] }));
    world.settle = settle;
    await ticks(world, minutes(NIGHT, 70), 5);
    expect(phase(world)).toBe('asleep');
    await ticks(world, MORNING, 10);
    expect(world.size('workers')).toEqual({ min: 0, desired: 0, max: 5 });
  });

  test.each<[string, Size, Size, Size]>([
    [
      'of one node',
      { min: 1, desired: 7, max: 7 },
      { min: 1, desired: 1, max: 1 },
      { min: 1, desired: 1, max: 1 },
    ],
    [
      'whose max is its desired size',
      { min: 3, desired: 9, max: 9 },
      { min: 3, desired: 3, max: 3 },
      { min: 3, desired: 3, max: 3 },
    ],
  ])('of a nodegroup %s are not saved, with several at once', async (_what, shown, configured, restored) => {
    const names = ['a', 'ab', 'abc'];
    const world = aWorld(names.map((name) => aGroup({ name, autoScalingGroup: `eks-${name}`, size: shown })));
    for (const name of names) world.configured.set(name, { size: configured, isUpdating: true });
    await ticks(world, NIGHT, 10);
    expect(phase(world)).toBe('asleep');
    world.configured.clear();
    await ticks(world, MORNING, 10);
    for (const name of names) expect(world.size(name)).toEqual(restored);
  });
});

describe('N5: a warm pool that takes back what is scaled in', () => {
  test('is switched off first, and holds no instance at night', async () => {
    const warmPool = { min: 0, maxPrepared: 5, state: 'Stopped', reuse: true } as const;
    const world = aWorld([
      aGroup({ warmPool, warmInstances: 2 }),
      aGroup({ name: 'b', autoScalingGroup: 'b' }),
    ]);
    await ticks(world, NIGHT, 12);
    expect(phase(world)).toBe('asleep');
    const changes = world.calls.filter((call) => /setWarmPool|resize workers/.test(call));
    expect(changes).toEqual(['groups.setWarmPool workers off', 'groups.resize workers 0/0/5']);
    await ticks(world, MORNING, 12);
    expect(world.groups.get('workers')).toMatchObject({ warmPool, size: { min: 1, desired: 3, max: 5 } });
  });
});

describe('N6: nothing to stop', () => {
  test.each<[string, Partial<NightScheduleSettings>]>([
    ['a name in another case', { nodegroups: ['Workers'] }],
    ['a part of a name', { nodegroups: ['worker'] }],
    ['no name', { nodegroups: [] }],
  ])('because the config has %s', async (_what, settings) => {
    const world = aWorld([aGroup()]);
    const { decisions } = await ticks(world, NIGHT, 60, settings);
    expect(phase(world)).toBe('awake');
    expect(world.size('workers').desired).toBe(3);
    expect(failures(decisions).some(({ reason }) => reason.startsWith('nothing was found to stop'))).toBe(
      true,
    );
    expect(failures(decisions).length).toBeLessThanOrEqual(2);
  });

  test.each<[string, AutoscalerView]>([
    ['as well as one that does', { kind: 'karpenter', pools: { default: open }, claims: [] }],
    ['in another case', { kind: 'karpenter', pools: { default: open, GPU: open }, claims: [] }],
  ])('a NodePool of the config that does not exist, %s, is named once a day', async (_what, view) => {
    const world = aWorld([aGroup()], view);
    const { observe } = world.ports.autoscaler;
    world.ports.autoscaler.observe = async () => {
      const seen = await observe();
      if (seen.kind !== 'karpenter') return seen;
      const { default: ours } = seen.pools;
      return { ...seen, pools: ours ? { default: ours } : {} };
    };
    const autoscaler = { ...karpenter, nodePools: ['default', 'gpu'] };
    const { decisions } = await ticks(world, NIGHT, 9 * 60, { autoscaler });
    expect(failures(decisions).map(({ target, reason }) => [target, reason])).toEqual([
      ['gpu', 'there is no NodePool gpu: correct "nodePools" in the config'],
    ]);
    expect(phase(world)).toBe('asleep');
    const morning = await ticks(world, MORNING, 10, { autoscaler });
    expect(failures(morning.decisions)).toEqual([]);
  });

  test('a node without labels and without an instance id is no sleep', async () => {
    const world = aWorld([aGroup({ instances: [{ id: '', inService: false }] })]);
    world.nodes = [{ name: 'bare', instanceId: '', kind: 'instance' }];
    const { list } = world.ports.groups;
    world.ports.groups.list = async () =>
      (await list()).map((group) => ({
        ...group,
        instances: group.size.desired === 0 ? [] : group.instances,
      }));
    await ticks(world, NIGHT, 30);
    expect(phase(world)).toBe('stopping');
  });
});

describe('N7: what a person does at night', () => {
  test('while Cluster Autoscaler has replicas and no pod is Ready, to two groups whose names contain each other', async () => {
    const world = aWorld(
      [aGroup(), aGroup({ name: 'workers-gpu', autoScalingGroup: 'eks-workers-gpu-1' }), system()],
      { kind: 'cluster-autoscaler', deployment, replicas: 1 },
    );
    const settings = { autoscaler: clusterAutoscaler };
    await ticks(world, NIGHT, 12, settings);
    expect(phase(world)).toBe('asleep');
    const { pause } = world.ports.autoscaler;
    const broken = { kind: 'cluster-autoscaler', deployment, replicas: 2, readyReplicas: 0 } as const;
    world.ports.autoscaler.pause = async (view) => {
      await pause(view);
      world.autoscaler = broken;
      return [];
    };
    world.autoscaler = broken;
    for (const name of ['workers', 'workers-gpu'])
      world.groups.set(name, {
        ...aGroup({ name, autoScalingGroup: `eks-${name}-1` }),
        size: { min: 0, desired: 1, max: 5 },
        instances: instances(1),
      });
    await ticks(world, minutes(NIGHT, 60), 30, settings);
    expect(world.size('workers').desired).toBe(1);
    expect(world.size('workers-gpu').desired).toBe(1);
    expect(state(world)?.reason).toMatch(/1 node of workers \(scaled up by somebody\)/);
  });
});

describe('N9: Cluster Autoscaler without a host group', () => {
  test.each<[string, Partial<NightScheduleSettings>]>([
    ['on Fargate', {}],
    ['on a group that is kept', { keep: ['system'] }],
  ])('%s is paused before the groups stop, and resumed when they are back', async (_what, settings) => {
    const world = aWorld([aGroup(), system()], { kind: 'cluster-autoscaler', deployment, replicas: 2 });
    const { hostGroup: _none, ...autoscaler } = clusterAutoscaler;
    await ticks(world, NIGHT, 12, { ...settings, autoscaler });
    expect(phase(world)).toBe('asleep');
    expect(world.autoscaler).toMatchObject({ replicas: 0 });
    const { decisions } = await ticks(world, MORNING, 12, { ...settings, autoscaler });
    expect(world.autoscaler).toMatchObject({ replicas: 2 });
    expect(phase(world)).toBe('awake');
    expect(failures(decisions)).toEqual([]);
  });
});

describe('N13: another cluster', () => {
  test('leaves the suspended CronJobs of the first one alone, although nothing else was stopped there', async () => {
    const world = aWorld([aGroup({ size: { min: 0, desired: 0, max: 5 }, instances: [] })]);
    const job = { namespace: 'shop', name: 'report', uid: 'one', isSuspended: false };
    world.cronJobs.set('shop/report', job);
    const settings = { suspendCronJobs: { selector: 'night=suspend' } };
    await ticks(world, NIGHT, 10, settings);
    expect(world.cronJobs.get('shop/report')).toMatchObject({ isSuspended: true });
    const kept = JSON.stringify(world.table.all(PARTITION, 'cronjob#'));
    // The config names another cluster, which has none of them.
    const { createNightStore } = await import('#functions/adapters/dynamodb/night-store.ts');
    const { store } = world.ports;
    world.ports.store = createNightStore(world.table.through(), 'other');
    world.cronJobs.clear();
    const { decisions } = await ticks(world, MORNING, 10, { ...settings, cluster: 'other' });
    expect(JSON.stringify(world.table.all(PARTITION, 'cronjob#'))).toBe(kept);
    expect(failures(decisions)[0]?.reason).toMatch(/was saved for another cluster: nothing is changed/);
    world.ports.store = store;
    world.cronJobs.set('shop/report', { ...job, isSuspended: true });
    await ticks(world, minutes(MORNING, 10), 5, settings);
    expect(world.cronJobs.get('shop/report')).toMatchObject({ isSuspended: false });
    expect(world.table.all(PARTITION, 'cronjob#')).toEqual([]);
  });

  test('whose name contains that of the first one finds nothing of it', async () => {
    const world = aWorld([aGroup()]);
    await ticks(world, NIGHT, 10);
    expect(savedKey('develop', 'workers')).not.toMatch(new RegExp(`^${savedKey('dev', '')}`));
    const { createNightStore } = await import('#functions/adapters/dynamodb/night-store.ts');
    for (const cluster of ['dev', 'develop-2', 'Develop']) {
      world.ports.store = createNightStore(world.table.through(), cluster);
      const { errors } = await ticks(world, MORNING, 2, { cluster });
      expect(errors, cluster).toBe(2);
    }
    expect(world.table.all(PARTITION, 'saved#')).toHaveLength(1);
    expect(cronJobKey('shop/report')).toBe('cronjob#shop/report');
  });
});

describe('N17: the reason of a missed deadline', () => {
  test('is not hidden behind the groups that have nothing to do', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const world = aWorld(
      [
        ...names.map((name) => aGroup({ name, autoScalingGroup: `eks-${name}` })),
        ...names.map((name) =>
          aGroup({ name: `idle-${name}`, size: { min: 0, desired: 0, max: 5 }, instances: [] }),
        ),
        system(),
      ],
      { kind: 'karpenter', pools: { general: open }, claims: [] },
    );
    await ticks(world, NIGHT, 12, { autoscaler: karpenter });
    world.ports.autoscaler.resume = async () => {
      throw new Error('kubernetes answered 403 nodepools is forbidden');
    };
    const { decisions } = await ticks(world, MORNING, 30, { autoscaler: karpenter });
    const overdue = failures(decisions).find(({ target }) => target === 'develop');
    expect(overdue?.reason).toBe(
      'the start is not complete after 20 min: general: kubernetes answered 403 nodepools is forbidden',
    );
  });

  test.each([
    ['start', MORNING, /^0 of 3 nodes are Ready 20 min after the start$/],
    ['stop', NIGHT, /^3 instances still there 20 min after the stop$/],
  ] as const)('of a %s names no failed activity of another day', async (name, from, reason) => {
    const world = aWorld([aGroup()]);
    if (name === 'start') await ticks(world, NIGHT, 10);
    world.ports.nodes.ready = async () => new Set();
    world.settle = () => undefined;
    const asked: (string | undefined)[] = [];
    world.ports.groups.lastScalingFailure = async (_group, since) => {
      asked.push(since);
      // Three weeks ago.
      return since === undefined ? 'Could not launch Spot Instances. UnfulfillableCapacity' : undefined;
    };
    const { decisions } = await ticks(world, from, 30);
    expect(failures(decisions)[0]?.reason).toMatch(reason);
    expect(asked).toEqual([from.toISOString()]);
  });
});

/** Other situations of the same kinds as the field cases, under the same numbers. */
import { describe, expect, test } from 'vitest';
import { autoscalerKey, NIGHT as PARTITION, STATE_KEY } from '#functions/adapters/dynamodb/table-keys.ts';
import { isCapacityShort } from '#functions/night-schedule/decide-fallback.ts';
import type { AutoscalerView, NodeClaimView, ObjectFailure } from '#functions/night-schedule/ports.ts';
import { nodePoolObject, type Size } from '#functions/night-schedule/records.ts';
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
  system,
  ticks,
} from './ticks.ts';

const closed = { limits: { cpu: '0' }, replicas: null };

describe('N1: a NodeClaim that does not go', () => {
  test.each<[string, Partial<NodeClaimView>]>([
    ['because of do-not-disrupt', { waitsFor: 'Drained is Unknown (Draining)', isDeleting: true }],
    ['because its annotation is no time', { terminateAt: 'soon', isDeleting: true }],
    ['because Karpenter gives it until tomorrow', { terminateAt: '2026-11-25T13:00:00Z', isDeleting: true }],
    ['because it never launched', { waitsFor: 'Launched is Unknown (LaunchFailed)' }],
    ['because of a finalizer of somebody else', { isDeleting: true }],
  ])('%s keeps its host group all night, and is named once an hour', async (_what, claim) => {
    const world = aWorld([aGroup(), system()], {
      kind: 'karpenter',
      pools: { general: open },
      claims: claims(1, claim),
    });
    const { decisions } = await ticks(world, NIGHT, 9 * 60, { autoscaler: karpenter });
    expect(phase(world)).toBe('stopping');
    expect(world.size('workers').desired).toBe(0);
    expect(world.size('system').desired).toBe(3);
    expect(failures(decisions).length).toBeLessThanOrEqual(9);
    expect(decisions.filter(({ action }) => action === 'pause').length).toBeLessThanOrEqual(10);
    expect(failures(decisions)[0]?.reason).toMatch(
      /^NodeClaims are still there 20 min after the stop: general-0/,
    );
  });

  test('of EKS Auto Mode is a failure by the deadline as well, although there is no host group', async () => {
    const world = aWorld([], { kind: 'karpenter', pools: { general: open }, claims: claims(2) });
    const { decisions } = await ticks(world, NIGHT, 60, { autoscaler: { kind: 'auto-mode' } });
    expect(phase(world)).toBe('stopping');
    expect(failures(decisions)).toHaveLength(1);
    expect(failures(decisions)[0]?.target).toBe('auto-mode');
  });
});

describe('N3: what never comes to an end is a failure at the deadline, once an hour', () => {
  test('a group that throws at each change', async () => {
    const world = aWorld([aGroup()]);
    world.ports.groups = {
      ...world.ports.groups,
      resize: async () => {
        throw new Error('InvalidRequestException: the nodegroup is in status CREATE_FAILED');
      },
    };
    const { decisions } = await ticks(world, NIGHT, 180);
    expect(failures(decisions).length).toBeLessThanOrEqual(6);
    expect(failures(decisions).some(({ reason }) => reason.includes('CREATE_FAILED'))).toBe(true);
    expect(failures(decisions).some(({ reason }) => /not complete after 2\d min/.test(reason))).toBe(true);
  });

  test('a resize whose reply is lost is recorded in each transition, also twice within the hour', async () => {
    const world = aWorld([aGroup()]);
    const { resize } = world.ports.groups;
    const lost = { left: 0 };
    world.ports.groups.resize = async (...args) => {
      const outcome = await resize(...args);
      if (lost.left-- > 0) throw new Error('the reply timed out');
      return outcome;
    };
    const named = (decisions: readonly { target: string; reason: string }[]) =>
      decisions.filter(({ target, reason }) => target === 'workers' && reason.includes('timed out')).length;
    lost.left = 1;
    expect(named((await ticks(world, NIGHT, 20)).decisions)).toBe(1);
    const group = world.groups.get('workers') ?? aGroup();
    world.groups.set('workers', { ...group, size: { min: 2, desired: 2, max: 4 } });
    lost.left = 1;
    const again = await ticks(world, minutes(NIGHT, 20), 20, { onManualChange: 'enforce' });
    expect(named(again.decisions)).toBe(1);
  });

  test('a warm pool that stays busy', async () => {
    const warmPool = { min: 2, maxPrepared: 4, state: 'Stopped', reuse: false } as const;
    const world = aWorld([aGroup({ warmPool, warmInstances: 2 })]);
    world.ports.groups = { ...world.ports.groups, setWarmPool: async () => 'busy' };
    const { decisions } = await ticks(world, NIGHT, 180);
    expect(failures(decisions)).toHaveLength(3);
    expect(failures(decisions)[0]?.reason).toMatch(/^the stop is not complete after 20 min/);
  });

  test('an autoscaler that cannot be paused, and one whose state cannot be read', async () => {
    for (const broken of ['pause', 'observe'] as const) {
      const world = aWorld([aGroup(), system()], { kind: 'cluster-autoscaler', deployment, replicas: 1 });
      world.ports.autoscaler = {
        ...world.ports.autoscaler,
        [broken]: async () => {
          throw new Error('kubernetes answered 503');
        },
      };
      const { decisions } = await ticks(world, NIGHT, 120, { autoscaler: clusterAutoscaler });
      expect(world.size('workers').desired, broken).toBe(0);
      const perTarget = failures(decisions).map(({ target, reason }) => `${target} ${reason.split(':')[0]}`);
      expect(new Set(perTarget).size, broken).toBeGreaterThan(0);
      expect(failures(decisions).length, broken).toBeLessThanOrEqual(6);
    }
  });

  test('nodes that are never Ready in the morning', async () => {
    const world = aWorld([aGroup()]);
    await ticks(world, NIGHT, 10);
    world.ports.nodes.ready = async () => new Set();
    const { decisions } = await ticks(world, MORNING, 180);
    expect(failures(decisions)).toHaveLength(3);
    expect(failures(decisions)[0]?.reason).toMatch(/^0 of 3 nodes are Ready 20 min after the start/);
  });

  test('an API server that cannot be reached in the morning', async () => {
    const world = aWorld([aGroup()]);
    await ticks(world, NIGHT, 10);
    world.ports.nodes.ready = async () => {
      throw new Error('kubernetes answered 503');
    };
    const { decisions } = await ticks(world, MORNING, 120);
    expect(failures(decisions).length).toBeLessThanOrEqual(5);
    expect(failures(decisions).some(({ target }) => target === 'workers')).toBe(true);
  });
});

test('N4: a rollout that ends between the list and the stop: the sizes are those that were configured (found by simulation)', async () => {
  const world = aWorld([aGroup({ size: { min: 1, desired: 5, max: 8 } })]);
  world.configured.set('workers', { size: { min: 1, desired: 3, max: 5 }, isUpdating: false });
  await ticks(world, NIGHT, 10);
  world.configured.clear();
  await ticks(world, MORNING, 10);
  expect(world.size('workers')).toEqual({ min: 1, desired: 3, max: 5 });
});

describe('N5: warm instances', () => {
  test.each(['Running', 'Stopped', 'Hibernated'] as const)('of a pool that is %s count', async (state) => {
    const warmPool = { min: 5, state, reuse: true };
    const world = aWorld([
      aGroup({ size: { min: 0, desired: 0, max: 5 }, instances: [], warmPool, warmInstances: 5 }),
    ]);
    world.ports.groups = { ...world.ports.groups, setWarmPool: async () => 'busy' };
    const { decisions } = await ticks(world, NIGHT, 30);
    expect(phase(world)).toBe('stopping');
    expect(decisions.some(({ action }) => action === 'confirm-stop')).toBe(false);
  });

  test('of a pool that is being deleted count until they are gone', async () => {
    const world = aWorld([aGroup({ warmInstances: 2 })]);
    await ticks(world, NIGHT, 10);
    expect(phase(world)).toBe('stopping');
    world.groups.set('workers', {
      ...aGroup({ size: world.size('workers'), instances: [] }),
      warmInstances: 0,
    });
    await ticks(world, minutes(NIGHT, 10), 5);
    expect(phase(world)).toBe('asleep');
  });
});

describe('N6: nothing to stop', () => {
  test.each<[string, Partial<NightScheduleSettings>]>([
    ['every group is kept', { keep: ['workers'] }],
    ['the only group is the fallback', { fallbackGroup: 'workers' }],
    ['there is no NodePool', { keep: ['workers'], autoscaler: karpenter }],
    [
      'Auto Mode has only built-in NodePools, which stay on',
      { keep: ['workers'], autoscaler: { kind: 'auto-mode' } },
    ],
  ])('because %s: reported once, and not asleep', async (_what, settings) => {
    const world = aWorld([aGroup()], { kind: 'karpenter', pools: {}, claims: [] });
    const { decisions } = await ticks(world, NIGHT, 9 * 60, settings);
    expect(phase(world)).toBe('awake');
    expect(failures(decisions)).toHaveLength(1);
    expect(failures(decisions)[0]?.reason).toMatch(/^nothing was found to stop/);
    // Only a fallback group is scaled: it rests at zero.
    expect(world.size('workers').desired).toBe(settings.fallbackGroup ? 0 : 3);
  });
});

describe('N7: who did it', () => {
  test('Karpenter scales no group: one that grows while a NodeClaim is held is somebody’s', async () => {
    const world = aWorld([aGroup(), system()], {
      kind: 'karpenter',
      pools: { default: open },
      claims: claims(1, { nodePool: 'default', isDeleting: true }),
    });
    await ticks(world, NIGHT, 30, { autoscaler: karpenter });
    world.groups.set('workers', aGroup({ size: { min: 0, desired: 2, max: 5 }, instances: instances(2) }));
    const { decisions } = await ticks(world, minutes(NIGHT, 60), 30, { autoscaler: karpenter });
    expect(world.size('workers').desired).toBe(2);
    expect(decisions.some(({ reason }) => reason.includes('by the autoscaler'))).toBe(false);
  });

  test.each<[string, AutoscalerView, AutoscalerView, NightScheduleSettings['autoscaler']]>([
    [
      'the limits of a NodePool',
      { kind: 'karpenter', pools: { default: open }, claims: [] },
      { kind: 'karpenter', pools: { default: open }, claims: [] },
      karpenter,
    ],
    [
      'the replicas of a static NodePool',
      { kind: 'karpenter', pools: { fixed: { limits: null, replicas: 3 } }, claims: [] },
      { kind: 'karpenter', pools: { fixed: { limits: null, replicas: 3 } }, claims: [] },
      karpenter,
    ],
    [
      'the replicas of Cluster Autoscaler, which are Ready',
      { kind: 'cluster-autoscaler', deployment, replicas: 2 },
      { kind: 'cluster-autoscaler', deployment, replicas: 2, readyReplicas: 2 },
      clusterAutoscaler,
    ],
  ])(
    'what sets back %s is named once an hour, and paused each time',
    async (_what, before, after, autoscaler) => {
      const world = aWorld([aGroup(), system()], before);
      const settings = autoscaler ? { autoscaler } : {};
      await ticks(world, NIGHT, 12, settings);
      expect(phase(world)).toBe('asleep');
      const { pause } = world.ports.autoscaler;
      world.ports.autoscaler.pause = async (...given) => {
        await pause(...given);
        world.autoscaler = after;
        return [];
      };
      world.autoscaler = after;
      world.calls.length = 0;
      const { decisions } = await ticks(world, minutes(NIGHT, 60), 120, settings);
      const undone = decisions.filter(({ reason }) => reason.includes('something undoes the pause'));
      expect(undone.length).toBeGreaterThanOrEqual(2);
      expect(undone.length).toBeLessThanOrEqual(3);
      expect(world.calls.filter((call) => call === 'autoscaler.pause').length).toBeGreaterThanOrEqual(24);
    },
  );
});

test.each<[string, () => Promise<ObjectFailure[]>]>([
  [
    'the request fails',
    async () => {
      throw new Error('kubernetes answered 403: deployments/scale is forbidden');
    },
  ],
  [
    'one of its objects cannot be written',
    async () => [{ target: 'default', error: new Error('kubernetes answered 403: nodepools is forbidden') }],
  ],
])('N7: a pause that fails, because %s, is reported by its cause: nothing undid it', async (_what, pause) => {
  const world = aWorld([aGroup(), system()], { kind: 'karpenter', pools: { default: open }, claims: [] });
  world.ports.autoscaler.pause = pause;
  const { decisions } = await ticks(world, NIGHT, 60, { autoscaler: karpenter });
  expect(decisions.filter(({ reason }) => /undoes|undid|paused again/.test(reason))).toEqual([]);
  expect(failures(decisions).some(({ reason }) => reason.includes('is forbidden'))).toBe(true);
});

test.each<[string, NightScheduleSettings['autoscaler']]>([
  ['', { kind: 'auto-mode', builtIn: true }],
  [' and of which the config names no built-in NodePools any more', { kind: 'auto-mode' }],
])(
  'N12: a cluster that stays busy with an update%s is not reported as resumed, nor every minute',
  async (_what, autoscaler) => {
    const nodePools = ['general-purpose', 'system'];
    const world = aWorld([], {
      kind: 'karpenter',
      pools: { apps: open },
      claims: [],
      builtIn: { nodePools, nodeRoleArn: 'arn:aws:iam::1:role/eks', isUpdating: false, neededBy: [] },
    });
    const { resume } = world.ports.autoscaler;
    world.ports.autoscaler.resume = async (saved) => (saved.kind === 'karpenter' ? resume(saved) : 'busy');
    await ticks(world, NIGHT, 5, { autoscaler: { kind: 'auto-mode', builtIn: true } });
    const { decisions } = await ticks(world, MORNING, 60, autoscaler ? { autoscaler } : {});
    const resumed = decisions.filter(
      ({ action, reason }) => action === 'resume' && reason.includes('built-in'),
    );
    expect(resumed).toEqual([]);
    expect(
      decisions.filter(({ reason }) => /update of the cluster is in progress/.test(reason)),
    ).toHaveLength(1);
  },
);

describe('N8: a message of Auto Scaling', () => {
  test.each([
    'Your Spot request price of 0.01 is lower than the minimum required Spot request fulfillment price of 0.05. Launching EC2 instance failed.',
    'There is no available capacity that matches your request.',
    'InsufficientReservedInstanceCapacity - the reserved instances do not suffice.',
    'InsufficientCapacityReservation: it is used up.',
    'Could not launch On-Demand Instances. InsufficientInstanceCapacity - We currently do not have sufficient m5.large capacity in the Availability Zone you requested (ap-northeast-1c). Our system will be working on provisioning additional capacity.',
    'There is no Spot capacity available that matches your request. Launching EC2 instance failed.',
    'UnfulfillableCapacity - Unable to fulfill capacity due to your request configuration. Please adjust your request and try again.',
    'We were unable to fulfill any Spot capacity in ap-northeast-1a.',
    'spot request status: capacity-not-available',
    'spot request status: capacity-oversubscribed',
    'spot request status: price-too-low',
    'Max Spot instance count exceeded. Launching EC2 instance failed.',
    'max-spot-instance-count-exceeded',
    'InsufficientCapacityOnHost: the host has no room for it.',
    'ReservationCapacityExceeded - the reservation does not have sufficient available instance capacity.',
    'Spot capacity is currently unavailable for the requested instance types.',
  ])('"%s" is a shortage', (message) => {
    expect(isCapacityShort(message)).toBe(true);
  });

  test.each([
    undefined,
    '',
    'VcpuLimitExceeded - You have requested more vCPU capacity than your current vCPU limit of 32 allows.',
    'InsufficientFreeAddressesInSubnet - There are not enough free addresses in subnet subnet-1.',
    'The requested configuration is currently not supported. Launching EC2 instance failed.',
    'Your requested instance type (g4dn.xlarge) is not supported in your requested Availability Zone.',
    'The security group sg-1 does not exist.',
  ])('"%s" is none: an on-demand group of the same kind would fail as well', (message) => {
    expect(isCapacityShort(message)).toBe(false);
  });

  test('of an activity before this start does not count', async () => {
    const since: (string | undefined)[] = [];
    const fallback = aGroup({
      name: 'on-demand',
      autoScalingGroup: 'eks-on-demand-1',
      size: { min: 0, desired: 0, max: 4 },
      instances: [],
    });
    const world = aWorld([aGroup(), fallback]);
    await ticks(world, NIGHT, 10, { fallbackGroup: 'on-demand' });
    world.ports.groups.lastScalingFailure = async (_group, from) => {
      since.push(from);
      return undefined;
    };
    world.settle = () => undefined;
    await ticks(world, MORNING, 10, { fallbackGroup: 'on-demand' });
    expect(new Set(since)).toEqual(new Set([MORNING.toISOString()]));
    expect(world.size('on-demand').desired).toBe(0);
  });
});

describe('N9: without a host group', () => {
  test.each<[string, NightScheduleSettings['autoscaler']]>([
    ['Karpenter on Fargate', { kind: 'karpenter', namespace: 'karpenter', deployment: 'karpenter' }],
    ['EKS Auto Mode', { kind: 'auto-mode' }],
  ])('%s sleeps and wakes', async (_what, autoscaler) => {
    const world = aWorld([], { kind: 'karpenter', pools: { default: open }, claims: [] });
    const settings = autoscaler ? { autoscaler } : {};
    await ticks(world, NIGHT, 10, settings);
    expect(phase(world)).toBe('asleep');
    expect(world.autoscaler).toMatchObject({ pools: { default: closed } });
    await ticks(world, MORNING, 10, settings);
    expect(phase(world)).toBe('awake');
    expect(world.autoscaler).toMatchObject({ pools: { default: open } });
  });
});

describe('N10: a list that lacks a group which runs', () => {
  const asNodes = (names: readonly string[]) =>
    names.map((nodegroup) => ({
      name: `node-of-${nodegroup}`,
      instanceId: `i-of-${nodegroup}`,
      kind: 'instance' as const,
      nodegroup,
    }));

  test.each<[string, Partial<NightScheduleSettings>]>([
    ['all groups', {}],
    ['named groups', { nodegroups: ['workers', 'batch'] }],
  ])(
    'at the stop of %s is no sleep, and the group is stopped when it is listed again',
    async (_what, settings) => {
      const batch = aGroup({ name: 'batch', autoScalingGroup: 'eks-batch-1' });
      const world = aWorld([aGroup(), batch]);
      await ticks(world, minutes(NIGHT, -60), 10, settings);
      world.nodes = asNodes(['batch']);
      const { list } = world.ports.groups;
      world.ports.groups.list = async () => (await list()).filter(({ name }) => name !== 'batch');
      await ticks(world, NIGHT, 8, settings);
      expect(phase(world)).toBe('stopping');
      world.ports.groups.list = list;
      await ticks(world, minutes(NIGHT, 8), 2, settings);
      world.nodes = [];
      await ticks(world, minutes(NIGHT, 10), 6, settings);
      expect(world.size('batch').desired).toBe(0);
      expect(phase(world)).toBe('asleep');
    },
  );

  test('that is stopped last, and whose nodes do not name it, is no sleep either', async () => {
    const settings = { nodegroups: ['workers', 'system'], stopLast: ['system'] };
    const world = aWorld([aGroup(), system()]);
    await ticks(world, minutes(NIGHT, -60), 10, settings);
    world.nodes = [{ name: 'node-of-system', instanceId: 'i-of-system', kind: 'instance' }];
    const { list } = world.ports.groups;
    await ticks(world, minutes(NIGHT, -5), 1, settings);
    world.ports.groups.list = async () => (await list()).filter(({ name }) => name !== 'system');
    await ticks(world, minutes(NIGHT, -4), 5, settings);
    expect(phase(world)).toBe('stopping');
    world.ports.groups.list = list;
    world.nodes = [];
    await ticks(world, minutes(NIGHT, 1), 6, settings);
    expect(world.size('system').desired).toBe(0);
    expect(phase(world)).toBe('asleep');
  });

  test('for an hour in the middle of the night changes nothing, and is reported once', async () => {
    const world = aWorld([aGroup()]);
    await ticks(world, NIGHT, 12);
    const { list } = world.ports.groups;
    world.ports.groups.list = async () => [];
    const { decisions } = await ticks(world, minutes(NIGHT, 60), 60);
    expect(failures(decisions)).toHaveLength(1);
    world.ports.groups.list = list;
    await ticks(world, minutes(NIGHT, 120), 5);
    expect(phase(world)).toBe('asleep');
    await ticks(world, MORNING, 10);
    expect(world.size('workers')).toEqual({ min: 1, desired: 3, max: 5 });
  });
});

describe('N11: a state of the night that cannot be read', () => {
  test.each<[string, unknown]>([
    ['is a text', 'asleep'],
    ['is empty', {}],
    ['has no groups', { phase: 'awake', desired: 'awake', reason: 'x', since: NIGHT.toISOString() }],
    [
      'has a time that is none',
      { phase: 'stopping', desired: 'asleep', reason: 'x', since: 'yesterday', groups: [] },
    ],
    [
      'has kept things that are no texts',
      { phase: 'asleep', desired: 'asleep', reason: 'x', since: NIGHT.toISOString(), groups: [], kept: [1] },
    ],
  ])('because it %s is reported, and the cluster sleeps and wakes all the same', async (_what, value) => {
    const world = aWorld([aGroup()]);
    await world.table.through().save(PARTITION, STATE_KEY, value);
    const { decisions } = await ticks(world, NIGHT, 8);
    expect(failures(decisions)[0]?.reason).toMatch(/the state of the night cannot be read/);
    expect(failures(decisions)).toHaveLength(1);
    expect(phase(world)).toBe('asleep');
    await ticks(world, MORNING, 8);
    expect(phase(world)).toBe('awake');
    expect(world.size('workers').desired).toBe(3);
  });
});

describe('N12: an autoscaler that the config does not name any more while it is paused', () => {
  test.each<[string, AutoscalerView, NightScheduleSettings['autoscaler'], AutoscalerView]>([
    [
      'Karpenter',
      { kind: 'karpenter', pools: { default: open }, claims: [] },
      karpenter,
      { kind: 'karpenter', pools: { default: open }, claims: [] },
    ],
    [
      'a static NodePool of EKS Auto Mode',
      { kind: 'karpenter', pools: { fixed: { limits: null, replicas: 4 } }, claims: [] },
      { kind: 'auto-mode' },
      { kind: 'karpenter', pools: { fixed: { limits: null, replicas: 4 } }, claims: [] },
    ],
  ])('%s is resumed from its record, once', async (_what, before, autoscaler, after) => {
    const world = aWorld([aGroup(), system()], before);
    await ticks(world, NIGHT, 12, autoscaler ? { autoscaler } : {});
    const { decisions } = await ticks(world, MORNING, 12);
    expect(world.autoscaler).toMatchObject(after);
    expect(decisions.filter(({ action }) => action === 'resume')).toHaveLength(1);
    expect(phase(world)).toBe('awake');
  });

  test('a Deployment that was renamed in the config: the paused one is resumed', async () => {
    const world = aWorld([aGroup(), system()], { kind: 'cluster-autoscaler', deployment, replicas: 2 });
    await ticks(world, NIGHT, 12, { autoscaler: clusterAutoscaler });
    const { observe } = world.ports.autoscaler;
    world.ports.autoscaler.observe = async () => {
      const view = await observe();
      return view.kind === 'cluster-autoscaler'
        ? { ...view, deployment: 'kube-system/other', replicas: 1 }
        : view;
    };
    const settings = { autoscaler: { ...clusterAutoscaler, deployment: 'other' } };
    const { decisions } = await ticks(world, MORNING, 12, settings);
    expect(world.autoscaler).toMatchObject({ deployment, replicas: 2 });
    expect(decisions.filter(({ action }) => action === 'resume')).toHaveLength(1);
    expect(phase(world)).toBe('awake');
  });
});

describe('N16: a group of the same name', () => {
  const batch = (serial: number, size: Size, rest: Partial<ReturnType<typeof aGroup>> = {}) =>
    aGroup({ name: 'batch', autoScalingGroup: `eks-batch-${serial}`, size, ...rest });

  test('that is managed and was created again is another one, with or without an ARN', async () => {
    for (const withArn of [false, true]) {
      const arn = (serial: number) =>
        withArn ? { arn: `arn:aws:autoscaling:ap-northeast-1:111111111111:autoScalingGroup:${serial}` } : {};
      const world = aWorld([batch(1, { min: 1, desired: 3, max: 4 }, arn(1)), aGroup()]);
      await ticks(world, NIGHT, 8);
      world.groups.set('batch', batch(2, { min: 2, desired: 2, max: 2 }, arn(2)));
      await ticks(world, MORNING, 8);
      expect(world.size('batch')).toEqual({ min: 2, desired: 2, max: 2 });
      expect(phase(world)).toBe('awake');
    }
  });

  test('that is created at night with nodes is somebody’s: it runs on, and keeps its sizes', async () => {
    const world = aWorld([batch(1, { min: 1, desired: 3, max: 4 }), aGroup()]);
    await ticks(world, NIGHT, 12);
    world.groups.set('batch', batch(2, { min: 1, desired: 1, max: 1 }));
    await ticks(world, minutes(NIGHT, 60), 30);
    expect(world.size('batch')).toEqual({ min: 1, desired: 1, max: 1 });
    await ticks(world, MORNING, 10);
    expect(world.size('batch')).toEqual({ min: 1, desired: 1, max: 1 });
  });

  test('that sleeps in its turn gets its own sizes back', async () => {
    const world = aWorld([batch(1, { min: 1, desired: 3, max: 4 }), aGroup()]);
    await ticks(world, NIGHT, 8);
    world.groups.set('batch', batch(2, { min: 1, desired: 1, max: 1 }));
    await ticks(world, MORNING, 8);
    await ticks(world, minutes(NIGHT, 24 * 60), 12);
    expect(world.size('batch').desired).toBe(0);
    await ticks(world, minutes(MORNING, 24 * 60), 8);
    expect(world.size('batch')).toEqual({ min: 1, desired: 1, max: 1 });
  });
});

describe('N16: a NodePool that is created again at night under its name, static instead of dynamic,', () => {
  const recreated = { limits: null, replicas: 2 };

  test('is stopped in its turn, and gets its own replicas back', async () => {
    const world = aWorld([aGroup(), system()], { kind: 'karpenter', pools: { default: open }, claims: [] });
    await ticks(world, NIGHT, 15, { autoscaler: karpenter });
    world.autoscaler = { kind: 'karpenter', pools: { default: recreated }, claims: [] };
    const { decisions } = await ticks(world, minutes(NIGHT, 30), 15, { autoscaler: karpenter });
    expect(world.autoscaler).toMatchObject({ pools: { default: { replicas: 0 } } });
    expect(decisions.filter(({ reason }) => reason.includes('undoes the pause'))).toEqual([]);
    await ticks(world, MORNING, 15, { autoscaler: karpenter });
    expect(world.autoscaler).toMatchObject({ pools: { default: recreated } });
    expect(phase(world)).toBe('awake');
  });

  test('and nobody starts nodes with it: the limits of the other one are not written to it', async () => {
    const world = aWorld([aGroup(), system()], { kind: 'karpenter', pools: { default: open }, claims: [] });
    await ticks(world, NIGHT, 15, { autoscaler: karpenter });
    const empty = { limits: null, replicas: 0 };
    world.autoscaler = { kind: 'karpenter', pools: { default: empty }, claims: [] };
    await ticks(world, MORNING, 15, { autoscaler: karpenter });
    expect(world.autoscaler).toMatchObject({ pools: { default: empty } });
    expect(phase(world)).toBe('awake');
  });
});

test('N3: a Deployment of Cluster Autoscaler that is gone in the morning is named once, and the cluster is awake', async () => {
  const world = aWorld([aGroup(), system()], { kind: 'cluster-autoscaler', deployment, replicas: 1 });
  await ticks(world, NIGHT, 15, { autoscaler: clusterAutoscaler });
  world.ports.autoscaler.observe = async () => {
    throw new Error('kubernetes answered 404: deployments.apps "cluster-autoscaler" not found');
  };
  world.ports.autoscaler.resume = async () => 'gone';
  const { decisions } = await ticks(world, MORNING, 60, { autoscaler: clusterAutoscaler });
  const gone = decisions.filter(({ reason }) => reason.includes('does not exist any more'));
  expect(gone).toHaveLength(1);
  expect(phase(world)).toBe('awake');
});

test('N5: a warm pool whose group is at zero before the stop, and one of a group that is deleted at night', async () => {
  const warmPool = { min: 1, state: 'Stopped', reuse: false } as const;
  const zero = { size: { min: 0, desired: 0, max: 3 }, instances: [] };
  const world = aWorld([
    aGroup({ ...zero, warmPool, warmInstances: 3 }),
    aGroup({ name: 'batch', autoScalingGroup: 'eks-batch-1', warmPool, warmInstances: 2 }),
  ]);
  await ticks(world, NIGHT, 30);
  expect(phase(world)).toBe('asleep');
  for (const { warmInstances = 0 } of world.groups.values()) expect(warmInstances).toBe(0);
  world.groups.delete('batch');
  await ticks(world, MORNING, 30);
  expect(world.groups.get('workers')?.warmPool).toEqual(warmPool);
  expect(world.size('workers')).toEqual(zero.size);
});

test('N11: the corrupt record of one NodePool leaves the others to be paused and resumed', async () => {
  const world = aWorld([aGroup(), system()], {
    kind: 'karpenter',
    pools: { batch: open, default: open },
    claims: [],
  });
  await ticks(world, NIGHT, 15, { autoscaler: karpenter });
  await world.table
    .through()
    .save(PARTITION, autoscalerKey(nodePoolObject('batch')), { kind: 'karpenter', nodePool: 'batch' });
  const { decisions } = await ticks(world, MORNING, 60, { autoscaler: karpenter });
  expect(world.autoscaler).toMatchObject({ pools: { default: open, batch: closed } });
  expect(failures(decisions).some(({ target }) => target.includes('batch'))).toBe(true);
  expect(failures(decisions).length).toBeLessThanOrEqual(2);
});

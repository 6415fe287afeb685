/** Situations from public reports, each by the number under which the project keeps it. */
import { describe, expect, test } from 'vitest';
import { autoscalerKey, NIGHT as PARTITION, STATE_KEY } from '#functions/adapters/dynamodb/table-keys.ts';
import { isCapacityShort } from '#functions/night-schedule/decide-fallback.ts';
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

describe('N1: a NodeClaim that a budget holds', () => {
  test('keeps its host group and the state, and fails at the deadline with its name and what it waits for', async () => {
    const world = aWorld([aGroup(), system()], {
      kind: 'karpenter',
      pools: { general: open },
      claims: claims(1, { waitsFor: 'Drained is Unknown (Draining)' }),
    });
    const { decisions } = await ticks(world, NIGHT, 9 * 60, { autoscaler: karpenter });
    expect(phase(world)).toBe('stopping');
    expect(world.size('workers').desired).toBe(0);
    expect(world.size('system').desired).toBe(3);
    const failed = failures(decisions);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.length).toBeLessThanOrEqual(9);
    expect(failed[0]?.reason).toBe(
      'NodeClaims are still there 20 min after the stop: general-0: Drained is Unknown (Draining)',
    );
    expect(decisions.filter(({ reason }) => reason.startsWith('it runs again'))).toEqual([]);
  });

  test('is to end within the first half of the stop, so that the instances and the host group end in time', async () => {
    const world = aWorld([system()], { kind: 'karpenter', pools: { general: open }, claims: claims(1) });
    const times: (string | undefined)[] = [];
    const { pause } = world.ports.autoscaler;
    world.ports.autoscaler.pause = (view, at) => {
      times.push(at);
      return pause(view, at);
    };
    await ticks(world, NIGHT, 1, { autoscaler: karpenter });
    await ticks(world, NIGHT, 1, { autoscaler: { ...karpenter, forceAtNight: false } });
    expect(times).toEqual(['2026-11-24T13:15:00Z', undefined]);
  });
});

test('N2: a NodePool that is gone in the morning is named once, and the others are restored', async () => {
  const pools = { batch: open, default: open };
  const world = aWorld([system()], { kind: 'karpenter', pools, claims: [] });
  await ticks(world, NIGHT, 10, { autoscaler: karpenter });
  world.autoscaler = {
    kind: 'karpenter',
    pools: { default: { limits: { cpu: '0' }, replicas: null } },
    claims: [],
  };
  const { decisions, errors } = await ticks(world, MORNING, 20, { autoscaler: karpenter });
  expect(phase(world)).toBe('awake');
  expect(errors).toBe(0);
  expect(world.autoscaler).toMatchObject({ pools: { default: open } });
  expect(
    decisions.filter(({ target }) => target.includes('batch')).map(({ action, reason }) => [action, reason]),
  ).toEqual([['ignore', 'it does not exist any more: its saved setting is dropped']]);
});

describe('in the morning a NodeClaim that cannot launch, which stops the new NodeClaims of every NodePool,', () => {
  const since = minutes(MORNING, 5).toISOString();
  const waitsFor = 'Launched is Unknown (LaunchFailed, the role does not exist)';
  const morning = async (isOurs: boolean, overrides: Partial<NightScheduleSettings> = {}) => {
    const world = aWorld([system()], { kind: 'karpenter', pools: { default: open }, claims: [] });
    await ticks(world, NIGHT, 10, { autoscaler: karpenter });
    await ticks(world, MORNING, 6, { autoscaler: karpenter });
    expect(phase(world)).toBe('awake');
    const [claim] = claims(1, { nodePool: 'gpu', waitsFor });
    if (world.autoscaler?.kind === 'karpenter' && claim)
      world.autoscaler = { ...world.autoscaler, unlaunched: [{ ...claim, since, isOurs }] };
    const { decisions } = await ticks(world, minutes(MORNING, 6), 20, {
      autoscaler: karpenter,
      ...overrides,
    });
    return { world, decisions };
  };

  test('is named once, and deleted after two minutes where its NodePool is one that we stop', async () => {
    const { world, decisions } = await morning(true);
    expect(world.autoscaler).not.toHaveProperty('unlaunched');
    expect(decisions.filter(({ action }) => action !== 'none')).toEqual([
      expect.objectContaining({
        action: 'fail',
        target: 'gpu',
        time: minutes(MORNING, 7).toISOString(),
        reason: `the NodeClaim general-0 of gpu has no instance 2 min after it was made: ${waitsFor}; until it is gone no NodePool gets a new node; it is deleted, so that the others get theirs`,
      }),
    ]);
  });

  test.each<[string, boolean, Partial<NightScheduleSettings>]>([
    ['where its NodePool is not ours', false, {}],
    ['in a dry run', true, { dryRun: true }],
  ])('is named and left alone %s', async (_what, isOurs, overrides) => {
    const { world, decisions } = await morning(isOurs, overrides);
    expect(world.autoscaler).toHaveProperty('unlaunched');
    expect(failures(decisions)).toHaveLength(1);
    expect(world.calls).not.toContain('autoscaler.deleteClaims');
  });

  test('is found also while a group does not start, long after the NodePools were restored', async () => {
    const world = aWorld([system(), aGroup()], { kind: 'karpenter', pools: { default: open }, claims: [] });
    await ticks(world, NIGHT, 10, { autoscaler: karpenter });
    const { resize } = world.ports.groups;
    world.ports.groups.resize = async (group, ...rest) =>
      group.name === 'workers' ? 'busy' : resize(group, ...rest);
    await ticks(world, MORNING, 45, { autoscaler: karpenter });
    expect(phase(world)).toBe('starting');
    const [claim] = claims(1, { nodePool: 'gpu', waitsFor });
    if (world.autoscaler?.kind === 'karpenter' && claim)
      world.autoscaler = { ...world.autoscaler, unlaunched: [{ ...claim, since, isOurs: true }] };
    await ticks(world, minutes(MORNING, 45), 3, { autoscaler: karpenter });
    expect(world.autoscaler).not.toHaveProperty('unlaunched');
  });

  test('is asked for only in the first half hour', async () => {
    const { world } = await morning(false);
    world.calls.length = 0;
    await ticks(world, minutes(MORNING, 45), 10, { autoscaler: karpenter });
    expect(world.calls).not.toContain('autoscaler.observe');
  });
});

describe('N2: a NodePool that cannot be read any more', () => {
  const closed = { limits: { cpu: '0' }, replicas: null };

  test('in the morning is no NodePool that is gone: it gets back what was saved, as the others do', async () => {
    const world = aWorld([system()], {
      kind: 'karpenter',
      pools: { batch: { limits: { cpu: '40' }, replicas: null }, default: open },
      claims: [],
    });
    await ticks(world, NIGHT, 10, { autoscaler: karpenter });
    world.autoscaler = { kind: 'karpenter', pools: { default: closed }, claims: [], malformed: ['batch'] };
    await ticks(world, MORNING, 20, { autoscaler: karpenter });
    expect(phase(world)).toBe('awake');
    expect(world.autoscaler).toMatchObject({ pools: { batch: { limits: { cpu: '40' } }, default: open } });
  });

  test('keeps its NodeClaims, which count: they are not deleted each minute, and it is no sleep', async () => {
    const world = aWorld([system()], {
      kind: 'karpenter',
      pools: { default: open },
      claims: claims(2, { nodePool: 'batch' }),
      malformed: ['batch'],
    });
    const { decisions } = await ticks(world, NIGHT, 40, { autoscaler: karpenter });
    expect(phase(world)).toBe('stopping');
    expect(decisions.filter(({ action }) => action === 'pause')).toHaveLength(1);
    expect(failures(decisions).map(({ reason }) => reason)).toEqual([
      'the NodePool batch has limits or replicas that cannot be read: it and its NodeClaims are left alone',
      expect.stringMatching(/^NodeClaims are still there 20 min after the stop: general-0/),
    ]);
  });

  test('N2: whose record cannot be read keeps its NodeClaims as well', async () => {
    const world = aWorld([system()], {
      kind: 'karpenter',
      pools: { batch: open, default: open },
      claims: claims(1, { nodePool: 'batch' }),
    });
    await world.table
      .through()
      .save(PARTITION, autoscalerKey(nodePoolObject('batch')), { kind: 'karpenter' });
    const { decisions } = await ticks(world, NIGHT, 10, { autoscaler: karpenter });
    expect(decisions.filter(({ action }) => action === 'pause')).toHaveLength(1);
    expect(world.autoscaler).toMatchObject({ pools: { default: closed } });
  });
});

test('N2: a NodePool that the config does not name any more is given back what was saved', async () => {
  const pools = { batch: open, constructor: open };
  const world = aWorld([system()], { kind: 'karpenter', pools, claims: [] });
  await ticks(world, NIGHT, 10, { autoscaler: karpenter });
  const { observe } = world.ports.autoscaler;
  world.ports.autoscaler.observe = async () => {
    const view = await observe();
    return view.kind === 'karpenter' ? { ...view, pools: {} } : view;
  };
  const { decisions } = await ticks(world, MORNING, 20, {
    autoscaler: { ...karpenter, nodePools: ['default'] },
  });
  expect(world.autoscaler).toMatchObject({ pools });
  expect(decisions.filter(({ action }) => action === 'resume')).toHaveLength(2);
  expect(phase(world)).toBe('awake');
});

describe('N3: a group that stays busy', () => {
  test.each([
    ['stop', NIGHT],
    ['start', MORNING],
  ])('fails at the deadline of the %s, once an hour and with the reason', async (name, from) => {
    const world = aWorld([aGroup()]);
    if (name === 'start') await ticks(world, NIGHT, 10);
    const list = world.ports.groups;
    world.ports.groups = { ...list, resize: async () => 'busy' };
    const { decisions } = await ticks(world, from, 180);
    const failed = failures(decisions);
    expect(failed.map(({ target }) => target)).toEqual(['workers', 'workers', 'workers']);
    expect(failed[0]?.reason).toBe(
      `the ${name} is not complete after 20 min: another update of the group is in progress: the next pass tries again`,
    );
  });

  test('and one whose size never becomes what was accepted fails as well', async () => {
    const world = aWorld([aGroup()]);
    world.ports.groups = { ...world.ports.groups, resize: async () => 'accepted' };
    const { decisions } = await ticks(world, NIGHT, 180);
    expect(failures(decisions)).toHaveLength(3);
    expect(decisions.filter(({ action }) => action === 'stop').length).toBeLessThanOrEqual(20);
  });

  test('and so does one whose record is never written', async () => {
    const world = aWorld([aGroup()]);
    world.ports.store = { ...world.ports.store, writeSaved: async () => false };
    const { decisions } = await ticks(world, NIGHT, 60);
    expect(failures(decisions)[0]?.reason).toBe(
      'the stop is not complete after 20 min: another pass came first',
    );
  });

  test('and a state that is never written', async () => {
    const world = aWorld([aGroup()]);
    world.ports.store = { ...world.ports.store, writeState: async () => false };
    const { decisions } = await ticks(world, NIGHT, 60);
    expect(failures(decisions)[0]?.reason).toMatch(/the state of the night is not written since 20 min/);
  });

  test('and an autoscaler that cannot be observed, or is never seen to run again', async () => {
    const world = aWorld([aGroup(), system()], { kind: 'cluster-autoscaler', deployment, replicas: 1 });
    await ticks(world, NIGHT, 12, { autoscaler: clusterAutoscaler });
    world.ports.autoscaler = { ...world.ports.autoscaler, resume: async () => 'resumed' };
    const { decisions } = await ticks(world, MORNING, 120, { autoscaler: clusterAutoscaler });
    expect(phase(world)).toBe('starting');
    expect(failures(decisions)[0]).toMatchObject({ target: 'develop' });
    expect(failures(decisions)[0]?.reason).toMatch(
      /^the start is not complete after 20 min: .*back to 1 replicas/,
    );
    expect(failures(decisions)).toHaveLength(2);
  });
});

test('N4: the sizes are those of EKS, not those to which a rollout raised the group', async () => {
  const world = aWorld([aGroup({ size: { min: 1, desired: 6, max: 8 } })]);
  world.configured.set('workers', { size: { min: 1, desired: 3, max: 5 }, isUpdating: true });
  const { resize } = world.ports.groups;
  let tries = 0;
  world.ports.groups.resize = async (...request) => (tries++ < 15 ? 'busy' : resize(...request));
  const { decisions } = await ticks(world, NIGHT, 30);
  expect(phase(world)).toBe('asleep');
  expect(failures(decisions)).toEqual([]);
  world.configured.clear();
  await ticks(world, MORNING, 10);
  expect(world.size('workers')).toEqual({ min: 1, desired: 3, max: 5 });
});

test('N4: a rollout that raises a group in the morning is not taken for its start', async () => {
  const world = aWorld([aGroup({ size: { min: 0, desired: 3, max: 5 } })]);
  await ticks(world, NIGHT, 10);
  const configured = () => world.configured.set('workers', { size: EKS_ZERO, isUpdating: true });
  const raised = (size: Size) => world.groups.set('workers', aGroup({ size, instances: instances(3) }));
  const EKS_ZERO = { min: 0, desired: 0, max: 5 };
  const { resize } = world.ports.groups;
  configured();
  raised({ min: 0, desired: 3, max: 8 });
  world.ports.groups.resize = async () => 'busy';
  await ticks(world, MORNING, 10);
  expect(phase(world)).toBe('starting');
  // It ends, and the group is what EKS has configured.
  world.configured.clear();
  raised(EKS_ZERO);
  world.ports.groups.resize = resize;
  await ticks(world, minutes(MORNING, 10), 6);
  expect(world.size('workers')).toEqual({ min: 0, desired: 3, max: 5 });
  expect(phase(world)).toBe('awake');
});

describe('N4: what somebody changed at night is theirs', () => {
  test.each<[string, Size, Size]>([
    ['a max that was lowered', { min: 0, desired: 0, max: 2 }, { min: 1, desired: 2, max: 2 }],
    ['a max that was raised', { min: 0, desired: 0, max: 9 }, { min: 1, desired: 3, max: 9 }],
    ['more nodes', { min: 0, desired: 4, max: 5 }, { min: 1, desired: 4, max: 5 }],
    ['a min that was raised', { min: 2, desired: 2, max: 5 }, { min: 2, desired: 3, max: 5 }],
  ])('%s', async (_what, theirs, inTheMorning) => {
    const world = aWorld([aGroup()]);
    await ticks(world, NIGHT, 10);
    world.groups.set('workers', { ...aGroup(), size: theirs, instances: instances(theirs.desired) });
    await ticks(world, minutes(NIGHT, 60), 5);
    await ticks(world, MORNING, 8);
    expect(world.size('workers')).toEqual(inTheMorning);
    expect(phase(world)).toBe('awake');
  });

  test('and the max of a self-managed group, which a stop sets to zero, is not lowered by a node at night', async () => {
    const world = aWorld([aGroup({ kind: 'self-managed' })]);
    await ticks(world, NIGHT, 10);
    const theirs = { min: 0, desired: 1, max: 1 };
    world.groups.set('workers', { ...aGroup({ kind: 'self-managed' }), size: theirs });
    await ticks(world, MORNING, 8);
    expect(world.size('workers')).toEqual({ min: 1, desired: 3, max: 5 });
  });
});

test('N5: the instances of a warm pool count', async () => {
  const world = aWorld([aGroup({ warmInstances: 5 })]);
  const { decisions } = await ticks(world, NIGHT, 30);
  expect(phase(world)).toBe('stopping');
  expect(decisions.some(({ action }) => action === 'confirm-stop')).toBe(false);
  expect(failures(decisions)[0]?.reason).toMatch(/^5 instances of its warm pool still there 2\d min/);
});

test('N6: where nothing was found to stop it is said once, and the cluster is not asleep', async () => {
  const world = aWorld([]);
  const { decisions, errors } = await ticks(world, NIGHT, 600);
  expect(decisions.map(({ action, target }) => [action, target])).toEqual([['fail', 'develop']]);
  expect(decisions[0]?.reason).toMatch(
    /^nothing was found to stop: no group .* kubernetes\.io\/cluster\/develop/,
  );
  expect(phase(world)).toBe('awake');
  expect(errors).toBe(0);
});

describe('N6: a node of no group', () => {
  const stray = { name: 'ip-10-0-0-9', instanceId: 'i-untagged', kind: 'instance' } as const;

  test('is no sleep, and is named at the deadline', async () => {
    const world = aWorld([aGroup()]);
    world.nodes = [stray, { name: 'fargate-1', instanceId: '', kind: 'fargate' }];
    const { decisions } = await ticks(world, NIGHT, 50);
    expect(phase(world)).toBe('stopping');
    expect(failures(decisions)).toHaveLength(1);
    expect(failures(decisions)[0]?.reason).toMatch(
      /^nodes of no group and no NodePool that the config names run 20 min after the stop: ip-10-0-0-9; tag/,
    );
    world.nodes = [];
    await ticks(world, minutes(NIGHT, 50), 2);
    expect(phase(world)).toBe('asleep');
  });

  test.each<[string, Partial<NightScheduleSettings>, string | undefined]>([
    ['whose groups are named', { nodegroups: ['workers'] }, undefined],
    ['of a NodePool that is not named', { autoscaler: { kind: 'auto-mode', nodePools: ['gpu'] } }, 'batch'],
    ['of a built-in NodePool', { autoscaler: { kind: 'auto-mode' } }, 'system'],
  ])('is kept in a cluster %s', async (_what, settings, nodePool) => {
    const world = aWorld([aGroup()], { kind: 'karpenter', pools: {}, claims: [] });
    world.nodes = [{ ...stray, ...(nodePool === undefined ? {} : { nodePool }) }];
    await ticks(world, NIGHT, 12, settings);
    expect(phase(world)).toBe('asleep');
  });
});

test('N7: an autoscaler without a Ready pod scaled nothing, and what undoes its pause is named once an hour', async () => {
  const world = aWorld([aGroup(), system()], { kind: 'cluster-autoscaler', deployment, replicas: 1 });
  await ticks(world, NIGHT, 12, { autoscaler: clusterAutoscaler });
  expect(phase(world)).toBe('asleep');
  const { pause } = world.ports.autoscaler;
  world.ports.autoscaler.pause = async (view) => {
    await pause(view);
    world.autoscaler = { kind: 'cluster-autoscaler', deployment, replicas: 1, readyReplicas: 0 };
    return [];
  };
  world.autoscaler = { kind: 'cluster-autoscaler', deployment, replicas: 1, readyReplicas: 0 };
  world.groups.set('workers', aGroup({ size: { min: 0, desired: 2, max: 5 }, instances: instances(2) }));
  const { decisions } = await ticks(world, minutes(NIGHT, 60), 30, { autoscaler: clusterAutoscaler });
  expect(world.size('workers').desired).toBe(2);
  const undone = decisions.filter(({ reason }) => reason.includes('something undoes the pause'));
  expect(undone).toHaveLength(1);
  expect(undone[0]?.reason).toMatch(/none of its pods is Ready/);
});

test.each([
  'We currently do not have sufficient g4dn.xlarge capacity in the Availability Zone you requested (ap-northeast-1a).',
  'Could not launch Spot Instances. SpotMaxPriceTooLow - Your Spot request price of 0.01 is lower than the minimum.',
  'Could not launch Spot Instances. MaxSpotInstanceCountExceeded - Max spot instance count exceeded. Launching EC2 instance failed.',
  'Max spot instance count exceeded',
])('N8: a shortage is recognised by "%s"', (message) => {
  expect(isCapacityShort(message)).toBe(true);
});

describe('N10: a list without any group, where there were some', () => {
  test('stops nothing, is no sleep, and is reported', async () => {
    const world = aWorld([aGroup()]);
    await ticks(world, minutes(NIGHT, -60), 10);
    const { list } = world.ports.groups;
    world.ports.groups.list = async () => [];
    const { decisions, errors } = await ticks(world, NIGHT, 3);
    expect(errors).toBe(3);
    expect(failures(decisions)).toHaveLength(1);
    expect(failures(decisions)[0]?.reason).toMatch(/lists no group of the cluster, although there were some/);
    expect(phase(world)).toBe('awake');
    world.ports.groups.list = list;
    await ticks(world, minutes(NIGHT, 3), 8);
    expect(phase(world)).toBe('asleep');
  });

  test('is believed after a day', async () => {
    const world = aWorld([aGroup()]);
    await ticks(world, minutes(NIGHT, -60), 10);
    world.groups.clear();
    await ticks(world, NIGHT, 1);
    const { errors } = await ticks(world, minutes(NIGHT, 24 * 60), 3);
    expect(errors).toBe(0);
  });
});

describe('N11: a state of the night that cannot be read', () => {
  test('is reported, and the cluster is stopped all the same', async () => {
    const world = aWorld([aGroup()]);
    await world.table.through().save(PARTITION, STATE_KEY, { phase: 'dusk' });
    const { decisions } = await ticks(world, NIGHT, 8);
    expect(failures(decisions)[0]?.reason).toMatch(/the state of the night cannot be read/);
    expect(phase(world)).toBe('asleep');
  });
});

test('N12: an autoscaler that the config does not name any more is resumed from its record', async () => {
  const world = aWorld([aGroup(), system()], { kind: 'cluster-autoscaler', deployment, replicas: 2 });
  await ticks(world, NIGHT, 12, { autoscaler: clusterAutoscaler });
  expect(world.autoscaler).toMatchObject({ replicas: 0 });
  const { decisions } = await ticks(world, MORNING, 12);
  expect(world.autoscaler).toMatchObject({ replicas: 2 });
  expect(decisions.filter(({ action }) => action === 'resume')).toHaveLength(1);
  expect(phase(world)).toBe('awake');
});

describe('N16: a group of the same name', () => {
  const arn = (id: string) =>
    `arn:aws:autoscaling:ap-northeast-1:111111111111:autoScalingGroup:${id}:autoScalingGroupName/batch`;
  const batch = (id: string, size = { min: 1, desired: 3, max: 4 }) =>
    aGroup({ name: 'batch', kind: 'self-managed', autoScalingGroup: 'batch', arn: arn(id), size });

  test('is another one with another ARN: it keeps its own sizes', async () => {
    const world = aWorld([batch('one'), aGroup()]);
    await ticks(world, NIGHT, 8);
    world.groups.set('batch', batch('two', { min: 1, desired: 1, max: 1 }));
    await ticks(world, MORNING, 8);
    expect(world.size('batch')).toEqual({ min: 1, desired: 1, max: 1 });
  });

  test('finds no record of one that is gone for a day', async () => {
    const world = aWorld([batch('one'), aGroup()]);
    await ticks(world, NIGHT, 8);
    world.groups.delete('batch');
    await ticks(world, MORNING, 8);
    const { decisions } = await ticks(world, minutes(MORNING, 25 * 60), 1);
    expect(decisions).toContainEqual(
      expect.objectContaining({
        target: 'batch',
        action: 'ignore',
        reason: expect.stringContaining('for a day'),
      }),
    );
    expect(world.table.all(PARTITION, 'saved#')).toHaveLength(0);
  });
});

test('N17: the deadline of a start names what was observed, although its scaling activities cannot be read', async () => {
  const world = aWorld([aGroup()]);
  await ticks(world, NIGHT, 8);
  world.ports.nodes.ready = async () => new Set<string>();
  world.ports.groups.lastScalingFailure = async () => {
    throw new Error('not authorized to perform autoscaling:DescribeScalingActivities');
  };
  const { decisions } = await ticks(world, MORNING, 25);
  expect(failures(decisions)[0]?.reason).toMatch(
    /^0 of 3 nodes are Ready 20 min after the start; its scaling activities cannot be read: not authorized/,
  );
});

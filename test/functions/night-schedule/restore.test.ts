import { describe, expect, test } from 'vitest';
import { NIGHT as PARTITION, SAVED_PREFIX, STATE_KEY } from '#functions/adapters/dynamodb/table-keys.ts';
import type { AutoscalerView } from '#functions/night-schedule/ports.ts';
import type { SavedAutoscaler } from '#functions/night-schedule/records.ts';
import { type RestorePorts, restore } from '#functions/night-schedule/restore.ts';
import { aGroup, aSavedSize, instances, NIGHT } from './builders.ts';
import { aWorld, CrashError, type World } from './memory-ports.ts';

const minutes = (n: number) => new Date(NIGHT.getTime() + n * 60_000);
const zero = { min: 0, desired: 0, max: 5 };
const paused: AutoscalerView = {
  kind: 'cluster-autoscaler',
  deployment: 'kube-system/cluster-autoscaler',
  replicas: 0,
};
const savedReplicas: SavedAutoscaler = {
  kind: 'cluster-autoscaler',
  deployment: 'kube-system/cluster-autoscaler',
  replicas: 2,
  since: NIGHT.toISOString(),
};

function portsAt(world: World, now: Date): RestorePorts {
  const { groups, store, autoscaler } = world.ports;
  return {
    groups,
    store,
    cronJobs: world.ports.cronJobs,
    autoscalersOf: (saved) => [{ autoscaler, saved }],
    now: () => now,
    timeZone: 'Asia/Tokyo',
    record: (entry) =>
      void world.decisions.push({
        ...entry,
        time: now.toISOString(),
        environment: 'develop',
        capability: 'night-schedule',
        trigger: 'test',
      }),
  };
}
const at = (world: World, minute: number) => restore(portsAt(world, minutes(minute)));

async function asleep(autoscaler?: AutoscalerView): Promise<World> {
  const world = aWorld([aGroup({ size: zero, instances: [] })], autoscaler);
  await world.ports.store.writeSaved(aSavedSize(), 'absent');
  if (autoscaler) await world.ports.store.writeAutoscaler(savedReplicas, 'absent');
  world.calls.length = 0;
  return world;
}
/** It sleeps since 22:10 in Tokyo, which was observed until `seen`. */
async function sleeps(seen?: Date): Promise<World> {
  const world = aWorld([aGroup({ size: zero, instances: [] })]);
  await world.ports.store.writeSaved(aSavedSize({ asleepSince: '2026-11-24T13:10:00.000Z' }), 'absent');
  if (seen) await world.ports.store.writeNote('seen', { at: seen.toISOString(), gaps: [] }, 'absent');
  return world;
}
const stretchesOf = (world: World) =>
  world
    .ledger()
    .map(({ date, from, to, nodes, asleepMinutes, gapMinutes, nodeMinutesSaved }) => [
      date,
      `${from} ${to}`,
      nodes,
      asleepMinutes,
      gapMinutes,
      nodeMinutesSaved,
    ]);
const savedSizes = (world: World) => world.table.all(PARTITION, SAVED_PREFIX);

describe('the ledger of a restore', () => {
  /** 01:10 in Tokyo. */
  const ONE = new Date('2026-11-24T16:10:00.000Z');
  const NIGHT_OF_THREE_HOURS = [
    ['2026-11-24', '2026-11-24T13:10:00.000Z 2026-11-24T15:00:00.000Z', 3, 110, 0, 330],
    ['2026-11-25', '2026-11-24T15:00:00.000Z 2026-11-24T16:10:00.000Z', 3, 70, 0, 210],
  ];

  test('has the sleep that ends with it, on the dates of the schedule', async () => {
    const world = await sleeps(new Date(ONE.getTime() - 4 * 60_000));
    await restore(portsAt(world, ONE));
    expect(stretchesOf(world)).toEqual(NIGHT_OF_THREE_HOURS);
    await restore(portsAt(world, new Date(ONE.getTime() + 60_000)));
    await restore(portsAt(world, new Date(ONE.getTime() + 120_000)));
    expect(stretchesOf(world)).toEqual(NIGHT_OF_THREE_HOURS);
    expect(savedSizes(world)).toEqual([]);
  });

  test.for([
    ['since the functions are gone', new Date('2026-11-24T14:10:00.000Z'), 50, 70],
    ['at all', undefined, 110, 70],
  ] as const)('does not count as saved what nobody observed %s', async ([, seen, first, second]) => {
    const world = await sleeps(seen);
    await restore(portsAt(world, ONE));
    expect(world.ledger().map(({ gapMinutes }) => gapMinutes)).toEqual([first, second]);
    expect(world.ledger().map(({ nodeMinutesSaved }) => nodeMinutesSaved)).toEqual([3 * (110 - first), 0]);
  });

  test('has one sleep where the restore is killed between it and the record', async () => {
    const world = await sleeps(new Date(ONE.getTime() - 60_000));
    world.hook = (call, before) => {
      if (before && call.startsWith('store.writeSaved')) throw new CrashError('killed');
    };
    await restore(portsAt(world, ONE));
    world.hook = () => undefined;
    await restore(portsAt(world, new Date(ONE.getTime() + 120_000)));
    expect(world.ledger().map(({ date, asleepMinutes }) => [date, asleepMinutes])).toEqual([
      ['2026-11-24', 110],
      ['2026-11-25', 72],
    ]);
  });

  test('gets later what could not be written when the sizes were restored', async () => {
    const world = await sleeps(ONE);
    world.hook = (call, before) => {
      if (before && call.startsWith('store.writeLedger')) throw new Error('throttled');
    };
    await restore(portsAt(world, ONE));
    expect(world.size('workers')).toEqual({ min: 1, desired: 3, max: 5 });
    world.hook = () => undefined;
    await restore(portsAt(world, new Date(ONE.getTime() + 60_000)));
    expect(stretchesOf(world)).toEqual(NIGHT_OF_THREE_HOURS);
    await restore(portsAt(world, new Date(ONE.getTime() + 120_000)));
    expect(stretchesOf(world)).toEqual(NIGHT_OF_THREE_HOURS);
    expect(world.decisions.map(({ action }) => action)).toEqual(['start', 'restore']);
  });

  test('does not keep a group asleep: what it lacks is recorded', async () => {
    const world = await sleeps(ONE);
    world.hook = (call, before) => {
      if (before && call.startsWith('store.writeLedger')) throw new Error('not authorized: dynamodb:GetItem');
    };
    await restore(portsAt(world, ONE));
    expect(world.size('workers')).toEqual({ min: 1, desired: 3, max: 5 });
    await restore(portsAt(world, new Date(ONE.getTime() + 120_000)));
    expect(savedSizes(world)).toEqual([]);
    expect(world.decisions.find(({ action }) => action === 'fail')).toMatchObject({
      target: 'workers',
      reason:
        'the sleep of 3 nodes from 2026-11-24T13:10:00.000Z to 2026-11-24T16:10:00.000Z is not in the ledger: not authorized: dynamodb:GetItem',
    });
  });
});

describe('a restore', () => {
  test('with nothing saved asks neither AWS nor the cluster', async () => {
    const world = aWorld([aGroup()], paused);
    expect(await at(world, 0)).toEqual({ waiting: [], failed: [], gone: [] });
    expect(world.calls).toEqual(['store.load']);
  });

  test('writes down that it restores before it resizes, and clears the record only after the sizes were observed', async () => {
    const world = await asleep();
    expect((await at(world, 0)).waiting).toEqual([{ target: 'workers', reason: 'sizes 1/3/5 are restored' }]);
    expect(world.calls).toEqual([
      'store.load',
      'groups.list',
      'store.writeSaved workers restoring',
      'groups.resize workers 1/3/5',
    ]);
    expect(savedSizes(world)).toHaveLength(1);

    expect((await at(world, 1)).waiting).toEqual([
      {
        target: 'workers',
        reason: 'an update of workers that is still in progress would show within 90 seconds',
      },
    ]);
    expect((await at(world, 2)).waiting).toEqual([]);
    expect(savedSizes(world)).toEqual([]);
    expect(world.decisions.map(({ action, target }) => [action, target])).toEqual([
      ['start', 'workers'],
      ['restore', 'workers'],
    ]);
  });

  test('resumes the autoscaler after the sizes are requested, and confirms it', async () => {
    const world = await asleep(paused);
    world.hook = (call, before) => {
      if (before && call.startsWith('groups.resize')) throw new Error('no route to host');
    };
    expect((await at(world, 0)).waiting).toEqual([
      { target: 'workers', reason: 'no route to host' },
      { target: 'autoscaler', reason: 'the sizes are restored first' },
    ]);
    world.hook = () => undefined;
    await at(world, 1);
    expect(world.autoscaler).toEqual({ ...paused, replicas: 2 });
    await at(world, 4);
    expect(await at(world, 5)).toEqual({ waiting: [], failed: [], gone: [] });
  });

  test('keeps a record that a pass has just saved: it may pause the autoscaler next', async () => {
    const world = await asleep({ ...paused, replicas: 2 });
    const object = 'deployment#kube-system/cluster-autoscaler';
    expect((await at(world, 1)).waiting).toContainEqual({ target: object, reason: 'it is resumed' });
    expect((await world.ports.store.load()).autoscaler.has(object)).toBe(true);
    await at(world, 2);
    expect((await world.ports.store.load()).autoscaler.has(object)).toBe(false);
  });

  test('drops the record of a Deployment that does not exist any more, and does not wait for it', async () => {
    const world = await asleep(paused);
    world.ports.autoscaler.observe = async () => Promise.reject(new Error('404'));
    world.ports.autoscaler.resume = async () => 'gone';
    expect((await at(world, 0)).waiting.map(({ target }) => target)).toEqual(['workers']);
    await at(world, 4);
    expect((await world.ports.store.load()).autoscaler.size).toBe(0);
    expect(world.decisions.map(({ action, target }) => [action, target])).toContainEqual([
      'ignore',
      'deployment#kube-system/cluster-autoscaler',
    ]);
  });

  test('gives a NodePool that cannot be read what was saved, and drops the record of one that is gone', async () => {
    const world = aWorld([], { kind: 'karpenter', pools: {}, claims: [], malformed: ['batch'] });
    const setting = { limits: { cpu: '40' }, replicas: null };
    for (const nodePool of ['batch', 'gone'])
      await world.ports.store.writeAutoscaler(
        { kind: 'karpenter', nodePool, setting, since: NIGHT.toISOString() },
        'absent',
      );
    await at(world, 0);
    expect(world.autoscaler).toMatchObject({ pools: { batch: setting } });
    expect((await at(world, 4)).waiting).toEqual([]);
    const ofPools = world.decisions.filter(({ target }) => target.startsWith('nodepool#'));
    expect(ofPools.map(({ target, action }) => [target, action])).toEqual([
      ['nodepool#batch', 'resume'],
      ['nodepool#gone', 'ignore'],
    ]);
  });

  test('resumes from its record what cannot be observed, and waits until it is observed', async () => {
    const world = await asleep(paused);
    const { observe } = world.ports.autoscaler;
    world.ports.autoscaler.observe = async () => Promise.reject(new Error('no route to host'));
    await at(world, 0);
    expect(world.autoscaler).toEqual({ ...paused, replicas: 2 });
    expect((await at(world, 4)).waiting).toEqual([
      { target: 'deployment#kube-system/cluster-autoscaler', reason: 'it is resumed' },
    ]);
    world.ports.autoscaler.observe = observe;
    expect((await at(world, 5)).waiting).toEqual([]);
  });

  test('starts the resize again that was accepted and did not happen', async () => {
    const world = await asleep();
    await at(world, 0);
    world.groups.set('workers', aGroup({ size: zero, instances: [] }));
    await at(world, 1);
    expect(world.size('workers')).toEqual({ min: 1, desired: 3, max: 5 });
  });

  test('leaves a group alone that somebody resized after its sizes were back', async () => {
    const world = aWorld([aGroup({ size: { min: 0, desired: 1, max: 5 }, instances: instances(1) })]);
    await world.ports.store.writeSaved(aSavedSize({ phase: 'restored' }), 'absent');
    expect((await at(world, 9)).waiting).toEqual([]);
    expect(world.size('workers')).toEqual({ min: 0, desired: 1, max: 5 });
  });

  test.for([
    ['is not there', []],
    ['was created again', [aGroup({ autoScalingGroup: 'eks-workers-2', size: zero, instances: [] })]],
    ['was created again under its old name', [aGroup({ arn: 'arn:2', size: zero, instances: [] })]],
  ] as const)('keeps the sizes of a group that %s, and does not wait for it', async ([, groups]) => {
    const world = aWorld(groups);
    await world.ports.store.writeSaved(aSavedSize({ arn: 'arn:1' }), 'absent');
    const { waiting, gone } = await at(world, 0);
    expect(waiting).toEqual([]);
    expect(gone.map(({ target }) => target)).toEqual(['workers']);
    expect(savedSizes(world)).toHaveLength(1);
  });

  test('names a record that cannot be read, and restores the others', async () => {
    const world = await asleep();
    await world.table.through().save(PARTITION, `${SAVED_PREFIX}develop/web`, { group: 'web' });
    const { failed, waiting } = await at(world, 0);
    expect(failed.map(({ target }) => target)).toEqual(['web']);
    expect(waiting.map(({ target }) => target)).toEqual(['workers']);
    expect(world.table.read(PARTITION, STATE_KEY)).toBeUndefined();
  });
});

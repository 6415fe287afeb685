/** NodePools that are deleted and created again while the cluster sleeps, as GitOps does: the new one is somebody's own. */
import { describe, expect, test } from 'vitest';
import { autoscalerKey, NIGHT as PARTITION } from '#functions/adapters/dynamodb/table-keys.ts';
import type { NodePoolSetting, SavedAutoscaler } from '#functions/night-schedule/records.ts';
import { restore } from '#functions/night-schedule/restore.ts';
import { MORNING, NIGHT } from './builders.ts';
import { aWorld, type World } from './memory-ports.ts';
import { failures, karpenter, minutes, phase, system, ticks } from './ticks.ts';

const aPool = (uid: string, cpu: string | null): NodePoolSetting => ({
  limits: cpu === null ? null : { cpu },
  replicas: null,
  uid,
});
const settings = { autoscaler: karpenter };

async function sleeping(before = aPool('one', '40')) {
  const world = aWorld([system()], {
    kind: 'karpenter',
    pools: { batch: before, default: aPool('other', '8') },
    claims: [],
  });
  await ticks(world, NIGHT, 10, settings);
  expect(phase(world)).toBe('asleep');
  return world;
}

function createAgain(world: World, setting: NodePoolSetting | undefined): void {
  if (world.autoscaler?.kind !== 'karpenter') throw new Error('no Karpenter');
  const { batch: _deleted, ...others } = world.autoscaler.pools;
  world.autoscaler = {
    ...world.autoscaler,
    pools: { ...others, ...(setting ? { batch: setting } : {}) },
  };
}

const poolIn = ({ autoscaler }: World) =>
  autoscaler?.kind === 'karpenter' ? autoscaler.pools['batch'] : undefined;

describe('a NodePool that is created again at night', () => {
  test.each<[string, NodePoolSetting]>([
    ['with other limits', aPool('two', '100')],
    ['without limits', aPool('two', null)],
    ['with lower limits', aPool('two', '2')],
    ['static', { limits: null, replicas: 2, uid: 'two' }],
  ])('%s sleeps too, and has its own in the morning', async (_what, theirs) => {
    const world = await sleeping();
    createAgain(world, theirs);
    const { decisions } = await ticks(world, minutes(NIGHT, 60), 10, settings);
    expect(poolIn(world)).not.toEqual(theirs);
    expect(decisions.map(({ reason }) => reason).filter((reason) => reason.includes('undoes'))).toEqual([]);
    await ticks(world, MORNING, 10, settings);
    expect(poolIn(world)).toEqual(theirs);
    expect(phase(world)).toBe('awake');
    expect(world.autoscaler).toMatchObject({ pools: { default: aPool('other', '8') } });
  });

  test('with a limit of 0 keeps it: nobody wrote 40 into this one', async () => {
    const world = await sleeping();
    const theirs = aPool('two', '0');
    createAgain(world, theirs);
    await ticks(world, minutes(NIGHT, 60), 10, settings);
    const { decisions } = await ticks(world, MORNING, 10, settings);
    expect(poolIn(world)).toEqual(theirs);
    expect(phase(world)).toBe('awake');
    expect(failures(decisions)).toEqual([]);
    expect(world.table.all(PARTITION, 'autoscaler#')).toEqual([]);
  });

  test('and cannot be observed in the morning is left alone: the saved limits are dropped', async () => {
    const world = await sleeping();
    const theirs = aPool('two', '0');
    createAgain(world, theirs);
    const { observe } = world.ports.autoscaler;
    world.ports.autoscaler.observe = async () => ({ ...(await observe()), pools: {} });
    const { decisions } = await ticks(world, MORNING, 10, {
      autoscaler: { ...karpenter, nodePools: ['gpu'] },
    });
    expect(poolIn(world)).toEqual(theirs);
    expect(decisions.filter(({ action }) => action === 'ignore')).toHaveLength(1);
  });

  test('several times gets the limits of the last one', async () => {
    const world = await sleeping();
    createAgain(world, aPool('two', '100'));
    await ticks(world, minutes(NIGHT, 60), 10, settings);
    createAgain(world, undefined);
    await ticks(world, minutes(NIGHT, 80), 10, settings);
    createAgain(world, aPool('three', '7'));
    await ticks(world, minutes(NIGHT, 100), 10, settings);
    await ticks(world, MORNING, 10, settings);
    expect(poolIn(world)).toEqual(aPool('three', '7'));
  });

  test('each few minutes is recorded once an hour', async () => {
    const world = await sleeping();
    const { observe } = world.ports.autoscaler;
    let serial = 0;
    world.ports.autoscaler.observe = async () => {
      createAgain(world, aPool(`new-${serial++}`, '100'));
      return observe();
    };
    const { decisions } = await ticks(world, minutes(NIGHT, 60), 180, settings);
    expect(serial).toBeGreaterThan(30);
    expect(decisions.filter(({ action }) => action === 'pause').length).toBeLessThanOrEqual(3);
  });

  test('is left alone by a removal of the stack too', async () => {
    const world = await sleeping();
    const theirs = aPool('two', '0');
    createAgain(world, theirs);
    for (let minute = 0; minute < 5; minute++)
      await restore({
        ...world.ports,
        autoscalersOf: (saved) => [{ autoscaler: world.ports.autoscaler, saved }],
        now: () => minutes(NIGHT, 60 + minute),
        timeZone: 'Asia/Tokyo',
        record: () => undefined,
      });
    expect(poolIn(world)).toEqual(theirs);
    expect(world.autoscaler).toMatchObject({ pools: { default: aPool('other', '8') } });
  });
});

test('a NodePool that another pass has just resumed is not closed again without a record (found by simulation)', async () => {
  const world = await sleeping();
  let isResumed = false;
  world.hook = (call, before) => {
    if (call !== 'autoscaler.observe' || !before || isResumed) return;
    isResumed = true;
    createAgain(world, aPool('one', '40'));
    void world.table.through().remove(PARTITION, autoscalerKey('nodepool#batch'));
  };
  // The other pass: an override has just ended, and this one had read the record before.
  await ticks(world, minutes(NIGHT, 60), 1, settings);
  expect(isResumed).toBe(true);
  expect(poolIn(world)).toEqual(aPool('one', '40'));
  await ticks(world, minutes(NIGHT, 65), 10, settings);
  expect(poolIn(world)).toEqual(aPool('one', '0'));
  await ticks(world, MORNING, 10, settings);
  expect(poolIn(world)).toEqual(aPool('one', '40'));
});

test('a record that another pass has just saved, and has not acted on yet, is not cleared (found by simulation)', async () => {
  const world = await sleeping();
  createAgain(world, aPool('one', '40'));
  await ticks(world, MORNING, 10, settings);
  const setting = aPool('one', '40');
  const since = minutes(MORNING, 59.9).toISOString();
  const record = { kind: 'karpenter', nodePool: 'batch', setting, since, cluster: 'develop' } as const;
  await world.ports.store.writeAutoscaler(record, 'absent');
  await ticks(world, minutes(MORNING, 60), 1, settings);
  expect(world.table.all(PARTITION, 'autoscaler#')).toEqual([record]);
  await ticks(world, minutes(MORNING, 62), 1, settings);
  expect(world.table.all(PARTITION, 'autoscaler#')).toEqual([]);
});

test('a NodePool that is the same object gets back what was saved, whoever changed it meanwhile', async () => {
  const world = await sleeping();
  createAgain(world, { limits: { cpu: '0', memory: '1Gi' }, replicas: null, uid: 'one' });
  await ticks(world, MORNING, 10, settings);
  expect(poolIn(world)).toMatchObject({ limits: { cpu: '40' } });
});

test('what an earlier release saved has no uid, and is restored all the same', async () => {
  const world = await sleeping();
  const saved = world.table
    .all<SavedAutoscaler>(PARTITION, 'autoscaler#')
    .find((one) => one.kind === 'karpenter' && one.nodePool === 'batch');
  if (saved?.kind !== 'karpenter') throw new Error('nothing is saved');
  const { uid: _uid, ...setting } = saved.setting;
  await world.table.through().save(PARTITION, autoscalerKey('nodepool#batch'), { ...saved, setting });
  await ticks(world, MORNING, 10, settings);
  expect(poolIn(world)).toMatchObject({ limits: { cpu: '40' } });
  expect(phase(world)).toBe('awake');
});

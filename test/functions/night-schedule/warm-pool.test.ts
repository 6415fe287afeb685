/** Nights with warm pools: the whole pass with the real adapters, on the lab. */
import { anEndpoint } from '@nightshift/lab/test/aws/endpoint.ts';
import { aGroup, aNodegroup } from '@nightshift/lab/test/aws/world.ts';
import type { AutoScalingGroup, WarmPoolOptions } from '@nightshift/lab/world/aws/index.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import { createGroups } from '#functions/adapters/aws/groups.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import { restore } from '#functions/night-schedule/restore.ts';
import { run } from '#functions/night-schedule/run.ts';
import type { Decision } from '#model/decision.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import { createMemoryTable } from '#test/simulation/table.ts';
import { someSettings } from './builders.ts';

beforeAll(() => {
  process.env['POWERTOOLS_LOG_LEVEL'] = 'SILENT';
});

const STOP = Date.parse('2026-11-24T13:00:00Z'); // 22:00 in Tokyo
const START = Date.parse('2026-11-24T23:00:00Z');
type Kind = 'managed' | 'self-managed';

async function aNight(
  kind: Kind,
  warmPool: WarmPoolOptions,
  options: { settings?: Partial<NightScheduleSettings>; desired?: number } = {},
) {
  const lab = await anEndpoint();
  const { world } = lab;
  const { desired = 3 } = options;
  const sizes = { min: desired === 0 ? 0 : 1, desired, max: 5, warmPool };
  const group =
    kind === 'managed'
      ? aNodegroup(world, { name: 'workers', capacityType: 'ON_DEMAND', ...sizes }).group
      : aGroup(world, { name: 'workers', spotPercent: 0, ...sizes });
  const table = createMemoryTable();
  const store = createNightStore(table.through(), 'develop');
  const groups = createGroups({ autoScaling: lab.autoScaling, eks: lab.eks }, 'develop');
  const decisions: Decision[] = [];
  const { clock } = world.context;
  /** Signatures carry the world's time. */
  const setClocks = () => {
    for (const { config } of [lab.autoScaling, lab.eks]) config.systemClockOffset = clock.offset();
  };
  const isUp = (id: string) => !world.gone.some((one) => one.id === id);
  const deps = {
    settings: someSettings(options.settings),
    groups,
    nodes: {
      ready: async () => new Set(world.running.map(({ id }) => id).filter(isUp)),
      all: async () => [],
    },
    store,
    trail: { record: async (made: readonly Decision[]) => void decisions.push(...made) },
    now: () => clock.date(),
    remaining: () => 60_000,
  };
  await clock.runUntil(STOP - 60_000);
  setClocks();
  return {
    ...lab,
    group,
    groups,
    store,
    decisions,
    now: deps.now,
    setClocks,
    phase: async () => (await store.load()).state?.value.phase,
    /** A tick each minute around the transitions, each ten minutes in between. */
    async until(time: number, seen: () => void = () => undefined) {
      while (clock.now() < time) {
        await run(deps, { trigger: 'tick', byPerson: false });
        seen();
        const isQuiet = clock.now() > STOP + 0.75 * HOUR && clock.now() < START - 0.25 * HOUR;
        await clock.runUntil(clock.now() + (isQuiet ? 10 : 1) * 60_000);
        setClocks();
      }
    },
  };
}

const HOUR = 3_600_000;
const poolOf = ({ warmPool: pool }: AutoScalingGroup) =>
  pool && { min: pool.min, maxPrepared: pool.maxPrepared, state: pool.state, reuse: pool.reuse };
const warmIn = ({ warmPool: pool }: AutoScalingGroup) => pool?.instances.size ?? 0;

const POOLS: readonly WarmPoolOptions[] = [
  {},
  { state: 'Running', min: 2 },
  { state: 'Hibernated', maxPrepared: 4, reuse: true },
];

describe.each<Kind>(['managed', 'self-managed'])('the warm pool of a %s group', (kind) => {
  test.each(POOLS)(
    '%o is empty from the stop to the start, and is itself again in the morning',
    async (options) => {
      const night = await aNight(kind, options);
      const { group, decisions } = night;
      const before = poolOf(group);
      expect(warmIn(group)).toBeGreaterThan(0);
      let confirmed = false;
      await night.until(START, () => {
        confirmed ||= decisions.some(({ action }) => action === 'confirm-stop');
        if (confirmed) expect(group.instances.size + warmIn(group)).toBe(0);
      });
      expect(confirmed).toBe(true);
      expect(await night.phase()).toBe('asleep');
      await night.until(START + HOUR);
      expect(poolOf(group)).toEqual(before);
      expect(group).toMatchObject({ min: 1, desired: 3, max: 5 });
      expect(await night.phase()).toBe('awake');
      expect((await night.store.load()).saved.size).toBe(0);
      expect(decisions.filter(({ action }) => action === 'fail')).toEqual([]);
    },
  );

  test('is saved before it is switched off, and is switched off before the group is at zero', async () => {
    const night = await aNight(kind, { state: 'Running' });
    const { group } = night;
    await night.until(START, () => {
      if (group.desired === 0) expect(group.warmPool ? poolOf(group)?.maxPrepared : 0).toBe(0);
    });
    const stop = night.decisions.find(({ action }) => action === 'stop');
    expect(stop?.reason).toMatch(
      /sizes 1\/3\/5 are saved; its warm pool \(Running, min 0, as many as the max of the group\) is switched off$/,
    );
  });

  test('of a group that was at zero is stopped as well', async () => {
    const night = await aNight(kind, { state: 'Running', min: 1 }, { desired: 0 });
    const { group } = night;
    expect(warmIn(group)).toBe(5);
    await night.until(STOP + HOUR);
    expect(warmIn(group)).toBe(0);
    expect(await night.phase()).toBe('asleep');
    await night.until(START + HOUR);
    expect(poolOf(group)).toMatchObject({ min: 1, state: 'Running' });
    expect(group.desired).toBe(0);
    expect((await night.store.load()).saved.size).toBe(0);
  });

  test('that is kept by the config is left alone, and does not keep the cluster awake', async () => {
    const night = await aNight(kind, { min: 2 }, { settings: { warmPools: 'keep' } });
    const { group } = night;
    const before = poolOf(group);
    await night.until(STOP + HOUR);
    expect(await night.phase()).toBe('asleep');
    expect(poolOf(group)).toEqual(before);
    // Of a self-managed group max is zero as well, so that its min is left.
    expect(warmIn(group)).toBe(kind === 'managed' ? 5 : 2);
  });

  test('is restored where the stack is removed at night', async () => {
    const night = await aNight(kind, { min: 1, maxPrepared: 4, state: 'Running' });
    const { group, groups, store, now, world } = night;
    const before = poolOf(group);
    await night.until(STOP + HOUR);
    const ports = {
      groups,
      store,
      cronJobs: { resume: async () => 'gone' as const },
      autoscalersOf: () => [],
      timeZone: 'Asia/Tokyo',
      now,
      record: () => undefined,
    };
    for (let minute = 0; minute < 15; minute++) {
      await restore(ports);
      await world.pass(60);
      night.setClocks();
    }
    expect(await restore(ports)).toEqual({ waiting: [], failed: [], gone: [] });
    expect(poolOf(group)).toEqual(before);
    expect(group.desired).toBe(3);
  });
});

test('a pool that somebody switches on at night is left alone, reported once, and theirs in the morning', async () => {
  const night = await aNight('self-managed', { min: 1 });
  const { group, world, decisions } = night;
  await night.until(STOP + HOUR);
  world.aws.autoScaling.putWarmPool(world.cluster, 'workers', { min: 2, maxPrepared: 3 });
  await night.until(STOP + 2 * HOUR);
  expect(
    decisions.filter(({ reason }) => reason.startsWith('somebody switched its warm pool on')),
  ).toHaveLength(1);
  await night.until(START + HOUR);
  expect(poolOf(group)).toMatchObject({ min: 2, maxPrepared: 3 });
  expect((await night.store.load()).saved.size).toBe(0);
});

test('with onManualChange "enforce" a pool that somebody switches on is switched off again', async () => {
  const night = await aNight('self-managed', { min: 1 }, { settings: { onManualChange: 'enforce' } });
  const { group, world } = night;
  await night.until(STOP + HOUR);
  world.aws.autoScaling.putWarmPool(world.cluster, 'workers', { min: 2, maxPrepared: 3 });
  await night.until(STOP + 1.5 * HOUR);
  expect(warmIn(group)).toBe(0);
  await night.until(START + HOUR);
  expect(poolOf(group)).toMatchObject({ min: 1, maxPrepared: undefined });
});

test('a pool that EKS does not remove is a failure after the deadline, once an hour', async () => {
  const night = await aNight('managed', { min: 1 });
  night.endpoint.faults.add({
    service: 'eks',
    operation: 'UpdateNodegroupConfig',
    kind: 'throttle',
    times: 2000,
  });
  await night.until(STOP + 2 * HOUR);
  const failures = night.decisions.filter(({ action }) => action === 'fail');
  expect(failures[0]?.reason).toMatch(/^the stop is not complete after 2\d min: another update of the group/);
  expect(failures.length).toBeLessThanOrEqual(2);
  expect(await night.phase()).toBe('stopping');
});

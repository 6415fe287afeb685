import { describe, expect, test } from 'vitest';
import { createOverrides } from '#functions/adapters/dynamodb/night.ts';
import {
  NIGHT as PARTITION,
  SAVED_PREFIX,
  STATE_KEY,
  savedKey,
} from '#functions/adapters/dynamodb/table-keys.ts';
import { type NightScheduleDeps, run } from '#functions/night-schedule/run.ts';
import type { NightScheduleSettings } from '#model/settings.ts';
import { aGroup, MORNING, NIGHT, someSettings } from './builders.ts';
import { aWorld, type World } from './memory-ports.ts';

const AUTOSCALER = {
  kind: 'cluster-autoscaler',
  namespace: 'kube-system',
  deployment: 'cluster-autoscaler',
  hostGroup: 'workers',
} as const;
const minutes = (from: Date, n: number) => new Date(from.getTime() + n * 60_000);

function deps(world: World, at: Date, overrides: Partial<NightScheduleSettings> = {}): NightScheduleDeps {
  const settings = someSettings(overrides);
  return { ...world.ports, settings, now: () => at, remaining: () => 60_000 };
}

const pass = (world: World, at: Date, overrides: Partial<NightScheduleSettings> = {}) =>
  run(deps(world, at, overrides), { trigger: 'tick', byPerson: false });

const pause = (world: World, from: Date, until: Date) =>
  createOverrides(world.table.through()).savePause({
    from: from.toISOString(),
    until: until.toISOString(),
    author: 'ana',
    reason: 'incident 7',
  });

async function passes(world: World, from: Date, count: number, overrides = {}) {
  for (let minute = 0; minute < count; minute++) {
    await pass(world, minutes(from, minute), overrides);
    world.settle();
  }
}

const state = (world: World) => world.table.read<{ phase: string; since: string }>(PARTITION, STATE_KEY);
const changes = (world: World) =>
  world.calls.filter((call) =>
    /^(groups\.resize|autoscaler\.(pause|resume)|store\.(write(?!Note)|clear))/.test(call),
  );

describe('while the environment is paused', () => {
  test('the stop is decided and recorded, with who paused it and until when, and nothing is changed', async () => {
    const world = aWorld([aGroup()], {
      kind: 'cluster-autoscaler',
      deployment: 'kube-system/cluster-autoscaler',
      replicas: 1,
    });
    await pause(world, NIGHT, minutes(NIGHT, 120));
    await passes(world, NIGHT, 30, { autoscaler: AUTOSCALER });
    expect(changes(world)).toEqual([]);
    expect(world.size('workers').desired).toBe(3);
    const until = minutes(NIGHT, 120).toISOString();
    const stops = world.decisions.filter(({ action }) => action === 'stop');
    expect(stops).toMatchObject([{ target: 'workers', paused: true }]);
    expect(stops[0]?.reason).toMatch(
      new RegExp(`^paused until ${until} by ana \\(incident 7\\), nothing was changed: `),
    );
    expect(world.decisions.filter(({ action }) => action === 'pause')).toHaveLength(1);
  });

  test('people are warned once that no capability acts, and how to end it', async () => {
    const world = aWorld([aGroup()]);
    await pause(world, NIGHT, minutes(NIGHT, 120));
    await passes(world, NIGHT, 30);
    const warnings = world.decisions.filter(({ action }) => action === 'warn');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.reason).toMatch(
      /no capability acts on develop; to end the pause: npx nightshift pause develop --cancel$/,
    );
  });

  test('a cluster that sleeps stays asleep with its sizes saved, and is started when the pause ends', async () => {
    const world = aWorld([aGroup()]);
    await passes(world, NIGHT, 6);
    const saved = world.table.all(PARTITION, SAVED_PREFIX);
    await pause(world, minutes(NIGHT, 30), minutes(MORNING, 30));
    await passes(world, MORNING, 30);
    expect(world.size('workers').desired).toBe(0);
    expect(world.table.all(PARTITION, SAVED_PREFIX)).toEqual(saved);
    expect(world.decisions.filter(({ action }) => action === 'start')).toMatchObject([{ paused: true }]);
    await passes(world, minutes(MORNING, 30), 6);
    expect(world.size('workers')).toEqual({ min: 1, desired: 3, max: 5 });
    expect(state(world)?.phase).toBe('awake');
    expect(world.table.all(PARTITION, SAVED_PREFIX)).toEqual([]);
  });

  test('a stop in progress is not continued, and its deadline counts from the end of the pause', async () => {
    const world = aWorld([aGroup()]);
    await pass(world, NIGHT);
    // The instances stay as they are.
    await pause(world, minutes(NIGHT, 1), minutes(NIGHT, 200));
    for (const minute of [2, 60, 150, 199]) await pass(world, minutes(NIGHT, minute));
    for (const minute of [200, 201, 210]) await pass(world, minutes(NIGHT, minute));
    expect(world.decisions.filter(({ action }) => action === 'fail')).toEqual([
      expect.objectContaining({ time: minutes(NIGHT, 60).toISOString() }),
      expect.objectContaining({ time: minutes(NIGHT, 150).toISOString() }),
    ]);
    world.settle();
    for (const minute of [211, 212, 215]) await pass(world, minutes(NIGHT, minute));
    expect(state(world)?.phase).toBe('asleep');
  });

  test('a pause that somebody wrote for a month ends after seven days', async () => {
    const world = aWorld([aGroup()]);
    await pause(world, NIGHT, minutes(NIGHT, 30 * 1440));
    await pass(world, minutes(NIGHT, 7 * 1440 - 1));
    expect(world.size('workers').desired).toBe(3);
    await passes(world, minutes(NIGHT, 7 * 1440), 6);
    expect(world.size('workers').desired).toBe(0);
  });

  test('a pause that cannot be read does not count, and that is a failure', async () => {
    const world = aWorld([aGroup()]);
    await world.table.through().save('override', 'pause', { from: 'now' });
    await passes(world, NIGHT, 6);
    expect(world.size('workers').desired).toBe(0);
    expect(world.decisions).toContainEqual(
      expect.objectContaining({
        action: 'fail',
        target: 'pause',
        reason: expect.stringContaining('does not count'),
      }),
    );
    expect(world.table.read(PARTITION, savedKey('develop', 'workers'))).toBeDefined();
  });
});

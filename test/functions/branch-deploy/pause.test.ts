import { describe, expect, test } from 'vitest';
import { createOverrides } from '#functions/adapters/dynamodb/night.ts';
import { AT_NIGHT, AT_WORK, aWorld, OFFICE, type World } from './a-world.ts';

const later = (from: Date, minutes: number) => new Date(from.getTime() + minutes * 60_000);

const pause = (world: World, from: Date, until: Date) =>
  createOverrides(world.table).savePause({
    from: from.toISOString(),
    until: until.toISOString(),
    author: 'ana',
    reason: 'incident 7',
  });

describe('while the environment is paused', () => {
  test('a merge is deferred with the reason, Argo CD is not called, and it is deployed after the pause', async () => {
    const world = aWorld({ settings: { driftMinutes: 0 } });
    await pause(world, later(AT_WORK, -1), later(AT_WORK, 30));
    const { sha, event } = await world.build();
    await world.invoke(event);
    await world.ticks(5);
    expect(world.actions()).toEqual(['defer']);
    expect(world.reasons()[0]).toMatch(/^defer: deferred until \S+: paused until \S+ by ana \(incident 7\)$/);
    expect(world.wire.calls).toEqual([]);
    await world.clock.runUntil(later(AT_WORK, 31).getTime());
    await world.ticks(3);
    expect(world.actions()).toEqual(['defer', 'sync', 'deployed']);
    expect(world.image()).toBe(`api:${sha}`);
  });

  test('a sleeping cluster is not woken for a deploy', async () => {
    const world = aWorld({ start: AT_NIGHT, settings: { schedule: OFFICE, whenAsleep: 'wake' } });
    await world.state({ phase: 'asleep', desired: 'asleep' });
    await pause(world, later(AT_NIGHT, -1), later(AT_NIGHT, 60));
    const { event } = await world.build();
    await world.invoke(event);
    expect(world.actions()).toEqual(['defer']);
    expect(await createOverrides(world.table).all()).toEqual([]);
  });
});

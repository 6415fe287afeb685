import { describe, expect, test } from 'vitest';
import { reconcile, run } from '#functions/night-schedule/run.ts';
import { MINUTE_MS } from '#model/duration.ts';
import type { PublishEvents, PublishedEvent } from '#model/published-event.ts';
import { aGroup, MORNING, NIGHT, someSettings } from './builders.ts';
import { aWorld } from './memory-ports.ts';

const TICK = { trigger: 'tick', byPerson: false };
const later = (at: Date, minutes: number) => new Date(at.getTime() + minutes * MINUTE_MS);

function aCluster(events: PublishEvents, settings = someSettings()) {
  const world = aWorld([aGroup()]);
  const deps = (now: Date) => ({
    ...world.ports,
    events,
    settings,
    now: () => now,
    remaining: () => 60_000,
  });
  return { world, pass: (now: Date) => reconcile(deps(now), TICK), deps };
}

function aBus() {
  const put: PublishedEvent[] = [];
  return { put, events: async (some: readonly PublishedEvent[]) => void put.push(...some) };
}

describe('a change of state', () => {
  test('is put as an event after it was written down, once', async () => {
    const { put, events } = aBus();
    const seen: string[] = [];
    const { world, pass } = aCluster(async (some) => {
      seen.push((await world.ports.store.load()).state?.value.phase ?? 'none');
      await events(some);
    });
    await pass(NIGHT);
    await pass(later(NIGHT, 1));
    world.settle();
    await pass(later(NIGHT, 2));
    await pass(later(NIGHT, 3));
    await pass(MORNING);
    world.settle();
    await pass(later(MORNING, 1));
    await pass(later(MORNING, 2));
    await pass(later(MORNING, 3));
    const phases = put.map(({ detail }) => detail['phase']);
    expect(phases).toEqual(['stopping', 'asleep', 'starting', 'awake']);
    expect(seen).toEqual(phases);
  });

  test('of a dry run is none', async () => {
    const { put, events } = aBus();
    const { pass } = aCluster(events, someSettings({ dryRun: true }));
    await pass(NIGHT);
    expect(put).toEqual([]);
  });

  test('is made although no event can be put, and the failure is reported', async () => {
    const { world, deps } = aCluster(async () => Promise.reject(new Error('no bus')));
    await expect(run(deps(NIGHT), TICK)).rejects.toThrow('no bus');
    expect(world.size('workers').desired).toBe(0);
    expect(world.decisions).toContainEqual(
      expect.objectContaining({ target: 'events', action: 'fail', reason: 'no bus' }),
    );
    await run(deps(later(NIGHT, 1)), TICK);
  });
});

describe('a pass', () => {
  test('is followed by another one while the nodes of a start may become Ready, and only then', async () => {
    const { events } = aBus();
    const { world, pass } = aCluster(events);
    expect((await pass(NIGHT)).isSoonReady).toBe(false);
    world.settle();
    await pass(later(NIGHT, 1));
    await pass(later(NIGHT, 2));
    expect((await pass(MORNING)).isSoonReady).toBe(true);
    world.settle();
    await pass(later(MORNING, 1));
    expect((await pass(later(MORNING, 2))).isSoonReady).toBe(false);
  });
});

import { describe, expect, test } from 'vitest';
import { AT_NIGHT, aWorld, OFFICE, type World } from './a-world.ts';

class CrashError extends Error {
  override name = 'CrashError';
}

/** The process dies at its nth call to the outside, before or after the call took effect. Returns how many there were. */
function dieAt(world: World, nth: number, when: 'before' | 'after'): () => number {
  let calls = 0;
  let dead = false;
  const wrap = <T extends object>(target: T, names: readonly (keyof T & string)[]) => {
    for (const name of names) {
      const act = (target[name] as (...args: unknown[]) => Promise<unknown>).bind(target);
      (target as Record<string, unknown>)[name] = async (...args: unknown[]) => {
        if (dead) throw new CrashError('it is dead');
        calls++;
        const mine = calls === nth;
        if (mine && when === 'before') {
          dead = true;
          throw new CrashError(`at call ${nth}`);
        }
        const result = await act(...args);
        if (mine) {
          dead = true;
          throw new CrashError(`after call ${nth}`);
        }
        return result;
      };
    }
  };
  const restore = [
    [world.table, { ...world.table }],
    [world.wire, { ...world.wire }],
    [world.builds, { ...world.builds }],
    [world.trail, { ...world.trail }],
  ] as const;
  wrap(world.table, ['get', 'list', 'save', 'saveIf', 'remove', 'removeIf']);
  wrap(world.wire, ['read', 'sync']);
  wrap(world.builds, ['read', 'recent']);
  wrap(world.trail, ['record']);
  return () => {
    for (const [target, before] of restore) Object.assign(target, before);
    return calls;
  };
}

/** Runs, dies, and leaves the rest to later passes of new processes. */
async function survives(
  nth: number,
  when: 'before' | 'after',
  prepare: () => Promise<{ world: World; act: () => Promise<void> }>,
): Promise<{ world: World; calls: number }> {
  const { world, act } = await prepare();
  const revive = dieAt(world, nth, when);
  await act().catch((error: unknown) => {
    if (!/CrashError|call \d|it is dead/.test(String(error))) throw error;
  });
  const calls = revive();
  world.coldStart();
  return { world, calls };
}

describe.each(['before', 'after'] as const)('a process that dies %s any of its calls', (when) => {
  test('in the run of the event: the build is deployed all the same, with two syncs at most', async () => {
    for (let nth = 1; ; nth++) {
      const { world, calls } = await survives(nth, when, async () => {
        const world = aWorld();
        const { event } = await world.build();
        return { world, act: () => world.invoke(event) };
      });
      await world.ticks(8);
      const kept = await world.ports().deploys.get({ project: 'default', name: 'api' });
      expect({ nth, outcome: kept?.value.newest['api-develop']?.outcome }).toEqual({
        nth,
        outcome: 'deployed',
      });
      expect(kept?.value.requested).toEqual([]);
      expect(world.syncs()).toBeLessThanOrEqual(2);
      if (calls < nth) break;
    }
  });

  test('in the first tick after the wake: the deferred build is deployed all the same', async () => {
    for (let nth = 1; ; nth++) {
      const { world, calls } = await survives(nth, when, async () => {
        const world = aWorld({ start: AT_NIGHT, settings: { schedule: OFFICE } });
        await world.invoke((await world.build()).event);
        await world.ticks(1);
        await world.clock.runUntil(Date.parse('2026-11-25T23:03:00Z'));
        await world.state({ phase: 'awake' });
        return { world, act: () => world.tick() };
      });
      await world.ticks(6);
      expect({ nth, last: world.actions().at(-1) }).toEqual({ nth, last: 'deployed' });
      expect(world.syncs()).toBeLessThanOrEqual(2);
      if (calls < nth) break;
    }
  });

  test('while it looks for missed builds: they are found all the same', async () => {
    for (let nth = 1; ; nth++) {
      const { world, calls } = await survives(nth, when, async () => {
        const world = aWorld();
        await world.build();
        await world.clock.runUntil(Date.parse('2026-11-25T05:05:00Z'));
        return { world, act: () => world.tick() };
      });
      await world.ticks(12);
      const kept = await world.ports().deploys.get({ project: 'default', name: 'api' });
      expect({ nth, outcome: kept?.value.newest['api-develop']?.outcome }).toEqual({
        nth,
        outcome: 'deployed',
      });
      if (calls < nth) break;
    }
  });
});

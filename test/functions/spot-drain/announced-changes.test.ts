/** An announced change, whatever comes before it: it is neither forgotten nor done twice. */
import { describe, expect, test } from 'vitest';
import { announcedChanges } from '#functions/spot-drain/announced-changes.ts';
import { START } from './a-clock.ts';
import { aNode, aPod, INSTANCE } from './a-cluster.ts';
import { aHealthEvent, anInterruption, aRebalance, aWorld, TICK, type World } from './a-world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const at = (ms: number) => ({ time: new Date(START.getTime() + ms).toISOString() });
const change = (startsAfterMs: number, detail: object = {}, overrides: object = {}) =>
  aHealthEvent(
    { startTime: new Date(START.getTime() + startsAfterMs).toUTCString(), ...detail },
    { id: 'event-change', ...overrides },
  );

function aWaitingWorld(overrides: object = {}): World {
  return aWorld([aPod()], { onScheduledChange: 'wait', ...overrides });
}

/** All but those that only keep the end of a change. */
const openClaims = ({ claims }: World) =>
  [...claims.saved.values()].filter(({ value }) => value.cause !== 'health-closed');
const last = ({ decisions }: World) => decisions.at(-1);

async function ticksUntil(world: World, untilMs: number): Promise<void> {
  for (;;) {
    const ms = world.clock.now().getTime() - START.getTime();
    if (ms >= untilMs) return;
    await world.relay(Math.min(untilMs, ms + 5 * MINUTE));
    await world.run(TICK);
  }
}

describe('an announced change', () => {
  test.each(['cordon', 'drain'] as const)(
    'is not forgotten where a rebalance recommendation comes before it: %s',
    async (onRebalance) => {
      const world = aWaitingWorld({ onRebalance });
      await world.run(change(5 * HOUR));
      await world.run(aRebalance({ id: 'event-2' }));
      expect(world.cluster.marked).toHaveLength(1);
      await ticksUntil(world, 4 * HOUR);
      expect(world.cluster.unmarked).toHaveLength(1);
      const podsBefore = world.cluster.podNames().length;
      expect(podsBefore).toBe(onRebalance === 'cordon' ? 1 : 0);
      await ticksUntil(world, 4 * HOUR + 40 * MINUTE);
      expect(world.cluster.marked).toHaveLength(2);
      expect(world.cluster.podNames()).toEqual([]);
    },
  );

  test.each(['after', 'before'])(
    'that is over is not begun by an attempt for its announcement that comes late, %s another one',
    async (when) => {
      const world = aWaitingWorld();
      const announced = change(5 * HOUR);
      if (when === 'after') await world.run(announced);
      await world.relay(MINUTE);
      await world.run(change(5 * HOUR, { statusCode: 'closed' }, { id: 'event-2', ...at(MINUTE) }));
      await world.run(announced);
      expect(last(world)).toMatchObject({ action: 'ignore', reason: expect.stringContaining('newer event') });
      await ticksUntil(world, 5 * HOUR);
      expect(world.cluster.marked).toEqual([]);
      expect(world.cluster.podNames()).toHaveLength(1);
    },
  );

  test('that is over does not keep another one from being drained for', async () => {
    const world = aWaitingWorld();
    await world.run(change(5 * HOUR));
    await world.relay(MINUTE);
    await world.run(change(5 * HOUR, { statusCode: 'closed' }, { id: 'event-2', ...at(MINUTE) }));
    await world.relay(2 * MINUTE);
    await world.run(change(5 * HOUR, {}, { id: 'event-3', ...at(2 * MINUTE) }));
    await ticksUntil(world, 5 * HOUR);
    expect(world.cluster.podNames()).toEqual([]);
  });

  test('that is over does not keep an interruption waiting', async () => {
    const world = aWaitingWorld();
    await world.run(change(5 * HOUR));
    await world.run(change(5 * HOUR, { statusCode: 'closed' }, { id: 'event-2', ...at(MINUTE) }));
    await world.relay(2 * MINUTE);
    await world.run(anInterruption('terminate', { id: 'event-3', ...at(2 * MINUTE) }));
    expect(world.cluster.podNames()).toEqual([]);
  });

  test('is drained for in time while the cordon of a recommendation stands', async () => {
    const world = aWaitingWorld({ uncordonAfterMinutes: 120 });
    await world.run(change(90 * MINUTE));
    await world.run(aRebalance({ id: 'event-2' }));
    await ticksUntil(world, 66 * MINUTE);
    expect(world.cluster.podNames()).toEqual([]);
    await ticksUntil(world, 3 * HOUR);
    expect(world.cluster.unmarked).toEqual([]);
  });

  test('leaves the cordon of a recommendation that came before it to its own end', async () => {
    const world = aWaitingWorld();
    await world.run(aRebalance());
    await world.run(change(14 * 24 * HOUR, {}, at(1_000)));
    await ticksUntil(world, HOUR);
    expect(world.cluster.unmarked).toHaveLength(1);
    const claim = world.claims.saved.get(INSTANCE)?.value;
    expect(claim).toMatchObject({ cause: 'health', state: 'paused', trigger: 'event-change' });
  });

  test('leaves the cordon of a spot instance that was stopped until the instance is back', async () => {
    const world = aWaitingWorld();
    await world.run(anInterruption('stop'));
    await ticksUntil(world, 15 * MINUTE);
    await world.run(change(14 * 24 * HOUR, {}, at(15 * MINUTE)));
    world.cluster.nodes = world.cluster.nodes.map((node) => ({
      ...node,
      readySince: new Date(START.getTime() + 18 * MINUTE),
    }));
    await ticksUntil(world, 25 * MINUTE);
    expect(world.cluster.unmarked).toHaveLength(1);
    expect(world.claims.saved.get(INSTANCE)?.value).toMatchObject({ cause: 'health', state: 'paused' });
  });

  test('that is moved to a later day after its drain frees the node until then', async () => {
    const world = aWaitingWorld();
    await world.run(change(20 * MINUTE));
    expect(world.cluster.podNames()).toEqual([]);
    await world.relay(2 * MINUTE);
    await world.run(change(20 * HOUR, {}, { id: 'event-moved', ...at(2 * MINUTE) }));
    await world.run(TICK);
    expect(world.cluster.unmarked).toHaveLength(1);
    expect(world.claims.saved.get(INSTANCE)?.value).toMatchObject({
      state: 'paused',
      notBefore: new Date(START.getTime() + 19.5 * HOUR).toISOString(),
    });
  });

  test('keeps the date of its newest event where an older one comes late', async () => {
    const world = aWaitingWorld();
    await world.relay(3 * MINUTE);
    await world.run(change(20 * MINUTE, {}, { id: 'event-moved', ...at(2 * MINUTE) }));
    await world.run(change(20 * HOUR, {}, at(MINUTE)));
    await world.run(TICK);
    expect(world.cluster.unmarked).toEqual([]);
  });

  test('whose event is handled after that of its end does not come back', async () => {
    const world = aWaitingWorld();
    await world.run(aRebalance());
    await world.relay(3 * MINUTE);
    await world.run(change(5 * HOUR, { statusCode: 'closed' }, { id: 'event-3', ...at(2 * MINUTE) }));
    await world.run(change(5 * HOUR, {}, { id: 'event-2', ...at(MINUTE) }));
    await ticksUntil(world, 6 * HOUR);
    expect(world.cluster.podNames()).toHaveLength(1);
    expect(openClaims(world)).toEqual([]);
  });

  test.each([{}, { rebalance: true }])(
    'that is announced again outlasts the late event of its end: %o',
    async (before) => {
      const world = aWaitingWorld();
      if ('rebalance' in before) await world.run(aRebalance());
      await world.relay(3 * MINUTE);
      await world.run(change(5 * HOUR, {}, { id: 'event-2', ...at(2 * MINUTE) }));
      await world.run(change(5 * HOUR, { statusCode: 'closed' }, { id: 'event-3', ...at(MINUTE) }));
      await ticksUntil(world, 4 * HOUR + 40 * MINUTE);
      expect(world.cluster.podNames()).toEqual([]);
    },
  );

  test('whose worker dies right after its claim waits for its day like any other', async () => {
    const world = aWaitingWorld();
    const { saveIf } = world.claims;
    const killed = new Promise<void>((resolve) => {
      world.claims.saveIf = async (...args) => {
        await saveIf(...args);
        resolve();
        return new Promise(() => undefined);
      };
    });
    // It ends when its time is over, like any process that hangs.
    const dead = world.invoke(change(5 * HOUR)).catch(() => undefined);
    await world.clock.run(killed);
    world.claims.saveIf = saveIf;
    expect(announcedChanges([...world.claims.saved.values()].map(({ value }) => value))).toHaveLength(1);
    await ticksUntil(world, 4 * HOUR + 40 * MINUTE);
    expect(world.cluster.podNames()).toEqual([]);
    await dead;
  });

  test('is forgotten with its end, also while the cordon of a recommendation stands', async () => {
    const world = aWaitingWorld();
    await world.run(change(5 * HOUR));
    await world.run(aRebalance({ id: 'event-2' }));
    await world.run(change(5 * HOUR, { statusCode: 'closed' }, { id: 'event-3' }));
    await ticksUntil(world, 6 * HOUR);
    expect(world.cluster.unmarked).toHaveLength(1);
    expect(world.cluster.podNames()).toHaveLength(1);
    expect(openClaims(world)).toEqual([]);
  });
});

describe('the end of an announced change', () => {
  test('undoes the marks that another worker has set again meanwhile', async () => {
    const world = aWorld([aPod()]);
    await world.run(change(HOUR));
    const { unmark } = world.cluster;
    world.cluster.unmark = async (node) => {
      world.cluster.unmark = unmark;
      const result = await unmark(node);
      // Its worker had died, and its watchdog takes it over between the two steps.
      const claim = world.claims.saved.get(INSTANCE);
      if (!claim) throw new Error('it has no claim');
      await world.claims.saveIf({ ...claim.value, owner: 'other' }, claim.version, world.clock.now());
      await world.cluster.mark(aNode(), { task: 'drain', cause: 'health', since: START });
      return result;
    };
    await world.run(change(HOUR, { statusCode: 'closed' }, { id: 'event-2' }));
    expect(world.cluster.marked).toHaveLength(2);
    await world.run(TICK);
    expect(world.cluster.unmarked).toHaveLength(2);
    expect(openClaims(world)).toEqual([]);
    expect(world.cordons.saved.size).toBe(0);
  });

  const putFails = async (world: World, work: () => Promise<unknown>) => {
    const { put } = world.cordons;
    world.cordons.put = () => Promise.reject(new Error('the function was killed'));
    await expect(work()).rejects.toThrow();
    world.cordons.put = put;
  };

  test('is found by the tick in the claim where every attempt died before it wrote the cordon down', async () => {
    const world = aWorld([aPod()]);
    await world.run(change(HOUR));
    await putFails(world, () => world.run(change(HOUR, { statusCode: 'closed' }, { id: 'event-2' })));
    await world.run(TICK);
    expect(world.cluster.unmarked).toHaveLength(1);
    expect(openClaims(world)).toEqual([]);
    expect(world.cordons.saved.size).toBe(0);
  });

  test('leaves no drain for its day where every attempt died before it wrote the cordon down', async () => {
    const world = aWaitingWorld();
    await world.run(change(5 * HOUR));
    await putFails(world, () => world.run(change(5 * HOUR, { statusCode: 'closed' }, { id: 'event-2' })));
    await ticksUntil(world, 6 * HOUR);
    expect(world.cluster.marked).toEqual([]);
    expect(openClaims(world)).toEqual([]);
  });

  test('undoes nothing once the change was announced again, whatever was written down for it', async () => {
    const world = aWorld([aPod()]);
    await world.run(change(HOUR));
    await world.relay(3 * MINUTE);
    const closed = change(HOUR, { statusCode: 'closed' }, { id: 'event-2', ...at(MINUTE) });
    await putFails(world, () => world.run(closed));
    await world.run(change(HOUR, {}, { id: 'event-3', ...at(2 * MINUTE) }));
    await world.run(TICK);
    await world.run(TICK);
    expect(world.cluster.unmarked).toEqual([]);
    expect(world.claims.saved.get(INSTANCE)?.value).toMatchObject({ cause: 'health' });
  });

  test('is forgotten once the drain for the next change has begun, where its undo had failed', async () => {
    const world = aWaitingWorld();
    await world.run(change(31 * MINUTE));
    await ticksUntil(world, 5 * MINUTE);
    expect(world.cluster.marked).toHaveLength(1);
    const { unmark } = world.cluster;
    world.cluster.unmark = () => Promise.reject(new Error('the function was killed'));
    const closed = change(31 * MINUTE, { statusCode: 'closed' }, { id: 'event-2', ...at(5 * MINUTE) });
    await expect(world.run(closed)).rejects.toThrow('killed');
    await world.relay(6 * MINUTE);
    // Two attempts of one event.
    const next = change(37 * MINUTE, {}, { id: 'event-3', ...at(6 * MINUTE) });
    await world.run(next);
    await world.run(next);
    await world.relay(10 * MINUTE);
    await expect(world.run(TICK)).rejects.toThrow('killed');
    world.cluster.unmark = unmark;
    await world.run(TICK);
    expect(world.cluster.unmarked).toEqual([]);
    expect(world.claims.saved.get(INSTANCE)?.value).toMatchObject({ cause: 'health', state: 'done' });
    expect(world.cordons.saved.size).toBe(0);
  });
});

import { describe, expect, test } from 'vitest';
import { TransientError } from '#functions/spot-drain/ports.ts';
import { START } from './a-clock.ts';
import { aNode, aPod, INSTANCE, NODE } from './a-cluster.ts';
import {
  aHealthEvent,
  aLifecycleAction,
  anInterruption,
  aRebalance,
  aWorld,
  TICK,
  type World,
} from './a-world.ts';

describe('a notice that cannot be right', () => {
  test.each(['terminate', 'stop', 'hibernate'])('of two hours ago (%s) changes nothing', async (action) => {
    const world = aWorld([aPod()]);
    await world.run(anInterruption(action, { time: '2026-08-27T01:00:00Z' }));
    expect(world.decisions).toMatchObject([
      { action: 'ignore', reason: expect.stringContaining('its time is over') },
    ]);
    expect(world.cluster.marked).toEqual([]);
    expect(world.watchdogs).toEqual([]);
  });

  test.each([
    ['eks.amazonaws.com/capacityType', 'ON_DEMAND'],
    ['karpenter.sh/capacity-type', 'on-demand'],
    ['node.kubernetes.io/lifecycle', 'normal'],
  ])('because the node is no spot instance (%s: %s) changes nothing', async (label, value) => {
    for (const event of [anInterruption(), aRebalance()]) {
      const world = aWorld([aPod()], { onRebalance: 'drain' });
      world.cluster.nodes = [aNode({ labels: { [label]: value } })];
      await world.run(event);
      expect(world.cluster.marked).toEqual([]);
      expect(world.decisions.at(-1)).toMatchObject({
        action: 'ignore',
        reason: expect.stringContaining(value),
      });
    }
  });

  test('is still a lifecycle action or a scheduled change of an on-demand instance', async () => {
    const labels = { 'eks.amazonaws.com/capacityType': 'ON_DEMAND' };
    for (const event of [aLifecycleAction(), aHealthEvent()]) {
      const world = aWorld([aPod()]);
      world.cluster.nodes = [aNode({ labels })];
      await world.run(event);
      await world.relay(60_000);
      expect(world.decisions.some(({ action }) => action === 'ignore')).toBe(false);
    }
  });

  test('is never a tick, however old it is', async () => {
    const world = aWorld([aPod()]);
    await world.run({ ...TICK, time: '2020-01-01T00:00:00Z' });
    expect(world.decisions).toMatchObject([{ action: 'none' }]);
  });
});

describe('what fails for the moment is asked again while there is time', () => {
  /** Fails for so long. */
  const awayFor = (world: World, ms: number) => {
    const until = START.getTime() + ms;
    return () =>
      world.clock.now().getTime() < until ? new TransientError('500 InternalServerError') : undefined;
  };

  test.each(['findNode', 'mark', 'podsOn'] as const)(
    'the API server at %s, for 40 s of a notice',
    async (call) => {
      const world = aWorld([aPod()]);
      world.cluster.broken[call] = awayFor(world, 40_000);
      await world.run(anInterruption());
      expect(world.cluster.podNames()).toEqual([]);
    },
  );

  test('the table, for 5 s of a notice', async () => {
    const world = aWorld([aPod()]);
    const away = awayFor(world, 5_000);
    const { find, saveIf } = world.claims;
    const orThrow = () => {
      const error = away();
      if (error) throw error;
    };
    world.claims.find = async (id) => {
      orThrow();
      return find(id);
    };
    world.claims.saveIf = async (...input) => {
      orThrow();
      return saveIf(...input);
    };
    await world.run(anInterruption());
    expect(world.cluster.podNames()).toEqual([]);
    expect(world.cluster.marked).toHaveLength(1);
  });

  test('the write of a claim whose reply was lost is recognised as its own', async () => {
    const world = aWorld([aPod()]);
    const { saveIf } = world.claims;
    let lost = 1;
    world.claims.saveIf = async (...input) => {
      const saved = await saveIf(...input);
      if (lost-- > 0) throw new TransientError('socket hang up');
      return saved;
    };
    await world.run(anInterruption());
    expect(world.cluster.podNames()).toEqual([]);
  });
});

describe('CONTINUE is sent when the node is empty or the time of the action is over', () => {
  const hour = { heartbeatSeconds: 3_600, globalSeconds: 172_800 };
  const until = async (world: World, ms: number) => {
    for (let tick = 300_000; tick <= ms; tick += 300_000) {
      await world.relay(tick);
      await world.run(TICK).catch(() => undefined);
    }
  };

  test.each(['findNode', 'mark', 'podsOn'] as const)(
    'the API server is away at %s for 400 s: no CONTINUE before the pods are gone',
    async (call) => {
      const world = aWorld([aPod()]);
      world.hookTimes = hour;
      world.cluster.broken[call] = () =>
        world.clock.now().getTime() - START.getTime() < 400_000 ? new TransientError('503') : undefined;
      await world.run(aLifecycleAction()).catch(() => undefined);
      expect(world.completed).toEqual([]);
      await until(world, 900_000);
      expect(world.completed).toMatchObject([{ how: 'completed', podsLeft: [] }]);
    },
  );

  test('something that nobody expected fails: no CONTINUE before the pods are gone', async () => {
    const world = aWorld([aPod()]);
    world.hookTimes = hour;
    let broken = 1;
    world.cluster.broken.mark = () => (broken-- > 0 ? new TypeError('not a function') : undefined);
    await expect(world.run(aLifecycleAction())).rejects.toThrow('not a function');
    expect(world.completed).toEqual([]);
    expect(world.said().at(-1)).toBe(`wait ${NODE}`);
    await world.relay(60_000);
    expect(world.completed).toMatchObject([{ podsLeft: [] }]);
  });

  test('a budget holds to the end: CONTINUE after drain.lifecycleMinutes', async () => {
    const world = aWorld([aPod()], { lifecycleMinutes: 20 });
    world.hookTimes = { heartbeatSeconds: 600, globalSeconds: 60_000 };
    world.cluster.budgets = [{ name: 'never', pods: ['web'], allowed: 0, recoveryMs: 0 }];
    await world.run(aLifecycleAction());
    await until(world, 900_000);
    expect(world.completed).toEqual([]);
    await until(world, 1_500_000);
    expect(world.completed).toHaveLength(1);
  });

  test('never past the limit of the action itself', async () => {
    const world = aWorld([aPod()], { lifecycleMinutes: 600 });
    world.hookTimes = { heartbeatSeconds: 6, globalSeconds: 600 };
    world.cluster.budgets = [{ name: 'never', pods: ['web'], allowed: 0, recoveryMs: 0 }];
    await world.run(aLifecycleAction());
    await until(world, 900_000);
    expect(world.completed).toHaveLength(1);
  });

  test('a drain that had left pods goes on where the group then gives it time', async () => {
    const world = aWorld([aPod()], { onRebalance: 'drain', uncordonAfterMinutes: 1 });
    world.hookTimes = hour;
    world.cluster.budgets = [{ name: 'held', pods: ['web'], allowed: 0, recoveryMs: 0 }];
    await world.run(aRebalance());
    expect(world.cluster.podNames()).toEqual(['web']);
    world.cluster.budgets = [];
    await world.run(aLifecycleAction({}, { id: 'event-2' }));
    expect(world.completed).toMatchObject([{ podsLeft: [] }]);
  });
});

test('an invocation that hangs ends in time, and says so', async () => {
  const world = aWorld([aPod()]);
  world.cluster.nodeNamed = () => new Promise(() => undefined);
  world.cluster.findNode = () => new Promise(() => undefined);
  await expect(world.run(anInterruption())).rejects.toThrow('its work is not');
  expect(world.clock.now().getTime() - START.getTime()).toBeLessThan(180_000);
});

describe('an announced change that begins in two weeks', () => {
  const inTwoWeeks = { statusCode: 'upcoming', startTime: 'Thu, 10 Sep 2026 13:19:03 GMT' };
  const begins = Date.parse('2026-09-10T13:19:03Z') - START.getTime();
  const pass = (world: World, ms: number) => world.relay(ms);

  test('is recorded at once, and its node is drained half an hour before it begins', async () => {
    const world = aWorld([aPod()], { onScheduledChange: 'wait' });
    await world.run(aHealthEvent(inTwoWeeks));
    expect(world.decisions).toMatchObject([
      { action: 'wait', target: NODE, startTime: '2026-09-10T13:19:03.000Z' },
    ]);
    await pass(world, begins - 31 * 60_000);
    await world.run(TICK);
    expect(world.cluster.marked).toEqual([]);
    await pass(world, begins - 29 * 60_000);
    await world.run(TICK);
    expect(world.cluster.podNames()).toEqual([]);
    expect(world.cluster.marked).toHaveLength(1);
  });

  test('is forgotten when it is closed before', async () => {
    const world = aWorld([aPod()], { onScheduledChange: 'wait' });
    await world.run(aHealthEvent(inTwoWeeks));
    await world.run(aHealthEvent({ ...inTwoWeeks, statusCode: 'closed' }, { id: 'event-2' }));
    await pass(world, begins);
    await world.run(TICK);
    expect(world.cluster.marked).toEqual([]);
    expect(world.claims.saved.get(INSTANCE)?.value).toMatchObject({ cause: 'health-closed', state: 'done' });
  });

  test('moves with its date', async () => {
    const world = aWorld([aPod()], { onScheduledChange: 'wait' });
    await world.run(aHealthEvent(inTwoWeeks));
    const moved = { ...inTwoWeeks, startTime: 'Thu, 17 Sep 2026 13:19:03 GMT' };
    await world.run(aHealthEvent(moved, { id: 'event-2' }));
    await pass(world, begins);
    await world.run(TICK);
    expect(world.cluster.marked).toEqual([]);
  });

  test('does not keep an interruption in between waiting', async () => {
    const world = aWorld([aPod()], { onScheduledChange: 'wait' });
    await world.run(aHealthEvent(inTwoWeeks));
    await world.run(anInterruption('terminate', { id: 'event-2' }));
    expect(world.cluster.podNames()).toEqual([]);
  });

  test('drains at once where the config says so, and where it is about to begin', async () => {
    const soon = { startTime: 'Thu, 27 Aug 2026 03:10:00 GMT' };
    for (const [detail, onScheduledChange] of [
      [inTwoWeeks, 'drain'],
      [soon, 'wait'],
      [{ startTime: 'unknown' }, 'wait'],
    ] as const) {
      const world = aWorld([aPod()], { onScheduledChange });
      await world.run(aHealthEvent(detail));
      expect(world.cluster.podNames()).toEqual([]);
    }
  });

  test('is replaced at once in a self-managed group where the config says so, and not in a managed one', async () => {
    const own = aWorld([aPod()], { onScheduledChange: 'replace' });
    await own.run(aHealthEvent(inTwoWeeks));
    expect(own.replaced).toHaveLength(1);
    expect(own.cluster.podNames()).toEqual([]);
    const managed = aWorld([aPod()], { onScheduledChange: 'replace' });
    managed.cluster.nodes = [aNode({ labels: { 'eks.amazonaws.com/nodegroup': 'general' } })];
    await managed.run(aHealthEvent(inTwoWeeks));
    expect(managed.replaced).toEqual([]);
    expect(managed.cluster.marked).toEqual([]);
  });
});

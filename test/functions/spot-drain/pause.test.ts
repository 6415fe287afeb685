import { describe, expect, test } from 'vitest';
import { CorruptRecordError, PartialFailureError } from '#functions/shared/errors.ts';
import { START } from './a-clock.ts';
import { aPod, INSTANCE, NODE } from './a-cluster.ts';
import {
  aHealthEvent,
  aLifecycleAction,
  anInterruption,
  aRebalance,
  aWorld,
  TICK,
  type World,
} from './a-world.ts';

const at = (minutes: number) => new Date(START.getTime() + minutes * 60_000).toISOString();

function pause(world: World, minutes = 60) {
  world.pause = { from: at(-1), until: at(minutes), author: 'ana', reason: 'incident 7' };
}

const passUntil = ({ clock }: World, minutes: number) =>
  clock.run(clock.sleep(Date.parse(at(minutes)) - clock.now().getTime()));

const isUntouched = (world: World) => {
  expect(world.cluster.marked).toEqual([]);
  expect(world.cluster.podNames()).toEqual(['app-x']);
};

describe('while the environment is paused', () => {
  test.for([
    ['a spot interruption', anInterruption(), 'drain'],
    ['a rebalance recommendation', aRebalance(), 'cordon'],
  ] as const)('%s is decided and recorded, and the node is left alone', async ([, event, action]) => {
    const world = aWorld([aPod({ name: 'app-x' })]);
    pause(world);
    await world.run(event);
    isUntouched(world);
    expect(world.decisions).toMatchObject([{ target: NODE, action, paused: true, instanceId: INSTANCE }]);
    expect(world.decisions[0]?.reason).toMatch(
      /^paused until \S+ by ana \(incident 7\), nothing was changed: /,
    );
    expect(world.claims.saved.size).toBe(0);
  });

  test('the watchdog of such a notice records nothing more', async () => {
    const world = aWorld([aPod({ name: 'app-x' })]);
    pause(world);
    await world.run(anInterruption());
    await world.relay(60_000);
    isUntouched(world);
    expect(world.decisions).toHaveLength(1);
  });

  test('a lifecycle action is completed at once: no instance waits an hour for nobody', async () => {
    const world = aWorld([aPod({ name: 'app-x' })]);
    pause(world);
    await world.run(aLifecycleAction());
    isUntouched(world);
    expect(world.completed).toMatchObject([{ how: 'completed', podsLeft: ['app-x'] }]);
    expect(world.said()).toEqual([`drain ${NODE}`, `complete ${NODE}`]);
    await world.run(TICK);
    expect(world.completed).toHaveLength(1);
  });

  test('a lifecycle action whose event was lost is completed by the tick', async () => {
    const world = aWorld([aPod({ name: 'app-x' })]);
    pause(world);
    world.waiting = new Map([[INSTANCE, 'workers']]);
    await world.run(TICK);
    isUntouched(world);
    expect(world.completed).toHaveLength(1);
  });

  test('the lifecycle action of a drain in progress is completed by the tick, and its pods are left alone', async () => {
    const world = aWorld([aPod({ name: 'app-x', graceSeconds: 400 })]);
    world.hookTimes = { heartbeatSeconds: 600, globalSeconds: 60_000 };
    world.cluster.endsAfterMs = () => 4_000_000;
    await world.run(aLifecycleAction());
    expect(world.completed).toEqual([]);
    pause(world);
    await world.run(TICK);
    expect(world.completed).toMatchObject([{ podsLeft: ['app-x'] }]);
  });

  test('an announced change is kept, and its node is drained after the pause', async () => {
    const world = aWorld([aPod({ name: 'app-x' })]);
    pause(world);
    await world.run(aHealthEvent());
    isUntouched(world);
    await world.run(TICK);
    isUntouched(world);
    world.pause = undefined;
    await world.run(TICK);
    expect(world.cluster.podNames()).toEqual([]);
  });

  test('a node stays cordoned until the pause is over', async () => {
    const world = aWorld([aPod({ name: 'app-x' })]);
    await world.run(aRebalance());
    pause(world, 120);
    await passUntil(world, 40);
    await world.run(TICK);
    expect(world.cluster.unmarked).toEqual([]);
    await passUntil(world, 121);
    await world.run(TICK);
    expect(world.cluster.unmarked).toEqual([NODE]);
  });
});

describe('a pause that has ended, or that cannot be read', () => {
  test('does not keep a node from being drained', async () => {
    const world = aWorld([aPod({ name: 'app-x' })]);
    pause(world, 0);
    await world.run(anInterruption());
    expect(world.cluster.podNames()).toEqual([]);
  });

  test('is read to its end before the invocation ends, also where that fails by something else', async () => {
    const world = aWorld([aPod({ name: 'app-x' })]);
    const { clock } = world;
    let isRead = false;
    const night = {
      ...world.ports.night,
      async pause() {
        await clock.sleep(50);
        isRead = true;
        return undefined;
      },
    };
    const claims = { ...world.ports.claims, find: () => Promise.reject(new CorruptRecordError('drain|x')) };
    Object.defineProperty(world, 'ports', { value: { ...world.ports, night, claims } });
    await expect(world.run(anInterruption())).rejects.toThrow('drain|x');
    expect(isRead).toBe(true);
  });

  test('is a failure where its record cannot be read, after the drain', async () => {
    const world = aWorld([aPod({ name: 'app-x' })]);
    world.pauseError = new CorruptRecordError('override | pause');
    await expect(world.run(anInterruption())).rejects.toThrow(PartialFailureError);
    expect(world.cluster.podNames()).toEqual([]);
  });
});

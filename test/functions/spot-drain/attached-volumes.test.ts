import { describe, expect, test } from 'vitest';
import { ClusterUnavailableError } from '#functions/spot-drain/ports.ts';
import { START } from './a-clock.ts';
import { aPod, NODE, ofDaemonSet } from './a-cluster.ts';
import { aLifecycleAction, anInterruption, aWorld, TICK, type World } from './a-world.ts';

/** Attached until so many milliseconds after the start. */
function attachedUntil(world: World, ms: number, volumes: readonly string[] = ['pv-1']) {
  world.cluster.volumes = () => (secondsIn(world) * 1_000 < ms ? volumes : []);
}

const secondsIn = (world: World) => (world.clock.now().getTime() - START.getTime()) / 1_000;

const aDatabase = (overrides = {}) => aPod({ name: 'db-0', volumeClaims: 1, ...overrides });

describe('a lifecycle action of a node with volumes', () => {
  test('is completed when they are detached, and not right after the last pod', async () => {
    const world = aWorld([aDatabase()]);
    attachedUntil(world, 9_000);
    await world.run(aLifecycleAction());
    expect(world.completed).toHaveLength(1);
    expect(secondsIn(world)).toBeGreaterThanOrEqual(9);
    expect(secondsIn(world)).toBeLessThan(13);
  });

  test('is kept open over invocations while the hook has time, and completed at its end', async () => {
    const world = aWorld([aDatabase()], { lifecycleMinutes: 10 });
    attachedUntil(world, Number.POSITIVE_INFINITY);
    await world.run(aLifecycleAction());
    expect(world.completed).toEqual([]);
    expect(world.decisions.at(-1)).toMatchObject({
      action: 'wait',
      target: NODE,
      reason:
        'the pods are gone, and 1 of their volumes are still attached to the node (pv-1): the next tick goes on',
    });
    for (let minutes = 5; minutes <= 15 && world.completed.length === 0; minutes += 5) {
      await world.relay(minutes * 60_000);
      await world.run(TICK);
    }
    expect(world.completed).toHaveLength(1);
    expect(secondsIn(world)).toBeGreaterThanOrEqual(600);
    expect(world.decisions.findLast(({ action }) => action === 'drain')).toMatchObject({
      volumesAttached: 1,
    });
  });

  test.each<[string, (world: World) => void]>([
    [
      'the manifests do not grant the list of attachments',
      (world) => {
        world.cluster.volumes = () => undefined;
      },
    ],
    ['they belong to pods that stay', (world) => attachedUntil(world, Number.POSITIVE_INFINITY)],
  ])('is not held where %s', async (_what, prepare) => {
    const world = aWorld([ofDaemonSet('agent', { volumeClaims: 1 })]);
    prepare(world);
    await world.run(aLifecycleAction());
    expect(world.completed).toHaveLength(1);
    expect(secondsIn(world)).toBeLessThan(2);
  });

  test('asks again where the list fails for a while', async () => {
    const world = aWorld([aDatabase()]);
    attachedUntil(world, 9_000);
    world.cluster.broken.volumesOn = () =>
      secondsIn(world) < 6 ? new ClusterUnavailableError('503') : undefined;
    await world.run(aLifecycleAction());
    expect(world.completed).toHaveLength(1);
    expect(secondsIn(world)).toBeGreaterThanOrEqual(9);
  });

  test('waits for them also where the action joins a drain that a spot notice began', async () => {
    const world = aWorld([aDatabase()]);
    attachedUntil(world, 9_000);
    await Promise.all([world.run(anInterruption()), world.run(aLifecycleAction())]);
    expect(world.completed).toHaveLength(1);
    expect(secondsIn(world)).toBeGreaterThanOrEqual(9);
  });

  test('leaves a drain that has ended as it is where the claim cannot be read afterwards, and reports that', async () => {
    const world = aWorld([aDatabase()]);
    const { read } = world.claims;
    Object.assign(world.claims, {
      read: async (instanceId: string) => {
        const pods = await world.cluster.podsOn(NODE);
        if (pods.length === 0) throw new Error('the table does not answer');
        return read(instanceId);
      },
    });
    await expect(world.run(anInterruption())).rejects.toThrow('the table does not answer');
    expect(world.decisions.find(({ action }) => action === 'drain')).toMatchObject({ evicted: 1 });
  });

  test('that comes after the drain of a notice waits for them too', async () => {
    const world = aWorld([aDatabase()]);
    attachedUntil(world, 30_000);
    await world.run(anInterruption());
    await world.run(aLifecycleAction({}, { id: 'event-2' }));
    expect(world.completed).toMatchObject([{ how: 'completed' }]);
    expect(secondsIn(world)).toBeGreaterThanOrEqual(30);
    expect(secondsIn(world)).toBeLessThan(40);
  });

  test('is held where the table does not say whether an action has joined, until it does', async () => {
    const world = aWorld([aDatabase()]);
    attachedUntil(world, 30_000);
    const { read } = world.claims;
    let isFirst = true;
    world.claims.read = async (instanceId) => {
      const isOver = (await world.cluster.podsOn(NODE)).length === 0;
      if (!isOver || !isFirst) return read(instanceId);
      isFirst = false;
      await world.invoke(aLifecycleAction({}, { id: 'event-2' }));
      throw new Error('the table does not answer');
    };
    await world.run(anInterruption()).catch(() => undefined);
    expect(world.completed).toEqual([]);
    await world.relay(60_000);
    expect(world.completed).toMatchObject([{ how: 'completed' }]);
    expect(secondsIn(world)).toBeGreaterThan(30);
  });

  test('does not hold up a spot notice, which has no action to hold', async () => {
    const world = aWorld([aDatabase()]);
    attachedUntil(world, Number.POSITIVE_INFINITY);
    await world.run(anInterruption());
    expect(secondsIn(world)).toBeLessThan(5);
  });
});

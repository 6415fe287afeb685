import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { AutoScalingGroup } from '#lab/world/aws/index.ts';
import { aGroup, aNodegroup, aWorld, scope, type TestWorld } from './world.ts';

type Deed = (world: TestWorld, group: AutoScalingGroup, random: number) => void;

const member = (group: AutoScalingGroup, random: number) =>
  [...group.instances.values()][random % Math.max(1, group.instances.size)];

/** What people, autoscalers and AWS itself do to a group. A refusal is an answer like any other. */
const deeds: readonly Deed[] = [
  (world, group, random) =>
    world.aws.autoScaling.setDesiredCapacity(scope, group.name, { desired: random % 7 }),
  (world, group, random) =>
    world.aws.resizeAsPerson(group, { min: random % 3, desired: random % 5, max: Math.max(1, random % 8) }),
  (world, group, random) => {
    const instance = member(group, random);
    if (instance)
      world.aws.autoScaling.terminateInstance(scope, instance.id, { decrement: random % 2 === 0 });
  },
  (world, group, random) => {
    const instance = member(group, random);
    if (instance) world.aws.terminateInstance(instance.id);
  },
  (world, group, random) => {
    const instance = member(group, random);
    if (instance) world.aws.stopInstance(instance.id);
  },
  (world, group, random) => {
    const instance = member(group, random);
    if (!instance) return;
    const action = (['terminate', 'stop', 'hibernate'] as const)[random % 3]!;
    world.aws.interruptSpot(instance.id, { action });
  },
  (world, group, random) => {
    const instance = member(group, random);
    if (instance) world.aws.recommendRebalance(instance.id);
  },
  (world, _group, random) => world.aws.setCapacity({ available: random % 2 === 0 }),
  (world, group) => world.aws.autoScaling.suspend(scope, group.name, ['Launch']),
  (world, group) => world.aws.autoScaling.resume(scope, group.name),
  (world, group, random) => {
    const instance = member(group, random);
    if (instance)
      world.aws.autoScaling.detachInstances(scope, group.name, {
        instanceIds: [instance.id],
        decrement: random % 2 === 0,
      });
  },
  (world) => {
    for (const { instance, hook, token } of world.aws.autoScaling.pendingLifecycleActions()) {
      world.aws.autoScaling.completeLifecycleAction(scope, {
        group: instance.group.name,
        hook: hook.name,
        token,
        result: 'CONTINUE',
      });
    }
  },
];

it('a group comes to its desired capacity after anything that can happen to it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.boolean(),
      fc.array(fc.tuple(fc.nat(deeds.length - 1), fc.nat(1000), fc.nat(240)), { maxLength: 25 }),
      async (managed, hooked, story) => {
        const world = aWorld();
        const group = managed
          ? aNodegroup(world).group
          : aGroup(world, {
              capacityRebalance: hooked,
              lifecycleHooks: hooked ? [{ name: 'drain', heartbeatTimeoutSeconds: 600 }] : [],
            });
        for (const [index, random, seconds] of story) {
          try {
            deeds[index]!(world, group, random);
          } catch (error) {
            if ((error as Error).name !== 'AwsError') throw error;
          }
          await world.pass(seconds);
        }
        world.aws.setCapacity({ available: true });
        world.aws.autoScaling.resume(scope, group.name);
        await world.pass(3 * 3600);

        const states = [...group.instances.values()].map((instance) => [
          instance.state,
          instance.lifecycleState,
          instance.health,
        ]);
        expect(states).toEqual(Array(group.desired).fill(['running', 'InService', 'Healthy']));
        expect(group.activities.filter((activity) => activity.endedAt === undefined)).toEqual([]);
        expect(world.aws.autoScaling.pendingLifecycleActions()).toEqual([]);
        // Kubernetes hears of each instance once when it comes, and once when it goes.
        const ids = (views: readonly { id: string }[]) => views.map(({ id }) => id);
        expect(new Set(ids(world.running)).size).toBe(world.running.length);
        expect(new Set(ids(world.gone)).size).toBe(world.gone.length);
        const left = ids(world.running).filter((id) => !ids(world.gone).includes(id));
        expect(left.sort()).toEqual(
          world.aws
            .instances(world.cluster)
            .filter(({ state }) => state === 'running')
            .map(({ id }) => id)
            .sort(),
        );
        const before = world.events.length;
        await world.pass(24 * 3600);
        expect(world.events.length).toBe(before);
      },
    ),
    { numRuns: 150 },
  );
});

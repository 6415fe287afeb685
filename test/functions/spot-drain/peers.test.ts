/** What the known tools get wrong, by the number it has among our facts: each of it is right here. */
import { describe, expect, test } from 'vitest';
import { START } from './a-clock.ts';
import { aNode, aPod, INSTANCE, NODE } from './a-cluster.ts';
import { aHealthEvent, aLifecycleAction, anInterruption, aRebalance, aWorld } from './a-world.ts';

const OTHER = 'i-0fedcba9876543210';

describe('faults of the peers', () => {
  test('1: every instance of one Health event is drained, not only the first', async () => {
    const world = aWorld();
    world.cluster.nodes = [aNode(), aNode({ name: 'other-node', instanceId: OTHER })];
    await world.run(aHealthEvent({ affectedEntities: [{ entityValue: INSTANCE }, { entityValue: OTHER }] }));
    expect(
      world
        .said()
        .filter((said) => said.startsWith('drain'))
        .sort(),
    ).toEqual([`drain ${NODE}`, 'drain other-node']);
  });

  test('1b: one instance that cannot be drained does not keep the others of the event from it', async () => {
    const world = aWorld();
    world.cluster.nodes = [aNode(), aNode({ name: 'other-node', instanceId: OTHER })];
    const { mark } = world.cluster;
    world.cluster.mark = async (node, marks) => {
      if (node.name === NODE) throw new Error('this node is cursed');
      return mark(node, marks);
    };
    const event = aHealthEvent({ affectedEntities: [{ entityValue: INSTANCE }, { entityValue: OTHER }] });
    await expect(world.run(event)).rejects.toThrow('this node is cursed');
    expect(world.said()).toContain('drain other-node');
  });

  // 2: the load-balancer label comes off again: test/functions/adapters/kubernetes/drain-cluster.test.ts, "are all taken away again".

  test('3: a lifecycle action that could not be completed is completed by the redelivery', async () => {
    const world = aWorld([aPod()]);
    world.completionErrors = [new Error('Rate exceeded')];
    await expect(world.run(aLifecycleAction())).rejects.toThrow('Rate exceeded');
    expect(world.completed).toEqual([]);
    await world.run(aLifecycleAction());
    expect(world.completed).toMatchObject([{ how: 'completed' }]);
    expect(world.said().filter((said) => said === `drain ${NODE}`)).toHaveLength(1);
  });

  test('3b: or by the tick, where no redelivery comes', async () => {
    const world = aWorld([aPod()]);
    world.completionErrors = [new Error('Rate exceeded')];
    await expect(world.run(aLifecycleAction())).rejects.toThrow('Rate exceeded');
    await world.run({ source: 'nightshift', trigger: 'tick', schedule: 'tick' });
    expect(world.completed).toMatchObject([{ how: 'completed' }]);
  });

  test('4: the time to drain counts from the notice, not from when we hear of it', async () => {
    const world = aWorld([aPod()]);
    world.cluster.budgets = [{ name: 'never', pods: ['web'], allowed: 0, recoveryMs: 0 }];
    const sent = new Date(START.getTime() - 40_000);
    await world.run(anInterruption('terminate', { time: sent.toISOString() }));
    const forced = world.cluster.calls.find((call) => call.verb === 'remove');
    expect(START.getTime() + (forced?.at ?? 0)).toBe(sent.getTime() + 115_000 - 32_000);
  });

  // 5: the taint is one strategic-merge patch, never a full update: drain-cluster.test.ts, "in one patch".

  test('6: an entity that is an ARN is understood', async () => {
    const world = aWorld([aPod()]);
    const entityValue = `arn:aws:ec2:ap-northeast-1:111111111111:instance/${INSTANCE}`;
    await world.run(aHealthEvent({ affectedEntities: [{ entityValue }] }));
    expect(world.cluster.podNames()).toEqual([]);
  });

  test('7: of 100 notices at once, 100 nodes are cordoned, each within 5 s', async () => {
    const world = aWorld();
    const ids = Array.from({ length: 100 }, (_, n) => `i-${n.toString(16).padStart(17, '0')}`);
    world.cluster.nodes = ids.map((instanceId) => aNode({ instanceId, name: `node-${instanceId}` }));
    const marked = new Map<string, number>();
    const { mark } = world.cluster;
    world.cluster.mark = async (node, marks) => {
      const done = await mark(node, marks);
      marked.set(node.name, world.clock.now().getTime() - START.getTime());
      return done;
    };
    await world.clock.run(
      Promise.all(
        ids.map((id) =>
          world.invoke(
            anInterruption('terminate', { detail: { 'instance-id': id, 'instance-action': 'terminate' } }),
          ),
        ),
      ),
    );
    expect(marked.size).toBe(100);
    expect(Math.max(...marked.values())).toBeLessThan(5_000);
  });

  // Asked for: the cordon after a rebalance comes off again: run.test.ts, "is undone after the set time"; a cordon that a
  // person had set stays: drain-cluster.test.ts, "do not take away a cordon and a label that were there before".

  test('asked for: the lifecycle action of a node that never joined is completed', async () => {
    const world = aWorld();
    world.cluster.nodes = [];
    await world.run(aLifecycleAction());
    expect(world.completed).toHaveLength(1);
  });
});

describe('an earlier deadline', () => {
  test('takes a drain over, and whoever was at it lets go within seconds', async () => {
    const world = aWorld([aPod({ graceSeconds: 60 })]);
    world.cluster.endsAfterMs = () => 50_000;
    let firstOver = 0;
    await world.clock.run(
      Promise.all([
        world.invoke(aLifecycleAction()).then(() => {
          firstOver = world.clock.now().getTime() - START.getTime();
        }),
        world.clock
          .sleep(10_000)
          .then(() =>
            world.invoke(anInterruption('terminate', { id: 'event-2', time: '2026-08-27T03:00:10Z' })),
          ),
      ]),
    );
    expect(firstOver).toBeGreaterThan(10_000);
    expect(firstOver).toBeLessThan(17_000);
    expect(world.completed).toMatchObject([{ podsLeft: [] }]);
  });

  test('outlives an undo that was still on the list', async () => {
    const world = aWorld([aPod()]);
    world.cordons.remove = async () => {
      throw new Error('the table is throttled');
    };
    await world.run(aRebalance());
    await expect(
      world.run(anInterruption('terminate', { id: 'event-2', time: '2026-08-27T03:00:30Z' })),
    ).rejects.toThrow('throttled');
    await world.clock.run(world.clock.sleep(31 * 60_000));
    await expect(world.run({ source: 'nightshift', trigger: 'tick', schedule: 'tick' })).rejects.toThrow();
    expect(world.cluster.unmarked).toEqual([]);
  });
});

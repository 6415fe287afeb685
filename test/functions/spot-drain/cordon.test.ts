import { describe, expect, test } from 'vitest';
import { createCordonGate } from '#functions/spot-drain/cordon.ts';
import { aClock, START } from './a-clock.ts';
import { aNode, aPod, INSTANCE } from './a-cluster.ts';
import { aHealthEvent, anInterruption, aWorld } from './a-world.ts';

const SECOND_INSTANCE = 'i-0fedcba9876543210';

describe('several notices in one process', () => {
  test('cordon all their nodes before the first of them is drained (NTH#537)', async () => {
    const world = aWorld([aPod()]);
    world.cluster.nodes = [aNode(), aNode({ name: 'second', uid: 'second', instanceId: SECOND_INSTANCE })];
    const order: string[] = [];
    const { mark, podsOn } = world.cluster;
    world.cluster.mark = async (node, marks) => {
      if (node.name === 'second') await world.clock.sleep(1_000);
      const how = await mark(node, marks);
      order.push(`cordon ${node.name}`);
      return how;
    };
    world.cluster.podsOn = async (node) => {
      order.push(`drain ${node}`);
      return podsOn(node);
    };
    const affectedEntities = [{ entityValue: INSTANCE }, { entityValue: SECOND_INSTANCE }];
    await world.run(aHealthEvent({ affectedEntities }));
    expect(order.slice(0, 2).every((one) => one.startsWith('cordon'))).toBe(true);
    expect(order.slice(2).filter((one) => one.startsWith('cordon'))).toEqual([]);
  });
});

describe('who cannot see the cordons of others', () => {
  test.each([0, 1_200])('drains all the same, and reports it: after %i ms', async (ms) => {
    const world = aWorld([aPod()]);
    world.names.set(INSTANCE, aNode().name);
    world.claims.areCordonsPending = async () => {
      await world.clock.sleep(ms);
      throw new Error('AccessDenied');
    };
    await expect(world.run(anInterruption())).rejects.toThrow('AccessDenied');
    expect(world.cluster.podNames()).toEqual([]);
    expect(world.said()).toContain(`fail cordons beside ${INSTANCE}`);
  });
});

describe('the gate', () => {
  const [first, second] = [{}, {}];

  test('is open for one that is alone', async () => {
    const clock = aClock();
    const gate = createCordonGate(clock);
    gate.enter(first);
    gate.leave(first);
    await clock.run(gate.open());
    expect(clock.now()).toEqual(START);
  });

  test('opens when the last notice is out of the way, however often that is said', async () => {
    const clock = aClock();
    const gate = createCordonGate(clock);
    gate.enter(first);
    gate.enter(second);
    gate.leave(first);
    gate.leave(first);
    clock.after(500, () => gate.leave(second));
    await clock.run(gate.open());
    expect(clock.now().getTime() - START.getTime()).toBe(500);
  });

  test('opens after two seconds for whoever waits behind one that hangs', async () => {
    const clock = aClock();
    const gate = createCordonGate(clock);
    gate.enter(first);
    await clock.run(gate.open());
    expect(clock.now().getTime() - START.getTime()).toBe(2_000);
  });
});

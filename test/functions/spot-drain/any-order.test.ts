/** Several events speak of one instance, in any order, late and doubled: the end is always the same. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NOTHING_TO_EVICT } from '#functions/spot-drain/report.ts';
import { START } from './a-clock.ts';
import { aPod, NODE, ofDaemonSet } from './a-cluster.ts';
import {
  aHealthEvent,
  aLifecycleAction,
  anInterruption,
  aRebalance,
  aStateChange,
  aWorld,
  TICK,
} from './a-world.ts';

const EVENTS = {
  rebalance: aRebalance,
  spot: (overrides: object) => anInterruption('terminate', { ...overrides }),
  lifecycle: (overrides: object) => aLifecycleAction({}, { ...overrides }),
  health: (overrides: object) => aHealthEvent({}, { ...overrides }),
  stopping: (overrides: object) => aStateChange('shutting-down', { ...overrides }),
  tick: () => TICK,
};

const anyDelivery = fc.record({
  event: fc.constantFrom(...(Object.keys(EVENTS) as (keyof typeof EVENTS)[])),
  /** Milliseconds after the start at which it is delivered. */
  at: fc.integer({ min: 0, max: 60_000 }),
});

describe('any order and any number of the events of one instance', () => {
  test('ends in one drain and one completion of its lifecycle action, with nothing left on the node', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyDelivery, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 0, max: 25 }),
        async (deliveries, exitSeconds) => {
          const world = aWorld([aPod({ name: 'a' }), aPod({ name: 'b', graceSeconds: 45 }), ofDaemonSet()]);
          world.cluster.endsAfterMs = () => exitSeconds * 1_000;
          // A lifecycle action and an interruption are always among them, once at least.
          const all = [
            ...deliveries,
            { event: 'lifecycle', at: 9_000 } as const,
            { event: 'spot', at: 12_000 } as const,
          ];
          await world.clock.run(
            Promise.all(
              all.map(async ({ event, at }, index) => {
                await world.clock.sleep(at);
                const time = new Date(START.getTime() + at).toISOString();
                await world.invoke(EVENTS[event]({ id: `event-${index}`, time }));
              }),
            ),
          );
          expect(world.cluster.podNames()).toEqual(['agent-x']);
          // A node that was emptied for something weaker is looked at again, and nothing is found on it.
          const moving = world.decisions.filter(
            (made) => made.action === 'drain' && made.reason !== NOTHING_TO_EVICT,
          );
          expect(moving.length).toBeLessThanOrEqual(1);
          expect(world.said()).toContain(`drain ${NODE}`);
          expect(world.completed.map((one) => one.how)).toEqual(['completed']);
          expect(world.completed[0]?.podsLeft).toEqual(['agent-x']);
          expect([...world.claims.saved.values()].map((claim) => claim.value.state)).toEqual(['done']);
          expect(world.said().filter((said) => said.startsWith('fail'))).toEqual([]);
          expect(world.cluster.unmarked).toEqual([]);
        },
      ),
      {
        numRuns: 150,
        examples: [
          // The interruption comes while whoever drained for the announced change completes the lifecycle action.
          [
            [
              { event: 'tick', at: 0 },
              { event: 'health', at: 916 },
            ],
            10,
          ],
          [
            [
              { event: 'health', at: 7_936 },
              { event: 'rebalance', at: 0 },
            ],
            3,
          ],
        ],
      },
    );
  });
});

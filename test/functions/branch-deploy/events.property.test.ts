import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { aWorld } from './a-world.ts';

/** Pushes with the gap before each, in seconds, and how long each build takes. */
const pushes = fc.array(
  fc.record({
    gap: fc.integer({ min: 0, max: 40 }),
    build: fc.integer({ min: 5, max: 90 }),
    fails: fc.boolean(),
  }),
  { minLength: 1, maxLength: 8 },
);
const scenario = fc.record({
  pushes,
  drop: fc.constantFrom(0, 0.2, 0.6, 1),
  duplicate: fc.constantFrom(0, 0.5),
  late: fc.constantFrom(0, 90),
  rollout: fc.integer({ min: 1, max: 40 }),
  seed: fc.integer({ min: 1, max: 1_000_000 }),
});

describe('an event lost, doubled, late or out of order ends in the same state', () => {
  test('the last state of an application is that of the newest successful build of its branch', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ pushes, drop, duplicate, late, rollout, seed }) => {
        const world = aWorld({
          seed,
          rolloutSeconds: rollout,
          buildSeconds: ({ number }) => pushes[number - 1]?.build ?? 5,
        });
        Object.assign(world.codebuild.faults, { drop, duplicate, delaySeconds: [0, late] });
        world.codebuild.changeProject(
          { account: '111111111111', region: 'ap-northeast-1', name: 'api-develop' },
          { outcome: ({ number }) => (pushes[number - 1]?.fails ? 'FAILED' : 'SUCCEEDED') },
        );
        // Each event is an invocation of its own, whatever else runs.
        const invocations: Promise<void>[] = [];
        let taken = 0;
        const deliver = () => {
          for (const event of world.events.slice(taken)) invocations.push(world.start(event));
          taken = world.events.length;
        };
        const shas: string[] = [];
        for (const { gap } of pushes) {
          for (let second = 0; second < gap; second++) {
            await world.pass(1_000);
            deliver();
          }
          shas.push(world.push().sha);
        }
        for (let minute = 0; minute < 12; minute++) {
          for (let second = 0; second < 60; second += 5) {
            await world.pass(5_000);
            deliver();
          }
          invocations.push(world.startTick());
        }
        await world.through(Promise.all(invocations).then(() => undefined));
        await world.ticks(6);

        const newest = pushes.findLastIndex(({ fails }) => !fails);
        const kept = await world.ports().deploys.get({ project: 'default', name: 'api' });
        if (newest < 0) {
          expect(kept?.value.newest ?? {}).toEqual({});
          return;
        }
        expect(kept?.value.wanted).toEqual([]);
        expect(kept?.value.newest['api-develop']).toMatchObject({ number: newest + 1, sha: shas[newest] });
        // Argo CD tracks the branch, whose last commit may be one that was not built well.
        const moved = newest !== pushes.length - 1;
        const outcome = kept?.value.newest['api-develop']?.outcome;
        if (!moved) {
          expect(outcome).toBe('deployed');
          expect(world.image()).toBe(`api:${shas[newest]}`);
        } else {
          expect(['deployed', 'superseded']).toContain(outcome);
        }
        expect(world.actions()).not.toContain('fail');
        // One verdict for each build that succeeded.
        for (const [index, { fails }] of pushes.entries()) {
          const verdicts = world.decisions.filter(
            (decision) =>
              decision['number'] === index + 1 &&
              ['deployed', 'superseded', 'fail'].includes(decision.action),
          );
          expect(verdicts.length).toBe(fails ? 0 : 1);
        }
      }),
      { numRuns: 40 },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Schedule } from '#model/schedule.ts';
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
        expect(kept?.value.requested).toEqual([]);
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
        // One end of each build that succeeded.
        for (const [index, { fails }] of pushes.entries()) {
          const ends = world.decisions.filter(
            (decision) =>
              decision['number'] === index + 1 &&
              ['deployed', 'superseded', 'fail'].includes(decision.action),
          );
          expect(ends.length).toBe(fails ? 0 : 1);
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('a sleep in between', () => {
  /** A short night: down from 14:10 to 14:30 in Tokyo, every day. */
  const nap: Schedule = {
    name: 'nap',
    timeZone: 'Asia/Tokyo',
    up: ([1, 2, 3, 4, 5, 6, 7] as const).flatMap((day) => [
      { start: { day, minute: 0 }, end: { day, minute: 850 } },
      { start: { day, minute: 870 }, end: { day, minute: 1440 } },
    ]),
  };
  const at = (time: string) => Date.parse(`2026-11-25T${time}Z`);
  const [stop, start, ready] = [at('05:10:00'), at('05:30:00'), at('05:33:20')];

  test('changes nothing but the time: Argo CD is not called, and the newest successful build is deployed after it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          // Seconds after 14:00.
          pushes: fc.uniqueArray(fc.integer({ min: 0, max: 1_900 }), { minLength: 1, maxLength: 6 }),
          build: fc.integer({ min: 5, max: 200 }),
          drop: fc.constantFrom(0, 0.2, 1),
          duplicate: fc.constantFrom(0, 0.5),
          rollout: fc.integer({ min: 1, max: 60 }),
          seed: fc.integer({ min: 1, max: 1_000_000 }),
        }),
        async ({ pushes, build, drop, duplicate, rollout, seed }) => {
          const world = aWorld({
            seed,
            start: new Date(at('05:00:00')),
            settings: { schedule: nap },
            rolloutSeconds: rollout,
            buildSeconds: build,
          });
          Object.assign(world.codebuild.faults, { drop, duplicate, delaySeconds: [0, 30] });
          await world.state({ phase: 'awake' });
          let sha = '';
          for (const second of pushes) {
            world.clock.at(at('05:00:00') + second * 1_000, () => {
              ({ sha } = world.push());
            });
          }
          const calls: number[] = [];
          world.wire.state.fault = () => {
            calls.push(world.clock.now());
            return undefined;
          };
          const phases = [
            [stop, 'asleep'],
            [start, 'starting'],
            [ready, 'awake'],
          ] as const;
          for (const [when, phase] of phases) {
            world.clock.at(when, () =>
              world.state({ phase, desired: phase === 'asleep' ? 'asleep' : 'awake' }),
            );
          }
          const invocations: Promise<void>[] = [];
          let taken = 0;
          for (let second = 0; second < 45 * 60; second += 5) {
            await world.pass(5_000);
            for (const event of world.events.slice(taken)) invocations.push(world.start(event));
            taken = world.events.length;
            if (second % 60 === 55) invocations.push(world.startTick());
          }
          await world.through(Promise.all(invocations).then(() => undefined));
          await world.ticks(6);

          // An invocation that began before the stop may look on for its 25 seconds.
          expect(calls.filter((call) => call > stop + 26_000 && call < ready)).toEqual([]);
          expect(world.image()).toBe(`api:${sha}`);
          const kept = await world.ports().deploys.get({ project: 'default', name: 'api' });
          expect(kept?.value).toMatchObject({
            requested: [],
            newest: { 'api-develop': { number: pushes.length, sha, outcome: 'deployed' } },
          });
          expect(world.actions()).not.toContain('fail');
        },
      ),
      { numRuns: 25 },
    );
  });
});

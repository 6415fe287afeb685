import { describe, expect, it } from 'vitest';
import { heavyAndNone, isCaught } from './find-mutant.ts';
import type { Simulate } from './outcome.ts';
import { TOGETHER_MUTANTS } from './together/mutants.ts';
import { simulateTogether } from './together/together.ts';

describe('nights in which the three functions meet', () => {
  // With heavy faults some are in the tally of 300 nights.
  it.each(['none', 'light'] as const)(
    'break no promise, and let them meet: faults %s',
    { timeout: 120_000 },
    async (severity) => {
      const events = new Set<string>();
      for (let seed = 1; seed <= 12; seed++) {
        const outcome = await simulateTogether({ seed, severity });
        expect(outcome.violations, `seed ${seed}`).toEqual([]);
        for (const event of Object.keys(outcome.events)) events.add(event);
      }
      for (const event of ['night-stop', 'woken', 'lifecycle-action', 'interruption', 'build-ended'])
        expect(events).toContain(event);
    },
  );
});

describe('the checkers where they meet', () => {
  it.each(TOGETHER_MUTANTS)('find that $name (promise $promise)', { timeout: 120_000 }, async (mutant) => {
    const simulate: Simulate = (options) => simulateTogether({ ...options, ...mutant.change });
    expect(await isCaught(simulate, mutant, heavyAndNone)).toBe(true);
  });
});

describe('a seed', () => {
  it('gives the same night each time', async () => {
    const once = await simulateTogether({ seed: 42, severity: 'heavy' });
    const again = await simulateTogether({ seed: 42, severity: 'heavy' });
    expect(again).toEqual(once);
  });

  it.each([
    [28, 'none', 'a drain that began before the stop held it up for an hour'],
    [96, 'none', 'a drain that began before the stop held it up for an hour'],
    [24, 'none', 'Auto Scaling was slow to say whose instance it was, and its drain counted as a loss'],
    [1, 'heavy', 'Auto Scaling did not say whose instance it was, and its drain counted as a loss'],
    [8800, 'heavy', 'somebody wanted it awake in the very moment in which a pass began to stop it'],
    [659, 'heavy', 'a pass that had read before another one acted forgot which group was being stopped'],
  ] as const)('that once broke a promise keeps it now: %d (%s): %s', async (seed, severity, _why) => {
    expect((await simulateTogether({ seed, severity })).violations).toEqual([]);
  });
});

import { describe, expect, test } from 'vitest';
import { simulateTogether } from './together/together.ts';

describe('nights in which all three functions work', () => {
  // With heavy faults some are in the tally of 300 nights.
  test.each(['none', 'light'] as const)('break no promise: faults %s', async (severity) => {
    const events = new Set<string>();
    for (let seed = 1; seed <= 12; seed++) {
      const outcome = await simulateTogether({ seed, severity });
      expect(outcome.violations, `seed ${seed}`).toEqual([]);
      for (const event of Object.keys(outcome.events)) events.add(event);
    }
    for (const event of [
      'night-stop',
      'woken',
      'lifecycle-action',
      'interruption',
      'build-ended',
      'webhook',
      'dead-kubelet',
      'health',
    ])
      expect(events).toContain(event);
  });
});

describe('a seed', () => {
  test('gives the same night each time', async () => {
    const once = await simulateTogether({ seed: 42, severity: 'heavy' });
    const again = await simulateTogether({ seed: 42, severity: 'heavy' });
    expect(again).toEqual(once);
  });

  test.each([
    [28, 'none', 'a drain that began before the stop delayed it for an hour'],
    [96, 'none', 'a drain that began before the stop delayed it for an hour'],
    [24, 'none', 'Auto Scaling was slow to name the group of an instance, and its drain counted as a loss'],
    [1, 'heavy', 'Auto Scaling did not name the group of an instance, and its drain counted as a loss'],
    [8800, 'heavy', 'an override to stay awake came at the moment at which a pass began to stop the cluster'],
    [659, 'heavy', 'a pass that had read before another one acted forgot which group was being stopped'],
  ] as const)('that once broke a promise keeps it now: %d (%s): %s', async (seed, severity, _why) => {
    expect((await simulateTogether({ seed, severity, isPlain: true })).violations).toEqual([]);
  });

  test.each([
    [5141, 'heavy', 'a build that came first after the wake inherited the time of a sync before the night'],
    [7800, 'heavy', 'a pass cleared the record of a NodePool that another one had just saved'],
    [
      613033780,
      'heavy',
      'a pass that could not ask the autoscaler forgot what another one was about to stop',
    ],
    [
      731000980,
      'none',
      'a failed build went live just before Argo CD was down, and the story ended meanwhile',
    ],
    [
      865000900,
      'heavy',
      'a stop was called off while the drain of another instance ran, which did not count as a loss',
    ],
    [288405600, 'heavy', 'a pass whose clock was behind called off the stop that another one had just begun'],
    [31180, 'heavy', 'a reply that lacked a group made a second pass forget that it was being stopped'],
  ] as const)(
    'with images that once broke a promise keeps it now: %d (%s): %s',
    async (seed, severity, _why) => {
      expect((await simulateTogether({ seed, severity })).violations).toEqual([]);
    },
  );
});

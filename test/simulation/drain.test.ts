import { describe, expect, it } from 'vitest';
import { simulateDrain } from './drain/drain.ts';
import { DRAIN_MUTANTS } from './drain/mutants.ts';
import { heavyAndNone, isCaught } from './find-mutant.ts';
import type { Simulate } from './outcome.ts';

describe('the checkers of a drain', () => {
  it.each(DRAIN_MUTANTS)('find that $name (promise $promise)', { timeout: 120_000 }, async (mutant) => {
    const simulate: Simulate = (options) => simulateDrain({ ...options, ...mutant.change });
    expect(await isCaught(simulate, mutant, heavyAndNone)).toBe(true);
  });
});

describe('a seed', () => {
  it('gives the same drain each time', async () => {
    const once = await simulateDrain({ seed: 42, severity: 'heavy' });
    const again = await simulateDrain({ seed: 42, severity: 'heavy' });
    expect(again).toEqual(once);
  });

  it.each([
    [13, 'none', 'the end of an announced change came while its node was being drained'],
    [107, 'none', 'a cordon was undone under a lifecycle action'],
    [1218, 'heavy', 'a tick that had gone on with a drain was killed, and the next one got lost'],
    [1006, 'heavy', 'the function was killed before it wrote down which cordon to undo'],
    [2598, 'heavy', 'the claim of an undone cordon could not be removed'],
    [3134, 'light', 'an interruption followed a recommendation for a node that was empty already'],
    [3205, 'light', 'an announced change ended while the group ended the instance'],
    [7026, 'none', 'a drain was put aside with an action that could not wait'],
    [70630, 'heavy', 'the names of the nodes were still being written when their tick had failed'],
    [70764, 'heavy', 'the names of the nodes were still being written when their tick had failed'],
    [918273961, 'light', 'an instance came back while its group terminated it, and that event got lost'],
  ] as const)('that once broke a promise keeps it now: %d (%s): %s', async (seed, severity, _why) => {
    expect((await simulateDrain({ seed, severity })).violations).toEqual([]);
  });
});

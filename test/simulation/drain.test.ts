import { describe, expect, test } from 'vitest';
import { simulateDrain } from './drain/drain.ts';
import { DRAIN_MUTANTS } from './drain/mutants.ts';
import { alternateSeverity, isCaught } from './find-mutant.ts';
import type { Simulate } from './outcome.ts';

describe('the checkers of a drain', () => {
  test.each(DRAIN_MUTANTS)('catch that $name (promise $promise)', async (mutant) => {
    const simulate: Simulate = (options) => simulateDrain({ ...options, ...mutant.change });
    expect(await isCaught(simulate, mutant, alternateSeverity)).toBe(true);
  });
});

describe('a seed', () => {
  test('gives the same drain each time', async () => {
    const once = await simulateDrain({ seed: 42, severity: 'heavy' });
    const again = await simulateDrain({ seed: 42, severity: 'heavy' });
    expect(again).toEqual(once);
  });

  test.each([
    [13, 'none', 'the end of an announced change came while its node was being drained'],
    [107, 'none', 'a cordon was undone under a lifecycle action'],
    [1218, 'heavy', 'a tick that had continued a drain was killed, and the next one got lost'],
    [1006, 'heavy', 'the function was killed before it recorded which cordon to undo'],
    [2598, 'heavy', 'the claim of an undone cordon could not be removed'],
    [3134, 'light', 'an interruption followed a recommendation for a node that was empty already'],
    [3205, 'light', 'an announced change ended while the group terminated the instance'],
    [5002, 'light', 'a webhook denied evictions during the nightly stop'],
    [7026, 'none', 'a drain was paused with an action that could not wait'],
    [70630, 'heavy', 'the names of the nodes were still being written when their tick had failed'],
    [70764, 'heavy', 'the names of the nodes were still being written when their tick had failed'],
    [918273961, 'light', 'an instance ran again while its group terminated it, and that event got lost'],
    [613034323, 'heavy', 'the look for the cordons of others failed after its time, and nobody heard of it'],
    [613054684, 'heavy', 'the end of a change came after a newer event had announced it again'],
    [613051778, 'heavy', 'a lifecycle action that came after the drain was completed with volumes attached'],
    [613038147, 'heavy', 'an announcement was handled after the end of its change'],
    [977000292, 'heavy', 'a worker took a node over between the two steps that end an announced change'],
    [519608895, 'heavy', 'the undo of a cordon failed, and the drain for the next change began meanwhile'],
    [288404530, 'heavy', 'an attempt for the announcement of a change came when its end was handled'],
    [865003907, 'heavy', 'an invocation had failed while it still read whether there is a pause'],
    [288407661, 'heavy', 'the record of an uncordon was slow (a mistake of a checker)'],
    [77149, 'heavy', 'a change was announced again after its end, and the retry for that end came after it'],
  ] as const)('that once broke a promise keeps it now: %d (%s): %s', async (seed, severity, _why) => {
    expect((await simulateDrain({ seed, severity })).violations).toEqual([]);
  });
});

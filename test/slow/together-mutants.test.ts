/** The mutants of the nights in which all three functions work. */
import { describe, expect, test } from 'vitest';
import { alternateSeverity, isCaught } from '#test/simulation/find-mutant.ts';
import type { Simulate } from '#test/simulation/outcome.ts';
import { TOGETHER_MUTANTS } from '#test/simulation/together/mutants.ts';
import { simulateTogether } from '#test/simulation/together/together.ts';

describe('the checkers of all three functions', () => {
  test.each(TOGETHER_MUTANTS)('catch that $name (promise $promise)', async (mutant) => {
    const simulate: Simulate = (options) => simulateTogether({ ...options, ...mutant.change });
    expect(await isCaught(simulate, mutant, alternateSeverity)).toBe(true);
  });
});

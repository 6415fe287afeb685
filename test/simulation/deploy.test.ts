import { describe, expect, test } from 'vitest';
import { simulateDeploy } from './deploy/deploy.ts';
import { DEPLOY_MUTANTS } from './deploy/mutants.ts';
import { alternateSeverity, isCaught } from './find-mutant.ts';
import type { Simulate } from './outcome.ts';

describe('the checkers of a deploy', () => {
  test.each(DEPLOY_MUTANTS)('catch that $name (promise $promise)', async (mutant) => {
    const simulate: Simulate = (options) => simulateDeploy({ ...options, ...mutant.change });
    expect(await isCaught(simulate, mutant, alternateSeverity)).toBe(true);
  });
});

describe('a seed', () => {
  test('gives the same deploy each time', async () => {
    const once = await simulateDeploy({ seed: 42, severity: 'heavy' });
    const again = await simulateDeploy({ seed: 42, severity: 'heavy' });
    expect(again).toEqual(once);
  });

  test.each([1099, 1247, 1644, 2554])(
    'that once broke a promise keeps it now: %d: Argo CD was away for hours and a sync had been requested',
    async (seed) => {
      expect((await simulateDeploy({ seed, severity: 'heavy', isPlain: true })).violations).toEqual([]);
    },
  );

  test('that once broke a promise keeps it now: 70472: a push came in the very moment in which a sync began', async () => {
    expect((await simulateDeploy({ seed: 70472, severity: 'heavy', isPlain: true })).violations).toEqual([]);
  });

  test.each([
    [36, 'none', 'one of two Deployments named the image first'],
    [
      1106,
      'heavy',
      'the function was killed between the mark and the report of a commit whose build had failed',
    ],
    [288406617, 'heavy', 'a person synced again what ours had brought, and the branch had moved on'],
    [731501968, 'none', "a config repository moved on before and after a person's sync"],
    [1162, 'light', 'Argo CD synced a config repository by itself after our sync'],
  ] as const)('that once broke a promise keeps it now: %d (%s): %s', async (seed, severity, _why) => {
    expect((await simulateDeploy({ seed, severity })).violations).toEqual([]);
  });
});

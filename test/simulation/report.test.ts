import { expect, test } from 'vitest';
import { reportOf } from './report.ts';
import { simulateMany } from './simulate-many.ts';

test('the report names each broken night once, with its story', async () => {
  const tally = await simulateMany({ nights: 1, seed: 3, severity: 'none' });
  const options = { seed: 3, severity: 'none' };
  expect(reportOf(tally, options)).not.toContain('broken nights');
  const broken = { story: 'drain', seed: 3, promise: 4, what: 'a decision says what is not so' } as const;
  const failures = [broken, { ...broken, promise: 9 }, { ...broken, story: 'deploy', seed: 7 }] as const;
  expect(reportOf({ ...tally, failures }, options)).toMatch(/^broken nights: drain 3, deploy 7$/m);
});

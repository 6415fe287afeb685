import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import type { Store } from '#functions/night-schedule/ports.ts';
import { nightStoreContract } from '#test/contracts/night-store.ts';
import { aSavedSize } from '../../night-schedule/builders.ts';
import { aWorld } from '../../night-schedule/memory-ports.ts';
import { aTable } from './a-table.ts';

let real: Awaited<ReturnType<typeof aTable>>;
beforeAll(async () => {
  real = await aTable();
});
afterAll(() => real.close());

// One contract, two implementations: what the tests of a pass rely on is what DynamoDB does.
describe.each<[string, () => Store]>([
  ['in memory', () => aWorld([]).ports.store],
  ['in the table', () => createNightStore(real.table)],
])('the store %s', (_, make) => nightStoreContract(make));

describe('a saved record that something else wrote', () => {
  it.each([
    ['zero nodes', { size: { min: 0, desired: 0, max: 5 } }],
    ['an impossible size', { size: { min: 4, desired: 3, max: 5 } }],
    ['another group', { group: 'b' }],
    ['an unknown phase', { phase: 'napping' }],
    ['no time', { since: 'yesterday' }],
    ['a size in words', { size: 'three' }],
  ])('with %s is reported as corrupt and never used', async (_, change) => {
    await real.table.put('night', 'saved#corrupt', { ...aSavedSize({ group: 'corrupt' }), ...change });
    const memory = await createNightStore(real.table).load();
    expect(memory.corrupt).toEqual(['corrupt']);
    expect(memory.saved.has('corrupt')).toBe(false);
  });
});

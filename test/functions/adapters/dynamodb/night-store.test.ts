import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLedger } from '#functions/adapters/dynamodb/ledger.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import {
  autoscalerKey,
  LEDGER,
  ledgerKey,
  NIGHT,
  noteKey,
  OVERRIDE,
  STATE_KEY,
  savedKey,
} from '#functions/adapters/dynamodb/table-keys.ts';
import type { Store } from '#functions/night-schedule/ports.ts';
import type { LedgerEntry } from '#functions/night-schedule/records.ts';
import { nightStoreContract } from '#test/contracts/night-store.ts';
import { createMemoryTable } from '#test/simulation/table.ts';
import { aSavedSize } from '../../night-schedule/builders.ts';
import { aWorld } from '../../night-schedule/memory-ports.ts';
import { aTable } from './a-table.ts';

const NOON = '2026-11-24T12:00:00.000Z';
let clusters = 0;
let real: Awaited<ReturnType<typeof aTable>>;
beforeAll(async () => {
  real = await aTable();
});
afterAll(() => real.close());

// One contract, two implementations: what the tests of a pass rely on is what DynamoDB does.
describe.each<[string, () => Store]>([
  ['in memory', () => aWorld([]).ports.store],
  ['in the table', () => createNightStore(real.table, `develop-${clusters++}`)],
])('the store %s', (_, make) => nightStoreContract(make));

describe('a table in the layout of 0.1', () => {
  test.each([
    ['override', { state: 'awake' }],
    ['note#memo', { startSeconds: [], reported: {}, gaps: [] }],
    ['autoscaler#main', { kind: 'cluster-autoscaler', replicas: 2, since: '2026-11-24T13:00:00Z' }],
    ['saved#workers', aSavedSize()],
    ['saved#a/b', aSavedSize({ group: 'a/b' })],
  ])('is refused for its item %s, and what to do is named', async (key, value) => {
    const table = createMemoryTable().through();
    await table.save(NIGHT, key, value);
    await expect(createNightStore(table, 'develop').load()).rejects.toThrow(
      `the table has the layout of 0.1 (night | ${key}): nothing is changed; wake the cluster with 0.1, or remove these items`,
    );
  });
});

describe('what cannot be read', () => {
  test('is named, each by itself, and the rest is there', async () => {
    const table = createMemoryTable().through();
    const broken: readonly (readonly [string, string])[] = [
      [NIGHT, STATE_KEY],
      [NIGHT, savedKey('develop', 'a')],
      [NIGHT, autoscalerKey('nodepool#spot')],
      [NIGHT, noteKey('seen')],
      [OVERRIDE, 'o-1'],
    ];
    for (const [partition, key] of broken) await table.save(partition, key, 'not a record');
    const store = createNightStore(table, 'develop');
    await store.writeSaved(aSavedSize({ group: 'b' }), 'absent');
    const memory = await store.load();
    expect(memory.corrupt.map(({ item, kind, name }) => [item, kind, name]).sort()).toEqual([
      ['night | autoscaler#nodepool#spot', 'autoscaler', 'nodepool#spot'],
      ['night | note#seen', 'note', 'seen'],
      ['night | saved#develop/a', 'saved', 'a'],
      ['night | state', 'state', 'develop'],
      ['override | o-1', 'override', 'o-1'],
    ]);
    expect([...memory.saved.keys()]).toEqual(['b']);
  });

  test('of a ledger is named and left as it is', async () => {
    const table = createMemoryTable().through();
    await table.save(LEDGER, ledgerKey('2026-11-24', 'a'), 'not a record');
    const entry = { date: '2026-11-24', group: 'a', from: NOON, to: NOON, nodes: 1 };
    const counts = { asleepMinutes: 0, gapMinutes: 0, nodeMinutesSaved: 0 };
    const ledger = createLedger(table);
    expect(await ledger.write([{ ...entry, ...counts }])).toEqual(['ledger | 2026-11-24#a']);
    expect(await ledger.since('2026-11-01')).toEqual({ entries: [], corrupt: ['ledger | 2026-11-24#a'] });
  });
});

test('the ledger keeps each stretch of a date and group once, in the order of time', async () => {
  const ledger = createLedger(createMemoryTable().through());
  const entry = (from: string, nodes = 3): LedgerEntry => ({
    date: '2026-11-24',
    group: 'a',
    from,
    to: NOON,
    nodes,
    asleepMinutes: 60,
    gapMinutes: 0,
    nodeMinutesSaved: 180,
  });
  const [early, late] = ['2026-11-24T01:00:00.000Z', '2026-11-24T02:00:00.000Z'];
  for (const one of [entry(late), entry(early), entry(late, 4)]) await ledger.write([one]);
  expect((await ledger.since('')).entries).toEqual([entry(early), entry(late, 4)]);
});

describe('a saved record that something else wrote', () => {
  test.each([
    ['zero nodes', { size: { min: 0, desired: 0, max: 5 } }],
    ['an impossible size', { size: { min: 4, desired: 3, max: 5 } }],
    ['another group', { group: 'b' }],
    ['an unknown phase', { phase: 'napping' }],
    ['no time', { since: 'yesterday' }],
    ['a size in words', { size: 'three' }],
  ])('with %s is reported as corrupt and never used', async (_, change) => {
    await real.table.save(NIGHT, savedKey('edited', 'corrupt'), {
      ...aSavedSize({ group: 'corrupt' }),
      ...change,
    });
    const memory = await createNightStore(real.table, 'edited').load();
    expect(memory.corrupt).toEqual([
      { item: 'night | saved#edited/corrupt', kind: 'saved', name: 'corrupt' },
    ]);
    expect(memory.saved.has('corrupt')).toBe(false);
  });
});

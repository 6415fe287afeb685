import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTable, type Table } from '#functions/adapters/dynamodb/table.ts';
import { aTable } from './a-table.ts';

let table: Table;
let close: () => Promise<void>;
beforeAll(async () => ({ table, close } = await aTable()));
afterAll(() => close());

describe('the table', () => {
  test('gives back what was put, with a version that goes up', async () => {
    await table.save('p', 'k', { a: 1 });
    expect(await table.saveIf('p', 'k', { a: 2 }, 1)).toEqual({ value: { a: 2 }, version: 2 });
    expect(await table.get('p', 'k')).toEqual({ key: 'k', value: { a: 2 }, version: 2 });
    expect(await table.get('p', 'other')).toBeUndefined();
  });

  test('refuses a write over a version that is not there any more', async () => {
    await table.saveIf('race', 'k', 'first', 'absent');
    expect(await table.saveIf('race', 'k', 'second', 'absent')).toBeUndefined();
    expect(await table.saveIf('race', 'k', 'second', 7)).toBeUndefined();
    expect(await table.removeIf('race', 'k', 7)).toBe(false);
    expect((await table.get('race', 'k'))?.value).toBe('first');
    expect(await table.removeIf('race', 'k', 1)).toBe(true);
  });

  test('counts an expired item as absent, because DynamoDB may take days to remove it', async () => {
    const now = new Date('2026-11-24T13:00:00Z');
    const later = new Date(now.getTime() + 60_000);
    await table.saveIf('lease', 'i-1', 'mine', 'absent', { now, expires: later });
    expect(await table.saveIf('lease', 'i-1', 'yours', 'absent', { now, expires: later })).toBeUndefined();
    expect(
      await table.saveIf('lease', 'i-1', 'yours', 'absent', { now: later, expires: later }),
    ).toMatchObject({
      version: 1,
    });
  });

  test('lists a partition in key order, by prefix, after a key, newest first, and beyond one page', async () => {
    const text = 'x'.repeat(100_000);
    for (let n = 0; n < 15; n++) await table.save('list', `a#${String(n).padStart(2, '0')}`, text);
    await table.save('list', 'b#1', 'b');
    expect(await table.list('list')).toHaveLength(16);
    expect(await table.list('list', { prefix: 'a#' })).toHaveLength(15);
    expect((await table.list('list', { after: 'a#13' })).map((item) => item.key)).toEqual(['a#14', 'b#1']);
    expect((await table.list('list', { descending: true, limit: 2 })).map((item) => item.key)).toEqual([
      'b#1',
      'a#14',
    ]);
  });
});

test('N10: a reply to a query without its items is an error, not an empty partition', async () => {
  const answering = (reply: object) => createTable({ send: async () => reply } as never, 'nightshift');
  await expect(answering({}).list('night')).rejects.toThrow('a reply without its items');
  expect(await answering({ Items: [] }).list('night')).toEqual([]);
});

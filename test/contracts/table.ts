/** What every table must do, whatever implements it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Table } from '#functions/adapters/dynamodb/table.ts';

export interface TableSubject {
  readonly table: Table;
  close(): Promise<void>;
}

export function tableContract(create: () => Promise<TableSubject>): void {
  let subject: TableSubject;
  let table: Table;
  beforeAll(async () => {
    subject = await create();
    table = subject.table;
  });
  afterAll(() => subject.close());

  test('has nothing under a key that was never written', async () => {
    expect(await table.get('a', 'nothing')).toBeUndefined();
    expect(await table.list('nothing')).toEqual([]);
  });

  test('counts a version up with each write over the last one', async () => {
    expect(await table.saveIf('a', 'counted', { n: 1 }, 'absent')).toEqual({ value: { n: 1 }, version: 1 });
    expect(await table.saveIf('a', 'counted', { n: 2 }, 1)).toEqual({ value: { n: 2 }, version: 2 });
    expect(await table.get('a', 'counted')).toEqual({ key: 'counted', value: { n: 2 }, version: 2 });
  });

  test('refuses a write over another version than the one that is there', async () => {
    await table.saveIf('a', 'raced', 'first', 'absent');
    expect(await table.saveIf('a', 'raced', 'late', 7)).toBeUndefined();
    expect(await table.saveIf('a', 'raced', 'again', 'absent')).toBeUndefined();
    expect(await table.saveIf('a', 'missing', 'late', 1)).toBeUndefined();
    expect((await table.get('a', 'raced'))?.value).toBe('first');
  });

  test('starts the version anew with an unconditional write', async () => {
    await table.saveIf('a', 'anew', 1, 'absent');
    await table.saveIf('a', 'anew', 2, 1);
    await table.save('a', 'anew', 3);
    expect((await table.get('a', 'anew'))?.version).toBe(1);
  });

  test('counts an expired item as absent, from the second on', async () => {
    const expires = new Date('2026-08-27T03:00:00Z');
    await table.save('a', 'expiring', 'old', { expires });
    const at = (time: string) =>
      table.saveIf('a', 'expiring', 'new', 'absent', { now: new Date(time), expires });
    expect(await at('2026-08-27T02:59:59Z')).toBeUndefined();
    expect(await at('2026-08-27T03:00:00Z')).toMatchObject({ version: 1 });
    expect(await table.saveIf('a', 'expiring', 'newer', 'absent')).toBeUndefined();
  });

  test('counts the items whose text contains something and lacks something else, of the first so many', async () => {
    const values = { a: { state: 'working' }, b: { state: 'done' }, c: { state: 'working', at: 'now' } };
    for (const [key, value] of Object.entries(values)) await table.save('count', `i#${key}`, value);
    await table.save('count', 'j#d', { state: 'working' });
    const count = (lacking: string, limit = 10) =>
      table.count('count', { prefix: 'i#', containing: '"state":"working"', lacking, limit });
    expect(await count('"at":')).toBe(1);
    expect(await count('"other":')).toBe(2);
    expect(await count('"other":', 2)).toBe(1);
  });

  test('lists in the order of the keys, by prefix, from a key on, backwards and at most so many', async () => {
    for (const key of ['app#b', 'app#a', 'build#1', 'app#c']) await table.save('list', key, key);
    const keys = async (options: Parameters<Table['list']>[1]) =>
      (await table.list('list', options)).map((item) => item.key);
    expect(await keys({})).toEqual(['app#a', 'app#b', 'app#c', 'build#1']);
    expect(await keys({ prefix: 'app#' })).toEqual(['app#a', 'app#b', 'app#c']);
    expect(await keys({ after: 'app#b' })).toEqual(['app#c', 'build#1']);
    expect(await keys({ prefix: 'app#', descending: true, limit: 2 })).toEqual(['app#c', 'app#b']);
  });

  test('removes only over the version that was read', async () => {
    await table.saveIf('a', 'removed', 1, 'absent');
    expect(await table.removeIf('a', 'removed', 9)).toBe(false);
    expect(await table.removeIf('a', 'removed', 1)).toBe(true);
    expect(await table.removeIf('a', 'removed', 1)).toBe(false);
    await table.remove('a', 'removed');
    await table.remove('a', 'removed');
  });

  test('gives back what was written, not what became of it since', async () => {
    const value = { list: [1] };
    await table.save('a', 'copied', value);
    value.list.push(2);
    expect((await table.get('a', 'copied'))?.value).toEqual({ list: [1] });
  });
}

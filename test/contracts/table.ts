/** What every table must do, whatever it is kept in. */
import { afterAll, beforeAll, expect, it } from 'vitest';
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

  it('has nothing under a key that was never written', async () => {
    expect(await table.get('a', 'nothing')).toBeUndefined();
    expect(await table.list('nothing')).toEqual([]);
  });

  it('counts a version up with each write over the last one', async () => {
    expect(await table.put('a', 'counted', { n: 1 }, { if: 'absent' })).toBe(1);
    expect(await table.put('a', 'counted', { n: 2 }, { if: 1 })).toBe(2);
    expect(await table.get('a', 'counted')).toEqual({ key: 'counted', value: { n: 2 }, version: 2 });
  });

  it('refuses a write over another version than the one that is there', async () => {
    await table.put('a', 'raced', 'first', { if: 'absent' });
    expect(await table.put('a', 'raced', 'late', { if: 7 })).toBeUndefined();
    expect(await table.put('a', 'raced', 'again', { if: 'absent' })).toBeUndefined();
    expect(await table.put('a', 'missing', 'late', { if: 1 })).toBeUndefined();
    expect((await table.get('a', 'raced'))?.value).toBe('first');
  });

  it('starts the version anew with an unconditional write', async () => {
    await table.put('a', 'anew', 1, { if: 'absent' });
    await table.put('a', 'anew', 2, { if: 1 });
    expect(await table.put('a', 'anew', 3)).toBe(1);
    expect((await table.get('a', 'anew'))?.version).toBe(1);
  });

  it('counts an expired item as absent, from the second on', async () => {
    const expires = new Date('2026-08-27T03:00:00Z');
    await table.put('a', 'expiring', 'old', { expires });
    const at = (time: string) =>
      table.put('a', 'expiring', 'new', { if: 'absent', now: new Date(time), expires });
    expect(await at('2026-08-27T02:59:59Z')).toBeUndefined();
    expect(await at('2026-08-27T03:00:00Z')).toBe(1);
    expect(await table.put('a', 'expiring', 'newer', { if: 'absent' })).toBeUndefined();
  });

  it('lists in the order of the keys, by prefix, from a key on, backwards and at most so many', async () => {
    for (const key of ['app#b', 'app#a', 'build#1', 'app#c']) await table.put('list', key, key);
    const keys = async (options: Parameters<Table['list']>[1]) =>
      (await table.list('list', options)).map((item) => item.key);
    expect(await keys({})).toEqual(['app#a', 'app#b', 'app#c', 'build#1']);
    expect(await keys({ prefix: 'app#' })).toEqual(['app#a', 'app#b', 'app#c']);
    expect(await keys({ after: 'app#b' })).toEqual(['app#c', 'build#1']);
    expect(await keys({ prefix: 'app#', descending: true, limit: 2 })).toEqual(['app#c', 'app#b']);
  });

  it('removes only over the version that was read', async () => {
    await table.put('a', 'removed', 1, { if: 'absent' });
    expect(await table.remove('a', 'removed', 9)).toBe(false);
    expect(await table.remove('a', 'removed', 1)).toBe(true);
    expect(await table.remove('a', 'removed', 1)).toBe(false);
    expect(await table.remove('a', 'removed')).toBe(true);
  });

  it('gives back what was written, not what became of it since', async () => {
    const value = { list: [1] };
    await table.put('a', 'copied', value);
    value.list.push(2);
    expect((await table.get('a', 'copied'))?.value).toEqual({ list: [1] });
  });
}

/**
 * A write that took effect and whose reply was lost is sent again, and its own condition then fails. Here a real server loses
 * replies, and the table repeats by itself: with the SDK's client, and by signed requests.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createDesiredDeploys } from '#functions/adapters/dynamodb/desired-deploys.ts';
import { createClaims } from '#functions/adapters/dynamodb/drain-claims.ts';
import { createNightStore } from '#functions/adapters/dynamodb/night-store.ts';
import type { Table } from '#functions/adapters/dynamodb/table-port.ts';
import { aClaim, NOW } from '#test/contracts/drain-stores.ts';
import { aSavedSize } from '#test/functions/night-schedule/builders.ts';
import { type ATable, aTable } from './a-table.ts';

describe.each([
  ['with the SDK', 'table'],
  ['by signed requests', 'small'],
] as const)('the table %s', (_how, which) => {
  let real: ATable;
  let table: Table;
  /** What happens to the first attempt of the next write. */
  let fate: 'answered' | 'reply lost' | 'request lost' = 'answered';
  let attempts = 0;
  let between: () => Promise<unknown> = async () => undefined;

  beforeAll(async () => {
    real = await aTable(async (operation, response, apply) => {
      if (fate === 'answered' || !/PutItem|DeleteItem/.test(operation)) return false;
      const isLost = fate;
      fate = 'answered';
      attempts += 1;
      if (isLost === 'reply lost') await apply();
      await between();
      between = async () => undefined;
      response.destroy();
      return true;
    });
    table = real[which];
  });
  afterEach(() => {
    fate = 'answered';
  });
  afterAll(() => real.close());

  test('a write of something new is ours', async () => {
    fate = 'reply lost';
    expect(await table.saveIf('lost', 'new', { a: 1 }, 'absent')).toEqual({ value: { a: 1 }, version: 1 });
    expect(attempts).toBeGreaterThan(0);
    expect(await table.get('lost', 'new')).toMatchObject({ value: { a: 1 }, version: 1 });
  });

  test('a write over a version is ours, and went through once', async () => {
    await table.saveIf('lost', 'over', 1, 'absent');
    fate = 'reply lost';
    expect(await table.saveIf('lost', 'over', 2, 1)).toEqual({ value: 2, version: 2 });
    expect(await table.get('lost', 'over')).toMatchObject({ value: 2, version: 2 });
  });

  test('a write whose request was lost goes through with the repetition', async () => {
    fate = 'request lost';
    expect(await table.saveIf('lost', 'request', 1, 'absent')).toEqual({ value: 1, version: 1 });
  });

  test('a removal is ours where nothing is there any more, and not where something else is', async () => {
    await table.saveIf('lost', 'removed', 1, 'absent');
    fate = 'reply lost';
    expect(await table.removeIf('lost', 'removed', 1)).toBe(true);
    await table.saveIf('lost', 'again', 1, 'absent');
    fate = 'reply lost';
    between = async () => {
      await table.saveIf('lost', 'again', 'another', 'absent');
      await table.saveIf('lost', 'again', 'another', 1);
    };
    expect(await table.removeIf('lost', 'again', 1)).toBe(false);
  });

  test('a write is not ours where somebody else came first', async () => {
    fate = 'request lost';
    between = () => table.saveIf('lost', 'raced', 'another', 'absent');
    expect(await table.saveIf('lost', 'raced', 'ours', 'absent')).toBeUndefined();
    await table.saveIf('lost', 'written', 1, 'absent');
    fate = 'request lost';
    between = () => table.saveIf('lost', 'written', 'another', 1);
    expect(await table.saveIf('lost', 'written', 'ours', 1)).toBeUndefined();
  });

  test('the same value of another writer is not ours where the SDK sent our write once', async () => {
    await table.saveIf('lost', 'same', 'value', 'absent');
    expect(await table.saveIf('lost', 'same', 'value', 'absent')).toBeUndefined();
    await table.removeIf('lost', 'same', 1);
    expect(await table.removeIf('lost', 'same', 1)).toBe(false);
  });

  test('the same value with another expiry is another’s', async () => {
    const expires = (hour: number) => ({ now: NOW, expires: new Date(NOW.getTime() + hour * 3_600_000) });
    fate = 'request lost';
    between = () => table.saveIf('lost', 'expiring', 'value', 'absent', expires(1));
    expect(await table.saveIf('lost', 'expiring', 'value', 'absent', expires(2))).toBeUndefined();
  });

  test('a build is marked as known by the one that marked it, so that it is reported', async () => {
    const deploys = createDesiredDeploys(table);
    fate = 'reply lost';
    expect(await deploys.markKnown('api-develop:lost', NOW)).toBe(true);
    expect(await deploys.markKnown('api-develop:lost', NOW)).toBe(false);
  });

  test('a stop is confirmed by the pass that confirmed it', async () => {
    const store = createNightStore(table, 'lost');
    const state = { desired: 'asleep', reason: 'r', since: NOW.toISOString(), groups: ['a'] } as const;
    await store.writeState({ ...state, phase: 'stopping' }, 'absent');
    await store.writeSaved(aSavedSize({ group: 'a', phase: 'zeroed' }), 'absent');
    fate = 'reply lost';
    expect(await store.writeSaved(aSavedSize({ group: 'a', phase: 'asleep' }), 1)).toBe(true);
    fate = 'reply lost';
    expect(await store.writeState({ ...state, phase: 'asleep' }, 1)).toBe(true);
  });

  test('a claim is ours, new or over another, and that of another is not', async () => {
    const claims = createClaims(table);
    fate = 'reply lost';
    expect(await claims.saveIf(aClaim('i-00000101', { owner: 'me' }), 'absent', NOW)).toMatchObject({
      version: 1,
    });
    fate = 'reply lost';
    const done = aClaim('i-00000101', { owner: 'me', state: 'done' });
    expect(await claims.saveIf(done, 1, NOW)).toMatchObject({ version: 2, value: { state: 'done' } });
    fate = 'request lost';
    between = () => claims.saveIf(aClaim('i-00000102', { owner: 'another' }), 'absent', NOW);
    expect(await claims.saveIf(aClaim('i-00000102', { owner: 'me' }), 'absent', NOW)).toBeUndefined();
  });
});

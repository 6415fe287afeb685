/** A write that took effect and whose reply was lost is sent again by the SDK, and its own condition then fails. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClaims } from '#functions/adapters/dynamodb/drain-claims.ts';
import { createTable } from '#functions/adapters/dynamodb/table.ts';
import { aClaim, NOW } from '#test/contracts/drain-stores.ts';
import { aTable } from './a-table.ts';

let table: Awaited<ReturnType<typeof aTable>>;
beforeAll(async () => {
  table = await aTable();
});
afterAll(() => table.close());

function claimsThatSendTwice() {
  const send = async (command: Parameters<DynamoDBClient['send']>[0]) => {
    if (command.constructor.name === 'PutItemCommand') await table.client.send(command);
    return table.client.send(command);
  };
  return createClaims(createTable({ send: send as DynamoDBClient['send'] }, 'nightshift'));
}

test('a claim is still ours where its write was sent twice', async () => {
  const claims = claimsThatSendTwice();
  const created = await claims.saveIf(aClaim('i-00000101', { owner: 'me' }), 'absent', NOW);
  expect(created).toMatchObject({ version: 1, value: { owner: 'me' } });
  const replaced = await claims.saveIf(aClaim('i-00000101', { owner: 'me', state: 'done' }), 1, NOW);
  expect(replaced).toMatchObject({ version: 2, value: { state: 'done' } });
});

test('a claim of another is not', async () => {
  await createClaims(table.table).saveIf(aClaim('i-00000102', { owner: 'another' }), 'absent', NOW);
  expect(
    await claimsThatSendTwice().saveIf(aClaim('i-00000102', { owner: 'me' }), 'absent', NOW),
  ).toBeUndefined();
  expect(await claimsThatSendTwice().saveIf(aClaim('i-00000102', { owner: 'me' }), 7, NOW)).toBeUndefined();
});

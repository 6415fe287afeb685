/** One contract, two stores: the table over DynamoDB's protocol, and the one that the tests of the runs stand on. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClaims, createCordons, createNodeNames } from '#functions/adapters/dynamodb/drain-claims.ts';
import { createNightReader } from '#functions/adapters/dynamodb/night.ts';
import { DRAIN, instanceKey, NIGHT, STATE_KEY } from '#functions/adapters/dynamodb/table-keys.ts';
import { aClaim, type DrainStores, drainStoresContract, NOW } from '#test/contracts/drain-stores.ts';
import { memoryClaims, memoryCordons, memoryNames } from '#test/functions/spot-drain/a-world.ts';
import { aTable } from './a-table.ts';

const atOnce = { now: () => NOW, sleep: async () => undefined, random: () => 0 };

let table: Awaited<ReturnType<typeof aTable>>;
beforeAll(async () => {
  table = await aTable();
});
afterAll(() => table.close());

const storesIn: Record<string, () => Promise<DrainStores>> = {
  table: async () => ({
    claims: createClaims(table.table),
    cordons: createCordons(table.table),
    names: createNodeNames(table.table),
  }),
  memory: async () => {
    const kept = new Map<string, string>();
    return {
      claims: memoryClaims(atOnce, kept),
      cordons: memoryCordons(atOnce),
      names: memoryNames(atOnce, kept),
    };
  },
};

describe.each(Object.entries(storesIn))('what spot-drain keeps, in the %s', (_name, create) =>
  drainStoresContract(create),
);

describe('the table', () => {
  test('forgets a claim after a day, and that of an announced change after a month', async () => {
    const expiry = async (id: string) => {
      const { GetItemCommand } = await import('@aws-sdk/client-dynamodb');
      const { Item } = await table.client.send(
        new GetItemCommand({
          TableName: 'nightshift',
          Key: { pk: { S: DRAIN }, sk: { S: instanceKey(id) } },
        }),
      );
      return (Number(Item?.['expires']?.N) - NOW.getTime() / 1_000) / 86_400;
    };
    await createClaims(table.table).saveIf(aClaim('i-00000007'), 'absent', NOW);
    await createClaims(table.table).saveIf(aClaim('i-00000008', { cause: 'health' }), 'absent', NOW);
    expect(await expiry('i-00000007')).toBe(1);
    expect(await expiry('i-00000008')).toBe(30);
  });

  test('tells what the night is doing, where there is one', async () => {
    const night = createNightReader(table.table);
    expect(await night.state()).toBeUndefined();
    const state = {
      phase: 'stopping',
      desired: 'asleep',
      reason: 'r',
      since: NOW.toISOString(),
      groups: ['workers'],
    } as const;
    await table.table.save(NIGHT, STATE_KEY, state);
    expect(await night.state()).toEqual(state);
  });
});

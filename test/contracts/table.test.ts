/** One table, three times: in memory, as the simulation has it, and over DynamoDB's protocol with the SDK and without. */
import { describe } from 'vitest';
import { aTable } from '#test/functions/adapters/dynamodb/a-table.ts';
import { createMemoryTable } from '#test/simulation/table.ts';
import { type TableSubject, tableContract } from './table.ts';

const SUBJECTS: readonly (readonly [string, () => Promise<TableSubject>])[] = [
  ['in memory', async () => ({ table: createMemoryTable().through(), close: async () => undefined })],
  ['over DynamoDB', () => aTable()],
  [
    'over DynamoDB without the SDK',
    async () => {
      const { small, close } = await aTable();
      return { table: small, close };
    },
  ],
];

describe.each(SUBJECTS)('the table %s', (_name, create) => tableContract(create));

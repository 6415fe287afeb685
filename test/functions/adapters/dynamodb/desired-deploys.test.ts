import { describe } from 'vitest';
import { desiredDeploysContract } from '#test/contracts/desired-deploys.ts';
import type { TableSubject } from '#test/contracts/table.ts';
import { createMemoryTable } from '#test/simulation/table.ts';
import { aTable } from './a-table.ts';

const kinds: readonly (readonly [string, () => Promise<TableSubject>])[] = [
  ['DynamoDB’s protocol', aTable],
  ['memory', async () => ({ table: createMemoryTable().through(), close: async () => undefined })],
];

describe.each(kinds)('what is kept of deploys, in %s', (_name, open) => desiredDeploysContract(open));

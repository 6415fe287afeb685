/** The table in memory, with a list of the calls. */
import type { Table } from '#functions/adapters/dynamodb/table.ts';
import { createMemoryTable } from '#test/simulation/table.ts';

export interface MemoryTable extends Table {
  /** One for each call: `get deploy | app#…`. */
  readonly calls: string[];
}

export function aMemoryTable(): MemoryTable {
  const calls: string[] = [];
  const table = createMemoryTable().through(async (call, act) => {
    calls.push(call.replace(/^table\./, ''));
    await Promise.resolve();
    return act();
  });
  return { ...table, calls };
}

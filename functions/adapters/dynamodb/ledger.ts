/** The node-hours of the groups: one item for a date and a group, with each stretch of sleep in it. */
import { entriesOf, type LedgerEntry, ledgerSchema, withStretch } from '#functions/night-schedule/records.ts';
import { CorruptRecordError } from '#functions/shared/errors.ts';
import { change } from '#functions/shared/retry.ts';
import { recordsOf } from './records.ts';
import { itemName, LEDGER, ledgerKey } from './table-keys.ts';
import type { Table } from './table-port.ts';

export interface Ledger {
  /** Idempotent: a stretch is known by its date, group and beginning. Returns the items that could not be read. */
  write(entries: readonly LedgerEntry[]): Promise<readonly string[]>;
  /** Of the dates from `firstDate` (ISO) on, oldest first. */
  since(firstDate: string): Promise<{
    readonly entries: readonly LedgerEntry[];
    readonly corrupt: readonly string[];
  }>;
}

export function createLedger(table: Table): Ledger {
  const records = recordsOf(table, LEDGER, ledgerSchema);

  const writeOne = async ({ date, group, ...stretch }: LedgerEntry): Promise<void> => {
    const key = ledgerKey(date, group);
    await change({
      read: () => records.get(key),
      initial: { date, group, stretches: [] },
      edit: (current) => withStretch(current, stretch),
      saveIf: (next, expected) => records.saveIf(key, next, expected),
      what: `the item ${itemName(LEDGER, key)}`,
    });
  };

  return {
    async write(entries) {
      const corrupt: string[] = [];
      for (const entry of entries) {
        try {
          await writeOne(entry);
        } catch (error) {
          if (!(error instanceof CorruptRecordError)) throw error;
          corrupt.push(error.item);
        }
      }
      return corrupt;
    },
    async since(firstDate) {
      const rows = await table.list(LEDGER, firstDate ? { after: firstDate } : {});
      const { found, corrupt } = records.fromRows(rows);
      return { entries: found.flatMap(({ value }) => entriesOf(value)), corrupt };
    },
  };
}

/** Records of one kind in one partition: their schema is checked whenever one is read or written. */
import { CorruptRecordError, NightshiftError } from '#functions/shared/errors.ts';
import type { Expected, Versioned } from '#functions/shared/versioned.ts';
import { isValid, type Schema } from '#model/record-schema.ts';
import { itemName } from './table-keys.ts';
import type { Row, SaveOptions, Table } from './table-port.ts';

export interface Records<T> {
  /** Throws `CorruptRecordError` where the item is no such record. */
  get(key: string): Promise<Versioned<T> | undefined>;
  saveIf(key: string, value: T, expected: Expected, options?: SaveOptions): Promise<Versioned<T> | undefined>;
  removeIf(key: string, version: number): Promise<boolean>;
  save(key: string, value: T, options?: Pick<SaveOptions, 'expires'>): Promise<void>;
  remove(key: string): Promise<void>;
  /** The record in a row that was listed. Throws `CorruptRecordError` where there is none in it. */
  fromRow(row: Row): Versioned<T>;
  /** Those of the rows that are such records, and the names of the items that are not. */
  fromRows(
    rows: readonly Row[],
    /** The key under which such a record belongs, where that is to be checked. */
    keyOf?: (value: T) => string,
  ): {
    readonly found: readonly Versioned<T>[];
    readonly corrupt: readonly string[];
  };
}

export function recordsOf<T>(table: Table, partition: string, schema: Schema<T>): Records<T> {
  const read = ({ key, value, version }: Row): Versioned<T> => {
    if (!isValid(schema, value)) throw new CorruptRecordError(itemName(partition, key));
    return { value, version };
  };
  const check = (key: string, value: T): void => {
    if (!isValid(schema, value))
      throw new NightshiftError(
        `${JSON.stringify(value)?.slice(0, 300)} is no record for the item ${itemName(partition, key)}: it was not written`,
      );
  };
  return {
    async get(key) {
      const row = await table.get(partition, key);
      return row && read(row);
    },
    async saveIf(key, value, expected, options) {
      check(key, value);
      return table.saveIf(partition, key, value, expected, options);
    },
    async save(key, value, options) {
      check(key, value);
      await table.save(partition, key, value, options);
    },
    removeIf: (key, version) => table.removeIf(partition, key, version),
    remove: (key) => table.remove(partition, key),
    fromRow: read,
    fromRows(rows, keyOf) {
      const found: Versioned<T>[] = [];
      const corrupt: string[] = [];
      for (const row of rows) {
        const { value } = row;
        if (isValid(schema, value) && (keyOf?.(value) ?? row.key) === row.key)
          found.push({ value, version: row.version });
        else corrupt.push(itemName(partition, row.key));
      }
      return { found, corrupt };
    },
  };
}

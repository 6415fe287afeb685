/** A table that is unavailable for the moment, in the words of spot-drain, which asks again while it has time. */
import { isTransientAwsError } from '#functions/adapters/aws/errors.ts';
import { messageOf } from '#functions/shared/errors.ts';
import { TransientError } from '#functions/spot-drain/ports.ts';
import type { Table } from './table-port.ts';

/** The same table, whose errors that may pass are `TransientError`s. */
export function withTransientErrors(table: Table): Table {
  const named = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      if (!isTransientAwsError(error)) throw error;
      throw new TransientError(`the table is unavailable: ${messageOf(error)}`, { cause: error });
    }
  };
  return {
    get: (...asked) => named(table.get(...asked)),
    list: (...asked) => named(table.list(...asked)),
    count: (...asked) => named(table.count(...asked)),
    saveIf: (...asked) => named(table.saveIf(...asked)),
    removeIf: (...asked) => named(table.removeIf(...asked)),
    save: (...asked) => named(table.save(...asked)),
    remove: (...asked) => named(table.remove(...asked)),
  };
}

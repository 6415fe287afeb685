/** What people, and deploys at night, ask of the schedule: several may stand, and the model says which one counts. */
import { overrideSchema } from '#model/override.ts';
import type { Override } from '#model/schedule.ts';
import { recordsOf } from './records.ts';
import type { Table } from './table.ts';
import { OVERRIDE } from './table-keys.ts';

/** One that has ended is kept for a while, for whoever asks why. */
const KEPT_DAYS = 7;

export interface Overrides {
  /** All that can be read, ended or not. */
  all(): Promise<readonly Override[]>;
  add(override: Override): Promise<void>;
  remove(id: string): Promise<void>;
}

export function createOverrides(table: Table): Overrides {
  const overrides = recordsOf(table, OVERRIDE, overrideSchema);
  return {
    async all() {
      return overrides.fromRows(await table.list(OVERRIDE)).found.map(({ value }) => value);
    },
    // Its id is its own: nothing is written over.
    add: (override) =>
      overrides.save(override.id, override, {
        expires: new Date(Date.parse(override.until) + KEPT_DAYS * 86_400_000),
      }),
    remove: (id) => overrides.remove(id),
  };
}

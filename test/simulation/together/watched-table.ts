/** The table that all three functions share, with an eye on what night-schedule's part of it must never lose. */
import type { Around, MemoryTable } from '../table.ts';

export interface NightWrite {
  readonly key: string;
  readonly before: unknown;
  readonly after: unknown;
}

const WATCHED = /^table\.(?:put|remove) (override|saved#.+)$/;

/** `seen` is called after a write of an override, or of sizes, took effect. */
export function watchTable(table: MemoryTable, seen: (write: NightWrite) => void): MemoryTable {
  const direct: Around = async (_call, act) => act();
  return {
    ...table,
    through: (around = direct) =>
      table.through((call, act) => {
        const key = WATCHED.exec(call)?.[1];
        if (key === undefined) return around(call, act);
        return around(call, () => {
          const before = table.read('night', key);
          const result = act();
          seen({ key, before, after: table.read('night', key) });
          return result;
        });
      }),
  };
}

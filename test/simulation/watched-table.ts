/** The table that all three functions share, with a callback for writes that night-schedule must never lose. */
import type { Around, MemoryTable } from './table.ts';

export interface NightWrite {
  readonly partition: string;
  readonly key: string;
  readonly before: unknown;
  readonly after: unknown;
}

const WATCHED = /^table\.(?:save|saveIf|remove|removeIf) (?:(override) \| (.+)|(night) \| (saved#.+|state))$/;

/** `written` is called after a write of an override, of sizes, or of the state took effect. */
export function watchTable(table: MemoryTable, written: (write: NightWrite) => void): MemoryTable {
  const direct: Around = async (_call, act) => act();
  return {
    ...table,
    through: (around = direct) =>
      table.through((call, act) => {
        const [, override, id, night, saved] = WATCHED.exec(call) ?? [];
        const [partition, key] = [override ?? night, id ?? saved];
        if (partition === undefined || key === undefined) return around(call, act);
        return around(call, () => {
          const before = table.read(partition, key);
          const result = act();
          written({ partition, key, before, after: table.read(partition, key) });
          return result;
        });
      }),
  };
}

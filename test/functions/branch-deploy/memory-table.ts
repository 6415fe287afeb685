/** The table in memory: conditions, versions and expiry as DynamoDB and `createTable` have them. */
import type { Item, Table, WriteOptions } from '#functions/adapters/dynamodb/table.ts';

export interface MemoryTable extends Table {
  /** One for each call, `get app#…`. */
  readonly calls: string[];
}

export function aMemoryTable(): MemoryTable {
  const items = new Map<string, { text: string; version: number; expires?: number }>();
  const calls: string[] = [];
  const idOf = (partition: string, key: string) => `${partition}\u0000${key}`;
  const itemOf = <T>(id: string): Item<T> | undefined => {
    const found = items.get(id);
    if (!found) return undefined;
    return { key: id.split('\u0000')[1] ?? '', value: JSON.parse(found.text) as T, version: found.version };
  };
  const holds = (id: string, options: WriteOptions): boolean => {
    const found = items.get(id);
    if (options.if === undefined) return true;
    if (options.if !== 'absent') return found?.version === options.if;
    if (!found) return true;
    return options.now !== undefined && found.expires !== undefined && found.expires <= options.now.getTime();
  };
  return {
    calls,
    async get<T>(partition: string, key: string) {
      calls.push(`get ${key}`);
      await Promise.resolve();
      return itemOf<T>(idOf(partition, key));
    },
    async list<T>(
      partition: string,
      options: { prefix?: string; after?: string; limit?: number; descending?: boolean } = {},
    ) {
      calls.push(`list ${options.prefix ?? partition}`);
      await Promise.resolve();
      const found = [...items.keys()]
        .filter((id) => id.startsWith(idOf(partition, options.prefix ?? '')))
        .filter((id) => options.after === undefined || id > idOf(partition, options.after))
        .sort()
        .map((id) => itemOf<T>(id) as Item<T>);
      if (options.descending) found.reverse();
      return found.slice(0, options.limit ?? found.length);
    },
    async put(partition, key, value, options = {}) {
      calls.push(`put ${key}`);
      await Promise.resolve();
      const id = idOf(partition, key);
      if (!holds(id, options)) return undefined;
      const version = typeof options.if === 'number' ? options.if + 1 : 1;
      items.set(id, {
        text: JSON.stringify(value),
        version,
        ...(options.expires ? { expires: options.expires.getTime() } : {}),
      });
      return version;
    },
    async remove(partition, key, ifVersion) {
      calls.push(`remove ${key}`);
      await Promise.resolve();
      const id = idOf(partition, key);
      if (ifVersion !== undefined && items.get(id)?.version !== ifVersion) return false;
      items.delete(id);
      return true;
    },
  };
}

/** The environment's table in memory, with the conditions, versions and expiry of `createTable` over DynamoDB. */
import type { Item, Table, WriteOptions } from '#functions/adapters/table.ts';

/** Stands around every call: faults, delays. */
export type Around = <T>(call: string, act: () => T) => Promise<T>;

interface Row {
  readonly text: string;
  readonly version: number;
  /** Seconds since the epoch. */
  readonly expires?: number;
}

export interface MemoryTable {
  /** The table as one caller sees it. */
  through(around?: Around): Table;
  /** For checkers. */
  read<T>(partition: string, key: string): T | undefined;
  all<T>(partition: string, prefix?: string): readonly T[];
}

export function createMemoryTable(): MemoryTable {
  const partitions = new Map<string, Map<string, Row>>();
  const partition = (name: string) => {
    const known = partitions.get(name) ?? new Map<string, Row>();
    partitions.set(name, known);
    return known;
  };
  const itemOf = <T>(key: string, row: Row): Item<T> => ({
    key,
    value: JSON.parse(row.text) as T,
    version: row.version,
  });

  const put = (name: string, key: string, value: unknown, options: WriteOptions): number | undefined => {
    const rows = partition(name);
    const there = rows.get(key);
    if (typeof options.if === 'number' && there?.version !== options.if) return undefined;
    if (options.if === 'absent' && there && !isExpired(there, options.now)) return undefined;
    const version = typeof options.if === 'number' ? options.if + 1 : 1;
    rows.set(key, {
      text: JSON.stringify(value),
      version,
      ...(options.expires ? { expires: Math.ceil(options.expires.getTime() / 1000) } : {}),
    });
    return version;
  };

  const list = <T>(
    name: string,
    options: { prefix?: string; after?: string; limit?: number; descending?: boolean },
  ): Item<T>[] => {
    const { prefix, after, limit, descending } = options;
    const keys = [...partition(name).keys()]
      .filter((key) => (prefix ? key.startsWith(prefix) : after ? key > after : true))
      .sort();
    if (descending) keys.reverse();
    return keys.slice(0, limit).map((key) => itemOf<T>(key, partition(name).get(key) as Row));
  };

  const remove = (name: string, key: string, version: number | undefined): boolean => {
    const rows = partition(name);
    if (version !== undefined && rows.get(key)?.version !== version) return false;
    rows.delete(key);
    return true;
  };

  const get = <T>(name: string, key: string): Item<T> | undefined => {
    const row = partition(name).get(key);
    return row && itemOf<T>(key, row);
  };

  return {
    through: (around = async (_call, act) => act()) => ({
      get: <T>(name: string, key: string) => around(`table.get ${key}`, () => get<T>(name, key)),
      list: <T>(name: string, options = {}) =>
        around(`table.list ${name}`, (): readonly Item<T>[] => list<T>(name, options)),
      put: (name, key, value, options = {}) =>
        around(`table.put ${key}`, () => put(name, key, value, options)),
      remove: (name, key, version) => around(`table.remove ${key}`, () => remove(name, key, version)),
    }),
    read: <T>(name: string, key: string) => get<T>(name, key)?.value,
    all: <T>(name: string, prefix = '') => list<T>(name, { prefix }).map((item) => item.value),
  };
}

function isExpired(row: Row, now: Date | undefined): boolean {
  return now !== undefined && row.expires !== undefined && row.expires <= Math.floor(now.getTime() / 1000);
}

/** The environment's table in memory, with the conditions, versions and expiry of `createTable` over DynamoDB. */
import type { Item, Table, WriteOptions } from '#functions/adapters/dynamodb/table.ts';

/** Stands around every call: faults, delays. */
export type Around = <T>(call: string, act: () => T) => Promise<T>;

interface Row {
  /** Frozen to its depths: readers share it, and whoever changed it would be found out at once. */
  readonly item: Item<unknown>;
  /** Seconds since the epoch. */
  readonly expires?: number;
}

interface Partition {
  readonly rows: Map<string, Row>;
  /** In order; undefined after a key came or went. */
  keys: readonly string[] | undefined;
}

type ListOptions = NonNullable<Parameters<Table['list']>[1]>;

export interface MemoryTable {
  /** The table as one caller sees it. */
  through(around?: Around): Table;
  /** For checkers. */
  read<T>(partition: string, key: string): T | undefined;
  all<T>(partition: string, prefix?: string): readonly T[];
}

export function createMemoryTable(): MemoryTable {
  const partitions = new Map<string, Partition>();
  const partition = (name: string): Partition => {
    const known = partitions.get(name);
    if (known) return known;
    const made: Partition = { rows: new Map(), keys: undefined };
    partitions.set(name, made);
    return made;
  };

  const put = (name: string, key: string, value: unknown, options: WriteOptions): number | undefined => {
    const one = partition(name);
    const there = one.rows.get(key);
    if (typeof options.if === 'number' && there?.item.version !== options.if) return undefined;
    if (options.if === 'absent' && there && !isExpired(there, options.now)) return undefined;
    const version = typeof options.if === 'number' ? options.if + 1 : 1;
    if (!there) one.keys = undefined;
    one.rows.set(key, {
      item: { key, value: frozen(JSON.parse(JSON.stringify(value))), version },
      ...(options.expires ? { expires: Math.ceil(options.expires.getTime() / 1000) } : {}),
    });
    return version;
  };

  const list = <T>(
    name: string,
    { prefix, after, limit, descending }: ListOptions = {},
  ): readonly Item<T>[] => {
    const one = partition(name);
    one.keys ??= [...one.rows.keys()].sort();
    const items: Item<T>[] = [];
    for (const key of one.keys)
      if (prefix ? key.startsWith(prefix) : after ? key > after : true)
        items.push(one.rows.get(key)?.item as Item<T>);
    if (descending) items.reverse();
    return limit === undefined ? items : items.slice(0, limit);
  };

  const remove = (name: string, key: string, version: number | undefined): boolean => {
    const one = partition(name);
    if (version !== undefined && one.rows.get(key)?.item.version !== version) return false;
    if (one.rows.delete(key)) one.keys = undefined;
    return true;
  };

  const get = <T>(name: string, key: string): Item<T> | undefined =>
    partition(name).rows.get(key)?.item as Item<T> | undefined;

  return {
    through: (around = async (_call, act) => act()) => ({
      get: <T>(name: string, key: string) => around(`table.get ${key}`, () => get<T>(name, key)),
      list: <T>(name: string, options = {}) => around(`table.list ${name}`, () => list<T>(name, options)),
      put: (name, key, value, options = {}) =>
        around(`table.put ${key}`, () => put(name, key, value, options)),
      remove: (name, key, version) => around(`table.remove ${key}`, () => remove(name, key, version)),
    }),
    read: <T>(name: string, key: string) => get<T>(name, key)?.value,
    all: <T>(name: string, prefix = '') => list<T>(name, { prefix }).map((item) => item.value),
  };
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}

function isExpired(row: Row, now: Date | undefined): boolean {
  return now !== undefined && row.expires !== undefined && row.expires <= Math.floor(now.getTime() / 1000);
}

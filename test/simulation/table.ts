/** The environment's table in memory, with the conditions, versions and expiry of `createTable` over DynamoDB. */
import type {
  CountOptions,
  ListOptions,
  Row,
  SaveOptions,
  Table,
} from '#functions/adapters/dynamodb/table.ts';
import type { Expected, Versioned } from '#functions/shared/versioned.ts';

/**
 * Wraps every call with faults and delays. A write that runs twice is one that the SDK repeats because its first reply
 * was lost.
 */
export type Around = <T>(call: string, act: () => T) => Promise<T>;

interface Stored {
  /** Deeply frozen: readers share it, and a change throws. */
  readonly item: Row;
  /** The value as it was sent. */
  readonly text: string;
  /** Seconds since the epoch. */
  readonly expires?: number;
}

interface Partition {
  readonly rows: Map<string, Stored>;
  /** In order; undefined after a key came or went. */
  keys: readonly string[] | undefined;
}

export interface MemoryTable {
  /** The table as one caller sees it. */
  through(around?: Around): Table;
  /** For checkers. */
  read<T>(partition: string, key: string): T | undefined;
  all<T>(partition: string, prefix?: string): readonly T[];
}

export function createMemoryTable(
  /** `isForgetful`: a table that does not recognise repeated writes, as in an earlier version of the program. */
  { isForgetful = false }: { readonly isForgetful?: boolean } = {},
): MemoryTable {
  const partitions = new Map<string, Partition>();
  const partition = (name: string): Partition => {
    const known = partitions.get(name);
    if (known) return known;
    const made: Partition = { rows: new Map(), keys: undefined };
    partitions.set(name, made);
    return made;
  };

  const save = (name: string, key: string, value: unknown, version: number, options: SaveOptions): void => {
    const one = partition(name);
    if (!one.rows.has(key)) one.keys = undefined;
    const text = JSON.stringify(value);
    one.rows.set(key, {
      item: { key, value: frozen(JSON.parse(text)), version },
      text,
      ...(options.expires ? { expires: secondsOf(options.expires) } : {}),
    });
  };

  const saveIf = <T>(
    name: string,
    key: string,
    value: T,
    expected: Expected,
    options: SaveOptions,
    attempt: number,
  ): Versioned<T> | undefined => {
    const there = partition(name).rows.get(key);
    const version = expected === 'absent' ? 1 : expected + 1;
    const holds =
      expected === 'absent' ? !there || isExpired(there, options.now) : there?.item.version === expected;
    if (holds) save(name, key, value, version, options);
    // The stored value was written by this very call.
    else if (
      attempt === 1 ||
      isForgetful ||
      there?.item.version !== version ||
      there.text !== JSON.stringify(value)
    )
      return undefined;
    return { value, version };
  };

  const list = (name: string, { prefix, after, limit, descending }: ListOptions = {}): readonly Row[] => {
    const one = partition(name);
    one.keys ??= [...one.rows.keys()].sort();
    const items: Row[] = [];
    for (const key of one.keys)
      if (prefix ? key.startsWith(prefix) : after ? key > after : true)
        items.push(one.rows.get(key)?.item as Row);
    if (descending) items.reverse();
    return limit === undefined ? items : items.slice(0, limit);
  };

  const count = (name: string, { prefix, containing, lacking, limit }: CountOptions): number =>
    list(name, { prefix, limit }).filter(({ key }) => {
      const text = partition(name).rows.get(key)?.text ?? '';
      return text.includes(containing) && !text.includes(lacking);
    }).length;

  const remove = (name: string, key: string): void => {
    const one = partition(name);
    if (one.rows.delete(key)) one.keys = undefined;
  };

  const removeIf = (name: string, key: string, version: number, attempt: number): boolean => {
    const there = partition(name).rows.get(key);
    if (there?.item.version === version) remove(name, key);
    else if (attempt === 1 || isForgetful || there) return false;
    return true;
  };

  const get = (name: string, key: string): Row | undefined => partition(name).rows.get(key)?.item;

  return {
    through: (around = async (_call, act) => act()) => ({
      get: (name, key) => around(`table.get ${name} | ${key}`, () => get(name, key)),
      list: (name, options = {}) => around(`table.list ${name}`, () => list(name, options)),
      count: (name, options) => around(`table.count ${name}`, () => count(name, options)),
      saveIf: (name, key, value, expected, options = {}) =>
        around(
          `table.saveIf ${name} | ${key}`,
          counted((attempt) => saveIf(name, key, value, expected, options, attempt)),
        ),
      removeIf: (name, key, version) =>
        around(
          `table.removeIf ${name} | ${key}`,
          counted((attempt) => removeIf(name, key, version, attempt)),
        ),
      save: (name, key, value, options = {}) =>
        around(`table.save ${name} | ${key}`, () => save(name, key, value, 1, options)),
      remove: (name, key) => around(`table.remove ${name} | ${key}`, () => remove(name, key)),
    }),
    read: <T>(name: string, key: string) => get(name, key)?.value as T | undefined,
    all: <T>(name: string, prefix = '') => list(name, { prefix }).map((item) => item.value as T),
  };
}

/** Like the SDK's retries: the second run of one call counts as a repetition. */
function counted<T>(act: (attempt: number) => T): () => T {
  let attempts = 0;
  return () => {
    attempts += 1;
    return act(attempts);
  };
}

function secondsOf(date: Date): number {
  return Math.ceil(date.getTime() / 1000);
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}

function isExpired(row: Stored, now: Date | undefined): boolean {
  return now !== undefined && row.expires !== undefined && row.expires <= Math.floor(now.getTime() / 1000);
}

/** The environment's table, as its readers and writers see it. */
import type { Expected, Versioned } from '#functions/shared/versioned.ts';

/** The value is undefined where the item cannot be read: no JSON, or no version. */
export interface Row extends Versioned<unknown> {
  readonly key: string;
}

export interface ListOptions {
  readonly prefix?: string;
  readonly after?: string;
  readonly limit?: number;
  readonly descending?: boolean;
}

export interface CountOptions {
  readonly prefix: string;
  /** Of the item's value, as JSON text. */
  readonly containing: string;
  readonly lacking: string;
  /** Only the first so many items of the prefix are looked at. */
  readonly limit: number;
}

export interface SaveOptions {
  /** The item may be removed after this time, and counts as absent from then on. */
  readonly expires?: Date;
  /** Needed with `absent` where items expire: the time at which "expired" is decided. */
  readonly now?: Date;
}

export interface Table {
  get(partition: string, key: string): Promise<Row | undefined>;
  /** All items of the partition whose key begins with `prefix`, or comes after `after`; in the order of the keys. */
  list(partition: string, options?: ListOptions): Promise<readonly Row[]>;
  /** How many of the first items have such a value: one request whose reply is a number. */
  count(partition: string, options: CountOptions): Promise<number>;
  /** Writes over that version, or only where no item is there. Undefined: somebody else's write came first. */
  saveIf<T>(
    partition: string,
    key: string,
    value: T,
    expected: Expected,
    options?: SaveOptions,
  ): Promise<Versioned<T> | undefined>;
  /** False: somebody else wrote or removed it first. */
  removeIf(partition: string, key: string, version: number): Promise<boolean>;
  /** Unconditional: only where no promise needs a condition. */
  save(partition: string, key: string, value: unknown, options?: Pick<SaveOptions, 'expires'>): Promise<void>;
  remove(partition: string, key: string): Promise<void>;
}

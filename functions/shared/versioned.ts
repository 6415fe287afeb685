/** A value with the version that a conditional write over it must name. */
export interface Versioned<T> {
  readonly value: T;
  /** Goes up by one with every conditional write. */
  readonly version: number;
}

/** What a conditional write expects to find: the version that was read, or nothing. */
export type Expected = number | 'absent';

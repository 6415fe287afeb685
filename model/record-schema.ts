/**
 * What the schemas of persisted records are made of. A function checks each record that it reads and writes, in the first
 * milliseconds of a cold start: zod/mini would add 20 to 28 KB to what each start loads, which is limited to 340 KB. A
 * schema of zod has the same form, so that `isValid` takes both.
 */

/** A schema for records of this type: what it accepts is one. */
export interface Schema<T> {
  safeParse(value: unknown): { readonly success: boolean; readonly data?: T };
}

/** For a key that may be absent. */
export interface OptionalSchema<T> extends Schema<T> {
  readonly isOptional: true;
}

/** Whether a record that was read, or is to be written, is what its schema says. */
export function isValid<T>(schema: Schema<T>, value: unknown): value is T {
  return schema.safeParse(value).success;
}

/** An object with keys: neither null nor an array. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const string: Schema<string> = where((value) => typeof value === 'string');
/** Not empty. */
export const text: Schema<string> = where((value) => typeof value === 'string' && value !== '');
export const boolean: Schema<boolean> = where((value) => typeof value === 'boolean');
export const number: Schema<number> = where(Number.isFinite);
/** A whole number from 0 on. */
export const count: Schema<number> = where((value) => Number.isInteger(value) && Number(value) >= 0);
/** ISO 8601, UTC. */
export const instant: Schema<string> = where(
  (value) => typeof value === 'string' && INSTANT.test(value) && isOfCalendar(value),
);

export function oneOf<const T extends string>(...values: readonly T[]): Schema<T> {
  return where((value) => values.includes(value as T));
}

/** What the schema accepts, and this as well. */
export function both<T>(schema: Schema<T>, also: (value: T) => boolean): Schema<T> {
  return where((value) => isValid(schema, value) && also(value));
}

export function optional<T>(schema: Schema<T>): OptionalSchema<T> {
  return { ...where((value) => value === undefined || isValid(schema, value)), isOptional: true };
}

export function nullable<T>(schema: Schema<T>): Schema<T | null> {
  return where((value) => value === null || isValid(schema, value));
}

export function listOf<T>(schema: Schema<T>): Schema<readonly T[]> {
  return where((value) => Array.isArray(value) && value.every((one) => isValid(schema, one)));
}

/** Any keys, each with such a value. */
export function mapOf<T>(schema: Schema<T>): Schema<Readonly<Record<string, T>>> {
  return where((value) => isRecord(value) && Object.values(value).every((one) => isValid(schema, one)));
}

type Shape = Readonly<Record<string, Schema<unknown>>>;
/** The type of the records that a schema accepts. */
export type TypeOf<S> = S extends Schema<infer T> ? T : never;
type Optional<S extends Shape> = {
  [K in keyof S]: S[K] extends OptionalSchema<unknown> ? K : never;
}[keyof S];
type ObjectOf<S extends Shape> = { readonly [K in Exclude<keyof S, Optional<S>>]: TypeOf<S[K]> } & {
  readonly [K in Optional<S>]?: TypeOf<S[K]>;
};

/** Keys that the shape does not name are left as they are: a later release may have written them. */
export function object<const S extends Shape>(
  shape: S,
  also: (value: ObjectOf<S>) => boolean = () => true,
): Schema<ObjectOf<S>> {
  const fields = Object.entries(shape);
  return where(
    (value) =>
      isRecord(value) &&
      fields.every(([key, schema]) => isValid(schema, value[key])) &&
      also(value as ObjectOf<S>),
  );
}

export function union<const S extends readonly Schema<unknown>[]>(...schemas: S): Schema<TypeOf<S[number]>> {
  return where((value) => schemas.some((schema) => isValid(schema, value)));
}

function where<T>(accepts: (value: unknown) => boolean): Schema<T> {
  return {
    safeParse: (value) => (accepts(value) ? { success: true, data: value as T } : { success: false }),
  };
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** `Date` takes 30 February for 2 March, and 24:00 for the next day. */
function isOfCalendar(text: string): boolean {
  return new Date(text).getUTCDate() === Number(text.slice(8, 10));
}

/** What the schemas of kept records are made of. zod/mini, because functions check with them what they read and write. */
import * as z from 'zod/mini';

/** A schema for records of this type: what it lets through is one. */
export type Schema<T> = z.ZodMiniType<T>;

/** A time as text that `Date.parse` understands. We write ISO 8601, UTC. */
export const instant = z.string().check(z.refine((text) => !Number.isNaN(Date.parse(text))));

/** A whole number from 0 on. */
export const count = z.int().check(z.nonnegative());

/** Whether a record that was read, or is to be written, is what its schema says. */
export function isValid<T>(schema: Schema<T>, value: unknown): value is T {
  return schema.safeParse(value).success;
}

/** An object with keys: neither null nor an array. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

import { expect, test } from 'vitest';
import * as s from '#model/record-schema.ts';

interface Person {
  readonly name: string;
  readonly age?: number;
  readonly since: string;
  readonly kind: 'a' | 'b';
  readonly tags: readonly string[];
  readonly sizes: Readonly<Record<string, number>>;
  readonly note: string | null;
}

// A field that the schema lacks, or has of another type, does not compile.
const schema: s.Schema<Person> = s.object({
  name: s.text,
  age: s.optional(s.count),
  since: s.instant,
  kind: s.oneOf('a', 'b'),
  tags: s.listOf(s.string),
  sizes: s.mapOf(s.number),
  note: s.nullable(s.string),
});
const PERSON: Person = {
  name: 'ana',
  since: '2026-11-24T13:00:00.000Z',
  kind: 'a',
  tags: ['x', ''],
  sizes: { left: 1.5 },
  note: null,
};

test.each([
  ['as it is', {}],
  ['with what may be absent', { age: 3 }],
  ['with a key of a later release', { later: true }],
  ['with the leap day', { since: '2028-02-29T13:00:00Z' }],
  ['with a time in whole seconds', { since: '2026-11-24T13:00:00Z' }],
])('a record %s is accepted, and not copied', (_what, change) => {
  const value: unknown = { ...PERSON, ...change };
  expect(schema.safeParse(value).data).toBe(value);
  expect(s.isValid(schema, value)).toBe(true);
});

test.each([
  ['an empty name', { name: '' }],
  ['no name', { name: undefined }],
  ['a number as text', { age: '3' }],
  ['part of a whole', { age: 1.5 }],
  ['less than nothing', { age: -1 }],
  ['null instead of nothing', { age: null }],
  ['a day that is none', { since: '2026-13-24T13:00:00Z' }],
  ['30 February', { since: '2026-02-30T13:00:00Z' }],
  ['29 February of a usual year', { since: '2026-02-29T13:00:00Z' }],
  ['the 25th hour', { since: '2026-11-24T24:00:00Z' }],
  ['a leap second', { since: '2026-12-31T23:59:60Z' }],
  ['a time of nowhere', { since: '2026-11-24T13:00:00' }],
  ['words instead of a time', { since: 'yesterday' }],
  ['another kind', { kind: 'c' }],
  ['an object instead of a list', { tags: {} }],
  ['something else in the list', { tags: [1] }],
  ['a list instead of a map', { sizes: [1] }],
  ['no number in the map', { sizes: { left: Number.NaN } }],
  ['nothing instead of null', { note: undefined }],
])('a record with %s is refused', (_what, change) => {
  expect(schema.safeParse({ ...PERSON, ...change })).toEqual({ success: false });
});

test.each([[null], [[]], ['text'], [undefined], [7]])('%j is no record', (value) => {
  expect(s.isRecord(value)).toBe(false);
  expect(s.isValid(schema, value)).toBe(false);
});

test('a record may be of one of several kinds, and its fields may depend on each other', () => {
  const range = s.object({ min: s.count, max: s.count }, ({ min, max }) => min <= max);
  const either = s.union(range, s.boolean);
  expect([{ min: 1, max: 2 }, { min: 2, max: 1 }, true, 'no'].map((one) => s.isValid(either, one))).toEqual([
    true,
    false,
    true,
    false,
  ]);
});

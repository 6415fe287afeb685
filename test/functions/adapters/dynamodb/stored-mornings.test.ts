import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  packedMornings,
  packedMorningsSchema,
  unpackedMornings,
} from '#functions/adapters/dynamodb/stored-mornings.ts';
import { type Morning, noteSchemas } from '#functions/night-schedule/records.ts';
import { isValid } from '#model/record-schema.ts';

const BASE = Date.parse('2026-11-24T22:50:00.123Z');
const anInstant = fc
  .integer({ min: -9_000_000, max: 9_000_000 })
  .map((offset) => new Date(BASE + offset).toISOString());
const aMorning: fc.Arbitrary<Morning> = fc.record(
  {
    asked: anInstant,
    promised: anInstant,
    announced: anInstant,
    seconds: fc.dictionary(
      fc.constantFrom('instances', 'nodes', 'argocd', 'applications', 'url'),
      fc.integer({ min: 0, max: 10_800 }),
      { noNullPrototype: true },
    ),
    isOpen: fc.constant(true),
    late: fc.string(),
    fallback: fc.string(),
  },
  { requiredKeys: ['asked', 'seconds'] },
);

test('mornings are read as they were written, whatever phases and texts they have', () => {
  fc.assert(
    fc.property(fc.array(aMorning, { maxLength: 60 }), (mornings) => {
      const stored = JSON.parse(JSON.stringify(packedMornings(mornings)));
      expect(isValid(packedMorningsSchema, stored)).toBe(true);
      expect(unpackedMornings(stored)).toEqual(mornings);
    }),
    { seed: 26 },
  );
});

test('sixty usual mornings with a few late ones take less than 3 KB', () => {
  const mornings = Array.from({ length: 60 }, (_, day): Morning => {
    const asked = new Date(BASE + day * 86_400_000).toISOString();
    const promised = new Date(BASE + day * 86_400_000 + 600_000).toISOString();
    const late =
      day % 20 === 0 ? { late: 'applications that are not Healthy (nightshift argocd lists them)' } : {};
    return {
      asked,
      promised,
      seconds: { instances: 120, nodes: 190, argocd: 250, applications: 400 },
      ...late,
    };
  });
  const bytesOf = (value: unknown) => JSON.stringify(value).length;
  expect(bytesOf(packedMornings(mornings))).toBeLessThan(3_000);
  expect(bytesOf(mornings)).toBeGreaterThan(8_000);
});

test.each([
  ['no list', { a: 1 }],
  ['a line that is none', ['tuesday']],
  ['a time that is none', ['zzzzzzzzzzzzzz - - - -']],
  ['a phase without seconds', ['lq0x1abc - - i -']],
  ['an unknown phase', ['lq0x1abc - - x5 -']],
  ['a rest that is no text', ['lq0x1abc - - i5 - {"late":5}']],
])('%s is no note', (_, value) => {
  expect(isValid(packedMorningsSchema, value)).toBe(false);
  expect(isValid(noteSchemas.mornings, unpackedMornings(value))).toBe(false);
});

test('a morning that was written as an object is read too', () => {
  const morning: Morning = { asked: new Date(BASE).toISOString(), seconds: { nodes: 120 } };
  expect(unpackedMornings([morning])).toEqual([morning]);
  expect(isValid(packedMorningsSchema, [morning])).toBe(true);
});

/** Values from other systems: real ones with changed fields, and arbitrary ones. */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const CORPUS = new URL('./corpus/', import.meta.url);

/** Events as AWS documents them, by file name. */
export function corpus(): readonly (readonly [string, Json])[] {
  return readdirSync(CORPUS)
    .filter((name) => name.endsWith('.json'))
    .map((name) => [name, JSON.parse(readFileSync(new URL(name, CORPUS), 'utf8')) as Json]);
}

/** A value of an unexpected kind. */
const strange: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(null, undefined, '', 0, -1, Number.NaN, true, false, [], {}, [null], 'i-', '__proto__'),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.jsonValue({ maxDepth: 3 }),
);

/** The value with up to three of its fields replaced, left out or added. */
export function mutated(value: Json): fc.Arbitrary<unknown> {
  const paths = pathsOf(value);
  return fc
    .array(
      fc.record({
        path: fc.constantFrom(...paths),
        how: fc.constantFrom('replace', 'remove', 'add'),
        by: strange,
        name: fc.string({ maxLength: 12 }),
      }),
      { minLength: 1, maxLength: 3 },
    )
    .map((changes) =>
      changes.reduce<unknown>(
        (current, { path, how, by, name }) =>
          edit(current, how === 'add' ? [...path, name] : path, how === 'remove' ? GONE : by),
        value,
      ),
    );
}

export const anyPayload: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...corpus()).chain(([, event]) => mutated(event)) },
  { weight: 1, arbitrary: fc.anything({ withNullPrototype: true }) },
  { weight: 1, arbitrary: fc.jsonValue() },
);

/** The body of an HTTP response: JSON of an unexpected form, truncated JSON, or no JSON. */
export function anyBody(real: Json): fc.Arbitrary<string> {
  return fc.oneof(
    mutated(real).map((value) => JSON.stringify(value) ?? ''),
    fc.jsonValue().map((value) => JSON.stringify(value)),
    fc.string({ maxLength: 60 }),
    fc.nat({ max: 200 }).map((end) => JSON.stringify(real).slice(0, end)),
  );
}

const GONE = Symbol('gone');

function edit(value: unknown, path: readonly string[], by: unknown): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return by === GONE ? undefined : by;
  if (Array.isArray(value)) {
    const copy = [...value];
    const index = Number(first);
    if (by === GONE && rest.length === 0) copy.splice(index, 1);
    else if (Number.isInteger(index)) copy[index] = edit(copy[index], rest, by);
    return copy;
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => key !== first);
  if (by === GONE && rest.length === 0) return Object.fromEntries(entries);
  const inner = (value as Record<string, unknown>)[first];
  return Object.fromEntries([...entries, [first, edit(inner, rest, by)]]);
}

function pathsOf(value: Json, path: readonly string[] = []): [readonly string[], ...(readonly string[])[]] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner as Json, [...path, key]))];
}

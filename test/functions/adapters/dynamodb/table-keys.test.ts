import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../../../..');
const KEYS = 'functions/adapters/dynamodb/table-keys.ts';

/** The sources that may read or write the table. */
const SOURCES = ['functions', 'cli', 'demo', 'test/simulation', 'test/bench'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name))),
);

/** A key's beginning, or a partition as an argument of a call of the table. */
const LITERALS = [
  /['"`](?:saved|autoscaler|note|instance|cordon|app|build)#/,
  /\btable\.(?:get|list|read|all|save|saveIf|remove|removeIf)(?:<[^>]*>)?\(\s*['"`]/,
];

test('the keys of the table stand in one file', () => {
  const restated = SOURCES.filter((path) => path !== KEYS).filter((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8');
    return LITERALS.some((literal) => literal.test(text));
  });
  expect(restated).toEqual([]);
});

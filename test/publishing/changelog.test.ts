import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const [, ...sections] = readFileSync('CHANGELOG.md', 'utf8').split(/^## /m);
const KINDS = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'];

test('the version of the package is the first of the changelog, with a date or unreleased', () => {
  const [, first, when] = /^(\S+) - (.+)$/m.exec(sections[0] ?? '') ?? [];
  expect(first).toBe(version);
  expect(when).toMatch(/^(unreleased|\d{4}-\d\d-\d\d)$/);
});

test('versions go down, and each has every kind of change at most once', () => {
  const versions = sections.map((section) => section.split(/[\s]/)[0] ?? '');
  const sorted = versions.toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  expect(versions).toEqual(sorted);
  for (const section of sections) {
    const kinds = [...section.matchAll(/^### (.+)$/gm)].map(([, kind]) => kind ?? '');
    expect(new Set(kinds).size, section.slice(0, 20)).toBe(kinds.length);
    expect(kinds.filter((kind) => !KINDS.includes(kind))).toEqual([]);
  }
});

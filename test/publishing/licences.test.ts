import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { licencesOf } from '../../bin/licences-text.ts';

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const lab = JSON.parse(readFileSync('lab/package.json', 'utf8'));

describe('the licences', () => {
  test('in docs match the lock file', () => {
    expect(readFileSync('docs/licences.md', 'utf8'), 'run npm run licences').toBe(licencesOf(lock));
  });

  test('of delivered packages must be permissive, those of development packages need not', () => {
    const withOne = (license: string, dev: boolean) => () =>
      licencesOf({ packages: { 'node_modules/@a/b': { version: '1.0.0', license, dev } } });
    expect(withOne('GPL-3.0-only', false)).toThrow('not a permissive licence: @a/b (GPL-3.0-only)');
    expect(withOne('MIT AND GPL-3.0-only', false)).toThrow('@a/b');
    expect(withOne('(MIT OR GPL-3.0-only)', false)).not.toThrow();
    expect(withOne('MPL-2.0', true)).not.toThrow();
  });
});

describe('the dependencies', () => {
  test('have exact versions, except the CDK, which is a peer dependency', () => {
    const versions = [manifest.dependencies, manifest.devDependencies, lab.devDependencies].flatMap(
      (versions) => Object.entries(versions),
    );
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(String(version)))).toEqual([]);
    expect(Object.keys(manifest.peerDependencies)).toEqual(['aws-cdk-lib', 'constructs']);
  });

  test('run no install scripts but those listed in package.json', () => {
    const scripted = Object.entries<{ hasInstallScript?: boolean }>(lock.packages)
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([path]) => path.replace(/.*node_modules\//, ''));
    expect([...new Set(scripted)].sort()).toEqual(Object.keys(manifest.allowScripts).sort());
  });
});

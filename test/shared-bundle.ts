/**
 * `lib/bundle/function-bundle.ts` that makes the bundle of a function once in a run of the tests, for all workers: the
 * sources are the same throughout. `vitest.config.ts` puts this module in its place.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Capability } from '#model/decision.ts';
import { type Bundle, bundle as bundleNow } from '../lib/bundle/function-bundle.ts';
import { bundlesOf } from './temporary-folder.ts';

export * from '../lib/bundle/function-bundle.ts';

const FILES = 'files';
const MEASURED = 'bundle.json';

export function bundle(capability: Capability, directory: string): Bundle {
  const shared = join(bundlesOf(tmpdir()), capability);
  if (!existsSync(shared)) make(capability, shared);
  cpSync(join(shared, FILES), directory, { recursive: true });
  return JSON.parse(readFileSync(join(shared, MEASURED), 'utf8'));
}

function make(capability: Capability, shared: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'bundle-'));
  writeFileSync(join(folder, MEASURED), JSON.stringify(bundleNow(capability, join(folder, FILES))));
  mkdirSync(dirname(shared), { recursive: true });
  try {
    renameSync(folder, shared);
  } catch (error) {
    // The other worker was first.
    if (!existsSync(shared)) throw error;
  }
}

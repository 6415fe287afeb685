/** All temporary files of a run go into one folder, which goes with the run. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

export default function setup(project: TestProject) {
  const folder = mkdtempSync(join(tmpdir(), 'nightshift-test-'));
  process.env['TMPDIR'] = folder;
  // What a worker or a program has compiled, the next ones read.
  process.env['NODE_COMPILE_CACHE'] = join(folder, 'compiled');
  // In watch mode the sources have changed.
  project.onTestsRerun(() => rmSync(bundlesOf(folder), { recursive: true, force: true }));
  return () => rmSync(folder, { recursive: true, force: true });
}

/** Where `shared-bundle.ts` puts the bundles of a run. */
export function bundlesOf(folder: string): string {
  return join(folder, 'bundles');
}

/** The version of this package, as its `package.json` says. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Beside `cli` in the repository, and beside `dist` in the published package. */
const CANDIDATES = ['../package.json', '../../package.json'];

export function packageVersion(): string {
  const file = CANDIDATES.map((path) => join(import.meta.dirname, path)).find((path) => existsSync(path));
  if (file === undefined) throw new Error(`no package.json is near ${import.meta.dirname}`);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

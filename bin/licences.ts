/** Writes docs/licences.md; with `--check` fails when it is not up to date. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { licencesOf } from './licences-text.ts';

const root = join(import.meta.dirname, '..');
const path = join(root, 'docs/licences.md');
const text = licencesOf(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')));

if (!process.argv.includes('--check')) writeFileSync(path, text);
else if (readFileSync(path, 'utf8') !== text) {
  console.error('docs/licences.md does not match the lock file: run npm run licences');
  process.exitCode = 1;
}

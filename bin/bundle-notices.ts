/** The licence texts of what is in the bundles: whoever passes on somebody's code passes on its notice. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * `sources`: paths of bundled files from `root`. Names the packages, each group above the licence file that they share; a
 * package without such a file stands with its licence's name alone.
 */
export function noticesOf(sources: readonly string[], root: string): string {
  const packages = sources.flatMap((source) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(source)?.[0] ?? []);
  const titles = new Map<string, string[]>();
  for (const folder of [...new Set(packages)].sort()) {
    const text = licenceTextOf(join(root, folder));
    titles.set(text, [...(titles.get(text) ?? []), titleOf(join(root, folder))]);
  }
  return [...titles]
    .map(([text, names]) => `${[names.join('\n'), text].join('\n\n').trim()}\n`)
    .join(`\n${'-'.repeat(80)}\n\n`);
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly author?: string | { readonly name?: string };
}

function titleOf(folder: string): string {
  const manifest: Manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const { name, version, license, author } = manifest;
  const by = typeof author === 'string' ? author : author?.name;
  return `${name} ${version}, ${license}${by ? `, by ${by}` : ''}`;
}

function licenceTextOf(folder: string): string {
  return readdirSync(folder)
    .filter((file) => /^(licen[cs]e|notice)/i.test(file))
    .map((file) => readFileSync(join(folder, file), 'utf8').trim())
    .join('\n\n');
}

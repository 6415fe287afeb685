/** The licence texts of what is in the bundles: whoever passes on somebody's code passes on its notice. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** `sources`: paths of bundled files from `root`. Of each package the licence and, where it has one, its licence file. */
export function noticesOf(sources: readonly string[], root: string): string {
  const packages = sources.flatMap((source) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(source)?.[0] ?? []);
  return [...new Set(packages)]
    .sort()
    .map((folder) => noticeOf(join(root, folder)))
    .join(`\n${'-'.repeat(80)}\n\n`);
}

function noticeOf(folder: string): string {
  const { name, version, license, author } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  ) as { name: string; version: string; license: string; author?: string | { name?: string } };
  const by = typeof author === 'string' ? author : author?.name;
  const texts = readdirSync(folder)
    .filter((file) => /^(licen[cs]e|notice)/i.test(file))
    .map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return [`${name} ${version}, ${license}${by ? `, by ${by}` : ''}`, '', ...texts]
    .join('\n')
    .trim()
    .concat('\n');
}

/** The licences of the packages in the lock file. */

export interface Lock {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
  /** A development dependency: neither a function nor the published package contains it. */
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly hasInstallScript?: boolean;
  readonly integrity?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  /** To a workspace of this repository. */
  readonly link?: boolean;
}

/** Their only condition is that the copyright notice is kept. */
const PERMISSIVE = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'MIT-0',
  'PSF-2.0',
  'Unlicense',
]);

/** Exceptions to the list above, with the reason. */
const ACCEPTED: Readonly<Record<string, string>> = {
  'date-holidays':
    'its code is ISC. Its data is under CC BY-SA 3.0 (the package says CC-BY-3.0, its LICENSE file the other): it asks to be named, and what is made from it is passed on under the same terms. Only synth and the command line use it. A template with holidays holds their names and dates and says so in its metadata.',
};

/** The text of docs/licences.md. Throws when a delivered package does not have a permissive licence. */
export function licencesOf(lock: Lock): string {
  const { packages } = lock;
  const all = Object.entries(packages)
    .filter(([path, { link }]) => path.includes('node_modules/') && !link)
    .map(([path, found]) => ({
      name: nameIn(path),
      version: found.version ?? '',
      license: found.license ?? 'unknown',
      delivered: isDelivered(lock, path, found),
      hasInstallScript: found.hasInstallScript ?? false,
    }));
  const delivered = all.filter((one) => one.delivered);
  const wrong = delivered.filter(({ name, license }) => !isPermissive(license) && !ACCEPTED[name]);
  if (wrong.length > 0)
    throw new Error(
      `not a permissive licence: ${wrong.map(({ name, license }) => `${name} (${license})`).join(', ')}`,
    );
  const scripts = [...new Set(all.filter((one) => one.hasInstallScript).map(({ name }) => name))].sort();
  return [
    '# Licences',
    '',
    'Made from `package-lock.json` by `npm run licences`. eks-nightshift itself is under Apache-2.0.',
    '',
    '## What is delivered',
    '',
    'In the bundles of the functions, or installed with the package. Each asks for nothing but that its notice is kept.',
    '',
    ...tableOf(delivered),
    '',
    ...Object.entries(ACCEPTED).map(([name, reason]) => `- \`${name}\`: ${reason}`),
    '',
    '## What only this repository uses',
    '',
    'Tests, the lab, the CDK with its command line, the compiler. Nothing of it is in a function.',
    '',
    ...tableOf(all.filter((one) => !one.delivered)),
    '',
    '## Packages with an install script',
    '',
    `${scripts.map((name) => `\`${name}\``).join(', ')}. \`allowScripts\` in package.json says which of them may run.`,
    '',
  ].join('\n');
}

export function nameIn(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

/** In a bundle, or installed with the published package. What the lab alone has is for this repository: Node itself. */
export function isDelivered(
  { packages }: Lock,
  path: string,
  { dev, devOptional, link }: LockedPackage,
): boolean {
  const ofLab = packages['lab']?.optionalDependencies ?? {};
  return (
    path.includes('node_modules/') && !link && !dev && !devOptional && !Object.hasOwn(ofLab, nameIn(path))
  );
}

/** Of `A OR B` one licence must be permissive, of `A AND B` both. */
function isPermissive(license: string): boolean {
  return license
    .replace(/[()]/g, '')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((one) => PERMISSIVE.has(one.trim())));
}

function tableOf(
  packages: readonly { readonly name: string; readonly version: string; readonly license: string }[],
): string[] {
  const rows = new Map<string, Set<string>>();
  for (const { name, version, license } of packages) {
    const names = rows.get(license) ?? new Set();
    rows.set(license, names.add(`${name} ${version}`));
  }
  return [
    '| licence | packages |',
    '|---|---|',
    ...[...rows]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([license, names]) => `| ${license} | ${[...names].sort().join(', ')} |`),
  ];
}

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
    'its code is ISC; its data of holidays is CC-BY-3.0, which asks to be named. Only synth and the command line use it.',
};

/** The text of docs/licences.md. Throws when a delivered package does not have a permissive licence. */
export function licencesOf({ packages }: Lock): string {
  const all = Object.entries(packages)
    .filter(([path, { link }]) => path.includes('node_modules/') && !link)
    .map(([path, { version = '', license = 'unknown', dev, devOptional, hasInstallScript }]) => ({
      name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version,
      license,
      delivered: !dev && !devOptional,
      hasInstallScript: hasInstallScript ?? false,
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

/** What the `package.json` of this package says. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Beside `cli` in the repository, and beside `dist` in the published package. */
const CANDIDATES = ['../package.json', '../../package.json'];

export interface PackageManifest {
  readonly version: string;
  readonly peerDependencies: Readonly<Record<string, string>>;
  /** The version of the CDK command line that reads what this package synthesizes. */
  readonly nightshift: { readonly cdk: string };
}

export function packageVersion(): string {
  return packageManifest().version;
}

export function packageManifest(): PackageManifest {
  return JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as PackageManifest;
}

/** The folder of the package: it holds `manifests` and `docs`. */
export function packageRoot(): string {
  const file = CANDIDATES.map((path) => join(import.meta.dirname, path)).find((path) => existsSync(path));
  if (file === undefined) throw new Error(`no package.json is near ${import.meta.dirname}`);
  return dirname(file);
}

/** Every overlay of the example's `gitops/`, built by kustomize. */
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';

export const GITOPS = fileURLToPath(new URL('../../../examples/platform/gitops', import.meta.url));
export const ENVIRONMENTS = ['develop', 'staging', 'production', 'sandbox'] as const;
export const OVERLAYS = ['bootstrap', 'applications', 'cluster', 'api'] as const;
export type Environment = (typeof ENVIRONMENTS)[number];

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  // biome-ignore lint/suspicious/noExplicitAny: the fields of any kind of object.
  readonly [field: string]: any;
}

export interface Overlay {
  readonly environment: Environment;
  /** `applications` */
  readonly name: string;
  readonly yaml: string;
  readonly manifests: readonly Manifest[];
}

const run = promisify(execFile);

export const kustomize = (assets: string) => path.join(assets, 'kustomize');

export async function kustomizeVersion(assets: string): Promise<string> {
  const { stdout } = await run(kustomize(assets), ['version']);
  return `kustomize ${stdout.trim()}`;
}

/** Throws with what kustomize says where an overlay does not build. */
export async function buildOverlays(assets: string): Promise<readonly Overlay[]> {
  const overlays: Overlay[] = [];
  for (const environment of ENVIRONMENTS) {
    const folder = path.join(GITOPS, 'overlays', environment);
    for (const name of (await readdir(folder)).sort()) {
      const { stdout } = await run(kustomize(assets), ['build', path.join(folder, name)]);
      const manifests = parseAllDocuments(stdout).map((document) => document.toJS() as Manifest);
      overlays.push({ environment, name, yaml: stdout, manifests });
    }
  }
  return overlays;
}

export function findOverlay(overlays: readonly Overlay[], environment: Environment, name: string): Overlay {
  const found = overlays.find((one) => one.environment === environment && one.name === name);
  if (!found) throw new Error(`${environment} has no overlay ${name}`);
  return found;
}

export function findManifest({ manifests }: Overlay, kind: string, name: string): Manifest {
  const found = manifests.find((one) => one.kind === kind && one.metadata.name === name);
  if (!found) throw new Error(`the overlay has no ${kind} ${name}`);
  return found;
}

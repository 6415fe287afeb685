/**
 * Builds a kustomization as `kubectl kustomize` does, as far as the platform's manifests need it. What this does not know is
 * an error: a field that was skipped in silence would make the lab play something that Argo CD would not apply.
 */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import {
  applyImages,
  applyLabels,
  applyNamespace,
  applyPatch,
  applyReplacement,
  type ImageChange,
  type KubernetesObject,
  type LabelChange,
  type Patch,
  type Replacement,
} from './kustomize-transformers.ts';

export class KustomizationError extends Error {
  override name = 'KustomizationError';
}

interface Generator {
  readonly name: string;
  readonly namespace?: string;
  readonly files: readonly string[];
  readonly options?: {
    readonly disableNameSuffixHash?: boolean;
    readonly labels?: Readonly<Record<string, string>>;
  };
}

interface Kustomization {
  readonly resources?: readonly string[];
  readonly components?: readonly string[];
  readonly configMapGenerator?: readonly Generator[];
  readonly patches?: readonly Patch[];
  readonly namespace?: string;
  readonly labels?: readonly LabelChange[];
  readonly images?: readonly ImageChange[];
  readonly replacements?: readonly { readonly path: string }[];
}

const FIELDS = new Set([
  'apiVersion',
  'kind',
  'resources',
  'components',
  'configMapGenerator',
  'patches',
  'namespace',
  'labels',
  'images',
  'replacements',
]);
/** Objects that only carry values for replacements. */
const LOCAL = 'config.kubernetes.io/local-config';

/** The objects of a folder, in the order of its resources. Throws `KustomizationError`. */
export function buildKustomization(folder: string): readonly KubernetesObject[] {
  return build(path.resolve(folder), []).filter(({ metadata }) => metadata.annotations?.[LOCAL] !== 'true');
}

/** The order is that of kustomize: resources, generators, components, then the changes of the folder itself. */
function build(folder: string, given: readonly KubernetesObject[]): readonly KubernetesObject[] {
  const file = path.join(folder, 'kustomization.yaml');
  const found = read(file, () => parse(readFileSync(file, 'utf8')) as Kustomization);
  for (const field of Object.keys(found))
    if (!FIELDS.has(field))
      throw new KustomizationError(`${file} has the field '${field}', which the lab does not build`);
  let objects: readonly KubernetesObject[] = [
    ...given,
    ...(found.resources ?? []).flatMap((resource) => accumulate(folder, resource)),
    ...(found.configMapGenerator ?? []).map((generator) => generate(folder, generator)),
  ];
  for (const component of found.components ?? []) objects = build(path.join(folder, component), objects);
  return read(file, () => transform(folder, found, objects));
}

function accumulate(folder: string, resource: string): readonly KubernetesObject[] {
  const file = path.join(folder, resource);
  return read(file, () => {
    if (statSync(file).isDirectory()) return build(file, []);
    return parseAllDocuments(readFileSync(file, 'utf8')).flatMap((document) => {
      const object = document.toJS() as KubernetesObject | null;
      return object === null ? [] : [object];
    });
  });
}

function generate(folder: string, { name, namespace, files, options = {} }: Generator): KubernetesObject {
  if (options.disableNameSuffixHash !== true)
    throw new KustomizationError(
      `the ConfigMap ${name} in ${folder} gets a suffix, which the lab does not compute: set disableNameSuffixHash`,
    );
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(options.labels ? { labels: { ...options.labels } } : {}),
    },
    data: Object.fromEntries(
      files.map((file) => [path.basename(file), readFileSync(path.join(folder, file), 'utf8')]),
    ),
  };
}

function transform(
  folder: string,
  { patches = [], namespace, labels = [], images = [], replacements = [] }: Kustomization,
  objects: readonly KubernetesObject[],
): readonly KubernetesObject[] {
  let changed = objects;
  for (const patch of patches) changed = applyPatch(changed, patch);
  if (namespace !== undefined) changed = applyNamespace(changed, namespace);
  for (const label of labels) changed = applyLabels(changed, label);
  for (const image of images) changed = applyImages(changed, image);
  for (const { path: name } of replacements) {
    const replacement = parse(readFileSync(path.join(folder, name), 'utf8')) as Replacement;
    changed = applyReplacement(changed, replacement);
  }
  return changed;
}

/** Errors name the file. */
function read<T>(file: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof KustomizationError) throw error;
    throw new KustomizationError(`${file}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

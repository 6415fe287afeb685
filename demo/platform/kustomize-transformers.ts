/** The transformers of kustomize that the platform's manifests use. Pure: objects in, objects out. */
import { parse } from 'yaml';

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

interface Target {
  readonly kind?: string;
  readonly name?: string;
  readonly labelSelector?: string;
}

/** `patch` is YAML: a list of JSON patch operations, or one object with `$patch: delete`. */
export interface Patch {
  readonly target: Target;
  readonly patch: string;
}

export interface LabelChange {
  readonly pairs: Readonly<Record<string, string>>;
  readonly includeSelectors?: boolean;
}

export interface ImageChange {
  readonly name: string;
  readonly newName?: string;
  readonly newTag?: string;
}

export interface Replacement {
  readonly source: Target & { readonly fieldPath: string };
  readonly targets: readonly {
    readonly select: Target;
    readonly fieldPaths: readonly string[];
    readonly options?: { readonly delimiter?: string; readonly index?: number };
  }[];
}

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

type Objects = readonly KubernetesObject[];
type Tree = Record<string, unknown> | unknown[];

/** Kinds without a namespace, of those that the manifests have. */
const CLUSTER_SCOPED = new Set(['Namespace', 'ClusterRole', 'ClusterRoleBinding', 'StorageClass']);

export function applyPatch(objects: Objects, { target, patch }: Patch): Objects {
  checkFields(target, ['kind', 'name', 'labelSelector'], 'target of a patch');
  const parsed = parse(patch) as readonly Operation[] | Readonly<Record<string, unknown>>;
  const isMatch = matcher(target);
  if (Array.isArray(parsed))
    return objects.map((object) => (isMatch(object) ? operate(object, parsed) : object));
  if ((parsed as Record<string, unknown>)['$patch'] !== 'delete')
    throw new TypeError('strategic merge patches are not known here, except $patch: delete');
  return objects.filter((object) => !isMatch(object));
}

/** `kind` and `name` are regular expressions of the whole text, as in kustomize. */
function matcher({ kind, name, labelSelector }: Target): (object: KubernetesObject) => boolean {
  const whole = (pattern: string | undefined, text: string) =>
    pattern === undefined || new RegExp(`^(?:${pattern})$`).test(text);
  const hasLabels = selectorOf(labelSelector);
  return (object) =>
    whole(kind, object.kind) && whole(name, object.metadata.name) && hasLabels(object.metadata.labels ?? {});
}

function selectorOf(text: string | undefined): (labels: Readonly<Record<string, string>>) => boolean {
  if (text === undefined) return () => true;
  const [, key = '', operator, value = ''] = /^([\w./-]+)\s*(!=|==?)\s*([\w.-]+)$/.exec(text) ?? [];
  if (!operator)
    throw new TypeError(`the label selector '${text}' is not known here: use key=value or key!=value`);
  return (labels) => (labels[key] === value) === (operator !== '!=');
}

function operate(object: KubernetesObject, operations: readonly Operation[]): KubernetesObject {
  const copy = structuredClone(object) as unknown as Tree;
  for (const { op, path, value } of operations) {
    const keys = path.split('/').slice(1).map(unescaped);
    const last = keys.pop() ?? '';
    const parent = descend(copy, keys, path);
    const exists = valueAt(parent, last) !== undefined;
    if (op !== 'add' && !exists)
      throw new TypeError(`${op} of ${path}: ${object.kind} ${object.metadata.name} has no such field`);
    if (op === 'remove') removeAt(parent, last);
    else if (op === 'add' && Array.isArray(parent))
      parent.splice(last === '-' ? parent.length : Number(last), 0, value);
    else if (op === 'add' || op === 'replace') setAt(parent, last, value);
    else throw new TypeError(`the operation '${op}' is not known here: use add, replace or remove`);
  }
  return copy as unknown as KubernetesObject;
}

const unescaped = (key: string) => key.replaceAll('~1', '/').replaceAll('~0', '~');

function descend(tree: Tree, keys: readonly string[], path: string): Tree {
  let at: unknown = tree;
  for (const key of keys) at = valueAt(at, key);
  if (typeof at !== 'object' || at === null) throw new TypeError(`there is nothing at ${path}`);
  return at as Tree;
}

function valueAt(at: unknown, key: string): unknown {
  if (Array.isArray(at)) return at[Number(key)];
  return typeof at === 'object' && at !== null && Object.hasOwn(at, key)
    ? (at as Record<string, unknown>)[key]
    : undefined;
}

function setAt(at: Tree, key: string, value: unknown): void {
  if (Array.isArray(at)) at[Number(key)] = value;
  else at[key] = value;
}

function removeAt(at: Tree, key: string): void {
  if (Array.isArray(at)) at.splice(Number(key), 1);
  else delete at[key];
}

/** A Namespace gets the name itself, as in kustomize. */
export function applyNamespace(objects: Objects, namespace: string): Objects {
  return objects.map((object) => {
    if (object.kind === 'Namespace') return { ...object, metadata: { ...object.metadata, name: namespace } };
    if (CLUSTER_SCOPED.has(object.kind)) return object;
    return { ...object, metadata: { ...object.metadata, namespace } };
  });
}

/** With `includeSelectors` also in the selectors and the pods of workloads, where kustomize writes them. */
export function applyLabels(objects: Objects, change: LabelChange): Objects {
  checkFields(change, ['pairs', 'includeSelectors'], 'labels');
  const { pairs, includeSelectors = false } = change;
  return objects.map((object) => {
    const copy = structuredClone(object) as unknown as Record<string, unknown>;
    mergeAt(copy, ['metadata', 'labels'], pairs);
    if (!includeSelectors) return copy as unknown as KubernetesObject;
    if (object.kind === 'Service') mergeAt(copy, ['spec', 'selector'], pairs);
    if (['Deployment', 'DaemonSet', 'StatefulSet'].includes(object.kind)) {
      mergeAt(copy, ['spec', 'selector', 'matchLabels'], pairs);
      mergeAt(copy, ['spec', 'template', 'metadata', 'labels'], pairs);
    }
    if (object.kind === 'PodDisruptionBudget') {
      const selector = valueAt(copy['spec'], 'selector');
      if (valueAt(selector, 'matchLabels') !== undefined)
        mergeAt(copy, ['spec', 'selector', 'matchLabels'], pairs);
    }
    return copy as unknown as KubernetesObject;
  });
}

function mergeAt(
  tree: Record<string, unknown>,
  keys: readonly string[],
  pairs: Readonly<Record<string, string>>,
): void {
  let at = tree;
  for (const key of keys) {
    at[key] ??= {};
    at = at[key] as Record<string, unknown>;
  }
  Object.assign(at, pairs);
}

export function applyImages(objects: Objects, change: ImageChange): Objects {
  checkFields(change, ['name', 'newName', 'newTag'], 'images');
  const { name, newName = name, newTag } = change;
  const changed = (image: string) => {
    const [, found, tag] = /^([^:@]+(?::\d+\/[^:@]+)?)(?::([\w.-]+))?$/.exec(image) ?? [];
    if (found !== name) return image;
    const kept = newTag ?? tag;
    return kept === undefined ? newName : `${newName}:${kept}`;
  };
  const walk = (value: unknown, key: string): unknown => {
    if (Array.isArray(value)) return value.map((one) => walk(one, key));
    if (typeof value !== 'object' || value === null) return value;
    const isContainer = key === 'containers' || key === 'initContainers';
    return Object.fromEntries(
      Object.entries(value).map(([field, inner]) => [
        field,
        isContainer && field === 'image' && typeof inner === 'string' ? changed(inner) : walk(inner, field),
      ]),
    );
  };
  return objects.map((object) => walk(object, '') as KubernetesObject);
}

export function applyReplacement(objects: Objects, { source, targets }: Replacement): Objects {
  const { fieldPath, ...from } = source;
  const found = objects.filter(matcher(from));
  const value = fieldPath.split('.').reduce<unknown>(valueAt, found[0]);
  if (found.length !== 1 || typeof value !== 'string')
    throw new TypeError(`the source of a replacement is not one text: ${JSON.stringify(source)}`);
  const copies = structuredClone(objects) as KubernetesObject[];
  for (const { select, fieldPaths, options } of targets) {
    for (const object of copies.filter(matcher(select)))
      for (const path of fieldPaths) replaceAt(object, path, value, options);
  }
  return copies;
}

function replaceAt(
  object: KubernetesObject,
  path: string,
  value: string,
  { delimiter, index = 0 }: { readonly delimiter?: string; readonly index?: number } = {},
): void {
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  const parent = descend(object as unknown as Tree, keys, path);
  const old = valueAt(parent, last);
  if (typeof old !== 'string')
    throw new TypeError(`${object.kind} ${object.metadata.name} has no text at ${path} to replace`);
  const parts = delimiter === undefined ? [] : old.split(delimiter);
  if (delimiter !== undefined && index >= parts.length)
    throw new TypeError(`'${old}' at ${path} of ${object.metadata.name} has no part ${index}`);
  parts[index] = value;
  setAt(parent, last, delimiter === undefined ? value : parts.join(delimiter));
}

function checkFields(value: object, known: readonly string[], what: string): void {
  for (const field of Object.keys(value))
    if (!known.includes(field)) throw new TypeError(`the field '${field}' of ${what} is not known here`);
}

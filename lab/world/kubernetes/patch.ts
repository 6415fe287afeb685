/** The three patch forms. Pure: a new object is returned, the given one stays as it is. */
import { copyOf } from '../copy.ts';
import { badRequest, failure } from './status.ts';

// biome-ignore lint/suspicious/noExplicitAny: patches work on any JSON
type Json = any;

/** RFC 7386. */
export function mergePatch(target: Json, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const result: Record<string, Json> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** RFC 6902. A patch that does not apply is 422, an invalid one 400, as in the API server. */
export function jsonPatch(target: Json, operations: Json): Json {
  if (!Array.isArray(operations)) {
    throw badRequest(
      'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
    );
  }
  let document = copyOf(target);
  for (const operation of operations) document = applyOperation(document, operation);
  return document;
}

function applyOperation(document: Json, operation: Json): Json {
  const { op, path, value } = operation ?? {};
  if (typeof path !== 'string') throw unapplicable('missing path');
  switch (op) {
    case 'add':
      return insertAt(document, path, copyOf(value));
    case 'replace':
      readAt(document, path);
      return insertAt(removeAt(document, path), path, copyOf(value));
    case 'remove':
      return removeAt(document, path);
    case 'test': {
      const actual = readAt(document, path, true);
      if (!isEqual(actual ?? null, value ?? null))
        throw unapplicable(`testing value ${path} failed: test failed`);
      return document;
    }
    case 'copy':
      return insertAt(document, path, copyOf(readAt(document, operation.from)));
    case 'move': {
      const moved = readAt(document, operation.from);
      return insertAt(removeAt(document, operation.from), path, moved);
    }
    default:
      throw unapplicable(`Unexpected kind: ${op}`);
  }
}

/** The API server gives no reason. */
const unapplicable = (why: string) =>
  Object.assign(
    failure(422, 'Invalid', 'the server rejected our request due to an error in our request', {}),
    { cause: new Error(why) },
  );

function pointer(path: string): string[] {
  if (path === '') return [];
  return path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function parentOf(document: Json, path: string): { parent: Json; key: string } {
  const parts = pointer(path);
  const key = parts.pop();
  if (key === undefined) throw unapplicable(`unable to work on the root: ${path}`);
  let parent = document;
  for (const part of parts) {
    parent = Array.isArray(parent) ? parent[Number(part)] : parent?.[part];
    if (parent === undefined || parent === null)
      throw unapplicable(`doc is missing path: ${path}: missing value`);
  }
  if (typeof parent !== 'object') throw unapplicable(`doc is missing path: ${path}: missing value`);
  return { parent, key };
}

function readAt(document: Json, path: string, missingIsNull = false): Json {
  if (path === '') return document;
  const { parent, key } = parentOf(document, path);
  const value = Array.isArray(parent) ? parent[Number(key)] : parent[key];
  if (value === undefined && !missingIsNull) throw unapplicable(`doc is missing key: ${path}: missing value`);
  return value;
}

function insertAt(document: Json, path: string, value: Json): Json {
  if (path === '') return value;
  const { parent, key } = parentOf(document, path);
  if (Array.isArray(parent)) {
    const index = key === '-' ? parent.length : Number(key);
    if (!Number.isInteger(index) || index < 0 || index > parent.length)
      throw unapplicable(`Unable to access invalid index: ${key}: invalid index referenced`);
    parent.splice(index, 0, value);
  } else parent[key] = value;
  return document;
}

function removeAt(document: Json, path: string): Json {
  if (path === '') return undefined;
  const { parent, key } = parentOf(document, path);
  readAt(document, path);
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else delete parent[key];
  return document;
}

/**
 * Lists that are merged by a key, by the name of their field, as the types of the API say in `patchMergeKey`. All
 * others are replaced whole: a node's taints and a pod's tolerations among them.
 */
const mergeKeys: Readonly<Record<string, readonly string[]>> = {
  conditions: ['type'],
  addresses: ['type'],
  containers: ['name'],
  initContainers: ['name'],
  ephemeralContainers: ['name'],
  imagePullSecrets: ['name'],
  env: ['name'],
  volumes: ['name'],
  volumeMounts: ['mountPath'],
  volumeDevices: ['devicePath'],
  ports: ['containerPort', 'port'],
  ownerReferences: ['uid'],
  hostAliases: ['ip'],
  secrets: ['name'],
  podIPs: ['ip'],
  hostIPs: ['ip'],
  topologySpreadConstraints: ['topologyKey'],
  schedulingGates: ['name'],
  resourceClaims: ['name'],
  resourceClaimStatuses: ['name'],
  allocatedResourcesStatus: ['name'],
};

/** Lists of plain values that are merged as sets. */
const mergedSets = new Set(['finalizers', 'podCIDRs']);

/** The strategic merge patch of the built-in types, with `$patch`, `$deleteFromPrimitiveList`, `$retainKeys`. */
export function strategicMergePatch(target: Json, patch: Json): Json {
  return mergeStrategically(target, patch, '');
}

function mergeStrategically(target: Json, patch: Json, field: string): Json {
  if (Array.isArray(patch)) return mergeList(Array.isArray(target) ? target : [], patch, field);
  if (!isObject(patch)) return patch;
  if (patch['$patch'] === 'replace') return without(patch, '$patch');
  if (patch['$patch'] === 'delete') return {};
  let result: Record<string, Json> = isObject(target) ? { ...target } : {};
  const retained = patch['$retainKeys'];
  if (Array.isArray(retained))
    result = Object.fromEntries(Object.entries(result).filter(([key]) => retained.includes(key)));
  for (const [key, value] of Object.entries(patch)) {
    if (key === '$retainKeys' || key === '$patch') continue;
    const directive =
      key[0] === '$' ? /^\$(deleteFromPrimitiveList|setElementOrder)\/(.+)$/.exec(key) : undefined;
    if (directive) {
      const [, what, list = ''] = directive;
      if (what === 'deleteFromPrimitiveList' && Array.isArray(result[list]))
        result[list] = result[list].filter((one: Json) => !value.includes(one));
      continue;
    }
    if (value === null) delete result[key];
    else result[key] = mergeStrategically(result[key], value, key);
  }
  for (const [key, order] of Object.entries(patch)) {
    const list = key[0] === '$' ? /^\$setElementOrder\/(.+)$/.exec(key)?.[1] : undefined;
    if (list && Array.isArray(order) && Array.isArray(result[list]))
      result[list] = reorder(result[list], order, list);
  }
  return result;
}

function mergeList(target: Json[], patch: Json[], field: string): Json[] {
  const objects = patch.every(isObject);
  if (!objects || patch.length === 0) {
    if (!mergedSets.has(field)) return patch;
    return [...target, ...patch.filter((one) => !target.includes(one))];
  }
  if (patch.some((one) => one['$patch'] === 'replace'))
    return patch.filter((one) => one['$patch'] !== 'replace');
  const key = keyOf(field, [...patch, ...target]);
  if (!key) return patch;
  const result = [...target];
  for (const one of patch) {
    if (one[key] === undefined)
      throw badRequest(`map: ${JSON.stringify(one)} does not contain declared merge key: ${key}`);
    const index = result.findIndex((other) => isObject(other) && other[key] === one[key]);
    if (one['$patch'] === 'delete') {
      if (index >= 0) result.splice(index, 1);
    } else if (index >= 0) result[index] = mergeStrategically(result[index], one, '');
    else result.push(mergeStrategically({}, one, ''));
  }
  return result;
}

function keyOf(field: string, elements: readonly Json[]): string | undefined {
  const keys = mergeKeys[field] ?? [];
  return keys.find((key) => elements.some((one) => isObject(one) && one[key] !== undefined)) ?? keys[0];
}

function reorder(list: Json[], order: readonly Json[], field: string): Json[] {
  const key = keyOf(field, order);
  const rank = (one: Json) => {
    const index = order.findIndex((other) => (key ? other?.[key] === one?.[key] : other === one));
    return index < 0 ? order.length : index;
  };
  return list
    .map((one, index) => ({ one, index }))
    .sort((a, b) => rank(a.one) - rank(b.one) || a.index - b.index)
    .map(({ one }) => one);
}

function without(object: Record<string, Json>, key: string): Record<string, Json> {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
}

function isObject(value: Json): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Deep equality of JSON; keys that are absent or undefined are the same. */
export function isEqual(a: Json, b: Json): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let index = 0; index < a.length; index++) if (!isEqual(a[index], b[index])) return false;
    return true;
  }
  if (Array.isArray(b)) return false;
  for (const key in a) if (!isEqual(a[key], b[key])) return false;
  for (const key in b) if (b[key] !== undefined && a[key] === undefined) return false;
  return true;
}

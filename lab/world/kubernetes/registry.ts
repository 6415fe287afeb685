/**
 * The API server's registry, for every read and write. Preconditions, conflicts, generations,
 * graceful deletion, finalizers, dry runs. Everything is synchronous; errors are StatusError.
 */

import type { DeleteOptions } from 'kubernetes-types/meta/v1.d.ts';
import type { Clock } from '../clock.ts';
import { copyOf } from '../copy.ts';
import { checkAdmission } from './admission.ts';
import type { User } from './authorize.ts';
import { problemsOf, setDefaults } from './defaults.ts';
import { createListing, type ListOptions, type ListResult } from './listing.ts';
import {
  type KindOf,
  type KubeObject,
  type ObjectInput,
  type ObjectMeta,
  type ResourceKey,
  timestamp,
} from './objects.ts';
import { isEqual, jsonPatch, mergePatch, strategicMergePatch } from './patch.ts';
import { type Resource, resourceOf } from './resources.ts';
import {
  alreadyExists,
  badRequest,
  conflict,
  failure,
  forbidden,
  invalid,
  MODIFIED,
  notFound,
  type StatusBody,
  success,
} from './status.ts';
import type { Store } from './store.ts';

export interface WriteOptions {
  readonly dryRun?: boolean;
  /**
   * The object was made for this write: it is stored itself, not a copy. Parts shared with stored objects have all
   * defaults already and are not changed any more.
   */
  readonly own?: boolean;
  /** Who writes it: admission policies are evaluated. Without it the lab itself writes. */
  readonly by?: User | undefined;
}

export type PatchType = 'json' | 'merge' | 'strategic';

export interface Registry {
  readonly store: Store;
  /** Throws 404. */
  get<K extends ResourceKey>(key: K, namespace: string | undefined, name: string): KindOf<K>;
  find<K extends ResourceKey>(key: K, namespace: string | undefined, name: string): KindOf<K> | undefined;
  list<K extends ResourceKey>(key: K, options?: ListOptions): ListResult<KindOf<K>>;
  create<K extends ResourceKey>(
    key: K,
    namespace: string | undefined,
    object: ObjectInput,
    options?: WriteOptions,
  ): KindOf<K>;
  /** A full update; without a resourceVersion it is unconditional. */
  update<K extends ResourceKey>(
    key: K,
    namespace: string | undefined,
    name: string,
    object: ObjectInput,
    options?: WriteOptions & { readonly status?: boolean },
  ): KindOf<K>;
  patch<K extends ResourceKey>(
    key: K,
    namespace: string | undefined,
    name: string,
    patch: unknown,
    options: WriteOptions & { readonly type: PatchType; readonly status?: boolean },
  ): KindOf<K>;
  /** A change by a controller: reads, lets `change` edit a copy of object and status, writes if anything is new. */
  modify<K extends ResourceKey>(
    key: K,
    namespace: string | undefined,
    name: string,
    change: (draft: KindOf<K>) => void,
  ): KindOf<K>;
  /**
   * As `modify`, for a change that replaces what it changes: object, metadata and spec of the draft are copies, and all
   * below is what is stored, and not to be changed.
   */
  amend<K extends ResourceKey>(
    key: K,
    namespace: string | undefined,
    name: string,
    change: (draft: KindOf<K>) => void,
  ): KindOf<K>;
  /**
   * A change of the status by a controller, which gives the draft a new one. All else of the draft is what is stored,
   * and not to be changed.
   */
  modifyStatus<K extends ResourceKey>(
    key: K,
    namespace: string | undefined,
    name: string,
    change: (draft: KindOf<K>) => void,
  ): KindOf<K>;
  /** The object while it is still there (deleted gracefully), or a Status. */
  delete(
    key: ResourceKey,
    namespace: string | undefined,
    name: string,
    options?: DeleteOptions,
  ): KubeObject | StatusBody;
  /** Every change from now on, at once: of all resources, or of those with the given keys. */
  subscribe: Store['subscribe'];
}

export function createRegistry(
  store: Store,
  context: { readonly clock: Clock; readonly uuid: () => string; readonly hex: (length: number) => string },
): Registry {
  const now = () => timestamp(context.clock.now());
  const listing = createListing(store);

  const existing = (resource: Resource, namespace: string | undefined, name: string): KubeObject => {
    const object = store.get(resource.key, namespace, name);
    if (!object) throw notFound(resource, name);
    return object as KubeObject;
  };

  const checkNamespace = (resource: Resource, namespace: string | undefined, name: string) => {
    if (!resource.namespaced) return;
    const home = store.get('namespaces', undefined, namespace ?? '');
    if (!home) throw notFound(resourceOf('namespaces'), namespace ?? '');
    if (home.metadata.deletionTimestamp) {
      throw forbidden(
        resource,
        name,
        `unable to create new content in namespace ${namespace} because it is being terminated`,
        [
          {
            reason: 'NamespaceTerminating',
            message: `namespace ${namespace} is being terminated`,
            field: 'metadata.namespace',
          },
        ],
      );
    }
  };

  const check = (resource: Resource, object: KubeObject, previous?: KubeObject) => {
    const problems = problemsOf(resource, object, previous);
    if (problems.length > 0) throw invalid(resource, object.metadata.name, problems);
  };

  /** The admission plugin Priority. */
  const setPriority = (pod: KubeObject) => {
    const name: unknown = pod.spec?.priorityClassName;
    if (!pod.spec) return;
    if (typeof name !== 'string' || name === '') {
      pod.spec.priority = 0;
      pod.spec.preemptionPolicy ??= 'PreemptLowerPriority';
      return;
    }
    const known = store.get('priorityclasses.scheduling.k8s.io', undefined, name);
    if (!known) {
      throw forbidden(resourceOf('pods'), pod.metadata.name, `no PriorityClass with name ${name} was found`);
    }
    pod.spec.priority = known.value;
    pod.spec.preemptionPolicy ??= 'PreemptLowerPriority';
  };

  /** Restores the fields that the server owns, and returns whether anything is left to write. */
  const write = (
    resource: Resource,
    previous: KubeObject,
    draft: KubeObject,
    options: WriteOptions,
  ): KubeObject => {
    draft.apiVersion = previous.apiVersion;
    draft.kind = previous.kind;
    const { generation } = previous.metadata;
    const { metadata } = draft;
    metadata.uid = previous.metadata.uid;
    metadata.creationTimestamp = previous.metadata.creationTimestamp;
    metadata.resourceVersion = previous.metadata.resourceVersion;
    keep(metadata, previous.metadata, 'deletionTimestamp');
    keep(metadata, previous.metadata, 'deletionGracePeriodSeconds');
    if (generation !== undefined)
      draft.metadata.generation = isEqual(draft.spec, previous.spec) ? generation : generation + 1;
    leaveOutEmpty(draft);
    setDefaults(resource, draft);
    // Identical references need no comparison.
    if (previous.spec && isEqual(draft.spec, previous.spec)) draft.spec = previous.spec;
    check(resource, draft, previous);
    if (options.dryRun) return draft;
    if (isEqual(draft, previous)) return previous;
    if (draft.metadata.deletionTimestamp && isReleased(resource, draft)) return store.remove(resource, draft);
    return store.put(resource, draft);
  };

  const edit = (
    key: string,
    namespace: string | undefined,
    name: string,
    draftOf: (object: KubeObject) => KubeObject,
    change: (draft: KubeObject) => void,
  ): KubeObject => {
    const resource = resourceOf(key);
    const previous = existing(resource, namespace, name);
    const draft = draftOf(previous);
    change(draft);
    return write(resource, previous, draft, {});
  };

  const replace = (
    resource: Resource,
    previous: KubeObject,
    object: ObjectInput,
    options: WriteOptions & { status?: boolean },
  ): KubeObject => {
    const { name } = previous.metadata;
    const metadata = object.metadata ?? {};
    if (metadata.name !== undefined && metadata.name !== name) {
      throw badRequest(
        `the name of the object (${metadata.name}) does not match the name on the URL (${name})`,
      );
    }
    if (
      metadata.namespace !== undefined &&
      metadata.namespace !== '' &&
      metadata.namespace !== previous.metadata.namespace
    )
      throw badRequest(
        'the namespace of the provided object does not match the namespace sent on the request',
      );
    checkKind(resource, object);
    if (metadata.uid && metadata.uid !== previous.metadata.uid) {
      throw conflict(
        resource,
        name,
        `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${previous.metadata.uid}`,
      );
    }
    if (metadata.resourceVersion && metadata.resourceVersion !== previous.metadata.resourceVersion)
      throw conflict(resource, name, MODIFIED);
    const draft = (options.own ? { ...object } : copyOf(object)) as KubeObject;
    draft.metadata = {
      ...(draft.metadata ?? {}),
      name,
      ...(previous.metadata.namespace ? { namespace: previous.metadata.namespace } : {}),
    };
    if (options.status) {
      for (const key of Object.keys(previous)) if (!(key in draft)) draft[key] = previous[key];
      draft.spec = previous.spec;
    } else if (resource.subresources.includes('status')) {
      if (previous.status === undefined) drop(draft, 'status');
      else draft.status = previous.status;
    }
    if (options.by)
      checkAdmission(store, {
        operation: 'UPDATE',
        resource,
        user: options.by,
        object: draft,
        oldObject: previous,
      });
    return write(resource, previous, draft, options);
  };

  const registry = {
    store,
    get: (key: string, namespace: string | undefined, name: string) =>
      existing(resourceOf(key), namespace, name),
    find: (key: string, namespace: string | undefined, name: string) => store.get(key, namespace, name),
    list: (key: string, options: ListOptions = {}) => listing(resourceOf(key), options),

    create(key: string, namespace: string | undefined, object: ObjectInput, options: WriteOptions = {}) {
      const resource = resourceOf(key);
      const given = object.metadata ?? {};
      if (resource.namespaced && given.namespace && namespace !== undefined && given.namespace !== namespace)
        throw badRequest(
          'the namespace of the provided object does not match the namespace sent on the request',
        );
      checkKind(resource, object);
      const home = resource.namespaced ? (namespace ?? given.namespace ?? 'default') : undefined;
      const name = given.name || (given.generateName ? `${given.generateName}${suffix(context.hex)}` : '');
      checkNamespace(resource, home, name);
      if (!name) {
        throw invalid(resource, '', [
          {
            field: 'metadata.name',
            message: 'Required value: name or generateName is required',
            reason: 'FieldValueRequired',
          },
        ]);
      }
      if (given.resourceVersion)
        throw failure(400, 'BadRequest', 'resourceVersion should not be set on objects to be created');
      const draft = (
        options.own ? object : { kind: '', apiVersion: '', metadata: {}, ...copyOf(object) }
      ) as KubeObject;
      draft.kind = resource.kind;
      draft.apiVersion = resource.apiVersion;
      const metadata: ObjectMeta & { managedFields?: unknown } = draft.metadata ?? {};
      draft.metadata = metadata;
      metadata.name = name;
      if (home === undefined) drop(metadata, 'namespace');
      else metadata.namespace = home;
      metadata.uid = context.uuid();
      metadata.resourceVersion = '';
      metadata.creationTimestamp = now();
      drop(metadata, 'deletionTimestamp');
      drop(metadata, 'deletionGracePeriodSeconds');
      drop(metadata, 'managedFields');
      if (resource.generation) metadata.generation = 1;
      else drop(metadata, 'generation');
      // A node is created with its status: the kubelet registers both at once.
      if (resource.key !== 'nodes' && resource.subresources.includes('status')) drop(draft, 'status');
      leaveOutEmpty(draft);
      setDefaults(resource, draft);
      if (resource.key === 'pods') setPriority(draft);
      check(resource, draft);
      if (options.by)
        checkAdmission(store, {
          operation: 'CREATE',
          resource,
          user: options.by,
          object: draft,
          oldObject: null,
        });
      if (store.get(resource.key, home, name)) throw alreadyExists(resource, name);
      return options.dryRun ? draft : store.put(resource, draft);
    },

    update(
      key: string,
      namespace: string | undefined,
      name: string,
      object: ObjectInput,
      options: WriteOptions & { status?: boolean } = {},
    ) {
      const resource = resourceOf(key);
      const previous = existing(resource, namespace, name);
      if (resource.kind.startsWith('ValidatingAdmissionPolicy') && !object.metadata?.resourceVersion)
        throw invalid(resource, name, [
          {
            field: 'metadata.resourceVersion',
            message: 'Invalid value: 0: must be specified for an update',
            reason: 'FieldValueInvalid',
          },
        ]);
      return replace(resource, previous, object, options);
    },

    patch(
      key: string,
      namespace: string | undefined,
      name: string,
      patch: unknown,
      options: WriteOptions & { type: PatchType; status?: boolean },
    ) {
      const resource = resourceOf(key);
      const previous = existing(resource, namespace, name);
      const apply = { json: jsonPatch, merge: mergePatch, strategic: strategicMergePatch }[options.type];
      checkPatch(patch, options.type);
      const patched = apply(previous, copyOf(patch)) as ObjectInput;
      const { uid } = patched.metadata ?? {};
      if (uid !== undefined && uid !== previous.metadata.uid)
        throw invalid(resource, name, [
          {
            field: 'metadata.uid',
            message: `Invalid value: ${JSON.stringify(uid)}: field is immutable`,
            reason: 'FieldValueInvalid',
          },
        ]);
      return replace(resource, previous, patched, { ...options, own: true });
    },

    modify(
      key: string,
      namespace: string | undefined,
      name: string,
      change: (draft: KubeObject) => void,
    ): KubeObject {
      return edit(key, namespace, name, copyOf, change);
    },

    amend(
      key: string,
      namespace: string | undefined,
      name: string,
      change: (draft: KubeObject) => void,
    ): KubeObject {
      return edit(key, namespace, name, withOwnParts, change);
    },

    modifyStatus(
      key: string,
      namespace: string | undefined,
      name: string,
      change: (draft: KubeObject) => void,
    ): KubeObject {
      const resource = resourceOf(key);
      const previous = existing(resource, namespace, name);
      const draft = { ...previous };
      change(draft);
      if (isEqual(draft.status, previous.status)) return previous;
      draft.metadata = { ...draft.metadata };
      return store.put(resource, draft);
    },

    delete(
      key: string,
      namespace: string | undefined,
      name: string,
      options: DeleteOptions = {},
    ): KubeObject | StatusBody {
      const resource = resourceOf(key);
      const previous = existing(resource, namespace, name);
      checkPreconditions(resource, previous, options);
      const dryRun = (options.dryRun ?? []).length > 0;
      const draft: KubeObject = { ...previous, metadata: { ...previous.metadata } };
      const grace = gracePeriod(resource, previous, options);
      const policy = options.propagationPolicy;
      if (policy === 'Foreground' || policy === 'Orphan') {
        const finalizer = policy === 'Foreground' ? 'foregroundDeletion' : 'orphan';
        draft.metadata.finalizers = [...new Set([...(draft.metadata.finalizers ?? []), finalizer])];
      }
      const before = draft.metadata.deletionGracePeriodSeconds;
      const terminating = draft.metadata.deletionTimestamp !== undefined;
      // A second deletion can only shorten the grace period of the first.
      if (!terminating || (resource.key === 'pods' && grace < (before ?? 0))) {
        if (!terminating && draft.metadata.generation !== undefined) draft.metadata.generation += 1;
        const from = terminating
          ? Date.parse(draft.metadata.deletionTimestamp ?? '') - (before ?? 0) * 1_000
          : 0;
        draft.metadata.deletionTimestamp = timestamp(
          (terminating ? Math.max(from, context.clock.now()) : context.clock.now()) + grace * 1_000,
        );
        if (resource.key === 'namespaces') draft.status = { ...draft.status, phase: 'Terminating' };
        else draft.metadata.deletionGracePeriodSeconds = grace;
      }
      const released = isReleased(resource, draft);
      if (!dryRun) {
        if (released) store.remove(resource, draft);
        else if (!isEqual(draft, previous)) store.put(resource, draft);
      }
      if (resource.key === 'pods' || resource.key === 'namespaces' || !released) {
        const after = dryRun || released ? draft : (store.get(resource.key, namespace, name) ?? draft);
        return after as KubeObject;
      }
      return success({
        name,
        ...(resource.group ? { group: resource.group } : {}),
        kind: resource.plural,
        uid: previous.metadata.uid,
      });
    },

    subscribe: store.subscribe,
  };
  return registry as unknown as Registry;
}

/** Seconds that a deleted object is kept: only pods have any, and only while a kubelet may still run them. */
function gracePeriod(resource: Resource, object: KubeObject, options: DeleteOptions): number {
  if (resource.key !== 'pods') return 0;
  const requested = options.gracePeriodSeconds ?? object.spec?.terminationGracePeriodSeconds ?? 30;
  if (!object.spec?.nodeName) return 0;
  if (object.status?.phase === 'Succeeded' || object.status?.phase === 'Failed') return 0;
  return requested < 0 ? 1 : requested;
}

/** Nothing blocks the deletion any more: no finalizer, no grace period, no content of a namespace. */
function isReleased(resource: Resource, object: KubeObject): boolean {
  if ((object.metadata.finalizers ?? []).length > 0) return false;
  if (resource.key === 'namespaces') return (object.spec?.finalizers ?? []).length === 0;
  return (object.metadata.deletionGracePeriodSeconds ?? 0) === 0;
}

function checkPreconditions(resource: Resource, object: KubeObject, options: DeleteOptions): void {
  const { uid, resourceVersion } = options.preconditions ?? {};
  // The server names the kind here, not the resource.
  const named = { group: resource.group, plural: resource.kind };
  const { metadata } = object;
  if (uid !== undefined && uid !== metadata.uid) {
    throw conflict(
      named,
      metadata.name,
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    throw conflict(
      named,
      metadata.name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    );
  }
}

function checkKind(resource: Resource, object: ObjectInput): void {
  const { group, version, kind } = resource;
  if (object.kind !== undefined && object.kind !== kind) {
    const internal = group.split('.')[0] || 'core';
    throw badRequest(
      `${object.kind} in version "${version}" cannot be handled as a ${kind}: converting (${version}.${object.kind}) to (${internal}.${kind}): unknown conversion`,
    );
  }
  if (object.apiVersion !== undefined && object.apiVersion !== resource.apiVersion)
    throw badRequest(
      `the API version in the data (${object.apiVersion}) does not match the expected API version (${resource.apiVersion})`,
    );
}

function checkPatch(patch: unknown, type: PatchType): void {
  const isList = Array.isArray(patch);
  if (patch === null || patch === undefined)
    throw badRequest(
      patch === null ? 'Invalid JSON Patch' : 'error decoding patch: unexpected end of JSON input',
    );
  if (type === 'json' ? isList : typeof patch === 'object' && !isList) return;
  const given = isList ? 'array' : typeof patch;
  const wanted = type === 'json' ? '[]handlers.jsonPatchOp' : 'map[string]interface {}';
  const why = `json: cannot unmarshal ${given} into Go value of type ${wanted}`;
  throw badRequest(type === 'strategic' ? why : `error decoding patch: ${why}`);
}

/** Removes empty fields, as Go's `omitempty` does. */
function leaveOutEmpty(draft: KubeObject): void {
  const { metadata, spec } = draft;
  for (const key of emptiable)
    if (metadata[key] !== undefined && isEmpty(metadata[key])) delete metadata[key];
  if (Array.isArray(spec?.taints) && spec.taints.length === 0) delete spec.taints;
}

const emptiable = ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const;

function isEmpty(value: object): boolean {
  for (const _ in value) return false;
  return true;
}

function keep<T extends object, K extends keyof T>(target: T, source: T, key: K): void {
  if (source[key] === undefined) drop(target, key);
  else target[key] = source[key];
}

/** Copies of the object, its metadata and its spec; all below is shared. */
function withOwnParts(object: KubeObject): KubeObject {
  const draft: KubeObject = { ...object, metadata: { ...object.metadata } };
  if (object.spec) draft.spec = { ...object.spec };
  return draft;
}

/** Only existing keys are deleted: `delete` slows an object down. */
function drop<T extends object>(target: T, key: keyof T): void {
  if (key in target) delete target[key];
}

/** Five characters without vowels, as in generated names. */
export function suffix(hex: (length: number) => string, length = 5): string {
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
  let text = '';
  while (text.length < length) text += alphabet[Number.parseInt(hex(4), 16) % alphabet.length];
  return text;
}

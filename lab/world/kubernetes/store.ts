/**
 * etcd and the watch cache of the API server: the objects, one version counter for all of them, the
 * recent changes for watches, and snapshots for paged lists. It does not validate the objects.
 */
import type { Clock } from '../clock.ts';
import type { KindOf, KubeObject, PodObject, ResourceKey } from './objects.ts';
import { type Resource, resourceOf } from './resources.ts';
import { expired } from './status.ts';

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly resource: Resource;
  /** After the change; a deleted object with the version of its deletion. */
  readonly object: KubeObject;
  readonly previous?: KubeObject | undefined;
  readonly version: number;
}

export type Listener = (change: Change) => void;

export interface Store {
  get<K extends ResourceKey>(key: K, namespace: string | undefined, name: string): KindOf<K> | undefined;
  /** All of a resource, ordered by namespace and name as etcd orders them. Not to be changed. */
  all<K extends ResourceKey>(key: K): readonly KindOf<K>[];
  podsOn(nodeName: string): readonly PodObject[];
  /**
   * Stores the object with a new version in its metadata. From then on both belong to the store: nothing
   * may change them any more.
   */
  put(resource: Resource, object: KubeObject): KubeObject;
  remove(resource: Resource, object: KubeObject): KubeObject;
  version(): number;
  /** Every change from now on, at once: of all resources, or of those with the given keys. */
  subscribe(listener: Listener, keys?: readonly ResourceKey[]): () => void;
  /** Changes of one resource after `version`; throws 410 when they are no longer known. */
  since(resource: Resource, version: number): readonly Change[];
  /** Keeps a snapshot of a resource for the later pages of a list. */
  snapshot(resource: Resource): { readonly version: number; readonly objects: readonly KubeObject[] };
  /** The state as of `version`, or undefined when it was compacted. */
  at(resource: Resource, version: number): readonly KubeObject[] | undefined;
  /** Compacts the history, as etcd does every five minutes. */
  compact(): void;
}

/** `--etcd-compaction-interval`. */
const COMPACTION_MS = 5 * 60_000;
/** Number of changes of one resource kept for watches. */
const HISTORY = 4_096;
/** Changes are only dropped when this many more have accumulated. */
const SLACK = 1_024;

interface Table {
  readonly key: string;
  /** By namespace, then by name. */
  readonly objects: Map<string, Map<string, KubeObject>>;
  /** Sorted list, built on first use. */
  sorted: KubeObject[] | undefined;
  /** Copy returned to readers since the last write. */
  lent: readonly KubeObject[] | undefined;
  /** Cached listeners; undefined after a subscription has changed. */
  listeners: readonly Listener[] | undefined;
  history: Change[];
  /** Watches can start at this version or later. */
  oldest: number;
  snapshots: Map<number, { objects: readonly KubeObject[]; at: number }>;
}

export function createStore(clock: Clock): Store {
  let version = 1_000;
  const tables = new Map<string, Table>();
  /** By the name of the node, then by uid. */
  const podsByNode = new Map<string, Map<string, PodObject>>();
  let subscriptions: readonly {
    readonly listener: Listener;
    readonly keys?: readonly string[] | undefined;
  }[] = [];

  const table = (key: string): Table => {
    const existing = tables.get(key);
    if (existing) return existing;
    resourceOf(key);
    const made: Table = {
      key,
      objects: new Map(),
      sorted: undefined,
      lent: undefined,
      listeners: undefined,
      history: [],
      oldest: 0,
      snapshots: new Map(),
    };
    tables.set(key, made);
    return made;
  };

  const ordered = (one: Table): readonly KubeObject[] => {
    one.sorted ??= [...one.objects.values()].flatMap((home) => [...home.values()]).sort(inOrder);
    one.lent ??= one.sorted.slice();
    return one.lent;
  };

  const find = (one: Table, { metadata }: KubeObject) =>
    one.objects.get(metadata.namespace ?? '')?.get(metadata.name);

  const keep = (one: Table, object: KubeObject, isNew: boolean) => {
    const namespace = object.metadata.namespace ?? '';
    const home = one.objects.get(namespace) ?? new Map<string, KubeObject>();
    if (home.size === 0) one.objects.set(namespace, home);
    home.set(object.metadata.name, object);
    one.sorted?.splice(positionOf(one.sorted, object), isNew ? 0 : 1, object);
  };

  const forget = (one: Table, object: KubeObject) => {
    const wasThere = one.objects.get(object.metadata.namespace ?? '')?.delete(object.metadata.name);
    if (wasThere) one.sorted?.splice(positionOf(one.sorted, object), 1);
  };

  const index = (previous: KubeObject | undefined, next: KubeObject | undefined) => {
    const from = previous?.spec?.nodeName as string | undefined;
    const to = next?.spec?.nodeName as string | undefined;
    if (previous && from && (from !== to || !next)) podsByNode.get(from)?.delete(previous.metadata.uid);
    if (next && to) {
      const pods = podsByNode.get(to) ?? new Map<string, PodObject>();
      if (pods.size === 0) podsByNode.set(to, pods);
      pods.set(next.metadata.uid, next as PodObject);
    }
  };

  const record = (one: Table, change: Change) => {
    one.lent = undefined;
    one.history.push(change);
    if (one.history.length > HISTORY + SLACK) {
      const dropped = one.history.splice(0, SLACK);
      one.oldest = dropped.at(-1)?.version ?? one.oldest;
    }
    one.listeners ??= subscriptions
      .filter(({ keys }) => keys?.includes(one.key) ?? true)
      .map(({ listener }) => listener);
    for (const listener of one.listeners) listener(change);
  };

  const dropOldSnapshots = (one: Table) => {
    for (const [at, snapshot] of one.snapshots)
      if (clock.now() - snapshot.at > COMPACTION_MS) one.snapshots.delete(at);
  };

  return {
    get: ((key: string, namespace: string | undefined, name: string) =>
      table(key)
        .objects.get(namespace ?? '')
        ?.get(name)) as Store['get'],
    all: ((key: string) => ordered(table(key))) as Store['all'],
    podsOn: (nodeName) => [...(podsByNode.get(nodeName)?.values() ?? [])],
    put(resource, object) {
      const one = table(resource.key);
      const previous = find(one, object);
      version += 1;
      object.metadata.resourceVersion = String(version);
      keep(one, object, previous === undefined);
      if (resource.key === 'pods') index(previous, object);
      record(one, { type: previous ? 'MODIFIED' : 'ADDED', resource, object, previous, version });
      return object;
    },
    remove(resource, object) {
      const one = table(resource.key);
      const previous = find(one, object) ?? object;
      version += 1;
      forget(one, object);
      const removed = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
      if (resource.key === 'pods') index(previous, undefined);
      record(one, { type: 'DELETED', resource, object: removed, previous, version });
      return removed;
    },
    version: () => version,
    subscribe(listener, keys) {
      const subscription = { listener, keys };
      subscriptions = [...subscriptions, subscription];
      for (const one of tables.values()) one.listeners = undefined;
      return () => {
        subscriptions = subscriptions.filter((other) => other !== subscription);
        for (const one of tables.values()) one.listeners = undefined;
      };
    },
    since(resource, from) {
      const one = table(resource.key);
      if (from < one.oldest) throw expired(`too old resource version: ${from} (${one.oldest})`);
      let low = 0;
      let high = one.history.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((one.history[middle]?.version ?? 0) <= from) low = middle + 1;
        else high = middle;
      }
      return one.history.slice(low);
    },
    snapshot(resource) {
      const one = table(resource.key);
      dropOldSnapshots(one);
      const objects = ordered(one);
      one.snapshots.set(version, { objects, at: clock.now() });
      return { version, objects };
    },
    at(resource, wanted) {
      const one = table(resource.key);
      dropOldSnapshots(one);
      return one.snapshots.get(wanted)?.objects;
    },
    compact() {
      for (const one of tables.values()) {
        one.history = [];
        one.oldest = version;
        one.snapshots.clear();
      }
    },
  };
}

/** As etcd orders the keys: `namespace/name`, by code units. */
function inOrder({ metadata: a }: KubeObject, { metadata: b }: KubeObject): number {
  const isBefore =
    a.namespace === b.namespace ? a.name < b.name : `${a.namespace ?? ''}/` < `${b.namespace ?? ''}/`;
  if (isBefore) return -1;
  return a.namespace === b.namespace && a.name === b.name ? 0 : 1;
}

/** Where the object is, or belongs. */
function positionOf(sorted: readonly KubeObject[], object: KubeObject): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (inOrder(sorted[middle] as KubeObject, object) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

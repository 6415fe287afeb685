/**
 * What etcd and the watch cache are to a real API server: the objects, one counter of versions over all of them, the
 * recent past for watches, and snapshots for lists that are read in pages. It knows no rules about the objects.
 */
import type { Clock } from '../clock.ts';
import type { KindOf, KubeObject, PodObject, ResourceKey } from './objects.ts';
import { type Resource, resourceOf } from './resources.ts';
import { expired } from './status.ts';

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly resource: Resource;
  /** After the change; what was deleted, with the version of its deletion. */
  readonly object: KubeObject;
  readonly previous?: KubeObject;
  readonly version: number;
}

export interface Store {
  get<K extends ResourceKey>(key: K, namespace: string | undefined, name: string): KindOf<K> | undefined;
  /** All of a resource, ordered by namespace and name as etcd orders them. Not to be changed. */
  all<K extends ResourceKey>(key: K): readonly KindOf<K>[];
  podsOn(nodeName: string): readonly PodObject[];
  /** Writes the object under a new version. It is the store's from then on: nobody may change it any more. */
  put(resource: Resource, object: KubeObject): KubeObject;
  remove(resource: Resource, object: KubeObject): KubeObject;
  version(): number;
  /** Every change from now on, at once. */
  subscribe(listener: (change: Change) => void): () => void;
  /** Changes of one resource after `version`; throws 410 when they are no longer known. */
  since(resource: Resource, version: number): readonly Change[];
  /** Remembers the present state of a resource for the later pages of a list. */
  snapshot(resource: Resource): { readonly version: number; readonly objects: readonly KubeObject[] };
  /** The state as of `version`, or undefined when it was compacted. */
  at(resource: Resource, version: number): readonly KubeObject[] | undefined;
  /** Forgets the past, as etcd does every five minutes. */
  compact(): void;
}

/** `--etcd-compaction-interval`. */
const COMPACTION_MS = 5 * 60_000;
/** As many changes of one resource are kept for watches. */
const HISTORY = 4_096;
/** Changes are first thrown away when so many more have come together. */
const SLACK = 1_024;

interface Table {
  objects: Map<string, KubeObject>;
  /** The keys in order; undefined after one came or went. */
  keys: string[] | undefined;
  /** The objects in that order; undefined after a write. */
  ordered: readonly KubeObject[] | undefined;
  history: Change[];
  /** Watches can start at this version or later. */
  oldest: number;
  snapshots: Map<number, { objects: readonly KubeObject[]; at: number }>;
}

export function createStore(clock: Clock): Store {
  let version = 1_000;
  const tables = new Map<string, Table>();
  const podsByNode = new Map<string, Map<string, PodObject>>();
  const listeners = new Set<(change: Change) => void>();

  const table = (key: string): Table => {
    const existing = tables.get(key);
    if (existing) return existing;
    resourceOf(key);
    const made: Table = {
      objects: new Map(),
      keys: undefined,
      ordered: undefined,
      history: [],
      oldest: 0,
      snapshots: new Map(),
    };
    tables.set(key, made);
    return made;
  };

  const ordered = (one: Table): readonly KubeObject[] => {
    one.keys ??= [...one.objects.keys()].sort();
    one.ordered ??= one.keys.map((key) => one.objects.get(key) as KubeObject);
    return one.ordered;
  };

  const index = (previous: KubeObject | undefined, next: KubeObject | undefined) => {
    const from = previous?.spec?.nodeName as string | undefined;
    const to = next?.spec?.nodeName as string | undefined;
    if (previous && from && (from !== to || !next)) podsByNode.get(from)?.delete(keyOf(previous));
    if (next && to) {
      const pods = podsByNode.get(to) ?? new Map<string, PodObject>();
      podsByNode.set(to, pods);
      pods.set(keyOf(next), next as PodObject);
    }
  };

  const record = (one: Table, change: Change) => {
    one.ordered = undefined;
    if (change.type !== 'MODIFIED') one.keys = undefined;
    one.history.push(change);
    if (one.history.length > HISTORY + SLACK) {
      const dropped = one.history.splice(0, SLACK);
      one.oldest = dropped.at(-1)?.version ?? one.oldest;
    }
    for (const listener of [...listeners]) listener(change);
  };

  const dropOldSnapshots = (one: Table) => {
    for (const [at, snapshot] of one.snapshots)
      if (clock.now() - snapshot.at > COMPACTION_MS) one.snapshots.delete(at);
  };

  return {
    get: ((key: string, namespace: string | undefined, name: string) =>
      table(key).objects.get(`${namespace ?? ''}/${name}`)) as Store['get'],
    all: ((key: string) => ordered(table(key))) as Store['all'],
    podsOn: (nodeName) => [...(podsByNode.get(nodeName)?.values() ?? [])],
    put(resource, object) {
      const one = table(resource.key);
      const previous = one.objects.get(keyOf(object));
      version += 1;
      const stored = object;
      stored.metadata = { ...object.metadata, resourceVersion: String(version) };
      one.objects.set(keyOf(stored), stored);
      if (resource.key === 'pods') index(previous, stored);
      record(one, {
        type: previous ? 'MODIFIED' : 'ADDED',
        resource,
        object: stored,
        ...(previous ? { previous } : {}),
        version,
      });
      return stored;
    },
    remove(resource, object) {
      const one = table(resource.key);
      const previous = one.objects.get(keyOf(object)) ?? object;
      version += 1;
      one.objects.delete(keyOf(object));
      const removed = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
      if (resource.key === 'pods') index(previous, undefined);
      record(one, { type: 'DELETED', resource, object: removed, previous, version });
      return removed;
    },
    version: () => version,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
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

function keyOf(object: KubeObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

/** Deletes what belonged to an object that is gone, empties namespaces, and lets old events go. */
import type { KubeObject } from '../objects.ts';
import { type Resource, resourceOf, resources } from '../resources.ts';
import { isStatus } from '../status.ts';
import { type ControllerContext, createQueue, keyOf, splitKey } from './controller.ts';

/** `--event-ttl`. */
const EVENT_TTL_MS = 60 * 60_000;

export function createGarbageCollector(context: ControllerContext): void {
  const { registry, clock } = context;
  const { store } = registry;
  /** Dependents by the uid of an owner, as `resource key|namespace/name`. */
  const dependents = new Map<string, Set<string>>();
  const events: { at: number; key: string }[] = [];

  const resolve = (entry: string): { resource: Resource; object: KubeObject } | undefined => {
    const bar = entry.indexOf('|');
    const resource = resourceOf(entry.slice(0, bar));
    const object = store.get(resource.key, ...splitKey(entry.slice(bar + 1)));
    return object ? { resource, object: object as KubeObject } : undefined;
  };

  const remove = (resource: Resource, object: KubeObject, propagationPolicy = 'Background') => {
    if (object.metadata.deletionTimestamp) return;
    try {
      registry.delete(resource.key, object.metadata.namespace, object.metadata.name, {
        propagationPolicy,
        preconditions: { uid: object.metadata.uid },
      });
    } catch (error) {
      if (!isStatus(error, 404) && !isStatus(error, 409)) throw error;
    }
  };

  const orphaned = createQueue(context, 30, (uid) => {
    for (const entry of [...(dependents.get(uid) ?? [])]) {
      const found = resolve(entry);
      if (!found) continue;
      const others = (found.object.metadata.ownerReferences ?? []).filter((owner) => owner.uid !== uid);
      if (others.length > 0) dropOwner(found.resource, found.object, uid);
      else remove(found.resource, found.object);
    }
    dependents.delete(uid);
  });

  const dropOwner = (resource: Resource, object: KubeObject, uid: string) =>
    registry.modify(resource.key, object.metadata.namespace, object.metadata.name, (draft) => {
      const left = (draft.metadata.ownerReferences ?? []).filter((owner) => owner.uid !== uid);
      if (left.length > 0) draft.metadata.ownerReferences = left;
      else delete draft.metadata.ownerReferences;
    });

  /** Objects that wait for their dependents (`foregroundDeletion`), or for these to be let go (`orphan`). */
  const finalizing = createQueue(context, 30, (entry) => {
    const found = resolve(entry);
    if (!found) return;
    const { resource, object } = found;
    const { uid, finalizers = [] } = object.metadata;
    const mine = [...(dependents.get(uid) ?? [])].flatMap((one) => resolve(one) ?? []);
    if (finalizers.includes('orphan')) {
      for (const one of mine) dropOwner(one.resource, one.object, uid);
      dependents.delete(uid);
      dropFinalizer(resource, object, 'orphan');
    } else if (finalizers.includes('foregroundDeletion')) {
      if (mine.length === 0) dropFinalizer(resource, object, 'foregroundDeletion');
      else for (const one of mine) remove(one.resource, one.object, 'Foreground');
    }
  });

  const dropFinalizer = (resource: Resource, object: KubeObject, name: string) => {
    registry.modify(resource.key, object.metadata.namespace, object.metadata.name, (draft) => {
      draft.metadata.finalizers = (draft.metadata.finalizers ?? []).filter((one) => one !== name);
    });
  };

  const emptying = createQueue(context, 200, (name) => {
    const namespace = registry.find('namespaces', undefined, name);
    if (!namespace?.metadata.deletionTimestamp) return;
    let left = 0;
    for (const resource of resources.filter((one) => one.namespaced)) {
      for (const object of store.all(resource.key)) {
        if (object.metadata.namespace !== name) continue;
        left += 1;
        remove(resource, object as KubeObject);
      }
    }
    if (left > 0) {
      emptying.add(name, 1_000);
      return;
    }
    registry.modify('namespaces', undefined, name, (draft) => {
      draft.spec = { ...draft.spec, finalizers: [] };
    });
  });

  const expireEvents = () => {
    while (events[0] && clock.now() - events[0].at > EVENT_TTL_MS) {
      const key = events.shift()?.key ?? '';
      const event = store.get('events', ...splitKey(key));
      if (!event) continue;
      const last = Date.parse(event.lastTimestamp ?? event.metadata.creationTimestamp);
      if (clock.now() - last > EVENT_TTL_MS) store.remove(resourceOf('events'), event as KubeObject);
      else events.push({ at: last, key });
    }
  };

  registry.subscribe(({ resource, object, type, previous }) => {
    if (resource.key === 'events') {
      if (type === 'ADDED') {
        events.push({ at: clock.now(), key: keyOf(object) });
        expireEvents();
      }
      return;
    }
    const entry = `${resource.key}|${keyOf(object)}`;
    for (const { uid } of previous?.metadata.ownerReferences ?? []) dependents.get(uid)?.delete(entry);
    if (type !== 'DELETED') {
      for (const { uid } of object.metadata.ownerReferences ?? []) {
        const set = dependents.get(uid) ?? new Set<string>();
        dependents.set(uid, set);
        set.add(entry);
      }
    }
    if (type === 'DELETED') {
      if (dependents.has(object.metadata.uid)) orphaned.add(object.metadata.uid);
      for (const owner of previous?.metadata.ownerReferences ?? []) {
        const above = resources.find((one) => one.kind === owner.kind);
        if (above)
          finalizing.add(
            `${above.key}|${above.namespaced ? keyOf({ metadata: { ...object.metadata, name: owner.name } }) : `/${owner.name}`}`,
          );
      }
    } else if (object.metadata.deletionTimestamp) {
      if (object.metadata.finalizers?.some((one) => one === 'orphan' || one === 'foregroundDeletion'))
        finalizing.add(entry);
      if (resource.key === 'namespaces') emptying.add(object.metadata.name);
    }
  });
}

/** Deletes dependents of deleted objects, the content of deleted namespaces, and old events. */
import type { KubeObject } from '../objects.ts';
import { type Resource, resourceOf, resources } from '../resources.ts';
import { isStatus } from '../status.ts';
import { type ControllerContext, createQueue, keyOf, splitKey } from './controller.ts';

/** `--event-ttl`. */
const EVENT_TTL_MS = 60 * 60_000;

interface Dependent {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string;
}

export function createGarbageCollector(context: ControllerContext): void {
  const { registry, clock } = context;
  const { store } = registry;
  /** By the uid of an owner, then by their own. */
  const dependents = new Map<string, Map<string, Dependent>>();
  const events: { at: number; event: KubeObject }[] = [];

  const resolve = (one: Dependent): { resource: Resource; object: KubeObject } | undefined => {
    const object = store.get(one.resource.key, one.namespace, one.name);
    return object ? { resource: one.resource, object: object as KubeObject } : undefined;
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
    for (const entry of [...(dependents.get(uid)?.values() ?? [])]) {
      const found = resolve(entry);
      if (!found) continue;
      const others = (found.object.metadata.ownerReferences ?? []).filter((owner) => owner.uid !== uid);
      if (others.length > 0) dropOwner(found.resource, found.object, uid);
      else remove(found.resource, found.object);
    }
    dependents.delete(uid);
  });

  const dropOwner = (resource: Resource, object: KubeObject, uid: string) =>
    registry.amend(resource.key, object.metadata.namespace, object.metadata.name, (draft) => {
      const left = (draft.metadata.ownerReferences ?? []).filter((owner) => owner.uid !== uid);
      if (left.length > 0) draft.metadata.ownerReferences = left;
      else delete draft.metadata.ownerReferences;
    });

  /** Objects that wait for their dependents (`foregroundDeletion`), or for these to be let go (`orphan`). */
  const finalizing = createQueue(context, 30, (key) => {
    const bar = key.indexOf('|');
    const [namespace, name] = splitKey(key.slice(bar + 1));
    const found = resolve({ resource: resourceOf(key.slice(0, bar)), namespace, name });
    if (!found) return;
    const { resource, object } = found;
    const { uid, finalizers = [] } = object.metadata;
    const mine = [...(dependents.get(uid)?.values() ?? [])].flatMap((one) => resolve(one) ?? []);
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
    registry.amend(resource.key, object.metadata.namespace, object.metadata.name, (draft) => {
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
    registry.amend('namespaces', undefined, name, (draft) => {
      draft.spec = { ...draft.spec, finalizers: [] };
    });
  });

  const expireEvents = () => {
    while (events[0] && clock.now() - events[0].at > EVENT_TTL_MS) {
      const { namespace, name } = events.shift()?.event.metadata ?? { name: '' };
      const event = store.get('events', namespace, name);
      if (!event) continue;
      const last = Date.parse(event.lastTimestamp ?? event.metadata.creationTimestamp);
      if (clock.now() - last > EVENT_TTL_MS) store.remove(resourceOf('events'), event as KubeObject);
      else events.push({ at: last, event: event as KubeObject });
    }
  };

  registry.subscribe(({ resource, object, type, previous }) => {
    if (resource.key === 'events') {
      if (type === 'ADDED') {
        events.push({ at: clock.now(), event: object });
        expireEvents();
      }
      return;
    }
    const { uid, namespace, name, ownerReferences = [] } = object.metadata;
    const before = previous?.metadata.ownerReferences ?? [];
    if (type === 'DELETED' || object.metadata.ownerReferences !== previous?.metadata.ownerReferences) {
      for (const owner of before) dependents.get(owner.uid)?.delete(uid);
      if (type !== 'DELETED')
        for (const owner of ownerReferences) {
          const its = dependents.get(owner.uid) ?? new Map<string, Dependent>();
          if (its.size === 0) dependents.set(owner.uid, its);
          its.set(uid, { resource, namespace, name });
        }
    }
    if (type === 'DELETED') {
      if (dependents.has(uid)) orphaned.add(uid);
      for (const owner of before) {
        const above = resources.find((one) => one.kind === owner.kind);
        if (above)
          finalizing.add(
            `${above.key}|${above.namespaced ? keyOf({ metadata: { ...object.metadata, name: owner.name } }) : `/${owner.name}`}`,
          );
      }
    } else if (object.metadata.deletionTimestamp) {
      if (object.metadata.finalizers?.some((one) => one === 'orphan' || one === 'foregroundDeletion'))
        finalizing.add(`${resource.key}|${keyOf(object)}`);
      if (resource.key === 'namespaces') emptying.add(name);
    }
  });
}

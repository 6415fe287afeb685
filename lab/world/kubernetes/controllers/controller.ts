/** Base of the controllers: a work queue in virtual time, and their view of the cluster. */
import type { WorldContext } from '../../interfaces.ts';
import { type KubeObject, microTimestamp, type ObjectInput, timestamp } from '../objects.ts';
import type { Registry } from '../registry.ts';
import { isStatus } from '../status.ts';

export interface ControllerContext extends WorldContext {
  readonly registry: Registry;
  readonly recordEvent: EventRecorder;
}

export interface Queue {
  /** Works on `key` after the queue's latency, or after `ms`. A queued key is moved forward, never back. */
  add(key: string, ms?: number): void;
}

/**
 * One timer for each queued key, so an idle cluster costs nothing. `latency` is
 * what a real controller needs to see the change and to act.
 */
export function createQueue(context: WorldContext, latency: number, reconcile: (key: string) => void): Queue {
  const due = new Map<string, number>();
  return {
    add(key, ms = latency) {
      const at = context.clock.now() + ms;
      const waiting = due.get(key);
      if (waiting !== undefined && waiting <= at) return;
      due.set(key, at);
      context.clock.at(at, () => {
        // Moved forward meanwhile: the earlier timer did the work.
        if (due.get(key) !== at) return;
        due.delete(key);
        reconcile(key);
      });
    },
  };
}

export function keyOf(object: { metadata: { namespace?: string; name: string } }): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

export function splitKey(key: string): [namespace: string | undefined, name: string] {
  const slash = key.indexOf('/');
  return [key.slice(0, slash) || undefined, key.slice(slash + 1)];
}

export type EventRecorder = (
  source: string,
  about: KubeObject,
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
) => void;

/** client-go's spam filter: after this many events about one object, one passes every five minutes. */
const SPAM = { burst: 25, everyMs: 5 * 60_000 };
/** How many events are remembered to detect repeated ones. */
const KNOWN = 20_000;

/** Writes core/v1 Events; a repeated event increments its count, as in client-go's correlator. */
export function createEventRecorder(context: WorldContext, registry: Registry): EventRecorder {
  /** Event names by the uid of the object, then by content. */
  const known = new Map<string, Map<string, string>>();
  let count = 0;
  const remember = (uid: string, content: string, event: string) => {
    if (count >= KNOWN) {
      known.clear();
      count = 0;
    }
    const about = known.get(uid) ?? new Map<string, string>();
    if (about.size === 0) known.set(uid, about);
    about.set(content, event);
    count += 1;
  };
  return (source, about, type, reason, message) => {
    const { namespace = 'default', name, uid, resourceVersion } = about.metadata;
    const content = `${source}\n${type}\n${reason}\n${message}`;
    const now = timestamp(context.clock.now());
    const before = known.get(uid)?.get(content);
    const earlier = before === undefined ? undefined : registry.find('events', namespace, before);
    if (earlier) {
      const last = Date.parse(earlier.lastTimestamp ?? '');
      if ((earlier.count ?? 1) >= SPAM.burst && context.clock.now() - last < SPAM.everyMs) return;
      registry.amend('events', namespace, earlier.metadata.name, (draft) => {
        draft.count = (draft.count ?? 1) + 1;
        draft.lastTimestamp = now;
      });
      return;
    }
    const subject = about.kind === 'Node' ? name : uid;
    const event: ObjectInput = {
      kind: 'Event',
      apiVersion: 'v1',
      metadata: {
        name: `${name}.${Math.floor(context.clock.now()).toString(16)}${context.hex(6)}`,
        namespace,
        uid: '',
        resourceVersion: '',
        creationTimestamp: now,
      },
      involvedObject: about.metadata.namespace
        ? { apiVersion: about.apiVersion, kind: about.kind, name, namespace, uid, resourceVersion }
        : { apiVersion: about.apiVersion, kind: about.kind, name, uid: subject, resourceVersion },
      type,
      reason,
      message,
      count: 1,
      firstTimestamp: now,
      lastTimestamp: now,
      eventTime: microTimestamp(context.clock.now()),
      source: { component: source },
      reportingComponent: source,
      reportingInstance: '',
    };
    try {
      remember(uid, content, registry.create('events', namespace, event, { own: true }).metadata.name);
    } catch (error) {
      // The namespace is being deleted with its events.
      if (!isStatus(error, 403) && !isStatus(error, 404)) throw error;
    }
  };
}

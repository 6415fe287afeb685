/** What the parts of the AWS model share: the records, the account's event bus, and the news that something changed. */
import type { WorldContext } from '../interfaces.ts';
import type { AwsError } from './error.ts';
import type { AutoScalingGroup, EksCluster, Instance, Scope } from './model.ts';

export interface State {
  readonly context: WorldContext;
  readonly clusters: EksCluster[];
  /** By `keyOf(scope, name)`. */
  readonly groups: Map<string, AutoScalingGroup>;
  /** By id. A terminated instance stays visible for an hour. */
  readonly instances: Map<string, Instance>;
  now(): number;
  /** A number in [low, high): durations vary, but the same seed gives the same ones. */
  between(low: number, high: number): number;
  /** Notifies the `onChange` listeners. */
  changed(): void;
  onChange(listener: () => void): () => void;
  /** Emits an event on the account's default bus; it is only built if there is a listener. */
  emit(scope: Scope, inWords: () => BusEvent): void;
}

export interface BusEvent {
  readonly source: string;
  readonly detailType: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
  /** Virtual ms; default now. */
  readonly time?: number;
}

export function createState(context: WorldContext): State {
  const listeners = new Set<() => void>();
  return {
    context,
    clusters: [],
    groups: new Map(),
    instances: new Map(),
    now: () => context.clock.now(),
    between: (low, high) => Math.round(low + context.random() * (high - low)),
    changed() {
      for (const listener of listeners) listener();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    emit(scope, inWords) {
      // Drawn in any case: random values must not depend on the listeners.
      const id = context.uuid();
      if (!context.signals.isHeard('event')) return;
      const event = inWords();
      context.signals.emit('event', {
        version: '0',
        id,
        'detail-type': event.detailType,
        source: event.source,
        account: scope.account,
        time: isoSeconds(event.time ?? context.clock.now()),
        region: scope.region,
        resources: event.resources,
        detail: event.detail,
      });
    },
  };
}

export function keyOf(scope: Scope, name: string): string {
  return `${scope.account}/${scope.region}/${name}`;
}

let lastSecond = { second: Number.NaN, text: '' };

/** `2026-11-22T10:00:00Z`: EventBridge and the texts of scaling activities carry no milliseconds. */
export function isoSeconds(ms: number): string {
  const second = Math.floor(ms / 1_000);
  if (second !== lastSecond.second)
    lastSecond = { second, text: `${new Date(ms).toISOString().slice(0, 19)}Z` };
  return lastSecond.text;
}

/** One page of a list. The token is opaque to callers and refused when it was not given out by this list. */
export function page<T>(
  items: readonly T[],
  limit: number,
  token: string | undefined,
  refuse: () => AwsError,
): { readonly items: readonly T[]; readonly nextToken?: string } {
  let start = 0;
  if (token !== undefined) {
    const decoded = /^page:(\d+)$/.exec(Buffer.from(token, 'base64').toString('utf8'))?.[1];
    if (decoded === undefined) throw refuse();
    start = Number(decoded);
  }
  const end = start + limit;
  return {
    items: items.slice(start, end),
    ...(end < items.length ? { nextToken: Buffer.from(`page:${end}`).toString('base64') } : {}),
  };
}

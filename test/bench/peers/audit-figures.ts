/** What the audit log of kube-apiserver says about nodes that were to be emptied. Pure. */
import type { AuditEntry } from '#test/conformance/servers/control-plane.ts';

export interface Emptying {
  /** ms since the epoch: the notice, or the start of the program. */
  readonly from: number;
  readonly nodes: readonly string[];
  readonly namespace: string;
  /** How many pods were there. */
  readonly pods: number;
  /** Of whoever empties the nodes. */
  readonly isBy: (user: string) => boolean;
}

/** Times in ms from the beginning; absent where it did not come to that with every node or pod. */
export interface EmptyingFigures {
  readonly cordonedInTime: number;
  readonly cordoned: number;
  readonly lastCordonMs?: number;
  /** Pods whose eviction or deletion was requested. */
  readonly asked: number;
  readonly allAskedMs?: number;
  readonly gone: number;
  readonly allGoneMs?: number;
  readonly requests: number;
}

const IN_TIME_MS = 5_000;

export function figuresOf(entries: readonly AuditEntry[], emptying: Emptying): EmptyingFigures {
  const { from, namespace, pods } = emptying;
  const nodes = new Set(emptying.nodes);
  const cordoned = new Map<string, number>();
  const asked = new Map<string, number>();
  const gone = new Map<string, number>();
  let requests = 0;
  for (const entry of entries) {
    if (entry.receivedAt < from) continue;
    const isOwn = emptying.isBy(entry.user);
    if (isOwn) requests++;
    const { name = '' } = entry;
    if (isOwn && isCordon(entry) && nodes.has(name)) keepFirst(cordoned, name, entry.answeredAt - from);
    if (entry.namespace !== namespace || entry.resource !== 'pods') continue;
    if (isOwn && isRequestToGo(entry)) keepFirst(asked, name, entry.receivedAt - from);
    if (!isOwn && entry.verb === 'delete' && isDone(entry)) keepFirst(gone, name, entry.answeredAt - from);
  }
  const delays = [...cordoned.values()];
  return {
    cordonedInTime: delays.filter((delay) => delay <= IN_TIME_MS).length,
    cordoned: cordoned.size,
    ...(cordoned.size === nodes.size ? { lastCordonMs: latest(cordoned) } : {}),
    asked: asked.size,
    ...(asked.size === pods ? { allAskedMs: latest(asked) } : {}),
    gone: gone.size,
    ...(gone.size === pods ? { allGoneMs: latest(gone) } : {}),
    requests,
  };
}

function isCordon(entry: AuditEntry): boolean {
  if (entry.resource !== 'nodes' || entry.subresource !== undefined) return false;
  if (entry.verb !== 'patch' && entry.verb !== 'update') return false;
  const spec = (entry.body as { readonly spec?: { readonly unschedulable?: unknown } } | undefined)?.spec;
  return isDone(entry) && spec?.unschedulable === true;
}

/** Also one that a budget refuses. */
function isRequestToGo({ verb, subresource }: AuditEntry): boolean {
  return (
    (verb === 'create' && subresource === 'eviction') || (verb === 'delete' && subresource === undefined)
  );
}

function isDone({ status }: AuditEntry): boolean {
  return status >= 200 && status < 300;
}

/** The log is in the order of the answers. */
function keepFirst(times: Map<string, number>, name: string, ms: number): void {
  times.set(name, Math.min(times.get(name) ?? Number.POSITIVE_INFINITY, ms));
}

function latest(times: ReadonlyMap<string, number>): number {
  return Math.max(0, ...times.values());
}

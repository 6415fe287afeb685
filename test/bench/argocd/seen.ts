/** What was seen of the applications and their pods, from lists of both. Pure but for the record that it fills. */
import type { Json } from '#test/conformance/kubernetes/objects.ts';

export interface Operation {
  readonly revision: string;
  /** Milliseconds since the epoch; Argo CD writes whole seconds. */
  readonly startedAt: number;
  phase: string;
}

/** Of one application. Times are milliseconds since the epoch. */
export interface Seen {
  readonly operations: Map<string, Operation>;
  /** When a sync of this revision had first succeeded. */
  readonly synced: Map<string, number>;
  /** When this image was first the only one of the Ready pods. */
  readonly running: Map<string, number>;
  /** The images of the Ready pods in the last list. */
  images: readonly string[];
  /** Of the last list: `Synced`, and the phase of the last operation. */
  sync: string;
  phase: string;
  /** How often the Deployment was rolled out. */
  rollouts: number;
}

export function nothingSeen(): Seen {
  return {
    operations: new Map(),
    synced: new Map(),
    running: new Map(),
    images: [],
    sync: '',
    phase: '',
    rollouts: 0,
  };
}

export function seeApplication(seen: Seen, { status }: Json, at: number): void {
  const { operationState: state, sync } = status ?? {};
  seen.sync = sync?.status ?? '';
  seen.phase = state?.phase ?? '';
  if (!state) return;
  const revision = state.syncResult?.revision ?? state.operation?.sync?.revision ?? '';
  const key = `${state.startedAt} ${revision}`;
  const known = seen.operations.get(key);
  if (known) known.phase = state.phase;
  // Until it has resolved its revision it has none, and becomes another entry then.
  else if (revision !== '')
    seen.operations.set(key, { revision, startedAt: Date.parse(state.startedAt), phase: state.phase });
  if (state.phase === 'Succeeded' && revision !== '' && !seen.synced.has(revision))
    seen.synced.set(revision, at);
}

/** The pods and the Deployment of one application. */
export function seePods(seen: Seen, pods: readonly Json[], deployment: Json | undefined, at: number): void {
  const ready = pods.filter(
    ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined &&
      status?.conditions?.some((one: Json) => one.type === 'Ready' && one.status === 'True'),
  );
  seen.images = [
    ...new Set(ready.flatMap(({ spec }) => spec.containers.map(({ image }: Json) => image))),
  ].sort();
  const [only] = seen.images;
  if (seen.images.length === 1 && only !== undefined && !seen.running.has(only)) seen.running.set(only, at);
  seen.rollouts = Number(deployment?.metadata.annotations?.['deployment.kubernetes.io/revision'] ?? 0);
}

/** One merge: a commit whose manifest names an image, and the build that pushes it. */
export interface Merge {
  readonly image: string;
  /** The commit that names it, once there is one. */
  revision: string;
  /** When the developer pushed. */
  readonly pushedAt: number;
  /** When the image was in the registry. */
  builtAt: number;
}

/** Syncs since the first of the merges was pushed. */
export function syncsOf(seen: Seen, since: number): readonly Operation[] {
  return [...seen.operations.values()].filter(({ startedAt }) => startedAt + 1_000 > since);
}

/** Those of a commit whose image was not in the registry yet. */
export function earlySyncs(syncs: readonly Operation[], merges: readonly Merge[]): number {
  return syncs.filter(({ revision, startedAt }) =>
    merges.some((one) => one.revision === revision && startedAt + 1_000 < one.builtAt),
  ).length;
}

/** Seconds from `since` of each merge until its image was the only one that ran; those that never did are left out. */
export function secondsUntilRunning(
  seen: Seen,
  merges: readonly Merge[],
  since: 'pushedAt' | 'builtAt',
): readonly number[] {
  return merges.flatMap((one) => {
    const at = seen.running.get(one.image);
    return at === undefined ? [] : [Math.max(0, at - one[since]) / 1_000];
  });
}

/** Seconds from the push of each merge until a sync of its commit had succeeded. */
export function secondsUntilSynced(seen: Seen, merges: readonly Merge[]): readonly number[] {
  return merges.flatMap(({ revision, pushedAt }) => {
    const at = seen.synced.get(revision);
    return at === undefined ? [] : [(at - pushedAt) / 1_000];
  });
}

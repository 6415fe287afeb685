/**
 * What the health of an application means once a sync has succeeded and the application was compared since: one rule for
 * a deploy of a build and for a person's rollout. Pure.
 */
import type { Operation } from './operation.ts';
import type { ApplicationView } from './ports.ts';
import { OF_SYNCS } from './reasons.ts';
import type { ApplicationRecord } from './record.ts';
import { begunAt } from './record-changes.ts';
import { failed, LIMITS, type Step, waitAtMost } from './step.ts';

/** Degraded, Missing and Unknown come and go around a rollout. */
export function isUnhealthy({ sync, health }: Pick<ApplicationView, 'sync' | 'health'>): boolean {
  return sync === 'Unknown' || health === 'Degraded' || health === 'Missing' || health === 'Unknown';
}

/** A rollout that goes on after a pause has the time of one that has just begun, within the limit of the whole deploy. */
export function withSuspension(
  record: ApplicationRecord,
  { health }: ApplicationView,
  now: Date,
): ApplicationRecord {
  const { attempt } = record;
  const isSuspended = health === 'Suspended';
  if (!attempt || (attempt.suspended ?? false) === isSuspended) return record;
  if (isSuspended) return { ...record, attempt: { ...attempt, suspended: true } };
  const { suspended: _, ...rest } = attempt;
  return {
    ...record,
    attempt: { ...rest, watchedSince: now.toISOString(), begunAt: begunAt(attempt) },
  };
}

export interface Observed {
  readonly view: ApplicationView;
  readonly operation: Operation;
  readonly waitedMs: number;
  /** How long it has been unhealthy, as far as it was seen. */
  readonly unhealthyMs: number;
}

/** Undefined where it is Healthy. */
export function stepByHealth({ view, operation, waitedMs, unhealthyMs }: Observed): Step | undefined {
  const { revisions } = operation;
  // Without a comparison the rest says nothing.
  if (view.sync === 'Unknown')
    return settling(OF_SYNCS.notComparable(view.condition), { waitedMs, unhealthyMs });
  switch (view.health) {
    case 'Healthy':
      return undefined;
    case 'Suspended':
      return waitAtMost(waitedMs, OF_SYNCS.suspended(revisions), { limitMs: LIMITS.suspendedMs });
    case 'Progressing':
      return waitAtMost(waitedMs, OF_SYNCS.notHealthyYet(revisions, view.health));
    default: {
      const message = view.healthMessage || view.condition || '';
      return settling(OF_SYNCS.unhealthy(revisions, view.health, message), { waitedMs, unhealthyMs });
    }
  }
}

/** Final only when it has lasted. */
function settling(
  reason: string,
  { waitedMs, unhealthyMs }: { readonly waitedMs: number; readonly unhealthyMs: number },
): Step {
  return unhealthyMs >= LIMITS.unhealthyMs ? failed(reason) : waitAtMost(waitedMs, reason);
}

/** Something that the sync does not reach, such as what is to be pruned: final only when it has lasted. */
export function stepOutOfSync({ sync }: ApplicationView, operation: Operation, now: Date): Step {
  const lastedMs = now.getTime() - (operation.finishedAt?.getTime() ?? 0);
  return lastedMs < LIMITS.settleMs
    ? { kind: 'wait', reason: OF_SYNCS.settling(sync), refresh: true }
    : failed(OF_SYNCS.stillOutOfSync(sync));
}

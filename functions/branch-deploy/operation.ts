/** What an operation of Argo CD says by itself, and when its comparison can be trusted. */
import type { ApplicationView } from './ports.ts';
import { sameRevisions } from './sources.ts';

export type Operation = NonNullable<ApplicationView['operation']>;

/** How the deploy ids of a person's rollout begin. */
export const ROLLOUT = 'rollout:';

/** Over means: none is requested, and the phase is final. */
export function isOver(view: ApplicationView, operation: Operation): boolean {
  return !view.pendingOperation && ['Succeeded', 'Failed', 'Error'].includes(operation.phase);
}

/**
 * Argo CD's times are whole seconds, and a small sync takes less than one: a comparison in the second of its end may have
 * been made before it. It was not, where it is of what was synced.
 */
export function isComparedSince(view: ApplicationView, operation: Operation): boolean {
  const finishedAt = operation.finishedAt?.getTime() ?? 0;
  const comparedAt = view.reconciledAt?.getTime() ?? -1;
  return (
    comparedAt > finishedAt ||
    (comparedAt === finishedAt && sameRevisions(view.revisions, operation.revisions))
  );
}

/** A managed nodegroup becomes degraded after failing launches, until a launch succeeds. */
import type { Nodegroup } from './model.ts';
import type { Scaling } from './scaling.ts';
import type { State } from './state.ts';

/** After so long without a successful launch the nodegroup is called degraded. */
const DEGRADED_AFTER = 600_000;
/** Failures further apart than this are not one failure that lasts: the group did not try meanwhile. */
const FAILING_ON = 300_000;

export function watchLaunches(state: State, scaling: Scaling): void {
  const failing = new Map<Nodegroup, { readonly since: number; readonly last: number }>();
  scaling.onLaunchOutcome((group, failure) => {
    const managed = group.nodegroup;
    if (!managed) return;
    if (failure === undefined) {
      failing.delete(managed);
      managed.issues = managed.issues.filter((issue) => !isLaunchFailure(issue));
      if (managed.status === 'DEGRADED' && managed.issues.length === 0) managed.status = 'ACTIVE';
      return;
    }
    const now = state.now();
    const known = failing.get(managed);
    const since = known && now - known.last < FAILING_ON ? known.since : now;
    failing.set(managed, { since, last: now });
    if (now - since < DEGRADED_AFTER || managed.status !== 'ACTIVE') return;
    managed.status = 'DEGRADED';
    managed.issues = [
      { code: 'AsgInstanceLaunchFailures', message: failure, resourceIds: [managed.group.name] },
    ];
  });
}

function isLaunchFailure(issue: { readonly code: string }): boolean {
  return issue.code === 'AsgInstanceLaunchFailures';
}

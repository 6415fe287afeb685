/** In the morning: names the NodeClaims that stop all new ones, and deletes those that are ours. */
import { decideUnlaunched } from './decide-unlaunched.ts';
import type { NightScheduleDeps, Pass } from './pass.ts';
import type { UnlaunchedClaim } from './ports.ts';

export async function freeProvisioning(
  { autoscaler, settings }: NightScheduleDeps,
  { now, recorder }: Pass,
  claims: readonly UnlaunchedClaim[],
): Promise<void> {
  const steps = decideUnlaunched(claims, now);
  // Each time it has another name; what is wrong is its NodePool.
  for (const { claim, reason } of steps)
    if (recorder.isNews(`unlaunched#${claim.nodePool}`))
      recorder.record({ target: claim.nodePool, action: 'fail', reason });
  const toDelete = steps.filter(({ isDeleted }) => isDeleted).map(({ claim }) => claim);
  if (settings.dryRun || !autoscaler || toDelete.length === 0) return;
  await recorder.guard('autoscaler', async () => {
    for (const { target, error } of await autoscaler.deleteClaims(toDelete)) recorder.failed(target, error);
  });
}

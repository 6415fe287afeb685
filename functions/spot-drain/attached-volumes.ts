/**
 * After the last pod the volumes need a few seconds to be detached. An instance that ends before that keeps them for about six
 * minutes, and the pods that need them wait elsewhere: so a lifecycle action is held until they are gone, while it has time.
 */
import type { Lease } from './lease.ts';
import { whileTransient, workUntil } from './patience.ts';
import type { DrainReport } from './pod-state.ts';
import type { Context } from './ports.ts';
import type { Claim } from './records.ts';

const CHECK_MS = 2_000;

/** Names of the volumes that are still attached at the end; none where that is not known. */
export async function waitForVolumes(
  context: Context,
  node: string,
  report: DrainReport,
  { claim, lease }: { readonly claim: Claim; readonly lease: Pick<Lease, 'isOurs'> },
): Promise<readonly string[]> {
  const { clock, cluster } = context;
  const until = Math.min(Date.parse(claim.deadline ?? claim.drainUntil), workUntil(context).getTime());
  for (;;) {
    const volumes = await whileTransient(context, new Date(until), () => cluster.volumesOn(node));
    // Pods that stay keep theirs, and which those are only their claims say.
    if (!volumes || volumes.length <= claimsOfStaying(report)) return [];
    const leftMs = until - clock.now().getTime();
    if (leftMs <= 0 || !lease.isOurs()) return volumes;
    await clock.sleep(Math.min(CHECK_MS, leftMs));
  }
}

function claimsOfStaying({ pods }: DrainReport): number {
  return pods
    .filter(({ outcome }) => outcome === 'skipped' || outcome === 'left')
    .reduce((sum, { pod }) => sum + (pod.volumeClaims ?? 0), 0);
}

/**
 * The tick: goes on with drains that were put aside or cut off, undoes cordons that no interruption followed, and keeps
 * the names of the nodes.
 */
import type { ClusterState } from '#model/cluster-state.ts';
import { resumeClaim } from './claim.ts';
import { describeNotice, hasten, RETURNING } from './decide.ts';
import type { NoticeKind } from './event.ts';
import type { Journal } from './journal.ts';
import { nodeOf } from './locate.ts';
import { keepNames } from './names.ts';
import type { Claim, Cordon, Held } from './ports.ts';
import { unmark } from './restore.ts';
import { completeHooks, type Invocation, type RunPorts, work } from './work.ts';

export async function sweep(
  ports: RunPorts,
  invocation: Invocation,
  journal: Journal,
  trigger: string,
): Promise<void> {
  // Where one fails the other is waited for: an invocation leaves no work behind.
  await Promise.all([
    journal.guard(ports.settings.cluster, () => goOn(ports, invocation, journal, trigger)),
    keepNames(ports, journal, trigger),
  ]);
}

async function goOn(
  ports: RunPorts,
  invocation: Invocation,
  journal: Journal,
  trigger: string,
): Promise<void> {
  const [claims, written] = await Promise.all([ports.claims.all(), ports.cordons.all()]);
  const cordons = [...written, ...(await writeMissing(ports, journal, claims, written))];
  const now = ports.clock.now();
  const resumable = claims.filter((held) => resumeClaim(held.value, workerOf(invocation), now));
  const due = cordons.filter((cordon) => Date.parse(cordon.due) <= now.getTime());
  if (resumable.length === 0 && due.length === 0) {
    return journal.say({
      target: ports.settings.cluster,
      action: 'none',
      reason: 'nothing is pending',
      trigger,
    });
  }
  // First the undone ones: a claim that goes with its cordon is not resumed.
  await Promise.all(
    due.map((cordon) => journal.guard(cordon.node, () => undo(ports, journal, cordon, trigger))),
  );
  if (resumable.length === 0) return;
  const state = await journal.guard('state of the night', () => ports.night.state());
  await Promise.all(
    resumable.map((held) =>
      journal.guard(held.value.node ?? held.value.instanceId, () =>
        resume(ports, invocation, journal, held, state),
      ),
    ),
  );
}

/** Whoever claims an instance writes down which cordon is to be undone; here where they were cut off before that. */
async function writeMissing(
  ports: RunPorts,
  journal: Journal,
  claims: readonly Held<Claim>[],
  written: readonly Cordon[],
): Promise<readonly Cordon[]> {
  const { settings, cordons } = ports;
  if (settings.dryRun) return [];
  const known = new Set(written.map((cordon) => cordon.instanceId));
  const missing = claims.flatMap(({ value }) =>
    known.has(value.instanceId) ? [] : (cordonOf(value, settings.uncordonAfterMinutes) ?? []),
  );
  await Promise.all(
    missing.map((cordon) => journal.guard(`cordon of ${cordon.instanceId}`, () => cordons.put(cordon))),
  );
  return missing;
}

function cordonOf(claim: Claim, afterMinutes: number): Cordon | undefined {
  const { instanceId, noticedAt, trigger, node = instanceId } = claim;
  if (claim.hooks.length > 0) return undefined;
  if (claim.cause === 'rebalance') {
    const due = new Date(Date.parse(noticedAt) + afterMinutes * 60_000).toISOString();
    return { instanceId, node, undo: 'time', due, trigger };
  }
  if (!RETURNING.has(claim.cause as NoticeKind)) return undefined;
  return { instanceId, node, undo: 'return', due: claim.deadline ?? noticedAt, trigger };
}

async function resume(
  ports: RunPorts,
  invocation: Invocation,
  journal: Journal,
  held: Held<Claim>,
  state: ClusterState | undefined,
): Promise<void> {
  const { claims, cluster, clock, settings } = ports;
  if (settings.dryRun) return;
  const claim = resumeClaim(held.value, workerOf(invocation), clock.now());
  const taken = claim && (await claims.replace(hasten(claim, state, clock.now()), held.version));
  if (!taken) return;
  const { instanceId, depth, trigger } = taken.value;
  const target = taken.value.node ?? instanceId;
  if (taken.value.state === 'done') return completeHooks(ports, journal, taken, { target, trigger });

  // The instance of a notice is gone by now: nothing is left but its lifecycle action.
  const gone = taken.value.deadline !== undefined && Date.parse(taken.value.deadline) < clock.now().getTime();
  const node = depth === 'none' || gone ? undefined : await nodeOf(cluster, instanceId, taken.value.node);
  const reason = `the drain goes on: ${describeNotice(taken.value.cause as NoticeKind)}`;
  await work(ports, invocation, journal, taken, { target, reason, ...(node ? { node } : {}) });
}

/** An interruption in between wins: it has claimed the instance anew, or it writes to the node and our undo is refused. */
async function undo(ports: RunPorts, journal: Journal, cordon: Cordon, trigger: string): Promise<void> {
  const { claims, clock, cluster, cordons, settings } = ports;
  const { instanceId } = cordon;
  if (settings.dryRun) return;
  const node = await nodeOf(cluster, instanceId, cordon.node);
  const held = await claims.read(instanceId);
  if (held && held.value.trigger !== cordon.trigger) return cordons.remove(instanceId);
  // Its group ends the instance: the node does not live on, and the claim is what completes the action.
  if (held && held.value.hooks.length > 0) return cordons.remove(instanceId);
  if (held && Date.parse(held.value.leaseUntil) > clock.now().getTime()) return;
  if (node) {
    if (cordon.undo === 'return' && !isBack(cordon, node.readySince)) return;
    const reason =
      cordon.undo === 'return'
        ? 'the instance is back, and its node is ready'
        : 'no interruption followed the recommendation in time';
    if ((await unmark(ports, journal, node, { reason, trigger })) !== 'done') return;
  }
  // The cordon last: while it is there, the next tick comes back to what failed here.
  if (held) await claims.remove(instanceId, held.version);
  await cordons.remove(instanceId);
}

function isBack(cordon: Cordon, readySince: Date | undefined): boolean {
  return readySince !== undefined && readySince.getTime() > Date.parse(cordon.due);
}

function workerOf(invocation: Invocation) {
  return { owner: invocation.id, leaseUntil: invocation.endsAt };
}

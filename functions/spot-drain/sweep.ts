/** The tick: goes on with drains that were put aside or cut off, and undoes cordons that no interruption followed. */
import { resumeClaim } from './claim.ts';
import { describeNotice } from './decide.ts';
import type { NoticeKind } from './event.ts';
import type { Journal } from './journal.ts';
import type { Claim, Cordon, Held } from './ports.ts';
import { unmark } from './restore.ts';
import { completeHooks, type Invocation, type RunPorts, work } from './work.ts';

export async function sweep(
  ports: RunPorts,
  invocation: Invocation,
  journal: Journal,
  trigger: string,
): Promise<void> {
  const [claims, cordons] = await Promise.all([ports.claims.all(), ports.cordons.all()]);
  const resumable = claims.filter((held) => resumeClaim(held.value, workerOf(invocation), ports.clock.now()));
  const due = cordons.filter((cordon) => Date.parse(cordon.due) <= ports.clock.now().getTime());
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
  await Promise.all(
    resumable.map((held) =>
      journal.guard(held.value.node ?? held.value.instanceId, () => resume(ports, invocation, journal, held)),
    ),
  );
}

async function resume(
  ports: RunPorts,
  invocation: Invocation,
  journal: Journal,
  held: Held<Claim>,
): Promise<void> {
  const { claims, cluster, clock, settings } = ports;
  if (settings.dryRun) return;
  const claim = resumeClaim(held.value, workerOf(invocation), clock.now());
  const taken = claim && (await claims.replace(claim, held.version));
  if (!taken) return;
  const { instanceId, depth, trigger } = taken.value;
  const target = taken.value.node ?? instanceId;
  if (taken.value.state === 'done') return completeHooks(ports, journal, taken, { target, trigger });

  // The instance of a notice is gone by now: nothing is left but its lifecycle action.
  const gone = taken.value.deadline !== undefined && Date.parse(taken.value.deadline) < clock.now().getTime();
  const node = depth === 'none' || gone ? undefined : await cluster.findNode(instanceId);
  const reason = `the drain goes on: ${describeNotice(taken.value.cause as NoticeKind)}`;
  await work(ports, invocation, journal, taken, { target, reason, ...(node ? { node } : {}) });
}

/** An interruption in between wins: it has claimed the instance anew, or it writes to the node and our undo is refused. */
async function undo(ports: RunPorts, journal: Journal, cordon: Cordon, trigger: string): Promise<void> {
  const { claims, clock, cluster, cordons, settings } = ports;
  const { instanceId } = cordon;
  if (settings.dryRun) return;
  const node = await cluster.findNode(instanceId);
  const held = await claims.read(instanceId);
  if (held && held.value.trigger !== cordon.trigger) return cordons.remove(instanceId);
  if (held && Date.parse(held.value.leaseUntil) > clock.now().getTime()) return;
  if (node) {
    if (cordon.undo === 'return' && !isBack(cordon, node.readySince)) return;
    const reason =
      cordon.undo === 'return'
        ? 'the instance is back, and its node is ready'
        : 'no interruption followed the recommendation in time';
    if (!(await unmark(ports, journal, node, { reason, trigger }))) return;
  }
  await cordons.remove(instanceId);
  if (held) await claims.remove(instanceId, held.version);
}

function isBack(cordon: Cordon, readySince: Date | undefined): boolean {
  return readySince !== undefined && readySince.getTime() > Date.parse(cordon.due);
}

function workerOf(invocation: Invocation) {
  return { owner: invocation.id, leaseUntil: invocation.endsAt };
}

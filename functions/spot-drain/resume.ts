/** Goes on with a claim that was paused, that failed, or whose worker has died. */
import { messageOf } from '#functions/shared/errors.ts';
import type { Versioned } from '#functions/shared/versioned.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import { type DrainResult, resumeClaim } from './claim.ts';
import { completeHooks, workerOf } from './claim-instance.ts';
import { cordonNode, recordCordon, writeCordonEvent } from './cordon.ts';
import { describeNotice, shortenForNightlyStop } from './decide.ts';
import { drainNode } from './drain.ts';
import type { NoticeKind } from './event.ts';
import type { Lease } from './lease.ts';
import { findNode } from './locate.ts';
import { patienceUntil, whileTransient } from './patience.ts';
import { daemonSetOf } from './pod-state.ts';
import type { Context, Node, Pod } from './ports.ts';
import type { Claim } from './records.ts';
import { workOnClaim } from './work-on-claim.ts';

/** claim → watchdog → locate node → cordon → drain → report → complete hooks */
export async function resume(
  context: Context,
  found: Versioned<Claim>,
  state: ClusterState | undefined,
  /** Only its lifecycle actions are completed. */
  paused: string | undefined,
): Promise<void> {
  const { claims, clock, watchdog } = context;
  const now = clock.now();
  const resumed = resumeClaim(found.value, workerOf(context), now);
  if (!resumed) return;
  const { instanceId, trigger } = resumed;
  const check = { owner: context.invocation.id, instanceIds: [instanceId] };
  await context.recorder.guard(`watchdog of ${instanceId}`, () => watchdog.send(check, WATCHDOG_SECONDS));
  const claim = await claims.saveIf(shortenForNightlyStop(resumed, state, now), found.version, now);
  if (!claim) return;
  const target = claim.value.node ?? instanceId;
  if (claim.value.state === 'done') return completeHooks(context, claim, { target, trigger });

  // An instance whose deadline has passed is gone: nothing is left but its lifecycle action.
  const { deadline, task } = claim.value;
  const isGone = deadline !== undefined && Date.parse(deadline) < clock.now().getTime();
  if (isGone && found.value.state === 'working') await reportUnfinished(context, claim.value);
  const isNodeNeeded = task !== 'complete' && !isGone && !paused;
  await workOnClaim(context, claim, { target, node: undefined }, async (lease) => {
    const node = isNodeNeeded ? await locate(context, claim.value) : undefined;
    return node ? drainAgain(context, node, claim.value, lease) : { kind: 'not-drained' };
  });
}

/** Until then its worker is missed. */
export const WATCHDOG_SECONDS = 20;

function locate(context: Context, { instanceId, node, deadline }: Claim): Promise<Node | undefined> {
  return whileTransient(context, patienceUntil(context, deadline), () =>
    findNode(context.cluster, instanceId, node),
  );
}

async function drainAgain(context: Context, node: Node, claim: Claim, lease: Lease): Promise<DrainResult> {
  if (!(await cordonNode(context, node, claim))) return { kind: 'not-drained' };
  if (!claim.cordonedAt) void lease.note({ cordonedAt: context.clock.now().toISOString() });
  await context.gate.open();
  const reason = `the drain is resumed: ${describeNotice(claim.cause as NoticeKind)}`;
  recordCordon(context, node, claim, reason);
  const written = writeCordonEvent(context, node, claim, reason);
  return drainNode(context, node, claim, lease).finally(() => written);
}

/** Its worker died, and nobody went on in time: a failure, with the pods that were not asked to go. */
async function reportUnfinished(context: Context, claim: Claim): Promise<void> {
  const { cluster, recorder } = context;
  const { instanceId, node, trigger, deadline, owner } = claim;
  const pods = await Promise.resolve(node && claim.task === 'drain' ? cluster.podsOn(node) : []).then(
    (listed) => namesOf(listed.filter(isUnasked)),
    (error: unknown) => `unknown (${messageOf(error)})`,
  );
  const reason = `the instance went at ${deadline} while its drain was not over: the invocation that handled it has died. Pods that were not asked to go: ${pods}`;
  recorder.record({
    target: node ?? instanceId,
    action: 'fail',
    reason,
    trigger,
    facts: { instanceId, cause: claim.cause, owner },
  });
}

function isUnasked(pod: Pod): boolean {
  return (
    !pod.terminating &&
    !pod.mirror &&
    !daemonSetOf(pod) &&
    pod.phase !== 'Succeeded' &&
    pod.phase !== 'Failed'
  );
}

function namesOf(pods: readonly Pod[]): string {
  return pods.map(({ namespace, name }) => `${namespace}/${name}`).join(', ') || 'none that is still listed';
}

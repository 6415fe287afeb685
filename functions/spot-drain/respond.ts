/** One notice about one instance, from the event to the completed lifecycle action. */
import type { Versioned } from '#functions/shared/versioned.ts';
import type { ClaimRequest, DrainResult } from './claim.ts';
import { claimInstance, completeHooks } from './claim-instance.ts';
import { cordonNode, recordCordon, saveUndo, waitForOtherCordons, writeCordonEvent } from './cordon.ts';
import {
  decide,
  endOfNotice,
  type Facts,
  isWatchedAtOnce,
  type NoticeDecision,
  staleReason,
  type Warning,
} from './decide.ts';
import { drainNode } from './drain.ts';
import type { Lease } from './lease.ts';
import { type Located, locateGroup, locateNode } from './locate.ts';
import { readPause } from './pause.ts';
import type { Context, Node } from './ports.ts';
import type { Claim, ClaimedHook } from './records.ts';
import { WATCHDOG_SECONDS } from './resume.ts';
import { keepMarks, leaveToTick } from './undo-cordon.ts';
import { workOnClaim } from './work-on-claim.ts';

/** Where a hook's own times could not be read: short, so that its heartbeats come often. */
const UNKNOWN_HEARTBEAT_SECONDS = 60;

/** A claim does not wait longer for its watchdog. */
const WATCHDOG_PATIENCE_MS = 500;

/** locate node → decide → claim → cordon → locate group → decide → drain → report → complete hooks */
export async function respond(
  context: Context,
  notice: Warning,
  /** `isWatched`: a watchdog brings the notice, and its next is sent only with a claim. */
  { isWatched = false }: { readonly isWatched?: boolean } = {},
): Promise<void> {
  const { settings } = context;
  const { trigger } = notice;
  const stale = staleReason(notice, context.clock.now());
  if (stale) return recordDecision(context, notice, notice.instanceId, stale);

  // The first request, beside the lookups: also a worker that dies before its claim is missed.
  const early =
    !isWatched && !settings.dryRun && isWatchedAtOnce(settings, notice) && watchOver(context, notice);
  const pause = settings.dryRun ? undefined : readPause(context, endOfNotice(notice));
  // Nothing is left to run on in an invocation that has ended.
  const located = await locateNode(context, notice).catch(async (error: unknown) => {
    await Promise.all([early, pause]);
    throw error;
  });
  const { node } = located.facts;
  const target = node?.name ?? notice.instanceId;

  const first = decide(settings, notice, located.facts, context.clock.now());
  const paused = await pause;
  if (first.kind === 'no-action' || settings.dryRun || (paused && !outlastsPause(notice, first))) {
    await early;
    // A watchdog brings a notice back that nobody claimed: the invocation for the event has recorded it, or its retry does.
    if (!isWatched) recordDecision(context, notice, target, first, paused);
    return;
  }
  if (paused) recordDecision(context, notice, target, first, paused);
  const sent = early || watchOver(context, notice);
  await Promise.race([sent, context.clock.sleep(WATCHDOG_PATIENCE_MS)]);
  const decision: NoticeDecision = paused && notice.hook ? { kind: 'complete', reason: paused } : first;
  const request = requestOf(notice, decision, located.facts);
  const claimed = await claimInstance(context, request, located.known).finally(() => sent);
  if (claimed.kind === 'no-action') {
    if (notice.kind === 'health') await keepMarks(context, notice);
    return recordDecision(context, notice, target, claimed);
  }
  if (claimed.kind === 'note') {
    recordDeferred(context, notice, target, first.reason);
    // It was drained for an earlier day, and the change was moved.
    if (claimed.claim.value.cause === 'health') await leaveToTick(context, claimed.claim.value);
    return;
  }
  if (claimed.kind === 'complete') return completeHooks(context, claimed.claim, { target, trigger });

  await workOnClaim(context, claimed.claim, { target, node }, async (lease) => {
    if (paused) return { kind: notice.hook ? 'not-drained' : 'deferred' };
    if (located.facts.unreadableNode === 'unavailable') return { kind: 'failed', isPermanent: false };
    if (!node) return { kind: 'not-drained' };
    if (first.kind === 'drain' && first.notBefore) {
      recordDeferred(context, notice, target, first.reason);
      return { kind: 'deferred' };
    }
    return drainClaimed(context, notice, { ...claimed, node, located, reason: first.reason }, lease);
  });
}

/** A lifecycle action holds its instance until it is completed, and a change is announced days before it comes. */
function outlastsPause(notice: Warning, decision: NoticeDecision): boolean {
  return notice.hook !== undefined || (notice.kind === 'health' && decision.kind === 'drain');
}

interface ClaimedNode {
  readonly claim: Versioned<Claim>;
  readonly isFirst: boolean;
  readonly node: Node;
  readonly located: Located;
  readonly reason: string;
}

/** Undefined where another invocation takes the claim meanwhile. */
async function drainClaimed(
  context: Context,
  notice: Warning,
  { claim, isFirst, node, located, reason }: ClaimedNode,
  lease: Lease,
): Promise<DrainResult | undefined> {
  const { clock, gate, settings } = context;
  if (!(await cordonNode(context, node, claim.value))) return { kind: 'not-drained' };
  gate.leave(notice);
  const noted = lease.note({ cordonedAt: claim.value.cordonedAt ?? clock.now().toISOString() });
  const [others] = await Promise.all([
    located.isNodeOnly ? waitForOtherCordons(context, claim.value, noted) : undefined,
    gate.open(),
  ]);
  recordCordon(context, node, claim.value, reason);

  const facts = await locateGroup(context, notice, located);
  const decision = decide(settings, notice, facts, clock.now());
  const updated = await updateUrgency(lease, decision);
  if (!updated) {
    await others?.looking;
    return undefined;
  }
  const aside = Promise.all([
    others?.looking,
    saveUndo(context, notice, decision, { node: node.name, isFirstClaim: isFirst }),
    writeCordonEvent(context, node, updated, reason),
    requestReplacement(context, notice, decision, facts),
  ]);
  return drainNode(context, node, updated, lease).finally(() => aside);
}

/** Never rejects: without its watchdog a drain goes on, and what failed is reported. */
async function watchOver(context: Context, notice: Warning): Promise<void> {
  const { invocation, recorder, settings, watchdog } = context;
  const { instanceId } = notice;
  // What is watched only with its claim is not handled again where that claim is gone.
  const event = isWatchedAtOnce(settings, notice) ? context.event : undefined;
  const check = { owner: invocation.id, instanceIds: [instanceId], event };
  await recorder.guard(`watchdog of ${instanceId}`, () => watchdog.send(check, WATCHDOG_SECONDS));
}

function recordDeferred({ recorder }: Context, notice: Warning, target: string, reason: string): void {
  const { instanceId, kind: cause, trigger, startsAt } = notice;
  const facts = { instanceId, cause, startTime: startsAt?.toISOString() };
  recorder.record({ target, action: 'wait', reason, trigger, facts });
}

/** What is not done: because there is nothing to do, in a dry run, or in a pause. */
function recordDecision(
  context: Context,
  notice: Warning,
  target: string,
  decision: NoticeDecision,
  paused?: string,
): void {
  const { instanceId, kind: cause, trigger } = notice;
  const isNothing = decision.kind === 'no-action';
  const action = isNothing ? decision.action : decision.kind;
  const reason =
    paused && !isNothing ? `${paused}, nothing was changed: ${decision.reason}` : decision.reason;
  const facts = { instanceId, cause, ...(paused ? { paused: true } : {}) };
  context.recorder.record({ target, action, reason, trigger, facts });
}

function requestOf(notice: Warning, decision: NoticeDecision, facts: Facts): ClaimRequest {
  const noticeTime = notice.at.toISOString();
  const drain = decision.kind === 'drain' ? decision : undefined;
  const hooks: readonly ClaimedHook[] = notice.hook
    ? [
        {
          ...notice.hook,
          startedAt: noticeTime,
          heartbeatSeconds: facts.hookTimes?.heartbeatSeconds ?? UNKNOWN_HEARTBEAT_SECONDS,
          completed: false,
        },
      ]
    : [];
  return {
    instanceId: notice.instanceId,
    node: facts.node?.name,
    cause: notice.kind,
    task: decision.kind === 'cordon' || decision.kind === 'drain' ? decision.kind : 'complete',
    force: drain?.force ?? false,
    nightlyStop: drain?.nightlyStop ?? false,
    deadline: drain?.deadline?.toISOString(),
    drainUntil: (drain?.until ?? notice.at).toISOString(),
    notBefore: drain?.notBefore?.toISOString(),
    trigger: notice.trigger,
    noticeTime,
    hooks,
  };
}

/** What was learnt after the cordon may change how the node is drained: it is in the claim before the drain begins. */
async function updateUrgency(lease: Lease, decision: NoticeDecision): Promise<Claim | undefined> {
  const { value: claim } = lease.claim();
  if (decision.kind !== 'drain' || decision.nightlyStop === claim.nightlyStop) return claim;
  const { force, nightlyStop } = decision;
  return (await lease.note({ force, nightlyStop })) ? lease.claim().value : undefined;
}

async function requestReplacement(
  { groups, recorder }: Context,
  { instanceId, trigger }: Warning,
  decision: NoticeDecision,
  { group }: Facts,
): Promise<void> {
  if (decision.kind !== 'drain' || !decision.replace || !group) return;
  const target = group.name;
  await recorder.guard(`replacement in ${target}`, async () => {
    const isRequested = (await groups.replace(target, instanceId)) === 'requested';
    recorder.record({
      target,
      action: isRequested ? 'replace' : 'none',
      reason: `${decision.reason}, and ${isRequested ? 'the group was asked for another instance' : 'the group replaces it already'}`,
      trigger,
      facts: { instanceId },
    });
  });
}

/** One notice about one instance, from the event to the completed lifecycle action. */
import type { Versioned } from '#functions/shared/versioned.ts';
import type { ClaimRequest, DrainResult } from './claim.ts';
import { claimInstance, completeHooks, saveResult, sendHeartbeats, updateClaim } from './claim-instance.ts';
import { cordonNode, recordCordon, saveUndo, waitForOtherCordons, writeCordonEvent } from './cordon.ts';
import { decide, type Facts, type NoticeDecision, type Warning } from './decide.ts';
import { drainNode } from './drain.ts';
import { locateGroup, locateNode } from './locate.ts';
import type { Context } from './ports.ts';
import type { Claim, ClaimedHook } from './records.ts';
import { reportDrain } from './report.ts';

/** Where a hook's own times could not be read: short, so that its heartbeats come often. */
const UNKNOWN_HEARTBEAT_SECONDS = 60;

/** locate node → decide → claim → cordon → locate group → decide → drain → report → complete hooks */
export async function respond(context: Context, notice: Warning): Promise<void> {
  const { gate, recorder, settings } = context;
  const { trigger } = notice;

  const located = await locateNode(context, notice);
  const { node } = located.facts;
  const target = node?.name ?? notice.instanceId;

  const first = decide(settings, notice, located.facts);
  if (first.kind === 'no-action' || settings.dryRun) return recordDecision(context, notice, target, first);

  const claimed = await claimInstance(context, requestOf(notice, first, located.facts), located.known);
  if (claimed.kind === 'no-action') return recordDecision(context, notice, target, claimed);
  if (claimed.kind === 'complete') return completeHooks(context, claimed.claim, { target, trigger });

  let claim: Versioned<Claim> | undefined = claimed.claim;
  let result: DrainResult = { kind: 'not-drained' };
  try {
    if (node && (await cordonNode(context, node, claim.value))) {
      gate.leave(notice);
      await Promise.all([gate.open(), located.isNodeOnly && waitForOtherCordons(context, claim.value)]);
      recordCordon(context, node, claim.value, first.reason);

      const facts = await locateGroup(context, notice, located);
      const decision = decide(settings, notice, facts);
      claim = await updateUrgency(context, claim, decision);
      if (!claim) return;
      const aside = Promise.all([
        saveUndo(context, notice, decision, { node: target, isFirstClaim: claimed.isFirst }),
        writeCordonEvent(context, node, claim.value, first.reason),
        requestReplacement(context, notice, decision, facts),
      ]);

      result = await drainNode(context, node, claim.value).finally(() => aside);
    }
  } catch (error) {
    recorder.failed(target, error);
    result = { kind: 'failed' };
  }

  const ended = claim && (await saveResult(context, claim, result));
  if (!ended) return;
  await reportDrain(context, { target, node }, ended.value, result);
  if (ended.value.state === 'paused') return sendHeartbeats(context, ended.value);
  await completeHooks(context, ended, { target, trigger: ended.value.trigger });
}

/** What is not done: because there is nothing to do, or in a dry run. */
function recordDecision(context: Context, notice: Warning, target: string, decision: NoticeDecision): void {
  const { instanceId, kind: cause, trigger } = notice;
  const { reason } = decision;
  const action = decision.kind === 'no-action' ? decision.action : decision.kind;
  context.recorder.record({ target, action, reason, trigger, facts: { instanceId, cause } });
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
    trigger: notice.trigger,
    noticeTime,
    hooks,
  };
}

/** What was learnt after the cordon may change how the node is drained: it is in the claim before the drain begins. */
async function updateUrgency(
  context: Context,
  claim: Versioned<Claim>,
  decision: NoticeDecision,
): Promise<Versioned<Claim> | undefined> {
  if (decision.kind !== 'drain' || decision.nightlyStop === claim.value.nightlyStop) return claim;
  const { force, nightlyStop } = decision;
  return updateClaim(context, claim, (newest) => ({ ...newest, force, nightlyStop }));
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

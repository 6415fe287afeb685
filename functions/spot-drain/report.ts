/** What became of a drain, as decision records and as an event on the node. */

import type { Entry } from '#functions/shared/decision-recorder.ts';
import { countPods, countRemaining, type DrainResult } from './claim.ts';
import { recordNodeEvent } from './cordon.ts';
import type { DrainReport, PodReport } from './pod-state.ts';
import { AccessRefusedError, type Context, type Node } from './ports.ts';
import type { Claim } from './records.ts';

/** `claim`: as the drain has left it. */
export async function reportDrain(
  context: Context,
  about: { readonly target: string; readonly node: Node | undefined },
  claim: Claim,
  result: DrainResult,
): Promise<void> {
  if (result.kind !== 'drained') return;
  const { recorder, clock } = context;
  const { report } = result;
  const { target, node } = about;
  if (claim.state === 'paused') {
    const reason = `${describeRemaining(report)}: the next tick goes on`;
    const { instanceId, trigger } = claim;
    return recorder.record({ target, action: 'wait', reason, trigger, facts: { instanceId } });
  }
  for (const decision of drainDecisions(target, claim, report, clock.now())) recorder.record(decision);
  if (node) await recordNodeEvent(context, node, claim.trigger, endEvent(claim, report));
  if (report.refused !== undefined) recorder.failed(target, new AccessRefusedError(report.refused));
}

/** One record of the drain, and one of each pod that was forced, blocked to the end, left, or failed. */
function drainDecisions(node: string, claim: Claim, report: DrainReport, now: Date): readonly Entry[] {
  const { instanceId, cause, trigger } = claim;
  const blocked = countPods(report, 'blocked');
  const left = countPods(report, 'left');
  const drain: Entry = {
    target: node,
    action: 'drain',
    reason: summaryOf(claim, report),
    trigger,
    facts: {
      instanceId,
      cause,
      ...claim.podCounts,
      terminating: countPods(report, 'terminating'),
      skipped: countPods(report, 'skipped'),
      ...(left > 0 ? { left } : {}),
      // After a rebalance recommendation the instance stays: pods that a budget blocks are no loss, and no alarm.
      ...(cause === 'rebalance' ? { blocked: 0, blockedByBudget: blocked } : { blocked }),
      failed: countPods(report, 'failed'),
      ...(report.volumes ? { volumesAttached: report.volumes.length } : {}),
      seconds: secondsBetween(Date.parse(claim.claimedAt), now.getTime()),
      secondsLeft: claim.deadline ? secondsBetween(now.getTime(), Date.parse(claim.deadline)) : undefined,
      ...(claim.nightlyStop ? { nightlyStop: true } : {}),
    },
  };
  return [drain, ...report.pods.flatMap((pod) => podDecision(pod, node, claim))];
}

function podDecision(report: PodReport, node: string, claim: Claim): readonly Entry[] {
  const { outcome, pod, budget } = report;
  const isHeld = outcome === 'terminating' && report.reason !== undefined;
  if (outcome !== 'forced' && outcome !== 'blocked' && outcome !== 'left' && outcome !== 'failed' && !isHeld)
    return [];
  const what = {
    forced: `deleted ${budget ? 'past its budget ' : ''}before the instance goes`,
    blocked: 'still on the node at the end',
    terminating: 'still on the node at the end',
    left: 'left on the node',
    failed: 'not evicted',
  };
  return [
    {
      target: `${pod.namespace}/${pod.name}`,
      action: 'evict',
      reason: report.reason ? `${what[outcome]}: ${report.reason}` : what[outcome],
      trigger: claim.trigger,
      facts: { node, instanceId: claim.instanceId, outcome, budget },
    },
  ];
}

/** `evicted 3 pods, forced 1, 2 remain on the node` */
function summaryOf(claim: Claim, report: DrainReport): string {
  const { evicted = 0, finished = 0, alreadyTerminating = 0, forced = 0 } = claim.podCounts ?? {};
  const moved = evicted + finished + alreadyTerminating;
  const remaining = countRemaining(report);
  const left = countPods(report, 'left');
  if (moved + forced + remaining + left === 0) return NOTHING_TO_EVICT;
  const parts = [`evicted ${moved} pod${moved === 1 ? '' : 's'}`];
  if (forced > 0) parts.push(`forced ${forced}`);
  if (remaining > 0) parts.push(`${remaining} remain${remaining === 1 ? 's' : ''} on the node`);
  if (left > 0) parts.push(`left ${left} on purpose`);
  const text = parts.join(', ');
  return claim.nightlyStop ? `${text}; the schedule stops its group` : text;
}

function describeRemaining(report: DrainReport): string {
  const { volumes } = report;
  if (!volumes) return `${countRemaining(report)} pods are still on the node`;
  return `the pods are gone, and ${volumes.length} of their volumes are still attached to the node (${volumes.join(', ')})`;
}

export const NOTHING_TO_EVICT = 'no pod on the node to evict';

function endEvent(claim: Claim, report: DrainReport) {
  const remaining = countRemaining(report);
  const isLoss = remaining > 0 && !claim.nightlyStop;
  return {
    type: isLoss ? 'Warning' : 'Normal',
    reason: isLoss ? 'NightshiftDrainIncomplete' : 'NightshiftDrained',
    message: remaining > 0 ? `drained, and ${remaining} pods remain on the node` : 'drained',
  } as const;
}

function secondsBetween(from: number, to: number): number {
  return Math.round((to - from) / 1_000);
}

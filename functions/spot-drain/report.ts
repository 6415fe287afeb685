/** What was decided and what became of each pod, as decision records. Pure. */
import type { Entry } from '#functions/shared/decision-recorder.ts';
import type { DrainReport, Outcome, PodReport } from './drain.ts';
import type { Claim, Tally } from './records.ts';

/** Pods that are gone, counted over all invocations of a drain. */
export function tallyOf(report: DrainReport, before: Tally | undefined): Tally {
  const count = (outcome: Outcome) => report.pods.filter((pod) => pod.outcome === outcome).length;
  return {
    evicted: (before?.evicted ?? 0) + count('evicted'),
    finished: (before?.finished ?? 0) + count('finished'),
    waited: (before?.waited ?? 0) + count('waited'),
    forced: (before?.forced ?? 0) + count('forced'),
  };
}

/** Pods that the drain should have moved and did not. */
export function leftOf(report: DrainReport): number {
  return report.pods.filter((pod) => LEFT.has(pod.outcome)).length;
}

const LEFT: ReadonlySet<Outcome> = new Set(['blocked', 'terminating', 'failed']);

export interface DrainFacts {
  readonly node: string;
  readonly claim: Claim;
  readonly report: DrainReport;
  readonly tally: Tally;
  readonly now: Date;
}

/** The drain as one record, and one more for each pod that was forced, held to the end or failed. */
export function reportDrain({ node, claim, report, tally, now }: DrainFacts): readonly Entry[] {
  const count = (outcome: Outcome) => report.pods.filter((pod) => pod.outcome === outcome).length;
  const deadline = claim.deadline ? Date.parse(claim.deadline) : undefined;
  const drained: Entry = {
    target: node,
    action: 'drain',
    reason: sentence(claim, report, tally),
    trigger: claim.trigger,
    facts: {
      instanceId: claim.instanceId,
      cause: claim.cause,
      ...tally,
      terminating: count('terminating'),
      leftByPolicy: count('left-by-policy'),
      // After a recommendation the instance stays: pods that a budget kept are no loss, and no alarm.
      ...(claim.cause === 'rebalance'
        ? { blocked: 0, held: count('blocked') }
        : { blocked: count('blocked') }),
      failed: count('failed'),
      seconds: Math.round((now.getTime() - Date.parse(claim.since)) / 1_000),
      secondsLeft: deadline === undefined ? undefined : Math.round((deadline - now.getTime()) / 1_000),
      ...(claim.night ? { night: true } : {}),
    },
  };
  return [drained, ...report.pods.flatMap((pod) => reportPod(pod, node, claim))];
}

function reportPod(pod: PodReport, node: string, claim: Claim): readonly Entry[] {
  if (pod.outcome !== 'forced' && pod.outcome !== 'blocked' && pod.outcome !== 'failed') return [];
  const why = pod.reason ? `: ${pod.reason}` : '';
  const what: Record<typeof pod.outcome, string> = {
    forced: `deleted before the instance goes, past its budget${why}`,
    blocked: `left on the node to the end${why}`,
    failed: `not evicted${why}`,
  };
  return [
    {
      target: `${pod.pod.namespace}/${pod.pod.name}`,
      action: 'evict',
      reason: what[pod.outcome],
      trigger: claim.trigger,
      facts: { node, instanceId: claim.instanceId, outcome: pod.outcome, budget: pod.budget },
    },
  ];
}

function sentence(claim: Claim, report: DrainReport, tally: Tally): string {
  const moved = tally.evicted + tally.finished + tally.waited;
  const left = leftOf(report);
  if (moved + tally.forced + left === 0) return 'there was nothing on the node that had to move';
  const parts = [`${moved} pod${moved === 1 ? '' : 's'} left the node in good order`];
  if (tally.forced > 0) parts.push(`${tally.forced} had to be forced`);
  if (left > 0) parts.push(`${left} ${left === 1 ? 'was' : 'were'} still on it`);
  const text = parts.join(', ');
  return claim.night ? `${text}; the schedule stops its group` : text;
}

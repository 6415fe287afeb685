/** Deadlines of the whole stop and of the whole start. */
import { messageOf } from '#functions/shared/errors.ts';
import type { Decision } from '#model/decision.ts';
import { HOUR_MS } from '#model/duration.ts';
import { claimsIn } from './decide-autoscaler.ts';
import type { Plan } from './decide-cluster.ts';
import { NOT_OURS } from './decide-group.ts';
import type { NightScheduleDeps, Pass } from './pass.ts';
import type { NodeClaimView } from './ports.ts';
import { minutesOverdue, type Snapshot } from './snapshot.ts';

/**
 * A stop or a start that is past its deadline is a failure whatever keeps it: NodeClaims with what holds them; otherwise,
 * where no group reported its own, everything that this pass waits for.
 */
export function reportOverdue(
  deps: NightScheduleDeps,
  pass: Pass,
  snapshot: Snapshot,
  { state }: Plan,
): void {
  const { settings } = deps;
  const { recorder, reported, now } = pass;
  const minutes = minutesOverdue(snapshot, settings, snapshot.desired.state);
  if (minutes === undefined || settings.dryRun || state.phase === 'asleep' || state.phase === 'awake') return;
  const claims = snapshot.desired.state === 'asleep' ? claimsIn(snapshot.autoscaler) : [];
  if (claims.length > 0 && recorder.isNews('late#claims')) {
    const names = claims.slice(0, 10).map(claimText).join('; ');
    const reason = `NodeClaims are still there ${minutes} min after the stop: ${names}`;
    recorder.record({ target: settings.autoscaler?.kind ?? 'karpenter', action: 'fail', reason });
  }
  const { running, memory } = snapshot;
  const strays = running === undefined || running === 'unknown' ? [] : running.strays;
  if (strays.length > 0 && recorder.isNews('late#nodes')) {
    const when = memory.state?.value.asleepSince ? 'after they appeared at night' : 'after the stop';
    const reason = `nodes of no group and no NodePool that the config names run ${minutes} min ${when}: ${strays.slice(0, 10).join(', ')}; tag their Auto Scaling group with kubernetes.io/cluster/${settings.cluster}, or name the groups to stop in "nodegroups"`;
    recorder.record({ target: settings.cluster, action: 'fail', reason });
  }
  const isReported = [...reported].some(
    ([key, at]) => DEADLINE_KEY.test(key) && now.getTime() - Date.parse(at) < HOUR_MS,
  );
  if (isReported || !recorder.isNews('late#cluster')) return;
  const waits = [
    // As a decision each is recorded once an hour only.
    ...recorder.failures.map(({ target, error }) => `${target}: ${messageOf(error)}`),
    ...recorder.decisions
      .filter((decision) => isWait(decision, snapshot))
      .map(({ target, reason }) => `${target}: ${reason}`),
  ];
  const name = snapshot.desired.state === 'asleep' ? 'stop' : 'start';
  const why = [...new Set(waits)].slice(0, 5).join('; ') || 'another pass comes first each time';
  const reason = `the ${name} is not complete after ${minutes} min: ${why}`;
  recorder.record({ target: settings.cluster, action: 'fail', reason });
}

/** A group that needs nothing has the reason of the schedule. */
function isWait({ action, reason }: Decision, { desired }: Snapshot): boolean {
  if (action === 'none') return reason !== desired.reason && !reason.includes(NOT_OURS);
  return action === 'fail' || action === 'resume';
}

const DEADLINE_KEY = /^(late|stop-deadline|start-deadline)#/;

function claimText({ name, waitsFor }: NodeClaimView): string {
  return waitsFor === undefined ? name : `${name}: ${waitsFor}`;
}

/**
 * What a cluster of the recorded day does once a person has changed something, or the recording is over: its groups stop and
 * start as the schedule and the overrides say, in the time that the lab's groups took.
 */
import type { ClusterState } from '#model/cluster-state.ts';
import type { Decision } from '#model/decision.ts';
import { desiredAt } from '#model/desired.ts';
import { MINUTE_MS } from '#model/duration.ts';
import type { Override, Schedule } from '#model/schedule.ts';

const START_MS = 2 * MINUTE_MS;
const STOP_MS = 17 * MINUTE_MS;

export interface DemoStep {
  readonly state: ClusterState;
  readonly decisions: readonly Pick<Decision, 'action' | 'reason'>[];
}

/** The next step of the cluster; undefined while nothing changes. */
export function nextStep(
  state: ClusterState,
  schedule: Schedule,
  overrides: readonly Override[],
  now: Date,
): DemoStep | undefined {
  const desired = desiredAt(schedule, now, overrides);
  const to = (
    phase: ClusterState['phase'],
    action: Decision['action'],
    reason = desired.reason,
  ): DemoStep => ({
    state: { ...state, phase, desired: desired.state, reason, since: now.toISOString() },
    decisions: [{ action, reason }],
  });
  const inPhaseMs = now.getTime() - Date.parse(state.since);
  const isUp = state.phase === 'awake' || state.phase === 'starting';
  if (desired.state === 'asleep' && isUp) return to('stopping', 'stop');
  if (desired.state === 'awake' && !isUp) return to('starting', 'start');
  if (state.phase === 'starting' && inPhaseMs >= START_MS)
    return to('awake', 'confirm-start', `${desired.reason}; the nodes are Ready`);
  if (state.phase === 'stopping' && inPhaseMs >= STOP_MS)
    return to('asleep', 'confirm-stop', `${desired.reason}; no instance is left`);
  return undefined;
}

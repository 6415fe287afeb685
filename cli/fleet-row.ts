/** What `status` shows of one cluster in one row: pure, from what was read. */
import type { Decision } from '#model/decision.ts';
import { transitions } from '#model/desired.ts';
import { DAY_MS, MINUTE_MS } from '#model/duration.ts';
import type { Transition } from '#model/schedule.ts';
import type { Status } from './status.ts';

/** How far back the last morning is looked for: over a long weekend with holidays. */
export const MORNING_DAYS = 7;
/** night-schedule runs every minute and notes it every few: later than this it does not run. */
const SEEN_LIMIT_MS = 30 * MINUTE_MS;
const DEFAULT_DEADLINE_MINUTES = 20;

/** The last start that the schedule asked for. */
export interface Morning {
  readonly scheduledAt: string;
  /** When it was confirmed that the nodes were Ready; absent while it is not. */
  readonly readyAt?: string;
}

export type FleetState =
  | 'awake'
  | 'stopping'
  | 'asleep'
  | 'starting'
  | 'unknown'
  | 'unreachable'
  | 'always up';

export interface FleetRow {
  readonly state: FleetState;
  /** What needs a person; absent where nothing does. */
  readonly problem?: string;
  readonly morning?: Morning;
  /** Applications with a requested deploy that has not ended. */
  readonly waitingDeploys: number;
}

export interface FleetFacts {
  readonly status: Status;
  /** Of the last `MORNING_DAYS` days, oldest first. */
  readonly decisions: readonly Decision[];
  readonly waitingDeploys: number;
}

export function fleetRowOf({ status, decisions, waitingDeploys }: FleetFacts): FleetRow {
  const { night, schedule } = status;
  if (!schedule || !night) {
    // Not a word of the environment could be read: its account is unreachable.
    return status.unknownPause === undefined
      ? { state: 'always up', waitingDeploys }
      : { state: 'unreachable', problem: status.unknownPause, waitingDeploys };
  }
  const current = (status.named.environment.dryRun ? night.dryRun : undefined) ?? night.state;
  const morning = morningOf(status, decisions);
  const problem = problemOf(status, decisions);
  return {
    state: current?.phase ?? 'unknown',
    waitingDeploys,
    ...(morning ? { morning } : {}),
    ...(problem === undefined ? {} : { problem }),
  };
}

function morningOf({ schedule, now }: Status, decisions: readonly Decision[]): Morning | undefined {
  if (!schedule) return undefined;
  const start = lastOf(transitions(schedule, daysBefore(now), now), ({ to }) => to === 'awake');
  if (!start) return undefined;
  const ready = lastOf(
    decisions,
    ({ action, time }) => action === 'confirm-start' && Date.parse(time) >= start.at.getTime() - DAY_MS / 4,
  );
  return { scheduledAt: start.at.toISOString(), ...(ready ? { readyAt: ready.time } : {}) };
}

function problemOf(status: Status, decisions: readonly Decision[]): string | undefined {
  const { night, now, named } = status;
  if (!night) return undefined;
  const [corrupt] = night.corrupt;
  if (corrupt !== undefined) return `the item ${corrupt} cannot be read: it is not changed`;
  if (night.seenAt !== undefined && now.getTime() - Date.parse(night.seenAt) > SEEN_LIMIT_MS)
    return 'night-schedule does not run: see the alarms of the environment';
  const failed = lastOf(
    decisions,
    ({ capability }) => capability === 'night-schedule' || capability === 'branch-deploy',
    isFailure,
  );
  const change = lastTransition(status);
  if (failed && (!change || Date.parse(failed.time) >= change.at.getTime()))
    return `${failed.target}: ${failed.reason}`;
  const { state } = night;
  if (!state || (state.phase !== 'starting' && state.phase !== 'stopping')) return undefined;
  const deadline = deadlineMinutes(named.environment, state.phase) * MINUTE_MS;
  const isLate = now.getTime() - Date.parse(state.since) > deadline;
  return isLate
    ? `the ${state.phase === 'starting' ? 'start' : 'stop'} was not confirmed in time`
    : undefined;
}

/** A failure that a later success of the same target ended is none any more. */
function isFailure(decision: Decision, later: readonly Decision[]): boolean {
  if (decision.action !== 'fail') return false;
  const successes = ['confirm-start', 'confirm-stop', 'deployed', 'unverified'];
  return !later.some(({ target, action }) => target === decision.target && successes.includes(action));
}

function lastTransition({ schedule, now, night }: Status): Transition | undefined {
  if (!schedule) return undefined;
  return transitions(schedule, daysBefore(now), now, night?.overrides ?? []).at(-1);
}

function deadlineMinutes(
  environment: Status['named']['environment'],
  phase: 'starting' | 'stopping',
): number {
  if (environment.production) return DEFAULT_DEADLINE_MINUTES;
  const { startDeadlineMinutes, stopDeadlineMinutes } = environment;
  return (phase === 'starting' ? startDeadlineMinutes : stopDeadlineMinutes) ?? DEFAULT_DEADLINE_MINUTES;
}

function daysBefore(now: Date): Date {
  return new Date(now.getTime() - MORNING_DAYS * DAY_MS);
}

/** The last element that fulfils every condition; a condition also gets what comes after the element. */
function lastOf<T>(
  list: readonly T[],
  ...conditions: readonly ((one: T, later: readonly T[]) => boolean)[]
): T | undefined {
  return list.findLast((one, index) => conditions.every((is) => is(one, list.slice(index + 1))));
}

/** What the cluster should be now, with the head start that makes it ready by the schedule's time. Pure. */
import { desiredAt } from '#model/desired.ts';
import type { Desired, Override, Schedule, SleepState } from '#model/schedule.ts';
import { formatWall } from '#model/zone.ts';
import type { Notes } from './records.ts';

/** Until a start was observed, a node is taken to need five minutes. */
const DEFAULT_LEAD_SECONDS = 300;
export const LONGEST_LEAD_SECONDS = 1800;

/** The lead is the slowest of the last starts plus a minute, because the tick may come up to a minute late. */
export function leadSeconds(note: Notes['start-times'] | undefined): number {
  const samples = note?.seconds ?? [];
  const slowest = samples.length > 0 ? Math.max(...samples) : DEFAULT_LEAD_SECONDS;
  return Math.min(slowest + 60, LONGEST_LEAD_SECONDS);
}

export function decideDesired(
  schedule: Schedule,
  now: Date,
  overrides: readonly Override[],
  start: { readonly readyBy: boolean; readonly lead: number; readonly before: SleepState | undefined },
): Desired {
  const desired = desiredAt(schedule, now, overrides);
  if (!start.readyBy || !desired.until) return desired;
  // Once started early it stays up: a lead that shrinks in between must not stop it again.
  const lead = start.before === 'awake' ? LONGEST_LEAD_SECONDS : start.lead;
  const ahead = desired.until.getTime() - now.getTime();
  if (ahead > lead * 1000) return desired;
  const next = desiredAt(schedule, desired.until, overrides);
  if (next.state !== 'awake') return desired;
  return {
    ...next,
    reason: `started early to be ready by ${timeOf(schedule, desired.until)}: ${next.reason}`,
  };
}

/** The stop that people should be warned of now, if any. */
export function stopToWarnOf(
  schedule: Schedule,
  now: Date,
  overrides: readonly Override[],
  desired: Desired,
  warnMinutes: number,
): Date | undefined {
  if (!desired.until) return undefined;
  if (desired.until.getTime() - now.getTime() > warnMinutes * 60_000) return undefined;
  return desiredAt(schedule, desired.until, overrides).state === 'asleep' ? desired.until : undefined;
}

/** `22:00 (Asia/Tokyo)` */
export function timeOf(schedule: Schedule, at: Date): string {
  return `${formatWall(schedule.timeZone, at.getTime()).slice(11)} (${schedule.timeZone})`;
}

/** What the cluster should be now, with the head start that makes it ready by the schedule's time. Pure. */
import { desiredAt } from '#model/desired.ts';
import { MINUTE_MS } from '#model/duration.ts';
import type { Desired, Override, Schedule, SleepState } from '#model/schedule.ts';
import { formatWall } from '#model/zone.ts';

/** A start never begins earlier than this before the schedule's time. */
export const LONGEST_LEAD_SECONDS = 3600;

export function decideDesired(
  schedule: Schedule,
  now: Date,
  overrides: readonly Override[],
  start: {
    /** Seconds; absent where the start begins at the schedule's time. */
    readonly lead?: number | undefined;
    readonly before: SleepState | undefined;
  },
): Desired {
  const desired = desiredAt(schedule, now, overrides);
  if (start.lead === undefined || !desired.until) return desired;
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
  if (desired.until.getTime() - now.getTime() > warnMinutes * MINUTE_MS) return undefined;
  return desiredAt(schedule, desired.until, overrides).state === 'asleep' ? desired.until : undefined;
}

/** `22:00 (Asia/Tokyo)` */
export function timeOf(schedule: Schedule, at: Date): string {
  return `${formatWall(schedule.timeZone, at.getTime()).slice(11)} (${schedule.timeZone})`;
}

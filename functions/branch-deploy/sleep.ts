/** Does the cluster sleep, as far as a deploy is concerned? Pure. */
import type { ClusterState } from '#model/cluster-state.ts';
import { desiredAt } from '#model/desired.ts';
import { effectiveOverride } from '#model/override.ts';
import type { Override, Schedule } from '#model/schedule.ts';
import { formatDay } from '#model/when.ts';
import { DAY_MINUTES, formatWall, wallAt } from '#model/zone.ts';

export type Sleep =
  | { readonly asleep: false }
  | {
      readonly asleep: true;
      readonly reason: string;
      /** When it is to be awake; absent where it should be awake already, or nothing is known to wake it. */
      readonly until?: Date;
      /** What keeps it asleep, where a person asked for it. */
      readonly override?: Override;
    };

/** One group that cannot start must not hold back the deploys of a whole day: after this it is tried. */
const START_PATIENCE_MS = 30 * 60_000;

/**
 * Asleep means that it should sleep now, or that it should not and is not up yet. A cluster that should sleep and
 * still runs is about to stop: a sync would not come to its end.
 */
export function sleepAt(
  schedule: Schedule | undefined,
  now: Date,
  observed: { readonly state?: ClusterState; readonly overrides: readonly Override[] },
): Sleep {
  if (!schedule) return { asleep: false };
  const { state, overrides } = observed;
  const desired = desiredAt(schedule, now, overrides);
  if (desired.state === 'asleep') {
    const override = desired.source === 'override' ? effectiveOverride(overrides, now) : undefined;
    return {
      asleep: true,
      reason: desired.reason,
      ...(desired.until ? { until: desired.until } : {}),
      ...(override ? { override } : {}),
    };
  }
  const startingMs = state?.phase === 'starting' ? now.getTime() - Date.parse(state.since) : 0;
  if (state && state.phase !== 'awake' && !(startingMs > START_PATIENCE_MS)) {
    return {
      asleep: true,
      reason: `the cluster is ${state.phase === 'starting' ? 'starting' : 'not up yet'}`,
    };
  }
  return { asleep: false };
}

/** Should it sleep by schedule and calendar alone? Needs no observation, so that a quiet tick asks nobody. */
export function sleepsBySchedule(schedule: Schedule | undefined, now: Date): boolean {
  return schedule !== undefined && desiredAt(schedule, now, []).state === 'asleep';
}

/** `Mon 08:00 (Asia/Tokyo)` */
export function wallClock(schedule: Schedule, instant: Date): string {
  const { timeZone } = schedule;
  const date = Math.floor(wallAt(timeZone, instant.getTime()) / DAY_MINUTES);
  const time = formatWall(timeZone, instant.getTime()).slice(11);
  return `${formatDay(date).slice(0, 3)} ${time} (${timeZone})`;
}

/** How long the mornings took: from the first start of a date to the last group that was Ready. Pure. */

import { formatDate } from '#model/date.ts';
import type { Decision } from '#model/decision.ts';
import { DAY_MINUTES, MINUTE_MS } from '#model/duration.ts';
import { wallAt } from '#model/zone.ts';

export interface Morning {
  /** In the schedule's zone. */
  readonly date: string;
  readonly startedAt: string;
  /** Absent while a group is not Ready. */
  readonly readyAt?: string;
  readonly minutes?: number;
}

/** Oldest first. */
export function morningsOf(decisions: readonly Decision[], timeZone: string): readonly Morning[] {
  const starts = new Map<string, { startedAt: string; readonly waiting: Set<string>; readyAt?: string }>();
  for (const { capability, action, target, time, dryRun, paused } of decisions) {
    if (capability !== 'night-schedule' || dryRun || paused) continue;
    const date = formatDate(Math.floor(wallAt(timeZone, Date.parse(time)) / DAY_MINUTES));
    const morning = starts.get(date);
    if (action === 'start') {
      if (morning) morning.waiting.add(target);
      else starts.set(date, { startedAt: time, waiting: new Set([target]) });
    } else if (action === 'confirm-start') {
      // A start before midnight may be Ready after it.
      const begun = [...starts.values()].findLast(({ waiting }) => waiting.has(target));
      if (begun?.waiting.delete(target)) begun.readyAt = time;
    }
  }
  return [...starts].map(([date, { startedAt, waiting, readyAt }]) => ({
    date,
    startedAt,
    ...(readyAt !== undefined && waiting.size === 0
      ? { readyAt, minutes: Math.round((Date.parse(readyAt) - Date.parse(startedAt)) / MINUTE_MS) }
      : {}),
  }));
}

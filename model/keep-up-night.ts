/** The night that a request to keep the cluster up belongs to, by the schedule alone. Pure. */
import { desiredAt, transitions } from './desired.ts';
import { DAY_MS, HOUR_MS } from './duration.ts';
import { latestEnd } from './keep-up-link.ts';
import type { Schedule } from './schedule.ts';

/** A request ends with the night, and on the day before a holiday or a weekend so many hours after the stop. */
const LONGEST_NIGHT_HOURS = 14;
/** No night begins longer ago, or later from now on. */
const SEARCH_DAYS = 62;

/** The next start by the schedule. */
export function endOfNight(schedule: Schedule, stop: Date): Date {
  const last = new Date(stop.getTime() + LONGEST_NIGHT_HOURS * HOUR_MS);
  return transitions(schedule, stop, last).find(({ to }) => to === 'awake')?.at ?? last;
}

/** The stop that this night began with, or that the next one will begin with. Undefined where there is none. */
export function stopOfNight(schedule: Schedule, now: Date): Date | undefined {
  const isStop = ({ to }: { readonly to: string }) => to === 'asleep';
  if (desiredAt(schedule, now, []).state === 'awake')
    return transitions(schedule, now, new Date(now.getTime() + SEARCH_DAYS * DAY_MS)).find(isStop)?.at;
  // Most nights are shorter than a day: what is far away is only searched where nothing is near.
  for (const days of [1, 4, SEARCH_DAYS]) {
    const from = new Date(now.getTime() - days * DAY_MS);
    // A stop at this very minute counts.
    const stop = transitions(schedule, from, new Date(now.getTime() + 1)).findLast(isStop)?.at;
    if (stop) return stop;
  }
  return undefined;
}

/** The stop by the schedule that the night of this stop began with: of one that was postponed, or of a start in the night. */
export function nightOf(schedule: Schedule, stop: Date): Date {
  const begun = stopOfNight(schedule, stop);
  return begun && begun < stop ? begun : stop;
}

/**
 * The latest end of a request that carries no link: `maxHours` after the stop, or after now where that is later, and no
 * later than the next start.
 */
export function latestEndOfNight(schedule: Schedule, stop: Date, maxHours: number, now: Date): Date {
  const from = new Date(Math.max(stop.getTime(), now.getTime()));
  const expires = endOfNight(schedule, from).toISOString();
  return latestEnd({ stop: stop.toISOString(), expires, maxHours }, maxHours, now);
}

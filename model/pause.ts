/** A pause of one environment: until it ends every capability decides and records, and changes nothing. */
import { DAY_MS } from './duration.ts';
import { authorOf, LONGEST_OVERRIDE_DAYS, type Pause } from './schedule.ts';

/** Whoever wrote it, it ends after the longest time of an override. */
export function endOfPause({ from, until }: Pick<Pause, 'from' | 'until'>): Date {
  return new Date(Math.min(Date.parse(until), Date.parse(from) + LONGEST_OVERRIDE_DAYS * DAY_MS));
}

export function isPaused(pause: Pause | undefined, now: Date): pause is Pause {
  if (pause === undefined || Date.parse(pause.from) > now.getTime()) return false;
  return now < endOfPause(pause);
}

/** Begins the reason of each decision that is not carried out. */
export function pausedText(pause: Pause): string {
  return `paused until ${endOfPause(pause).toISOString()} by ${authorOf(pause)} (${pause.reason})`;
}

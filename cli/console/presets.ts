/** Ends of an override that people ask for most, by the clock of the environment's zone. Pure. */
import { desiredAt, transitions } from '#model/desired.ts';
import { DAY_MINUTES, DAY_MS, HOUR_MS, MINUTE_MS } from '#model/duration.ts';
import type { Schedule } from '#model/schedule.ts';
import { lastInstantOf, wallAt } from '#model/zone.ts';

export interface Preset {
  readonly kind: 'duration' | 'tonight' | 'next-start';
  /** What the override's end is set to: `1h`, `23:30`, or an instant. */
  readonly until: string;
  /** The instant that this means now: ISO 8601. */
  readonly at: string;
}

const TONIGHT_MINUTE = 23 * 60 + 30;

export function presetsOf(schedule: Schedule, now: Date): readonly Preset[] {
  const isAwake = desiredAt(schedule, now, []).state === 'awake';
  const stop = transitions(schedule, now, new Date(now.getTime() + DAY_MS)).find(
    ({ to }) => to === 'asleep',
  )?.at;
  // "One hour more" is an hour after the stop that is near, not an hour of the hours that are open anyway.
  const base = isAwake && stop && stop.getTime() - now.getTime() < 3 * HOUR_MS ? stop : now;
  const later = (hours: number): Preset => {
    const at = new Date(Math.round((base.getTime() + hours * HOUR_MS) / MINUTE_MS) * MINUTE_MS);
    return { kind: 'duration', until: base === now ? `${hours}h` : at.toISOString(), at: at.toISOString() };
  };
  const today = Math.floor(wallAt(schedule.timeZone, now.getTime()) / DAY_MINUTES);
  const tonight = lastInstantOf(schedule.timeZone, today * DAY_MINUTES + TONIGHT_MINUTE);
  const start = transitions(schedule, now, new Date(now.getTime() + 7 * DAY_MS)).find(
    ({ to }) => to === 'awake',
  )?.at;
  return [
    later(1),
    later(2),
    ...(tonight > now.getTime() + HOUR_MS
      ? [{ kind: 'tonight' as const, until: '23:30', at: new Date(tonight).toISOString() }]
      : []),
    ...(start ? [{ kind: 'next-start' as const, until: start.toISOString(), at: start.toISOString() }] : []),
  ];
}

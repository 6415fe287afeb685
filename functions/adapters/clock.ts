/** The time of this machine. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Alarm, Clock } from '#functions/spot-drain/ports.ts';

export function createClock(): Clock {
  return { now: () => new Date(), sleep: (ms) => wait(ms), alarm: alarmIn, random: Math.random };
}

/** Once it rang no timer is left that would keep an invocation from ending. */
export function alarmIn(ms: number): Alarm {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  return {
    rang: promise,
    ring() {
      clearTimeout(timer);
      resolve();
    },
  };
}

/**
 * Virtual time without any real time: what is due runs, then time moves on. Wholly determined by what is put into it,
 * so that a seed gives the same night on every machine.
 */
import type { Clock, Timer } from '../world/clock.ts';

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly run: () => void | Promise<void>;
}

/**
 * `Clock` for simulations. `enter` has no meaning here: nothing runs at ×1. `settle` is awaited before time moves on,
 * so that whoever was woken has done what they can at this instant; undefined where nobody is at work.
 */
export function createSimulatedClock(start: Date, settle?: () => Promise<void> | undefined): Clock {
  let time = start.getTime();
  let order = 0;
  const timers: Entry[] = [];

  const at: Clock['at'] = (instant, run) => {
    const entry: Entry = { at: Math.max(instant, time), order: order++, run };
    let index = timers.length;
    while (index > 0 && (timers[index - 1] as Entry).at > entry.at) index--;
    timers.splice(index, 0, entry);
    return {
      cancel() {
        const found = timers.indexOf(entry);
        if (found >= 0) timers.splice(found, 1);
      },
    };
  };

  return {
    now: () => time,
    date: () => new Date(time),
    offset: () => 0,
    at,
    after: (ms, run) => at(time + ms, run),
    every(ms, run) {
      let timer: Timer;
      const arm = (due: number) => {
        timer = at(due, () => {
          arm(due + ms);
          return run();
        });
      };
      arm(time + ms);
      return { cancel: () => timer.cancel() };
    },
    enter: () => () => undefined,
    async runUntil(end) {
      for (;;) {
        const settling = settle?.();
        if (settling) await settling;
        const next = timers[0];
        if (!next || next.at > end) break;
        timers.shift();
        time = next.at;
        await next.run();
      }
      time = Math.max(time, end);
    },
  };
}

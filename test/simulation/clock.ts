/**
 * Virtual time without any real time: due timers run, then time moves on. The same timers give the same order on every
 * machine, so that a seed gives the same night.
 */
import type { Clock, Timer } from '@nightshift/lab/world/clock.ts';

export interface SimulatedClock extends Clock {
  /** The same time for the world around the functions: its timers wake none of them. */
  readonly world: Clock;
  /** A function was invoked: it runs to its next wait before time moves on. */
  stir(): void;
}

interface Entry {
  readonly at: number;
  readonly run: () => void | Promise<void>;
  /** A function may continue after it. */
  readonly wakes: boolean;
}

/**
 * `Clock` for simulations. `enter` has no meaning here: nothing runs at ×1. Where a timer woke a function, `settle` is
 * awaited before time moves on, so that the function has reached its next wait.
 */
export function createSimulatedClock(start: Date, settle?: () => Promise<void>): SimulatedClock {
  let time = start.getTime();
  let stirred = true;
  /** By time, and those of one instant in the order in which they were set. */
  const timers: Entry[] = [];

  const set = (instant: number, run: Entry['run'], wakes: boolean): Timer => {
    const entry: Entry = { at: Math.max(instant, time), run, wakes };
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

  const runUntil = async (end: number) => {
    for (;;) {
      if (stirred) {
        stirred = false;
        if (settle) await settle();
      }
      const next = timers[0];
      if (!next || next.at > end) break;
      timers.shift();
      time = next.at;
      if (next.wakes) stirred = true;
      const running = next.run();
      if (running) await running;
    }
    time = Math.max(time, end);
  };

  const clock = (wakes: boolean): Clock => ({
    now: () => time,
    date: () => new Date(time),
    offset: () => 0,
    at: (instant, run) => set(instant, run, wakes),
    after: (ms, run) => set(time + ms, run, wakes),
    every(ms, run) {
      let timer: Timer;
      const arm = (due: number) => {
        const ring = () => {
          arm(due + ms);
          return run();
        };
        timer = set(due, ring, wakes);
      };
      arm(time + ms);
      return { cancel: () => timer.cancel() };
    },
    enter: () => () => undefined,
    runUntil,
  });

  return {
    ...clock(true),
    world: clock(false),
    stir() {
      stirred = true;
    },
  };
}

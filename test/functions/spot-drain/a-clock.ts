/** A clock whose time passes only while everybody waits: it then jumps to the next sleeper. */
import type { Clock } from '#functions/spot-drain/ports.ts';

export interface TestClock extends Clock {
  /** Lets time pass until `work` is done. Fails where nobody would ever wake up. */
  run<T>(work: Promise<T>): Promise<T>;
  after(ms: number, act: () => void): void;
}

export const START = new Date('2026-08-27T03:00:00Z');

export function aClock(start: Date = START): TestClock {
  let time = start.getTime();
  let order = 0;
  const sleepers = new Map<number, { at: number; wake: () => void }>();
  const at = (instant: number, wake: () => void) => {
    const key = order++;
    sleepers.set(key, { at: instant, wake });
    return key;
  };
  const alarm: Clock['alarm'] = (ms) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const key = at(time + ms, resolve);
    return {
      rang: promise,
      ring() {
        sleepers.delete(key);
        resolve();
      },
    };
  };
  return {
    now: () => new Date(time),
    random: () => 0.5,
    sleep: (ms) => alarm(ms).rang,
    alarm,
    after: (ms, act) => void at(time + ms, act),
    async run(work) {
      let over = false;
      const finish = () => {
        over = true;
      };
      work.then(finish, finish);
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve));
        if (over) return work;
        const next = [...sleepers].sort(([a, x], [b, y]) => x.at - y.at || a - b)[0];
        if (!next) throw new Error('everybody waits, and nothing will ever happen');
        sleepers.delete(next[0]);
        time = Math.max(time, next[1].at);
        next[1].wake();
      }
    },
  };
}

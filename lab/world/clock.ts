/**
 * Virtual time. While nobody is active the clock jumps from one due timer to the next; while a function is active it
 * runs at ×1, so that a two-minute drain budget is still a real one.
 */
export interface Clock {
  /** The virtual instant, in milliseconds since the epoch. */
  now(): number;
  date(): Date;
  /** What must be added to the real clock to get the virtual one. It only changes while nobody is active. */
  offset(): number;
  /** Calls `run` once when `at` (virtual, ms) is reached. Timers of one instant run in the order they were set. */
  at(at: number, run: () => void | Promise<void>): Timer;
  after(ms: number, run: () => void | Promise<void>): Timer;
  every(ms: number, run: () => void | Promise<void>): Timer;
  /** From `enter` until its `leave` the clock runs at ×1. */
  enter(what: string): () => void;
  /** Lets time pass until `end`, then holds it there. Resolves when `end` is reached and nobody is active. */
  runUntil(end: number, signal?: AbortSignal): Promise<void>;
}

export interface Timer {
  cancel(): void;
}

interface Entry {
  at: number;
  order: number;
  run: () => void | Promise<void>;
}

export function createClock(start: Date, real: () => number = Date.now): Clock {
  let held = start.getTime();
  let running: { sinceReal: number; sinceVirtual: number } | undefined;
  let order = 0;
  let timers: Entry[] = [];
  const active = new Map<symbol, string>();
  let changed: (() => void) | undefined;
  /** A timer whose promise was rejected: `runUntil` throws it, so that no failure of the lab is hidden. */
  let failed: { error: unknown } | undefined;

  const now = () => (running ? running.sinceVirtual + (real() - running.sinceReal) : held);
  const poke = () => changed?.();

  const insert = (entry: Entry) => {
    let low = 0;
    let high = timers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = timers[middle] as Entry;
      if (other.at < entry.at || (other.at === entry.at && other.order < entry.order)) low = middle + 1;
      else high = middle;
    }
    timers.splice(low, 0, entry);
    if (low === 0) poke();
  };

  const at: Clock['at'] = (instant, run) => {
    const entry = { at: instant, order: order++, run };
    insert(entry);
    return {
      cancel: () => {
        timers = timers.filter((other) => other !== entry);
      },
    };
  };

  const clock: Clock = {
    now,
    date: () => new Date(now()),
    offset: () => now() - real(),
    at,
    after: (ms, run) => at(now() + ms, run),
    every(ms, run) {
      let next = now() + ms;
      let timer: Timer;
      const turn = () => {
        next += ms;
        timer = at(next, turn);
        return run();
      };
      timer = at(next, turn);
      return { cancel: () => timer.cancel() };
    },
    enter(what) {
      const key = Symbol(what);
      if (active.size === 0) running = { sinceReal: real(), sinceVirtual: held };
      active.set(key, what);
      return () => {
        if (!active.delete(key)) return;
        if (active.size === 0) {
          held = now();
          running = undefined;
          poke();
        }
      };
    },
    async runUntil(end, signal) {
      while (!signal?.aborted) {
        if (failed) {
          const { error } = failed;
          failed = undefined;
          throw error;
        }
        const next = timers[0];
        const due = Math.min(next?.at ?? Number.POSITIVE_INFINITY, end);
        if (active.size === 0) {
          if (due > held) held = due;
        }
        if (next && next.at <= now() && next.at <= end) {
          timers.shift();
          const result = next.run();
          if (result instanceof Promise) {
            const leave = clock.enter('timer');
            result.then(leave, (error: unknown) => {
              failed = { error };
              leave();
            });
            await Promise.resolve();
          }
          continue;
        }
        if (active.size === 0 && held >= end) {
          // Let what has just been released start before time is held.
          await new Promise((resolve) => setImmediate(resolve));
          if (active.size === 0 && (timers[0]?.at ?? Number.POSITIVE_INFINITY) > end) return;
          continue;
        }
        const wait = active.size === 0 ? 0 : Math.max(0, Math.min(due - now(), 1_000));
        await new Promise<void>((resolve) => {
          const timeout = setTimeout(resolve, wait);
          changed = () => {
            clearTimeout(timeout);
            resolve();
          };
          signal?.addEventListener('abort', () => resolve(), { once: true });
        });
        changed = undefined;
      }
    },
  };
  return clock;
}

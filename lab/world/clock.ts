/**
 * Virtual time. Without activity the clock jumps from one due timer to the next; while a function is active it
 * runs at ×1, so that a two-minute drain budget is still a real one.
 */
export interface Clock {
  /** The virtual instant, in milliseconds since the epoch. */
  now(): number;
  date(): Date;
  /** Virtual minus real time in ms. It only changes without activity. */
  offset(): number;
  /** Calls `run` once when `at` (virtual, ms) is reached. Timers of one instant run in the order they were set. */
  at(at: number, run: () => void | Promise<void>): Timer;
  after(ms: number, run: () => void | Promise<void>): Timer;
  every(ms: number, run: () => void | Promise<void>): Timer;
  /** From `enter` until its `leave` the clock runs at ×1. */
  enter(what: string): () => void;
  /**
   * Runs time until `end`, then stops it. Resolves when `end` is reached and nothing is active: during
   * activity at `end`, time continues at ×1 and timers fire. Rejects with the error of a timer.
   * One call at a time.
   */
  runUntil(end: number, signal?: AbortSignal): Promise<void>;
}

export interface Timer {
  cancel(): void;
}

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly run: () => void | Promise<void>;
}

/** Timers run at most this long before the event loop handles sockets and signals. */
const TURN_MS = 20;
/** Longest pause before real time is read again during activity. */
const MAX_PAUSE_MS = 1_000;

/** `real` is the machine's clock in milliseconds since the epoch. */
export function createClock(start: Date, real: () => number = Date.now): Clock {
  let stoppedAt = start.getTime();
  let running: { readonly sinceReal: number; readonly sinceVirtual: number } | undefined;
  let order = 0;
  const timers: Entry[] = [];
  const active = new Map<symbol, string>();
  let failure: { readonly error: unknown } | undefined;
  /** An activity has just ended: its continuations must run before time jumps. */
  let unsettled = false;
  let resume: (() => void) | undefined;
  let busy = false;

  const now = () => (running ? running.sinceVirtual + (real() - running.sinceReal) : stoppedAt);

  const at: Clock['at'] = (instant, run) => {
    const entry: Entry = { at: instant, order: order++, run };
    const index = position(timers, entry);
    timers.splice(index, 0, entry);
    if (index === 0) resume?.();
    return {
      cancel() {
        const found = position(timers, entry);
        if (timers[found] === entry) timers.splice(found, 1);
      },
    };
  };

  const enter: Clock['enter'] = (what) => {
    const key = Symbol(what);
    if (active.size === 0) running = { sinceReal: real(), sinceVirtual: stoppedAt };
    active.set(key, what);
    return () => {
      if (!active.delete(key) || active.size > 0) return;
      stoppedAt = now();
      running = undefined;
      unsettled = true;
      resume?.();
    };
  };

  const fire = (entry: Entry) => {
    const result = entry.run();
    if (!(result instanceof Promise)) return;
    const leave = enter('timer');
    result
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(leave);
  };

  /** Waits until a new first timer, the end of an activity, or `ms` of real time. */
  const pause = (ms: number, signal: AbortSignal | undefined) =>
    new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timeout);
        signal?.removeEventListener('abort', done);
        resume = undefined;
        resolve();
      };
      const timeout = setTimeout(done, ms);
      signal?.addEventListener('abort', done);
      resume = done;
    });

  const run = async (end: number, signal: AbortSignal | undefined) => {
    let turn = performance.now();
    while (!signal?.aborted) {
      if (failure) {
        const { error } = failure;
        failure = undefined;
        throw error;
      }
      if (unsettled || performance.now() - turn > TURN_MS) {
        unsettled = false;
        await new Promise((resolve) => setImmediate(resolve));
        turn = performance.now();
        continue;
      }
      const next = timers[0];
      if (active.size === 0) {
        if (!next || next.at > end) {
          stoppedAt = Math.max(stoppedAt, end);
          return;
        }
        stoppedAt = Math.max(stoppedAt, next.at);
      }
      if (next && next.at <= now()) {
        timers.shift();
        fire(next);
        continue;
      }
      await pause(
        Math.max(0, Math.min((next?.at ?? Number.POSITIVE_INFINITY) - now(), MAX_PAUSE_MS)),
        signal,
      );
      turn = performance.now();
    }
  };

  return {
    now,
    date: () => new Date(now()),
    offset: () => now() - real(),
    at,
    after: (ms, run) => at(now() + ms, run),
    every(ms, run) {
      let next = now();
      let timer: Timer;
      const arm = () => {
        next += ms;
        timer = at(next, () => {
          arm();
          return run();
        });
      };
      arm();
      return { cancel: () => timer.cancel() };
    },
    enter,
    async runUntil(end, signal) {
      if (busy) throw new Error('the clock is already running: wait for the other runUntil');
      busy = true;
      try {
        await run(end, signal);
      } finally {
        busy = false;
      }
    },
  };
}

/** Index of the entry in the timers, which are sorted by time and order of creation. */
function position(timers: readonly Entry[], entry: Entry): number {
  let low = 0;
  let high = timers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = timers[middle] as Entry;
    if (other.at < entry.at || (other.at === entry.at && other.order < entry.order)) low = middle + 1;
    else high = middle;
  }
  return low;
}

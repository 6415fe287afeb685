import { describe, expect, test } from 'vitest';
import { createClock } from '#lab/world/clock.ts';

const START = new Date('2026-11-24T12:00:00Z');
const start = START.getTime();

describe('a clock without activity', () => {
  test('jumps from timer to timer and holds at the end', async () => {
    const clock = createClock(START);
    const seen: number[] = [];
    clock.after(60_000, () => void seen.push(clock.now() - start));
    clock.at(start + 3_600_000, () => void seen.push(clock.now() - start));
    await clock.runUntil(start + 7_200_000);
    expect(seen).toEqual([60_000, 3_600_000]);
    expect(clock.now()).toBe(start + 7_200_000);
    expect(clock.date()).toEqual(new Date(start + 7_200_000));
  });

  test('runs timers of one instant in the order in which they were set', async () => {
    const clock = createClock(START);
    const seen: string[] = [];
    clock.after(10, () => void seen.push('first'));
    clock.after(10, () => void seen.push('second'));
    clock.after(5, () => void clock.at(start + 10, () => void seen.push('third')));
    await clock.runUntil(start + 10);
    expect(seen).toEqual(['first', 'second', 'third']);
  });

  test('leaves what is due after the end for the next run', async () => {
    const clock = createClock(START);
    const seen: number[] = [];
    clock.after(100, () => void seen.push(clock.now() - start));
    await clock.runUntil(start + 99);
    expect(seen).toEqual([]);
    await clock.runUntil(start + 100);
    expect(seen).toEqual([100]);
  });

  test('runs a timer that is overdue at once, without going back', async () => {
    const clock = createClock(START);
    await clock.runUntil(start + 1_000);
    const seen: number[] = [];
    clock.at(start, () => void seen.push(clock.now() - start));
    await clock.runUntil(start + 2_000);
    expect(seen).toEqual([1_000]);
  });

  test('does not run a timer that was cancelled, and cancelling twice does no harm', async () => {
    const clock = createClock(START);
    const seen: string[] = [];
    const gone = clock.after(10, () => void seen.push('gone'));
    clock.after(10, () => void seen.push('kept'));
    gone.cancel();
    gone.cancel();
    await clock.runUntil(start + 20);
    gone.cancel();
    expect(seen).toEqual(['kept']);
  });

  test('repeats without drift until it is cancelled, also from within', async () => {
    const clock = createClock(START);
    const seen: number[] = [];
    const timer = clock.every(1_000, () => {
      seen.push(clock.now() - start);
      if (seen.length === 3) timer.cancel();
    });
    await clock.runUntil(start + 10_000);
    expect(seen).toEqual([1_000, 2_000, 3_000]);
  });

  test('gives the events of the process a turn in a long run of timers', async () => {
    const clock = createClock(START);
    let turns = 0;
    const interval = setInterval(() => turns++, 1);
    clock.every(1, () => {
      for (let until = performance.now() + 0.2; performance.now() < until; );
    });
    await clock.runUntil(start + 1_000);
    clearInterval(interval);
    expect(turns).toBeGreaterThan(0);
  });

  test('rejects with the error of a timer, thrown or rejected', async () => {
    const clock = createClock(START);
    clock.after(10, () => {
      throw new Error('thrown');
    });
    clock.after(20, () => Promise.reject(new Error('rejected')));
    await expect(clock.runUntil(start + 1_000)).rejects.toThrow('thrown');
    await expect(clock.runUntil(start + 1_000)).rejects.toThrow('rejected');
    await clock.runUntil(start + 1_000);
    expect(clock.now()).toBeGreaterThanOrEqual(start + 1_000);
  });

  test('refuses to be run twice at once', async () => {
    const clock = createClock(START);
    const leave = clock.enter('function');
    const first = clock.runUntil(start + 10);
    await expect(clock.runUntil(start + 10)).rejects.toThrow('already running');
    leave();
    await first;
  });

  test('stops where it is when it is aborted', async () => {
    const clock = createClock(START);
    const abort = new AbortController();
    clock.after(10, () => abort.abort());
    clock.after(20, () => expect.fail('ran after the abort'));
    await clock.runUntil(start + 100, abort.signal);
    expect(clock.now()).toBe(start + 10);
  });
});

describe('a clock during activity', () => {
  /** A machine's clock that the test moves by hand; timers that are due are looked at after a real millisecond. */
  function aRealClock() {
    let now = 5_000_000;
    return {
      real: () => now,
      pass(ms: number) {
        now += ms;
      },
    };
  }
  const aMoment = () => new Promise((resolve) => setTimeout(resolve, 5));

  test('runs at the speed of the machine', () => {
    const { real, pass } = aRealClock();
    const clock = createClock(START, real);
    pass(700);
    expect(clock.now()).toBe(start);
    const leave = clock.enter('function');
    pass(250);
    expect(clock.now()).toBe(start + 250);
    expect(clock.offset()).toBe(start + 250 - real());
    leave();
    pass(1_000);
    expect(clock.now()).toBe(start + 250);
  });

  test('keeps its offset from the first enter to the last leave', () => {
    const { real, pass } = aRealClock();
    const clock = createClock(START, real);
    const first = clock.enter('first');
    const offset = clock.offset();
    pass(10);
    const second = clock.enter('second');
    pass(10);
    first();
    first();
    pass(10);
    expect(clock.offset()).toBe(offset);
    expect(clock.now()).toBe(start + 30);
    second();
    pass(10);
    expect(clock.now()).toBe(start + 30);
  });

  test('runs a timer only when it is really due', async () => {
    const clock = createClock(START);
    const seen: number[] = [];
    const leave = clock.enter('function');
    clock.after(30, () => {
      seen.push(clock.now() - start);
      leave();
    });
    const before = performance.now();
    await clock.runUntil(start + 3_600_000);
    expect(performance.now() - before).toBeGreaterThanOrEqual(25);
    expect(seen[0]).toBeGreaterThanOrEqual(30);
    expect(clock.now()).toBe(start + 3_600_000);
  });

  test('fires a timer that was set while it waited', async () => {
    const clock = createClock(START);
    const leave = clock.enter('function');
    const run = clock.runUntil(start + 60_000);
    await aMoment();
    const fired = new Promise<void>((resolve) => void clock.after(1, resolve));
    await fired;
    leave();
    await run;
  });

  test('continues beyond the end until the last activity has ended, and fires timers', async () => {
    const clock = createClock(START);
    const leave = clock.enter('function');
    clock.after(30, leave);
    await clock.runUntil(start + 10);
    expect(clock.now()).toBeGreaterThanOrEqual(start + 30);
  });

  test('runs the continuations of an activity before time jumps', async () => {
    const clock = createClock(START);
    const seen: number[] = [];
    const work = async () => {
      const leave = clock.enter('function');
      try {
        await aMoment();
      } finally {
        leave();
      }
    };
    clock.after(0, () => {
      void (async () => {
        await work();
        await Promise.resolve();
        clock.after(60_000, () => void seen.push(Math.floor((clock.now() - start) / 60_000)));
      })();
    });
    await clock.runUntil(start + 3_600_000);
    expect(seen).toEqual([1]);
  });

  test('counts a timer that returns a promise as active until it is settled', async () => {
    const clock = createClock(START);
    let elapsed = 0;
    clock.after(1_000, async () => {
      await aMoment();
      elapsed = clock.now() - start - 1_000;
    });
    clock.after(60_000, () => {});
    await clock.runUntil(start + 60_000);
    expect(elapsed).toBeGreaterThanOrEqual(3);
    expect(elapsed).toBeLessThan(59_000);
  });
});

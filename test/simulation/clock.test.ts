import { describe, expect, test } from 'vitest';
import { createSimulatedClock } from './clock.ts';

const START = new Date('2026-11-24T00:00:00Z');

describe('the simulated clock', () => {
  test('runs what is due by time, and at one instant in the order in which it was set', async () => {
    const clock = createSimulatedClock(START);
    const ran: string[] = [];
    clock.after(20, () => void ran.push('late'));
    clock.after(10, () => void ran.push('early'));
    clock.after(10, () => void ran.push('early, set later'));
    await clock.runUntil(clock.now() + 15);
    expect(ran).toEqual(['early', 'early, set later']);
    expect(clock.date().toISOString()).toBe('2026-11-24T00:00:00.015Z');
  });

  test('runs no timer that was cancelled', async () => {
    const clock = createSimulatedClock(START);
    const ran: number[] = [];
    const timer = clock.every(10, () => void ran.push(clock.now() - START.getTime()));
    clock.after(25, () => timer.cancel());
    await clock.runUntil(clock.now() + 100);
    expect(ran).toEqual([10, 20]);
  });

  test('waits for a woken function before time moves on', async () => {
    const clock = createSimulatedClock(START, settled);
    const wokenAt: number[] = [];
    clock.world.after(11, () => undefined);
    const work = async () => {
      await new Promise<void>((resolve) => void clock.after(10, resolve));
      for (let hop = 0; hop < 50; hop++) await undefined;
      wokenAt.push(clock.now() - START.getTime());
    };
    void work();
    await clock.runUntil(clock.now() + 100);
    expect(wokenAt).toEqual([10]);
  });

  test('waits for a function that an event of the world has called', async () => {
    const clock = createSimulatedClock(START, settled);
    const doneAt: number[] = [];
    clock.world.after(11, () => undefined);
    clock.world.after(10, () => {
      clock.stir();
      void (async () => {
        for (let hop = 0; hop < 50; hop++) await undefined;
        doneAt.push(clock.now() - START.getTime());
      })();
    });
    await clock.runUntil(clock.now() + 100);
    expect(doneAt).toEqual([10]);
  });

  test('does not wait after timers of the world alone', async () => {
    let waits = 0;
    const clock = createSimulatedClock(START, () => {
      waits += 1;
      return settled();
    });
    for (let ms = 1; ms <= 20; ms++) clock.world.after(ms, () => undefined);
    await clock.runUntil(clock.now() + 100);
    expect(waits).toBe(1);
  });
});

function settled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

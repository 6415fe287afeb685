import { describe, expect, test, vi } from 'vitest';
import { createClock } from '#functions/adapters/clock.ts';

describe('an alarm of the real clock', () => {
  test('rings when its time is over, and not before', async () => {
    vi.useFakeTimers();
    try {
      const rang = vi.fn();
      void createClock().alarm(1_000).rang.then(rang);
      await vi.advanceTimersByTimeAsync(999);
      expect(rang).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(1);
      expect(rang).toHaveBeenCalledOnce();
    } finally {
      vi.useRealTimers();
    }
  });

  test('rings at once when it is called to, however often, and leaves no timer behind', async () => {
    vi.useFakeTimers();
    try {
      const alarm = createClock().alarm(3_600_000);
      alarm.ring();
      alarm.ring();
      await alarm.rang;
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});

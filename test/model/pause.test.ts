import { expect, test } from 'vitest';
import { endOfPause, isPaused, pausedText } from '#model/pause.ts';
import type { Pause } from '#model/schedule.ts';

const aPause = (overrides: Partial<Pause> = {}): Pause => ({
  from: '2026-11-25T10:00:00.000Z',
  until: '2026-11-25T12:00:00.000Z',
  author: 'ana',
  reason: 'incident 42',
  ...overrides,
});
const at = (time: string) => new Date(`2026-11-25T${time}.000Z`);

test('a pause counts from its first instant to the one before its end', () => {
  const times = ['09:59:59', '10:00:00', '11:59:59', '12:00:00'];
  expect(times.map((time) => isPaused(aPause(), at(time)))).toEqual([false, true, true, false]);
  expect(isPaused(undefined, at('11:00:00'))).toBe(false);
});

test('a pause ends after the longest time of an override, whoever wrote a later end', () => {
  const long = aPause({ until: '2027-11-25T12:00:00.000Z' });
  expect(endOfPause(aPause())).toEqual(at('12:00:00'));
  const end = endOfPause(long);
  expect(end.getTime()).toBeLessThan(Date.parse('2026-12-31T00:00:00Z'));
  expect(end.getTime()).toBeGreaterThan(Date.parse(long.from));
  expect([isPaused(long, new Date(end.getTime() - 1)), isPaused(long, end)]).toEqual([true, false]);
});

test('what is not carried out names the end, the author and the reason of the pause', () => {
  expect(pausedText(aPause())).toMatch(/^paused until 2026-11-25T12:00:00\.000Z by ana.* \(incident 42\)$/);
});

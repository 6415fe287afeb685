import { expect, test } from 'vitest';
import { minutesMissed, predictReady } from '#functions/night-schedule/predict-morning.ts';
import type { Morning } from '#functions/night-schedule/records.ts';

const ASKED = new Date('2026-11-24T22:56:00Z');
const PROMISED = new Date('2026-11-24T23:00:00Z');
const current: Morning = { asked: ASKED.toISOString(), seconds: {}, isOpen: true };
const mornings = (...all: readonly number[]): Morning[] =>
  all.map((instances) => ({ asked: ASKED.toISOString(), seconds: { instances, nodes: instances + 20 } }));
const usual = (count: number) => Array.from({ length: count }, (_, index) => 60 + index);
const missed = (before: readonly Morning[], now: Date) =>
  minutesMissed(predictReady(current, before, 'nodes', now), PROMISED, now);
const after = (seconds: number) => new Date(ASKED.getTime() + seconds * 1000);

test.each([5, 12, 25, 40, 58])(
  'one bad morning among %i does not warn people of each one after it',
  (count) => {
    expect(missed(mornings(...usual(count), 900), after(0))).toBeUndefined();
  },
);

test('two bad ones of few do: it may happen again', () => {
  expect(missed(mornings(...usual(20), 900, 900), after(0))).toEqual({ minutes: 12, isExpected: false });
});

test('a start that is slower than all but the bad one is expected to be like it', () => {
  expect(missed(mornings(...usual(25), 900), after(120))).toEqual({ minutes: 12, isExpected: true });
});

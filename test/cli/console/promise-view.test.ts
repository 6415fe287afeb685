import { expect, test } from 'vitest';
import { promiseOf } from '#cli/console/promise-view.ts';
import type { Morning } from '#functions/night-schedule/records.ts';

const aMorning = (date: string, nodes: number, given: Partial<Morning> = {}): Morning => ({
  asked: `${date}T22:50:00.000Z`,
  promised: `${date}T23:00:00.000Z`,
  seconds: { nodes },
  ...given,
});

test('the console counts the mornings that were promised, and says which were late', () => {
  const { promised: _, ...unpromised } = aMorning('2026-11-19', 60);
  const mornings = [
    unpromised,
    aMorning('2026-11-22', 300),
    aMorning('2026-11-23', 700),
    aMorning('2026-11-24', 0, { seconds: {}, isOpen: true }),
  ];
  expect(promiseOf(mornings, 'nodes')).toEqual({
    kept: 1,
    promised: 2,
    mornings: [
      { promised: '2026-11-22T23:00:00.000Z', ready: '2026-11-22T22:55:00.000Z', isKept: true },
      { promised: '2026-11-23T23:00:00.000Z', ready: '2026-11-23T23:01:40.000Z', isKept: false },
    ],
  });
});

test('the console shows no promise where nothing was promised', () => {
  expect(promiseOf([aMorning('2026-11-22', 300)], false)).toBeUndefined();
  expect(promiseOf([], 'nodes')).toBeUndefined();
  expect(promiseOf(undefined, 'nodes')).toBeUndefined();
});

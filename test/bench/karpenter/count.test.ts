import { describe, expect, test } from 'vitest';
import { launchedSince, leftAt, nodeMinutes, type Sample, unchangedPools } from './count.ts';

const SAMPLES: readonly Sample[] = [
  { at: 0, claims: ['a', 'b'] },
  { at: 60_000, claims: ['b', 'c', 'd'] },
  { at: 90_000, claims: ['d'] },
];

describe('node-minutes', () => {
  test('count each list until the next one, and the last one until the end', () => {
    expect(nodeMinutes(SAMPLES, 120_000)).toBe(2 + 1.5 + 0.5);
  });

  test('end at the deadline, whatever was listed later', () => {
    expect(nodeMinutes(SAMPLES, 75_000)).toBe(2 + 0.75);
  });
});

describe('what is left', () => {
  test('is what the last list until then shows', () => {
    expect([59_999, 60_000, 200_000].map((at) => leftAt(SAMPLES, at))).toEqual([2, 3, 1]);
  });

  test('is unknown before the first list', () => {
    expect(leftAt(SAMPLES, -1)).toBeNaN();
  });
});

test('NodeClaims that the first list does not show were launched since, each once', () => {
  expect(launchedSince(SAMPLES)).toBe(2);
  expect(launchedSince([])).toBe(0);
});

describe('NodePools as before', () => {
  const before = { a: { limits: { cpu: '1', memory: '2Gi' } }, b: {}, c: { replicas: 2 } };

  test('have the limits and replicas from before, in any order', () => {
    const after = { c: { replicas: 2 }, b: {}, a: { limits: { memory: '2Gi', cpu: '1' }, weight: 3 } };
    expect(unchangedPools(before, after)).toEqual(['a', 'b', 'c']);
  });

  test('are not those with other limits, with new ones, or that are gone', () => {
    const after = { a: { limits: { cpu: '1000', memory: '2Gi' } }, b: { limits: { cpu: '1000' } } };
    expect(unchangedPools(before, after)).toEqual([]);
  });
});

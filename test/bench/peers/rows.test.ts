import { describe, expect, test } from 'vitest';
import type { Figure } from '../bench.ts';
import type { Emptied } from './measure.ts';
import { fullNodeRows, type Quiet, quietRows, stormRows } from './rows.ts';

function anEmptied(overrides: Partial<Emptied> = {}): Emptied {
  return {
    nodes: 50,
    cordonedInTime: 50,
    cordoned: 50,
    lastCordonMs: 3_500,
    asked: 250,
    allAskedMs: 5_500,
    gone: 250,
    allGoneMs: 8_000,
    requests: 675,
    cpuMs: 4_500,
    peakMb: 4_000,
    failures: [],
    ...overrides,
  };
}

/** Without what its keys name: it did not come to that. */
function without(emptied: Emptied, ...keys: readonly (keyof Emptied)[]): Emptied {
  return Object.fromEntries(Object.entries(emptied).filter(([key]) => !keys.includes(key as never))) as never;
}

function rowOf(rows: readonly Figure[], what: string): Figure {
  const found = rows.find((row) => row.what.endsWith(what));
  if (!found) throw new Error(`no row ends with "${what}": ${rows.map((row) => row.what).join('; ')}`);
  return found;
}

describe('the rows of a storm', () => {
  const rows = stormRows(50, { ours: anEmptied(), kubectl: anEmptied({ lastCordonMs: 5_000 }) });

  test('are seconds, requests for each node and processor seconds for each node', () => {
    expect(rowOf(rows, 'last cordon')).toMatchObject({ value: 3.5, unit: 's' });
    expect(rowOf(rows, 'API requests')).toMatchObject({ value: 13.5, unit: 'a node' });
    expect(rowOf(rows, 'processor time')).toMatchObject({ value: 0.09, unit: 's a node' });
  });

  test('have what was measured in this run unmarked, and what is recorded marked', () => {
    expect(rowOf(rows, 'last cordon').beside).toEqual([
      { who: 'kubectl drain', value: 5 },
      { who: 'NTH, as it comes', value: 143.8, isRecorded: true },
      { who: 'NTH, tuned', value: '7.1, 9.0', isRecorded: true },
    ]);
  });

  test('have no recorded figure where none was taken', () => {
    expect(rowOf(rows, 'memory of all processes').beside).toEqual([{ who: 'kubectl drain', value: 4_000 }]);
    const hundred = stormRows(100, { ours: anEmptied({ nodes: 100 }) });
    expect(rowOf(hundred, 'last cordon').beside).toEqual([
      { who: 'NTH, tuned', value: 17.1, isRecorded: true },
    ]);
  });

  test('measure aws-node-termination-handler where its program was given', () => {
    const given = stormRows(50, { ours: anEmptied(), nth: anEmptied({ lastCordonMs: 9_000 }) });
    expect(rowOf(given, 'last cordon').beside?.[0]).toEqual({ who: 'NTH', value: 9 });
  });

  test.each([
    ['last cordon', anEmptied({ lastCordonMs: 4_001 })],
    ['all pods asked', anEmptied({ allAskedMs: 6_001 })],
    ['API requests', anEmptied({ requests: 701 })],
    ['processor time', anEmptied({ cpuMs: 5_001 })],
    ['last cordon', without(anEmptied(), 'lastCordonMs')],
  ])('do not meet the target of the %s', (what, ours) => {
    expect(rowOf(rows, what).target?.met).toBe(true);
    expect(rowOf(stormRows(50, { ours }), what).target?.met).toBe(false);
  });

  test('have targets for fifty notices only', () => {
    expect(stormRows(100, { ours: anEmptied() }).some(({ target }) => target)).toBe(false);
  });
});

describe('the rows of a full node', () => {
  const kubectl = anEmptied({ allGoneMs: 22_000 });

  test('compare with a tenth of the time of kubectl', () => {
    const met = (allGoneMs: number) =>
      rowOf(fullNodeRows(110, { ours: anEmptied({ allGoneMs }), kubectl }), 'until empty').target?.met;
    expect([met(2_200), met(2_201)]).toEqual([true, false]);
  });
});

describe('the other rows', () => {
  const quiet: Quiet = {
    held: { ours: anEmptied({ gone: 5 }), kubectl: without(anEmptied({ gone: 0 }), 'allGoneMs') },
    oneByOne: { ours: anEmptied(), kubectl: anEmptied() },
    killedAskedMs: 21_000,
    health: { ours: anEmptied({ asked: 15 }) },
    recommended: { ours: anEmptied({ asked: 0 }), undoneMs: 61_000 },
  };
  const met = (changed: Partial<Quiet>) =>
    quietRows({ ...quiet, ...changed }).flatMap(({ target }) => (target ? [target.met] : []));

  test('meet their targets', () => {
    expect(met({})).toEqual([true, true, true, true, true]);
  });

  test.each([
    ['a pod that the budget kept', { held: { ours: anEmptied({ gone: 4 }) } }],
    ['a killed worker that is missed late', { killedAskedMs: 25_001 }],
    ['a killed worker that is not missed', { killedAskedMs: Number.NaN }],
    ['an instance of a Health event that was forgotten', { health: { ours: anEmptied({ asked: 10 }) } }],
    [
      'a pod that was evicted without an interruption',
      { recommended: { ours: anEmptied({ asked: 1 }), undoneMs: 61_000 } },
    ],
    ['a cordon that stays', { recommended: { ours: anEmptied({ asked: 0 }), undoneMs: Number.NaN } }],
  ])('do not with %s', (_what, changed) => {
    expect(met(changed).filter((one) => !one)).toHaveLength(1);
  });

  test('say never where a budget kept the pods of kubectl', () => {
    expect(rowOf(quietRows(quiet), 'the last is gone').beside).toEqual([
      { who: 'kubectl drain', value: Number.NaN },
    ]);
  });
});

import { describe, expect, test } from 'vitest';
import { type BenchResult, median, percentile, table } from './bench.ts';

const RESULT: BenchResult = {
  bench: 'pass',
  method: 'over the lab’s AWS',
  figures: [
    { what: 'calls', value: 3, unit: 'calls', target: { what: '≤ 4', met: true } },
    {
      what: 'time',
      value: 1_465.4,
      unit: 'ms',
      baseline: { what: 'kubectl', value: 21_039 },
      target: { what: 'not slower', met: false },
    },
  ],
  notes: ['a note'],
};

describe('the table of a bench', () => {
  const lines = table(RESULT).split('\n');

  test('begins with how it was measured and ends with the notes', () => {
    expect(lines[0]).toBe('pass: over the lab’s AWS');
    expect(lines.at(-1)).toBe('a note');
  });

  test('shows each figure with its target and whether that is met', () => {
    expect(lines[2]).toMatch(/^calls +3 calls +≤ 4 +met$/);
  });

  test('shows the baseline of the same run and the ratio to it', () => {
    expect(lines[3]).toMatch(/^time +1,465 ms +21,039 ms \(kubectl\) +0\.07 +not slower +NOT MET$/);
  });

  test.each([
    [0, '0'],
    [0.196, '0.196'],
    [3, '3'],
    [13.15, '13.15'],
    [20, '20'],
    [1_000, '1,000'],
  ])('writes %d as %s', (value, text) => {
    const line = table({ ...RESULT, figures: [{ what: 'it', value, unit: '$' }] }).split('\n')[2];
    expect(line).toMatch(new RegExp(`^it +${text.replace('.', '\\.')} \\$$`));
  });
});

describe('the table of a bench with others beside it', () => {
  const BESIDE: BenchResult = {
    bench: 'peers',
    own: 'spot-drain',
    method: 'on the same servers',
    figures: [
      {
        what: 'last cordon',
        value: 3.6,
        unit: 's',
        target: { what: '≤ 4 s', met: true },
        beside: [
          { who: 'kubectl drain', value: 5.25 },
          { who: 'NTH', value: '7.1, 9.0', isRecorded: true },
        ],
      },
      {
        what: 'taken over',
        value: Number.NaN,
        unit: 's',
        beside: [{ who: 'NTH', value: 'never', isRecorded: true }],
      },
    ],
  };
  const lines = table(BESIDE).split('\n');

  test('has a column for each, and says which figure is of another run', () => {
    expect(lines[1]).toMatch(/^what +spot-drain +kubectl drain +NTH +target$/);
    expect(lines[2]).toMatch(/^last cordon +3\.6 s +5\.25 s +7\.1, 9\.0 s \(recorded\) +≤ 4 s +met$/);
  });

  test('leaves a column empty where somebody was not measured, and says what never came', () => {
    expect(lines[3]).toMatch(/^taken over +never +never \(recorded\)$/);
  });

  test('says what is missing where nothing was measured', () => {
    const missing = 'moto_server: not on the PATH';
    expect(table({ bench: 'peers', method: '', figures: [], missing })).toBe(
      'peers: not measured: moto_server: not on the PATH',
    );
  });
});

describe('the middle of several runs', () => {
  test('is the value in the middle, or the mean of the two there', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([9, 1, 5, 7])).toBe(6);
  });

  test('and a percentile is a value that was measured', () => {
    const values = Array.from({ length: 100 }, (_, index) => index + 1);
    expect(percentile(values, 0.5)).toBe(50);
    expect(percentile(values, 0.99)).toBe(99);
    expect(percentile([4], 0.99)).toBe(4);
  });
});

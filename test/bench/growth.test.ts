import { describe, expect, test } from 'vitest';
import type { BenchResult } from './bench.ts';
import { growthPicture } from './growth.ts';

const figure = (what: string, value: number) => ({ what, value, unit: 'ms' });
const growing = (rest: string) => [figure(`1 ${rest}`, 5), figure(`200 ${rest}`, 50)];
const RESULTS: BenchResult[] = [
  {
    bench: 'pass',
    method: '',
    figures: [
      ...growing('groups, quiet: AWS calls'),
      ...growing('groups, quiet: time'),
      ...growing('groups, quiet: duration of a month’s ticks'),
    ],
  },
  {
    bench: 'scale',
    method: '',
    figures: [
      ...growing('environments: synth'),
      ...growing('environments: status'),
      ...growing('applications, quiet tick: time'),
    ],
  },
];

describe('the picture of growth', () => {
  test('has a chart of each series, whose last point is at the top right', () => {
    const svg = growthPicture(RESULTS);
    expect(svg.match(/<polyline/g)).toHaveLength(6);
    expect(svg).toContain('284.0,36.0');
    expect(svg).toContain('200 environments');
  });

  test('is refused where a series was not measured', () => {
    expect(() => growthPicture(RESULTS.slice(0, 1))).toThrow(
      'the picture needs two figures or more of "environments: synth"',
    );
  });
});

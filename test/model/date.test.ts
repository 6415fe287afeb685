import { describe, expect, test } from 'vitest';
import { formatDate, parseDate, weekdayOf } from '#model/date.ts';

describe('a date', () => {
  test.each<[string, number]>([
    ['1970-01-01', 0],
    ['1969-12-31', -1],
    ['2024-02-29', 19_782],
    ['2026-11-23', 20_780],
  ])('%s is the day %d', (text, days) => {
    expect(parseDate(text)).toBe(days);
    expect(formatDate(days)).toBe(text);
  });

  test.each([
    '2026-02-29',
    '2026-13-01',
    '2026-00-10',
    '2026-1-1',
    '+002026-01-01',
    '2026-01-01T00:00',
    'today',
    '',
  ])('%j is none', (text) => {
    expect(parseDate(text)).toBeUndefined();
  });

  test('knows its weekday, before 1970 too', () => {
    const days = ['1969-12-29', '1970-01-01', '2026-11-23', '2026-11-29'].map(
      (text) => parseDate(text) ?? NaN,
    );
    expect(days.map(weekdayOf)).toEqual([1, 4, 1, 7]);
  });
});

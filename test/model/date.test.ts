import { describe, expect, it } from 'vitest';
import { formatDate, isoOf, parseDate, weekdayOf } from '#model/date.ts';

describe('a date', () => {
  it.each<[string, number]>([
    ['1970-01-01', 0],
    ['1969-12-31', -1],
    ['2024-02-29', 19_782],
    ['2026-11-23', 20_780],
  ])('%s is the day %d', (text, days) => {
    expect(parseDate(text)).toBe(days);
    expect(formatDate(days)).toBe(text);
  });

  it.each([
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

  it('knows its weekday, before 1970 too', () => {
    const days = ['1969-12-29', '1970-01-01', '2026-11-23', '2026-11-29'].map(
      (text) => parseDate(text) ?? NaN,
    );
    expect(days.map(weekdayOf)).toEqual([1, 4, 1, 7]);
  });
});

describe('an instant', () => {
  it.each([
    0,
    -1,
    Date.parse('2026-11-23T23:59:59.999Z'),
    Date.parse('2026-11-24T00:00:00.007Z'),
    Date.parse('0000-01-01T00:00:00Z') - 1,
    Date.parse('9999-12-31T23:59:59.999Z') + 1,
    8.64e15,
    -8.64e15,
  ])('%d is written as Date writes it', (ms) => {
    expect(isoOf(new Date(ms))).toBe(new Date(ms).toISOString());
  });

  it('is written the same after many other days', () => {
    for (let day = 0; day < 250; day++) {
      const at = new Date(day * 86_400_000 + day * 345_678);
      expect(isoOf(at)).toBe(at.toISOString());
    }
  });

  it('is refused where it is none', () => {
    expect(() => isoOf(new Date(Number.NaN))).toThrow(RangeError);
  });
});

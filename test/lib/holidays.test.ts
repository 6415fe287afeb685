import { describe, expect, test } from 'vitest';
import { expandedUntil, holidayCodes, holidaysOf, isHolidayCode } from '#lib/holidays.ts';
import { formatDate } from '#model/date.ts';

const listed = (code: string, year: number) =>
  holidaysOf(code, [year]).map(({ date, name }) => `${formatDate(date)} ${name}`);

describe('public holidays', () => {
  test('include those of Japan, in Japanese and English, with the substitute days for a Sunday', () => {
    const japan = listed('JP', 2026);
    expect(japan).toHaveLength(18);
    expect(japan).toContain('2026-11-23 勤労感謝の日 / Labor Thanksgiving Day');
    expect(japan).toContain('2026-05-06 憲法記念日 (振替休日) / Constitution Day (substitute day)');
    // Between two holidays lies a third, as in no other year of the decade.
    expect(japan.find((day) => day.startsWith('2026-09-22'))).toContain('国民の休日');
  });

  test('exclude bank holidays and observances', () => {
    expect(listed('JP', 2026).join()).not.toContain('2026-12-25');
    expect(listed('JP', 2026).join()).not.toContain('2026-12-31');
  });

  test('differ by state', () => {
    const epiphany = (code: string) => listed(code, 2026).some((day) => day.startsWith('2026-01-06'));
    expect(epiphany('DE')).toBe(false);
    expect(epiphany('DE-BY')).toBe(true);
  });

  test('in Latin letters have one name', () => {
    expect(listed('DE', 2026)).toContain('2026-01-01 Neujahr');
  });

  test('of several days count on each whole day', () => {
    const feast = listed('TR', 2026).filter((day) => day.includes('Ramazan'));
    expect(feast).toEqual([
      '2026-03-20 Ramazan Bayramı',
      '2026-03-21 Ramazan Bayramı',
      '2026-03-22 Ramazan Bayramı',
    ]);
  });

  test('are those of the kinds that are given, public ones by default', () => {
    const kinds = (...given: Parameters<typeof holidaysOf>[2] & object) =>
      holidaysOf('IE', [2026], given).map(({ name }) => name);
    expect(kinds('bank')).toContain('Good Friday');
    expect(kinds('public', 'bank')).toEqual(expect.arrayContaining(['Christmas Day', 'Good Friday']));
    expect(listed('IE', 2026).join()).not.toContain('Good Friday');
  });

  test('leave out an observance that the calendar data takes for a public holiday', () => {
    const names = listed('AE', 2027).join();
    expect(names).not.toContain('2027-02-08');
    expect(names).not.toContain('2027-01-05');
    expect(names).toContain('2027-03-09');
    expect(listed('ID', 2027).join()).toContain('2027-01-05');
  });

  test('exclude half days', () => {
    expect(listed('IS', 2026).some((day) => day.startsWith('2026-12-24'))).toBe(false);
    expect(listed('IS', 2026).some((day) => day.startsWith('2026-12-25'))).toBe(true);
  });

  test('count once on a day that is 25 hours long', () => {
    expect(listed('AU', 2026).filter((day) => day.includes('Easter Sunday'))).toHaveLength(1);
  });

  test('are known by code', () => {
    expect(['JP', 'US', 'US-NY', 'DE-BY'].map(isHolidayCode)).toEqual([true, true, true, true]);
    expect(['jp', 'XX', 'US-XX', '', 'DE-BY-XX', 'toString'].map(isHolidayCode)).toEqual(
      Array(6).fill(false),
    );
    expect(holidayCodes()).toContain('JP');
    expect(holidayCodes('US')).toContain('US-NY');
  });

  test('are expanded to the end of the third year', () => {
    expect(expandedUntil(new Date('2026-11-22T00:00:00Z'))).toBe('2028-12-31');
  });
});

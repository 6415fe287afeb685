import { describe, expect, it } from 'vitest';
import { parseDate } from '#model/date.ts';
import { formatDay, parseFrom, parseSpan, parseUntil } from '#model/when.ts';

/** Tuesday. */
const now = new Date('2026-11-24T21:30:00+09:00');
const examples = '23:00, "tomorrow 09:00", "Mon 08:00", "2026-12-01 23:00" or 2026-12-01T23:00+09:00';

function until(text: string): string {
  const parsed = parseUntil(text, now, 'Asia/Tokyo');
  return 'problem' in parsed
    ? parsed.problem
    : new Date(parsed.at + 9 * 3_600_000).toISOString().slice(0, 19);
}

describe('a time that is still to come', () => {
  it.each([
    ['Wed 08:00', '2026-11-25T08:00:00'],
    ['thursday 08:00', '2026-11-26T08:00:00'],
    ['Fri 08:00', '2026-11-27T08:00:00'],
    ['SATURDAY 08:00', '2026-11-28T08:00:00'],
    ['sun 08:00', '2026-11-29T08:00:00'],
    ['monday 8:00', '2026-11-30T08:00:00'],
    ['Wednesday 08:00', '2026-11-25T08:00:00'],
    ['friday 08:00', '2026-11-27T08:00:00'],
    ['sunday 08:00', '2026-11-29T08:00:00'],
    [' 23:00 ', '2026-11-24T23:00:00'],
    ['2026-12-01T23:00:30+09:00', '2026-12-01T23:00:30'],
    ['2026-12-01T23:00:30.123 +09:00', '2026-12-01T23:00:30'],
    ['2026-12-01T23:00+0959', '2026-12-01T22:01:00'],
    ['2026-12-01T23:00+14:00', '2026-12-01T18:00:00'],
  ])('%s', (text, local) => {
    expect(until(text)).toBe(local);
  });

  it('is never this very minute', () => {
    expect(until('21:30')).toBe('2026-11-25T21:30:00');
    expect(until('21:31')).toBe('2026-11-24T21:31:00');
    expect(until('Tue 21:30')).toBe('2026-12-01T21:30:00');
    expect(until('Tue 21:31')).toBe('2026-11-24T21:31:00');
  });
});

describe('a time that cannot be read', () => {
  it.each([
    ['x2026-12-01 23:00', `this is no time: write ${examples}`],
    ['2026-12-01 23:00x', `this is no time: write ${examples}`],
    ['x2026-12-01T23:00Z', `this is no time: write ${examples}`],
    ['2026-12-01T23:00Zx', `this is no time: write ${examples}`],
    ['x 23:00', `this is no time: write ${examples}`],
    ['23:00x', `this is no time: write ${examples}`],
    ['08:60', `this is no time: write ${examples}`],
    ['monkey 08:00', `"monkey" is no day: write ${examples}`],
    ['2026-12-01T25:00Z', '25:00 is no time of day'],
    ['2026-12-01T23:00+15:00', '+15:00 is no offset from UTC: write +09:00'],
    ['2026-12-01T23:00+09:60', '+09:60 is no offset from UTC: write +09:00'],
  ])('%s', (text, problem) => {
    expect(until(text)).toBe(problem);
  });
});

it('the start of a plan may stand between blanks', () => {
  expect(parseFrom(' 2026-12-24 ', 'UTC')).toEqual({ at: Date.parse('2026-12-24T00:00:00Z') });
  expect(parseFrom('soon', 'UTC')).toEqual({
    problem: 'this is no date: write one like 2026-12-24, or an instant like 2026-12-24T09:00+09:00',
  });
});

it.each([
  [' 2h ', 120],
  [' 90m ', 90],
  ['36h', 36 * 60],
  ['12d', 12 * 1440],
  ['120min', 120],
])('%j is a span of %d minutes', (text, minutes) => {
  expect(parseSpan(text)).toEqual({ ms: minutes * 60_000 });
});

it('a day is shown with its name', () => {
  const shown = ['2026-11-23', '2026-11-25', '2026-11-29'].map((text) =>
    formatDay(parseDate(text) ?? Number.NaN),
  );
  expect(shown).toEqual(['Mon 2026-11-23', 'Wed 2026-11-25', 'Sun 2026-11-29']);
});

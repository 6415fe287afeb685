import { describe, expect, it } from 'vitest';
import { parseFrom, parseSpan, parseUntil } from '#model/when.ts';

const now = new Date('2026-11-24T21:30:00+09:00');

function until(text: string, timeZone = 'Asia/Tokyo'): string {
  const parsed = parseUntil(text, now, timeZone);
  return 'problem' in parsed ? parsed.problem : new Date(parsed.at).toISOString();
}

describe('a time on the command line', () => {
  it.each([
    ['23:00', '2026-11-24T14:00:00.000Z'],
    ['08:00', '2026-11-24T23:00:00.000Z'],
    ['24:00', '2026-11-24T15:00:00.000Z'],
    ['today 23:00', '2026-11-24T14:00:00.000Z'],
    ['tomorrow 09:00', '2026-11-25T00:00:00.000Z'],
    ['Mon 08:00', '2026-11-29T23:00:00.000Z'],
    ['tuesday 21:00', '2026-12-01T12:00:00.000Z'],
    ['Tue 23:00', '2026-11-24T14:00:00.000Z'],
    ['2026-12-01 23:00', '2026-12-01T14:00:00.000Z'],
    ['2026-12-01T23:00', '2026-12-01T14:00:00.000Z'],
    ['2026-12-01T23:00[Europe/London]', '2026-12-01T23:00:00.000Z'],
    ['2026-12-01T23:00+09:00', '2026-12-01T14:00:00.000Z'],
    ['2026-12-01T23:00:30.5Z', '2026-12-01T23:00:30.000Z'],
    ['2026-12-01T23:00-0330', '2026-12-02T02:30:00.000Z'],
  ])('%s is read on the clock of the schedule', (text, instant) => {
    expect(until(text)).toBe(instant);
  });

  it('that comes twice means the second', () => {
    expect(until('2027-10-31 01:30', 'Europe/London')).toBe('2027-10-31T01:30:00.000Z');
  });

  it('that does not exist means the first instant after the gap', () => {
    expect(until('2027-03-14 02:30', 'America/New_York')).toBe('2027-03-14T07:00:00.000Z');
  });

  it.each([
    ['25:00', 'this is no time'],
    ['11pm', 'this is no time'],
    ['someday 08:00', '"someday" is no day'],
    ['2026-02-30 08:00', '2026-02-30 is no date that exists'],
    ['2026-02-30T08:00Z', '2026-02-30 is no date that exists'],
    ['2026-12-01 08:75', '08:75 is no time of day'],
    ['2026-12-01T08:00+29:00', '+29:00 is no offset from UTC'],
    ['2026-12-01T08:00[JST]', 'JST is not the IANA name of a time zone'],
    ['', 'this is no time'],
  ])('%j is refused', (text, problem) => {
    expect(until(text)).toContain(problem);
  });
});

describe('the start of a plan', () => {
  it('is the first instant of a date in the zone, or an instant', () => {
    expect(parseFrom('2026-12-24', 'Asia/Tokyo')).toEqual({ at: Date.parse('2026-12-23T15:00:00Z') });
    expect(parseFrom('2026-12-24T09:00+09:00', 'UTC')).toEqual({ at: Date.parse('2026-12-24T00:00:00Z') });
    expect(parseFrom('tomorrow', 'UTC')).toEqual({ problem: expect.stringContaining('this is no date') });
  });
});

describe('a span of time', () => {
  it.each([
    ['2h', 120],
    ['90m', 90],
    ['90min', 90],
    ['1h30m', 90],
    ['1d', 1440],
    ['1d 2h 3m', 1563],
  ])('%s is %d minutes', (text, minutes) => {
    expect(parseSpan(text)).toEqual({ ms: minutes * 60_000 });
  });

  it.each(['', '0h', '2', 'two hours', '-2h', '2h-1'])('%j is refused', (text) => {
    expect(parseSpan(text)).toEqual({ problem: expect.stringContaining('2h, 90m, 1h30m or 1d') });
  });
});

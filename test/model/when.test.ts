import { describe, expect, test } from 'vitest';
import { parseDate } from '#model/date.ts';
import { HOUR_MS, MINUTE_MS } from '#model/duration.ts';
import { formatDay, parseDuration, parseFrom, parseUntil } from '#model/when.ts';

/** Tuesday. */
const now = new Date('2026-11-24T21:30:00+09:00');

/** On Tokyo's clock. */
function until(text: string): string {
  const parsed = parseUntil(text, now, 'Asia/Tokyo');
  return 'problem' in parsed
    ? parsed.problem
    : new Date(parsed.at + 9 * HOUR_MS).toISOString().replace('.000Z', '');
}

describe('the end of an override is read on the clock of the schedule', () => {
  test.each([
    ['23:00', '2026-11-24T23:00:00'],
    [' 23:00 ', '2026-11-24T23:00:00'],
    ['08:00', '2026-11-25T08:00:00'],
    ['24:00', '2026-11-25T00:00:00'],
    ['today 23:00', '2026-11-24T23:00:00'],
    ['tomorrow 09:00', '2026-11-25T09:00:00'],
    ['Tue 23:00', '2026-11-24T23:00:00'],
    ['tuesday 21:00', '2026-12-01T21:00:00'],
    ['Wed 08:00', '2026-11-25T08:00:00'],
    ['Wednesday 08:00', '2026-11-25T08:00:00'],
    ['thursday 08:00', '2026-11-26T08:00:00'],
    ['Fri 08:00', '2026-11-27T08:00:00'],
    ['friday 08:00', '2026-11-27T08:00:00'],
    ['SATURDAY 08:00', '2026-11-28T08:00:00'],
    ['sun 08:00', '2026-11-29T08:00:00'],
    ['sunday 08:00', '2026-11-29T08:00:00'],
    ['Mon 08:00', '2026-11-30T08:00:00'],
    ['monday 8:00', '2026-11-30T08:00:00'],
    ['2026-12-01 23:00', '2026-12-01T23:00:00'],
    ['2026-12-01T23:00', '2026-12-01T23:00:00'],
    ['2026-12-01T23:00[Europe/London]', '2026-12-02T08:00:00'],
    ['2026-12-01T23:00+09:00', '2026-12-01T23:00:00'],
    ['2026-12-01T23:00:30+09:00', '2026-12-01T23:00:30'],
    ['2026-12-01T23:00:30.123 +09:00', '2026-12-01T23:00:30'],
    ['2026-12-01T23:00:30.5Z', '2026-12-02T08:00:30'],
    ['2026-12-01T23:00+0959', '2026-12-01T22:01:00'],
    ['2026-12-01T23:00+14:00', '2026-12-01T18:00:00'],
    ['2026-12-01T23:00-0330', '2026-12-02T11:30:00'],
  ])('%s', (text, local) => {
    expect(until(text)).toBe(local);
  });

  test.each([
    ['11pm', '2026-11-24T23:00:00'],
    ['11 PM', '2026-11-24T23:00:00'],
    ['11:30pm', '2026-11-24T23:30:00'],
    ['11:30 p.m.', '2026-11-24T23:30:00'],
    ['8am', '2026-11-25T08:00:00'],
    ['12am', '2026-11-25T00:00:00'],
    ['12pm', '2026-11-25T12:00:00'],
    ['noon', '2026-11-25T12:00:00'],
    ['midnight', '2026-11-25T00:00:00'],
    ['until 11pm', '2026-11-24T23:00:00'],
    ['tomorrow 9am', '2026-11-25T09:00:00'],
    ['tomorrow at 9 am', '2026-11-25T09:00:00'],
    ['9am tomorrow', '2026-11-25T09:00:00'],
    ['tonight 11pm', '2026-11-24T23:00:00'],
    ['11pm tonight', '2026-11-24T23:00:00'],
    ['mon 8am', '2026-11-30T08:00:00'],
    ['Tomorrow noon', '2026-11-25T12:00:00'],
    ['2026-12-01 11pm', '2026-12-01T23:00:00'],
    ['23h', '2026-11-24T23:00:00'],
    ['22h45', '2026-11-24T22:45:00'],
    ['22.45', '2026-11-24T22:45:00'],
    ['2245', '2026-11-24T22:45:00'],
    ['２３：００', '2026-11-24T23:00:00'],
    ['tomorrow  09:00', '2026-11-25T09:00:00'],
  ])('%s, as people type it', (text, local) => {
    expect(until(text)).toBe(local);
  });

  test.each([
    ['tomorrow', 'invalid time: add the time of day: write "tomorrow 09:00"'],
    ['tonight', 'invalid time: add the time of day: write "today 23:00"'],
    ['Monday', 'invalid time: add the time of day: write "Monday 08:00"'],
    ['2026-12-01', 'invalid time: add the time of day: write "2026-12-01 23:00"'],
    ['2 hours', 'invalid time: this is a duration: write --for 2h'],
    ['in 90 minutes', 'invalid time: this is a duration: write --for 1h30m'],
    ['2h', 'invalid time: this is a duration: write --for 2h'],
    ['11', 'invalid time: morning or evening: write 11:00 or 23:00'],
    ["8 o'clock", 'invalid time: morning or evening: write 08:00 or 20:00'],
    ['23', 'invalid time: write 23:00'],
    [
      'next friday 08:00',
      'invalid time: "next" can mean two weeks: write "friday 08:00" for the one that comes, or a date',
    ],
    [
      '23:00 JST',
      "invalid time: JST is not the same everywhere: write 23:00 on the schedule's clock, or an instant like 2026-12-01T23:00+09:00",
    ],
  ])('%s is answered with what to write', (text, problem) => {
    expect(until(text)).toBe(problem);
  });

  test('and is never this very minute', () => {
    expect(until('21:30')).toBe('2026-11-25T21:30:00');
    expect(until('21:31')).toBe('2026-11-24T21:31:00');
    expect(until('Tue 21:30')).toBe('2026-12-01T21:30:00');
    expect(until('Tue 21:31')).toBe('2026-11-24T21:31:00');
  });

  test('a time that comes twice means the second', () => {
    expect(parseUntil('2027-10-31 01:30', now, 'Europe/London')).toEqual({
      at: Date.parse('2027-10-31T01:30:00Z'),
    });
  });

  test('a time that does not exist means the first instant after the gap', () => {
    expect(parseUntil('2027-03-14 02:30', now, 'America/New_York')).toEqual({
      at: Date.parse('2027-03-14T07:00:00Z'),
    });
  });

  const time =
    'invalid time: write 23:00, "tomorrow 09:00", "Mon 08:00", "2026-12-01 23:00" or 2026-12-01T23:00+09:00';
  test.each([
    ['', time],
    ['25:00', time],
    ['08:60', time],
    ['x 23:00', time],
    ['23:00x', time],
    ['x2026-12-01 23:00', time],
    ['2026-12-01 23:00x', time],
    ['x2026-12-01T23:00Z', time],
    ['2026-12-01T23:00Zx', time],
    ['someday 08:00', time.replace('invalid time', 'invalid day "someday"')],
    ['monkey 08:00', time.replace('invalid time', 'invalid day "monkey"')],
    ['2026-02-30 08:00', 'the date 2026-02-30 does not exist'],
    ['2026-02-30T08:00Z', 'the date 2026-02-30 does not exist'],
    ['2026-12-01 08:75', 'invalid time of day 08:75'],
    ['2026-12-01T25:00Z', 'invalid time of day 25:00'],
    ['2026-12-01T08:00+29:00', 'invalid offset from UTC +29:00: write +09:00'],
    ['2026-12-01T23:00+15:00', 'invalid offset from UTC +15:00: write +09:00'],
    ['2026-12-01T23:00+09:60', 'invalid offset from UTC +09:60: write +09:00'],
    ['2026-12-01T08:00[JST]', 'JST is not the IANA name of a time zone'],
  ])('%j is refused', (text, problem) => {
    expect(until(text)).toBe(problem);
  });
});

describe('the start of a plan', () => {
  test.each([
    ['2026-12-24', 'Asia/Tokyo', '2026-12-23T15:00:00Z'],
    [' 2026-12-24 ', 'UTC', '2026-12-24T00:00:00Z'],
    ['2026-12-24T09:00+09:00', 'UTC', '2026-12-24T00:00:00Z'],
    ['today', 'Asia/Tokyo', '2026-11-23T15:00:00Z'],
    ['Tomorrow', 'Asia/Tokyo', '2026-11-24T15:00:00Z'],
    ['yesterday', 'Asia/Tokyo', '2026-11-22T15:00:00Z'],
    ['tue', 'Asia/Tokyo', '2026-11-23T15:00:00Z'],
    ['Monday', 'Asia/Tokyo', '2026-11-29T15:00:00Z'],
  ])('%j in %s is %s', (text, timeZone, instant) => {
    expect(parseFrom(text, timeZone, now)).toEqual({ at: Date.parse(instant) });
  });

  test.each(['someday', 'soon', '24.12.'])('%j is refused', (text) => {
    expect(parseFrom(text, 'UTC', now)).toEqual({
      problem:
        'invalid date: write one like 2026-12-24, today, tomorrow or Mon, or an instant like 2026-12-24T09:00+09:00',
    });
  });
});

describe('a duration', () => {
  test.each([
    ['2h', 120],
    [' 2h ', 120],
    ['90m', 90],
    [' 90m ', 90],
    ['90min', 90],
    ['120min', 120],
    ['1h30m', 90],
    ['36h', 36 * 60],
    ['1d', 1440],
    ['12d', 12 * 1440],
    ['1d 2h 3m', 1563],
  ])('%j is %d minutes', (text, minutes) => {
    expect(parseDuration(text)).toEqual({ ms: minutes * MINUTE_MS });
  });

  test.each([
    ['2 hours', 120],
    ['2 Hours', 120],
    ['1 hour', 60],
    ['2hrs', 120],
    ['90 min', 90],
    ['90 minutes', 90],
    ['1 hour 30 minutes', 90],
    ['1 hour and 30 minutes', 90],
    ['1h 30 min', 90],
    ['1.5h', 90],
    ['1,5 h', 90],
    ['2.5 hours', 150],
    ['half an hour', 30],
    ['an hour', 60],
    ['an hour and a half', 90],
    ['two hours', 120],
    ['for 2h', 120],
    ['in 2 hours', 120],
    ['1 week', 10_080],
    ['3 days', 3 * 1440],
    ['２h', 120],
  ])('%j, as people type it, is %d minutes', (text, minutes) => {
    expect(parseDuration(text)).toEqual({ ms: minutes * MINUTE_MS });
  });

  test.each([
    ['2', 'add the unit: write 2h or 2m'],
    ['1:30', 'write 1h30m for a duration, or --until 1:30 for a time of day'],
    ['11pm', 'this is a time: write --until 23:00'],
    ['until tomorrow 9am', 'this is a time: write --until "tomorrow 09:00"'],
    ['90s', 'write whole minutes, like 5m'],
  ])('%j is answered with what to write', (text, problem) => {
    expect(parseDuration(text)).toEqual({ problem: `invalid duration: ${problem}` });
  });

  test.each(['', '0h', 'soon', '-2h', '2h-1', '2 lights'])('%j is refused', (text) => {
    expect(parseDuration(text)).toEqual({ problem: 'invalid duration: write 2h, 90m, 1h30m or 1d' });
  });
});

test.each(['Mon 2026-11-23', 'Wed 2026-11-25', 'Sun 2026-11-29'])(
  'a day is shown with its name: %s',
  (text) => {
    expect(formatDay(parseDate(text.slice(4)) ?? Number.NaN)).toBe(text);
  },
);

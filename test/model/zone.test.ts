import { describe, expect, test } from 'vitest';
import { DAY_MINUTES } from '#model/duration.ts';
import {
  canonicalTimeZone,
  firstInstantOf,
  formatWall,
  isTimeZone,
  lastInstantOf,
  offsetChanges,
  wallAt,
} from '#model/zone.ts';

const wall = (text: string) => Date.parse(`${text}:00Z`) / 60_000;
const iso = (instant: number) => new Date(instant).toISOString();

describe('the name of a zone', () => {
  test.each([
    'UTC',
    'Asia/Tokyo',
    'Asia/Kolkata',
    'America/Argentina/Buenos_Aires',
    'Etc/GMT+9',
    'America/Port-au-Prince',
  ])('%s is one', (name) => expect(isTimeZone(name)).toBe(true));

  test.each([
    'JST',
    'EST',
    '+09:00',
    'utc',
    'asia/tokyo',
    'ASIA/TOKYO',
    'Asia/tokyo',
    'Asia/Tokyo ',
    ' Asia/Tokyo',
    'Asia/Atlantis',
    'Japan',
    '',
  ])('%j is none', (name) => expect(isTimeZone(name)).toBe(false));

  test('may be known to the runtime under another one', () => {
    expect(canonicalTimeZone('asia/tokyo')).toBe('Asia/Tokyo');
    expect(canonicalTimeZone('nowhere')).toBeUndefined();
  });
});

describe('the wall clock', () => {
  test('shows whole minutes', () => {
    const instant = Date.parse('2026-11-24T08:00:59.999+09:00');
    expect(wallAt('Asia/Tokyo', instant)).toBe(wall('2026-11-24T08:00'));
    expect(formatWall('Asia/Tokyo', instant)).toBe('2026-11-24 08:00');
    expect(DAY_MINUTES).toBe(24 * 60);
  });

  test.each<[what: string, zone: string, wall: string, first: string, last: string]>([
    ['any time', 'Asia/Tokyo', '2026-11-24T08:00', '2026-11-23T23:00:00.000Z', '2026-11-23T23:00:00.000Z'],
    ['a gap', 'America/New_York', '2027-03-14T02:30', '2027-03-14T07:00:00.000Z', '2027-03-14T07:00:00.000Z'],
    [
      'a time that comes twice',
      'Europe/London',
      '2027-10-31T01:30',
      '2027-10-31T00:30:00.000Z',
      '2027-10-31T01:30:00.000Z',
    ],
    [
      'a gap of half an hour',
      'Australia/Lord_Howe',
      '2026-10-04T02:10',
      '2026-10-03T15:30:00.000Z',
      '2026-10-03T15:30:00.000Z',
    ],
    [
      'a day that does not exist',
      'Pacific/Apia',
      '2011-12-30T12:00',
      '2011-12-30T10:00:00.000Z',
      '2011-12-30T10:00:00.000Z',
    ],
  ])('comes to %s', (_what, zone, text, first, last) => {
    expect(iso(firstInstantOf(zone, wall(text)))).toBe(first);
    expect(iso(lastInstantOf(zone, wall(text)))).toBe(last);
    // Asked again, the answer is the same.
    expect(iso(firstInstantOf(zone, wall(text)))).toBe(first);
  });
});

describe('the changes of an offset', () => {
  const spring = Date.parse('2027-03-14T07:00:00Z');
  const change = { at: spring, before: -5 * 3_600_000, after: -4 * 3_600_000 };

  test('are those after the first instant, up to and with the last', () => {
    expect(offsetChanges('America/New_York', spring - 1, spring)).toEqual([change]);
    expect(offsetChanges('America/New_York', spring, spring + 1)).toEqual([]);
    expect(offsetChanges('America/New_York', spring - 2, spring - 1)).toEqual([]);
    expect(offsetChanges('America/New_York', spring - 1, spring + 300 * 86_400_000)).toEqual([
      change,
      { at: Date.parse('2027-11-07T06:00:00Z'), before: change.after, after: change.before },
    ]);
  });

  test('are none in a zone that has none', () => {
    expect(offsetChanges('Asia/Tokyo', spring, spring + 400 * 86_400_000)).toEqual([]);
  });
});

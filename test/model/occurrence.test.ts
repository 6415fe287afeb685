import { describe, expect, test } from 'vitest';
import { parseDate } from '#model/date.ts';
import { HOUR_MS, MINUTE_MS } from '#model/duration.ts';
import { closedName, occurrencesBetween, windowsOn } from '#model/occurrence.ts';
import type { Schedule } from '#model/schedule.ts';
import { aCalendar, aSchedule } from './builders.ts';

const tokyo = (text: string) => new Date(`${text}+09:00`);

describe('the occurrences of weekly windows between two instants', () => {
  const starts = (schedule: Schedule, from: string, to: string) =>
    occurrencesBetween(schedule, tokyo(from).getTime(), tokyo(to).getTime()).map(
      ({ start, end }) =>
        `${new Date(start + 9 * HOUR_MS).toISOString().slice(8, 16)}/${new Date(end + 9 * HOUR_MS).toISOString().slice(8, 16)}`,
    );

  test('are those that touch them, an end not counted', () => {
    const schedule = aSchedule();
    expect(starts(schedule, '2026-11-23T12:00', '2026-11-27T12:00')).toHaveLength(5);
    expect(starts(schedule, '2026-11-24T22:00', '2026-11-25T07:59')).toEqual([]);
    expect(starts(schedule, '2026-11-24T21:59', '2026-11-25T08:00')).toEqual([
      '24T08:00/24T22:00',
      '25T08:00/25T22:00',
    ]);
  });

  test('are all of them where one begins or ends much earlier in its day than another', () => {
    const twice = aSchedule({ up: ['Tue 01:00-05:00', 'Tue 22:00-23:00'] });
    expect(starts(twice, '2026-11-24T00:00', '2026-11-24T01:00')).toEqual(['24T01:00/24T05:00']);
    const weekend = aSchedule({ up: ['Fri 20:00 - Mon 06:00', 'Tue 08:00-09:00'] });
    expect(starts(weekend, '2026-11-30T05:00', '2026-11-30T12:00')).toEqual(['27T20:00/30T06:00']);
  });

  test('come in the order of their starts, the shorter first', () => {
    const schedule = aSchedule({
      up: ['Tue 14:00-18:00', 'Tue 08:00-12:00', 'Tue 08:00-10:00', 'Mon 20:00-02:00'],
    });
    expect(starts(schedule, '2026-11-24T00:00', '2026-11-24T23:00')).toEqual([
      '23T20:00/24T02:00',
      '24T08:00/24T10:00',
      '24T08:00/24T12:00',
      '24T14:00/24T18:00',
    ]);
  });

  test('name what closes them, and nothing where they are open', () => {
    const schedule = aSchedule({
      calendar: aCalendar({ closed: [{ date: '2026-11-24', name: 'a day off' }] }),
    });
    const [closed, open] = occurrencesBetween(
      schedule,
      tokyo('2026-11-24T12:00').getTime(),
      tokyo('2026-11-25T12:00').getTime(),
    );
    expect(closed).toMatchObject({ closed: 'a day off', opened: false });
    expect(open).not.toHaveProperty('closed');
  });

  test('leave out a window that falls into a gap of the clock as a whole', () => {
    const schedule = aSchedule({ timeZone: 'America/New_York', up: ['Sun 02:10-02:50', 'Sun 02:10-03:10'] });
    const occurrences = occurrencesBetween(
      schedule,
      Date.parse('2027-03-14T00:00-05:00'),
      Date.parse('2027-03-14T12:00-04:00'),
    );
    expect(occurrences.map(({ start, end }) => (end - start) / MINUTE_MS)).toEqual([10]);
  });
});

describe('the windows of a date', () => {
  const on = (schedule: Schedule, date: string) =>
    windowsOn(schedule, parseDate(date) ?? Number.NaN).map(
      ({ start }) => `${start.day} ${start.minute / 60}`,
    );
  const week = ['Mon-Thu 08:00-22:00', 'Fri 09:00-18:00'];

  test('are its own, also on an open day', () => {
    const schedule = aSchedule({ up: week, calendar: aCalendar({ open: ['2026-11-27'] }) });
    expect(on(schedule, '2026-11-26')).toEqual(['4 8']);
    expect(on(schedule, '2026-11-27')).toEqual(['5 9']);
    expect(on(schedule, '2026-11-28')).toEqual([]);
  });

  test('of an open day without any are those of the nearest earlier weekday', () => {
    const schedule = aSchedule({ up: week, calendar: aCalendar({ open: ['2026-11-28', '2026-11-29'] }) });
    expect(on(schedule, '2026-11-28')).toEqual(['5 9']);
    expect(on(schedule, '2026-11-29')).toEqual(['5 9']);
  });

  test('are borrowed over almost a week, and up to a whole day long', () => {
    const days = (...up: string[]) => aSchedule({ up, calendar: aCalendar({ open: ['2026-11-29'] }) });
    expect(on(days('Mon 08:00-22:00'), '2026-11-29')).toEqual(['1 8']);
    expect(on(days('Fri 08:00 - Sat 08:00'), '2026-11-29')).toEqual(['5 8']);
    expect(on(days('Fri 08:00 - Sat 08:01'), '2026-11-29')).toEqual([]);
  });

  test('of an open day are worked although the day is closed as well', () => {
    const calendar = aCalendar({
      closed: [{ date: '2026-11-23 2026-11-24', name: 'days off' }],
      open: ['2026-11-23'],
    });
    const name = (date: string) => closedName(calendar, parseDate(date) ?? Number.NaN);
    expect(['2026-11-23', '2026-11-24', '2026-11-25'].map(name)).toEqual([undefined, 'days off', undefined]);
    expect(closedName(undefined, 0)).toBeUndefined();
  });
});

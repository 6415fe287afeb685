import { describe, expect, test } from 'vitest';
import { parseDate } from '#model/date.ts';
import { closedName, desiredAt, transitions, turnsBetween, windowsOn } from '#model/desired.ts';
import type { Override, Schedule } from '#model/schedule.ts';
import { aCalendar, anOverride, aSchedule } from './builders.ts';

const tokyo = (text: string) => new Date(`${text}+09:00`);
const office = 'office hours Mon-Fri 08:00-22:00 (Asia/Tokyo)';

/** `2026-11-24T08:00 awake: why` for each transition, on Tokyo's clock. */
function changes(
  schedule: Schedule,
  from: string,
  to: string,
  overrides: readonly Override[] = [],
): string[] {
  return transitions(schedule, tokyo(from), tokyo(to), overrides).map(
    ({ at, to: state, reason }) =>
      `${new Date(at.getTime() + 9 * 3_600_000).toISOString().slice(0, 16)} ${state}: ${reason}`,
  );
}
const wish = (from: string, until: string, overrides: Partial<Override> = {}) =>
  anOverride({ from: tokyo(from).toISOString(), until: tokyo(until).toISOString(), ...overrides });

describe('an answer that was given once', () => {
  test('is given again until the next edge, and to no other instant', () => {
    const schedule = aSchedule();
    const at = (text: string) => desiredAt(schedule, tokyo(text), []).state;
    expect(at('2026-11-24T12:00')).toBe('awake');
    expect(at('2026-11-24T21:59')).toBe('awake');
    expect(at('2026-11-24T22:00')).toBe('asleep');
    expect(at('2026-11-25T07:59')).toBe('asleep');
    expect(at('2026-11-24T12:00')).toBe('awake');
    expect(at('2026-11-24T07:00')).toBe('asleep');
    expect(at('2026-11-25T08:00')).toBe('awake');
  });

  test('is not worked out anew as long as it holds', () => {
    const schedule = aSchedule();
    const late = wish('2026-11-24T20:00', '2026-11-24T23:00');
    const at = (text: string, ...overrides: Override[]) => desiredAt(schedule, tokyo(text), overrides);
    const morning = at('2026-11-24T08:00');
    expect(at('2026-11-24T08:00')).toBe(morning);
    expect(at('2026-11-24T19:59')).toBe(morning);
    const evening = at('2026-11-24T22:30', late);
    expect(at('2026-11-24T22:59', late)).toBe(evening);
    const night = at('2026-11-24T23:00', late);
    expect(at('2026-11-24T23:10')).toBe(night);
    expect(at('2026-11-24T23:20', late)).toBe(night);
    const weekend = at('2026-11-28T12:00');
    expect(at('2026-11-30T07:59')).toBe(weekend);
  });

  test('is not given while an override stands, and given again when that has ended', () => {
    const schedule = aSchedule();
    const late = wish('2026-11-24T20:00', '2026-11-24T23:00');
    const at = (text: string, ...overrides: Override[]) => desiredAt(schedule, tokyo(text), overrides).source;
    expect(at('2026-11-24T19:00')).toBe('schedule');
    expect(at('2026-11-24T21:00', late)).toBe('override');
    expect(at('2026-11-24T21:00')).toBe('schedule');
    expect(at('2026-11-24T23:00', late)).toBe('schedule');
  });

  test('is not given where other overrides stand, as many as they are', () => {
    const schedule = aSchedule();
    const by = (author: string) => wish('2026-11-24T20:00', '2026-11-24T23:00', { author });
    const early = wish('2026-11-24T19:00', '2026-11-24T23:00', { author: 'eve' });
    const at = (...overrides: Override[]) => desiredAt(schedule, tokyo('2026-11-24T21:00'), overrides).reason;
    expect(at(by('bob'))).toMatch(/^kept up by bob/);
    expect(at(by('ana'))).toMatch(/^kept up by ana/);
    expect(at(early, by('bob'))).toMatch(/^kept up by bob/);
    expect(at(early, by('ana'))).toMatch(/^kept up by ana/);
  });

  test('leaves the day out of the words of an override when that day has come', () => {
    const schedule = aSchedule();
    const long = wish('2026-11-24T20:00', '2026-11-26T07:30', { state: 'asleep' });
    const at = (text: string) => desiredAt(schedule, tokyo(text), [long]).reason;
    expect(at('2026-11-25T23:00')).toMatch(/^put to sleep by ana until 2026-11-26 07:30 /);
    expect(at('2026-11-25T23:59')).toMatch(/^put to sleep by ana until 2026-11-26 07:30 /);
    expect(at('2026-11-26T00:00')).toMatch(/^put to sleep by ana until 07:30 /);
  });

  test('gives a closed day its own reason at each of its hours', () => {
    const schedule = aSchedule({
      calendar: aCalendar({ closed: [{ date: '2026-11-24', name: 'a day off' }] }),
    });
    const at = (text: string) => desiredAt(schedule, tokyo(text), []);
    expect(at('2026-11-24T07:59').source).toBe('schedule');
    expect(at('2026-11-24T08:00').source).toBe('calendar');
    expect(at('2026-11-24T21:59').source).toBe('calendar');
    expect(at('2026-11-24T22:00').source).toBe('schedule');
    expect(at('2026-11-23T23:00').source).toBe('schedule');
  });
});

describe('a long window', () => {
  test('is up to its very end, days after it began', () => {
    const weekend = aSchedule({ up: ['Fri 20:00 - Mon 06:00'] });
    expect(desiredAt(weekend, tokyo('2026-11-30T05:59'), []).state).toBe('awake');
    expect(desiredAt(weekend, tokyo('2026-11-30T06:00'), []).state).toBe('asleep');
    const week = aSchedule({ up: ['Tue 20:00 - Mon 06:00'] });
    expect(desiredAt(week, tokyo('2026-11-30T05:59'), []).state).toBe('awake');
  });
});

describe('the turns between two instants', () => {
  const starts = (schedule: Schedule, from: string, to: string) =>
    turnsBetween(schedule, tokyo(from).getTime(), tokyo(to).getTime()).map(
      ({ start, end }) =>
        `${new Date(start + 9 * 3_600_000).toISOString().slice(8, 16)}/${new Date(end + 9 * 3_600_000).toISOString().slice(8, 16)}`,
    );

  test('are worked out once', () => {
    const week = [tokyo('2026-11-23T12:00').getTime(), tokyo('2026-11-27T12:00').getTime()] as const;
    const schedule = aSchedule();
    const first = turnsBetween(schedule, ...week);
    expect(first).toHaveLength(5);
    turnsBetween(schedule, ...week).forEach((turn, index) => {
      expect(turn).toBe(first[index]);
    });
  });

  test('are those that touch them, the end of a turn not counted', () => {
    const schedule = aSchedule();
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
    const [closed, open] = turnsBetween(
      schedule,
      tokyo('2026-11-24T12:00').getTime(),
      tokyo('2026-11-25T12:00').getTime(),
    );
    expect(closed).toMatchObject({ closed: 'a day off', opened: false });
    expect(open).not.toHaveProperty('closed');
  });

  test('leave out a window that falls into a gap of the clock as a whole', () => {
    const schedule = aSchedule({ timeZone: 'America/New_York', up: ['Sun 02:10-02:50', 'Sun 02:10-03:10'] });
    const turns = turnsBetween(
      schedule,
      Date.parse('2027-03-14T00:00-05:00'),
      Date.parse('2027-03-14T12:00-04:00'),
    );
    expect(turns.map(({ start, end }) => (end - start) / 60_000)).toEqual([10]);
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

describe('a transition tells why', () => {
  test('by the override that begins, and by the one that ends, once', () => {
    const early = wish('2026-11-24T06:00', '2026-11-24T07:00');
    expect(changes(aSchedule(), '2026-11-24T00:00', '2026-11-24T12:00', [early])).toEqual([
      '2026-11-24T06:00 awake: kept up by ana until 07:00 (Asia/Tokyo): release',
      `2026-11-24T07:00 asleep: the override by ana ends; outside ${office}`,
      `2026-11-24T08:00 awake: ${office} begin`,
    ]);
  });

  test('by the override that begins where another one ends', () => {
    const down = wish('2026-11-24T09:00', '2026-11-24T12:00', {
      state: 'asleep',
      author: 'bob',
      reason: 'saving',
    });
    const up = wish('2026-11-24T12:00', '2026-11-24T13:00');
    expect(changes(aSchedule(), '2026-11-24T08:30', '2026-11-24T12:30', [up, down])).toEqual([
      '2026-11-24T09:00 asleep: put to sleep by bob until 12:00 (Asia/Tokyo): saving',
      '2026-11-24T12:00 awake: kept up by ana until 13:00 (Asia/Tokyo): release',
    ]);
  });

  test('by nothing that was over before', () => {
    const past = wish('2026-11-23T23:00', '2026-11-23T23:30');
    expect(changes(aSchedule(), '2026-11-24T06:00', '2026-11-24T12:00', [past])).toEqual([
      `2026-11-24T08:00 awake: ${office} begin`,
    ]);
  });

  test('by the calendar where hours go on into a closed day', () => {
    const always = aSchedule({
      up: ['daily 00:00-24:00'],
      calendar: aCalendar({ closed: [{ date: '2026-11-24', name: 'a day off' }] }),
    });
    expect(changes(always, '2026-11-23T12:00', '2026-11-25T12:00')).toEqual([
      '2026-11-24T00:00 asleep: closed on 2026-11-24: a day off, the start is skipped',
      '2026-11-25T00:00 awake: office hours daily 00:00-24:00 (Asia/Tokyo) begin',
    ]);
  });

  test('by the closed day only as long as its hours last', () => {
    const schedule = aSchedule({
      calendar: aCalendar({ closed: [{ date: '2026-11-24', name: 'a day off' }] }),
    });
    const ending = (until: string) =>
      changes(schedule, '2026-11-24T12:00', '2026-11-25T07:00', [wish('2026-11-24T11:00', until)]);
    expect(ending('2026-11-24T21:59')).toEqual([
      '2026-11-24T21:59 asleep: the override by ana ends; closed on 2026-11-24: a day off, the start is skipped',
    ]);
    expect(ending('2026-11-24T22:00')).toEqual([
      `2026-11-24T22:00 asleep: the override by ana ends; outside ${office}`,
    ]);
    expect(ending('2026-11-24T23:00')).toEqual([
      `2026-11-24T23:00 asleep: the override by ana ends; outside ${office}`,
    ]);
  });

  test('by the override that began last, where several stand', () => {
    const first = wish('2026-11-24T20:00', '2026-11-24T23:30', { author: 'bob' });
    const second = wish('2026-11-24T21:00', '2026-11-24T23:00', { state: 'asleep' });
    const at = (text: string) => desiredAt(aSchedule(), tokyo(text), [second, first]);
    expect(at('2026-11-24T20:30').reason).toMatch(/^kept up by bob/);
    expect(at('2026-11-24T21:00').reason).toMatch(/^put to sleep by ana/);
    expect(at('2026-11-24T23:00').reason).toMatch(/^kept up by bob/);
  });
});

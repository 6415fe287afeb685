import { describe, expect, test } from 'vitest';
import { desiredAt, transitions } from '#model/desired.ts';
import { HOUR_MS } from '#model/duration.ts';
import type { Override, Schedule } from '#model/schedule.ts';
import { aCalendar, anOverride, aSchedule } from './builders.ts';

/** `2026-11-24 08:00 awake` for each transition, on Tokyo's clock. */
function tokyo(schedule: Schedule, from: string, to: string, overrides: readonly Override[] = []): string[] {
  return transitions(schedule, new Date(`${from}+09:00`), new Date(`${to}+09:00`), overrides).map(
    ({ at, to: state }) =>
      `${new Date(at.getTime() + 9 * HOUR_MS).toISOString().slice(0, 16).replace('T', ' ')} ${state}`,
  );
}

const inTokyo = (text: string) => new Date(`${text}+09:00`);

describe('a weekly schedule', () => {
  test('is awake from the first minute of a window until, not including, its end', () => {
    const schedule = aSchedule();
    expect(desiredAt(schedule, inTokyo('2026-11-24T07:59:59'), []).state).toBe('asleep');
    expect(desiredAt(schedule, inTokyo('2026-11-24T08:00:00'), []).state).toBe('awake');
    expect(desiredAt(schedule, inTokyo('2026-11-24T21:59:59'), []).state).toBe('awake');
    expect(desiredAt(schedule, inTokyo('2026-11-24T22:00:00'), []).state).toBe('asleep');
  });

  test('is decided by the schedule, until its next transition', () => {
    expect(desiredAt(aSchedule(), inTokyo('2026-11-24T12:00'), [])).toMatchObject({
      state: 'awake',
      source: 'schedule',
      until: inTokyo('2026-11-24T22:00'),
    });
    expect(desiredAt(aSchedule(), inTokyo('2026-11-27T23:00'), [])).toMatchObject({
      state: 'asleep',
      source: 'schedule',
      until: inTokyo('2026-11-30T08:00'),
    });
  });

  test('counts a transition at the end of the asked time and none at its beginning', () => {
    expect(tokyo(aSchedule(), '2026-11-24T08:00', '2026-11-24T22:00')).toEqual(['2026-11-24 22:00 asleep']);
  });

  test('gives the same answer to the same question, whatever was asked before', () => {
    const schedule = aSchedule();
    const at = (text: string) => desiredAt(schedule, inTokyo(text), []).state;
    expect(at('2026-11-24T12:00')).toBe('awake');
    expect(at('2026-11-24T21:59')).toBe('awake');
    expect(at('2026-11-24T22:00')).toBe('asleep');
    expect(at('2026-11-25T07:59')).toBe('asleep');
    expect(at('2026-11-24T12:00')).toBe('awake');
    expect(at('2026-11-24T07:00')).toBe('asleep');
    expect(at('2026-11-25T08:00')).toBe('awake');
  });

  test('runs overnight', () => {
    const schedule = aSchedule({ up: ['Mon-Fri 20:00-02:00'] });
    expect(tokyo(schedule, '2026-11-27T12:00', '2026-12-01T03:00')).toEqual([
      '2026-11-27 20:00 awake',
      '2026-11-28 02:00 asleep',
      '2026-11-30 20:00 awake',
      '2026-12-01 02:00 asleep',
    ]);
  });

  test('runs over the weekend', () => {
    const schedule = aSchedule({ up: ['Fri 20:00 - Mon 06:00'] });
    expect(tokyo(schedule, '2026-11-23T12:00', '2026-12-01T00:00')).toEqual([
      '2026-11-27 20:00 awake',
      '2026-11-30 06:00 asleep',
    ]);
    expect(desiredAt(schedule, inTokyo('2026-11-29T12:00'), []).until).toEqual(inTokyo('2026-11-30T06:00'));
  });

  test.each([
    ['Fri 20:00 - Mon 06:00', '2026-11-30T05:59', 'awake'],
    ['Fri 20:00 - Mon 06:00', '2026-11-30T06:00', 'asleep'],
    ['Tue 20:00 - Mon 06:00', '2026-11-30T05:59', 'awake'],
  ])('with the window %s is at %s still %s', (up, at, state) => {
    expect(desiredAt(aSchedule({ up: [up] }), inTokyo(at), []).state).toBe(state);
  });

  test('merges windows that touch or overlap', () => {
    const touching = aSchedule({ up: ['Mon 08:00-12:00', 'Mon 12:00-18:00', 'Mon 17:00-20:00'] });
    expect(tokyo(touching, '2026-11-23T00:00', '2026-11-24T00:00')).toEqual([
      '2026-11-23 08:00 awake',
      '2026-11-23 20:00 asleep',
    ]);
  });

  test('never changes where it is up the whole week', () => {
    const always = aSchedule({ up: ['daily 00:00-24:00'] });
    const desired = desiredAt(always, inTokyo('2026-11-23T00:00'), []);
    expect(desired.state).toBe('awake');
    expect(desired.until).toBeUndefined();
  });
});

describe('a closed day', () => {
  const closed = (...days: [string, string][]) =>
    aSchedule({ calendar: aCalendar({ closed: days.map(([date, name]) => ({ date, name })) }) });

  test('skips the start and keeps the stop of the day before', () => {
    const schedule = closed(['2026-11-23', '勤労感謝の日 / Labor Thanksgiving Day']);
    expect(tokyo(schedule, '2026-11-20T12:00', '2026-11-24T23:00')).toEqual([
      '2026-11-20 22:00 asleep',
      '2026-11-24 08:00 awake',
      '2026-11-24 22:00 asleep',
    ]);
    expect(desiredAt(schedule, inTokyo('2026-11-23T12:00'), [])).toMatchObject({
      state: 'asleep',
      source: 'calendar',
      until: inTokyo('2026-11-24T08:00'),
    });
  });

  test('is the date in the zone of the schedule, not in UTC', () => {
    // 08:00 on the 24th in Tokyo is still the 23rd in UTC.
    const schedule = closed(['2026-11-24', 'a day off']);
    expect(desiredAt(schedule, new Date('2026-11-23T23:30:00Z'), []).state).toBe('asleep');
    expect(desiredAt(schedule, new Date('2026-11-24T23:30:00Z'), []).state).toBe('awake');
  });

  test('lets a window that began the day before run to its end', () => {
    const overnight = aSchedule({
      up: ['Mon-Fri 20:00-02:00'],
      calendar: aCalendar({ closed: [{ date: '2026-11-24', name: 'a day off' }] }),
    });
    expect(tokyo(overnight, '2026-11-23T12:00', '2026-11-26T00:00')).toEqual([
      '2026-11-23 20:00 awake',
      '2026-11-24 02:00 asleep',
      '2026-11-25 20:00 awake',
    ]);
  });

  test('does not touch a weekend window that began on an open day', () => {
    const weekend = aSchedule({
      up: ['Fri 20:00 - Mon 06:00'],
      calendar: aCalendar({ closed: [{ date: '2026-11-28', name: 'a day off' }] }),
    });
    expect(desiredAt(weekend, inTokyo('2026-11-28T12:00'), []).state).toBe('awake');
  });

  test('stops at midnight where windows touch, because the next one does not start', () => {
    const always = aSchedule({
      up: ['daily 00:00-24:00'],
      calendar: aCalendar({ closed: [{ date: '2026-11-24', name: 'a day off' }] }),
    });
    expect(tokyo(always, '2026-11-23T12:00', '2026-11-26T00:00')).toEqual([
      '2026-11-24 00:00 asleep',
      '2026-11-25 00:00 awake',
    ]);
  });

  test.each([
    ['2026-11-23T23:00', 'schedule'],
    ['2026-11-24T07:59', 'schedule'],
    ['2026-11-24T08:00', 'calendar'],
    ['2026-11-24T21:59', 'calendar'],
    ['2026-11-24T22:00', 'schedule'],
  ])('decides during its hours only: at %s the %s', (at, source) => {
    const schedule = closed(['2026-11-24', 'a day off']);
    expect(desiredAt(schedule, inTokyo(at), []).source).toBe(source);
  });

  test('may be one of several that share a name', () => {
    const schedule = closed(['2026-11-23 2027-11-23', 'Labor Thanksgiving Day']);
    expect(desiredAt(schedule, inTokyo('2027-11-23T12:00'), []).state).toBe('asleep');
  });

  test('can last for weeks, and the end of the sleep is still known', () => {
    const days = Array.from({ length: 31 }, (_, index) => `2026-12-${String(index + 1).padStart(2, '0')}`);
    const schedule = closed([days.join(' '), 'winter']);
    expect(desiredAt(schedule, inTokyo('2026-11-30T23:00'), []).until).toEqual(inTokyo('2027-01-01T08:00'));
  });
});

describe('an open day', () => {
  test('is worked although it is a holiday', () => {
    const schedule = aSchedule({
      calendar: aCalendar({ closed: [{ date: '2026-11-23', name: 'a holiday' }], open: ['2026-11-23'] }),
    });
    expect(desiredAt(schedule, inTokyo('2026-11-23T12:00'), [])).toMatchObject({
      state: 'awake',
      source: 'calendar',
    });
  });

  test('takes the hours of the nearest earlier weekday where it has none of its own', () => {
    const schedule = aSchedule({
      up: ['Mon-Thu 08:00-22:00', 'Fri 09:00-18:00'],
      calendar: aCalendar({ open: ['2026-11-28'] }),
    });
    expect(tokyo(schedule, '2026-11-28T00:00', '2026-11-29T23:00')).toEqual([
      '2026-11-28 09:00 awake',
      '2026-11-28 18:00 asleep',
    ]);
  });

  test('never takes over a window that is longer than a day', () => {
    const schedule = aSchedule({
      up: ['Fri 20:00 - Mon 06:00'],
      calendar: aCalendar({ open: ['2026-12-01'] }),
    });
    expect(tokyo(schedule, '2026-11-30T12:00', '2026-12-03T00:00')).toEqual([]);
  });
});

describe('an override', () => {
  const schedule = aSchedule({
    calendar: aCalendar({ closed: [{ date: '2026-11-23', name: 'a holiday' }] }),
  });

  test('keeps the cluster up beyond its hours, and ends by itself', () => {
    const late = anOverride({
      from: inTokyo('2026-11-24T21:00').toISOString(),
      until: inTokyo('2026-11-24T23:00').toISOString(),
    });
    expect(tokyo(schedule, '2026-11-24T12:00', '2026-11-25T07:00', [late])).toEqual([
      '2026-11-24 23:00 asleep',
    ]);
    expect(desiredAt(schedule, inTokyo('2026-11-24T22:30'), [late])).toMatchObject({
      state: 'awake',
      source: 'override',
      until: inTokyo('2026-11-24T23:00'),
    });
  });

  test('outranks the calendar, and the calendar outranks the schedule', () => {
    const holiday = anOverride({
      from: inTokyo('2026-11-23T10:00').toISOString(),
      until: inTokyo('2026-11-23T12:00').toISOString(),
    });
    expect(desiredAt(schedule, inTokyo('2026-11-23T11:00'), [holiday]).source).toBe('override');
    expect(desiredAt(schedule, inTokyo('2026-11-23T12:00'), [holiday]).source).toBe('calendar');
    expect(desiredAt(schedule, inTokyo('2026-11-24T12:00'), [holiday]).source).toBe('schedule');
  });

  test('that begins later does nothing before', () => {
    const tomorrow = anOverride({
      state: 'asleep',
      from: inTokyo('2026-11-25T08:00').toISOString(),
      until: inTokyo('2026-11-25T12:00').toISOString(),
    });
    expect(tokyo(schedule, '2026-11-24T23:00', '2026-11-25T13:00', [tomorrow])).toEqual([
      '2026-11-25 12:00 awake',
    ]);
  });

  test('that was made later wins where two overlap', () => {
    const first = anOverride({ from: '2026-11-24T12:00:00Z', until: '2026-11-24T16:00:00Z' });
    const second = anOverride({
      state: 'asleep',
      from: '2026-11-24T13:30:00Z',
      until: '2026-11-24T15:00:00Z',
    });
    const states = ['13:15', '13:45', '15:30', '16:30'].map(
      (time) => desiredAt(schedule, new Date(`2026-11-24T${time}:00Z`), [second, first]).state,
    );
    expect(states).toEqual(['awake', 'asleep', 'awake', 'asleep']);
  });

  test('decides while it is in force, and only for who knows of it', () => {
    const late = anOverride({
      from: inTokyo('2026-11-24T20:00').toISOString(),
      until: inTokyo('2026-11-24T23:00').toISOString(),
    });
    const at = (text: string, ...overrides: Override[]) =>
      desiredAt(schedule, inTokyo(text), overrides).source;
    expect(at('2026-11-24T19:00')).toBe('schedule');
    expect(at('2026-11-24T21:00', late)).toBe('override');
    expect(at('2026-11-24T21:00')).toBe('schedule');
    expect(at('2026-11-24T23:00', late)).toBe('schedule');
  });

  test('that ends later counts, of two that keep the cluster awake', () => {
    const long = anOverride({ from: '2026-11-24T12:00:00Z', until: '2026-11-24T18:00:00Z' });
    const short = anOverride({ from: '2026-11-24T13:30:00Z', until: '2026-11-24T15:00:00Z' });
    const desired = desiredAt(schedule, new Date('2026-11-24T14:00:00Z'), [long, short]);
    expect(desired.until).toEqual(new Date('2026-11-24T18:00:00Z'));
  });

  test('that cannot be read does nothing', () => {
    const broken = anOverride({ until: 'tomorrow-ish' });
    expect(desiredAt(schedule, inTokyo('2026-11-24T23:00'), [broken]).state).toBe('asleep');
  });
});

describe('a clock that is changed', () => {
  const newYork = (up: string) => aSchedule({ timeZone: 'America/New_York', up: [up] });
  const changes = (schedule: Schedule, date: string) =>
    transitions(schedule, new Date(`${date}T00:00:00-05:00`), new Date(`${date}T23:59:00-04:00`)).map(
      ({ at, to }) => `${at.toISOString()} ${to}`,
    );

  test.each([
    [
      'starts at the first instant after the gap where the start does not exist',
      'Sun 02:30-09:00',
      '2027-03-14',
      ['2027-03-14T07:00:00.000Z awake', '2027-03-14T13:00:00.000Z asleep'],
    ],
    [
      'stops at the first instant after the gap where the end does not exist',
      'Sun 00:30-02:30',
      '2027-03-14',
      ['2027-03-14T05:30:00.000Z awake', '2027-03-14T07:00:00.000Z asleep'],
    ],
    ['does not start where the window is in the gap as a whole', 'Sun 02:10-02:50', '2027-03-14', []],
    [
      'is up in both of a repeated hour: from the first start to the second end',
      'Sun 01:15-01:45',
      '2026-11-01',
      ['2026-11-01T05:15:00.000Z awake', '2026-11-01T06:45:00.000Z asleep'],
    ],
  ])('%s', (_what, up, date, expected) => {
    expect(changes(newYork(up), date)).toEqual(expected);
  });

  test('loses a whole day where a zone crosses the date line', () => {
    // There was no 30 December 2011 in Samoa.
    const apia = aSchedule({ timeZone: 'Pacific/Apia', up: ['daily 08:00-22:00'] });
    const found = transitions(
      apia,
      new Date('2011-12-29T12:00:00-10:00'),
      new Date('2011-12-31T12:00:00+14:00'),
    );
    expect(found.map(({ at, to }) => `${at.toISOString()} ${to}`)).toEqual([
      '2011-12-30T08:00:00.000Z asleep',
      '2011-12-30T18:00:00.000Z awake',
    ]);
  });
});

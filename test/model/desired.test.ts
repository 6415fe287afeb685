import { describe, expect, test } from 'vitest';
import { desiredAt, transitions } from '#model/desired.ts';
import type { Override, Schedule } from '#model/schedule.ts';
import { aCalendar, anOverride, aSchedule } from './builders.ts';

/** `2026-11-24 08:00 awake` for each transition, on Tokyo's clock. */
function tokyo(schedule: Schedule, from: string, to: string, overrides: readonly Override[] = []): string[] {
  return transitions(schedule, new Date(`${from}+09:00`), new Date(`${to}+09:00`), overrides).map(
    ({ at, to: state }) =>
      `${new Date(at.getTime() + 9 * 3_600_000).toISOString().slice(0, 16).replace('T', ' ')} ${state}`,
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

  test('says why, what decided, and until when', () => {
    expect(desiredAt(aSchedule(), inTokyo('2026-11-24T12:00'), [])).toEqual({
      state: 'awake',
      reason: 'office hours Mon-Fri 08:00-22:00 (Asia/Tokyo)',
      source: 'schedule',
      until: inTokyo('2026-11-24T22:00'),
    });
    expect(desiredAt(aSchedule(), inTokyo('2026-11-27T23:00'), [])).toEqual({
      state: 'asleep',
      reason: 'outside office hours Mon-Fri 08:00-22:00 (Asia/Tokyo)',
      source: 'schedule',
      until: inTokyo('2026-11-30T08:00'),
    });
  });

  test('gives each transition its reason', () => {
    const [stop, start] = transitions(aSchedule(), inTokyo('2026-11-24T12:00'), inTokyo('2026-11-25T12:00'));
    expect(stop?.reason).toBe('office hours Mon-Fri 08:00-22:00 (Asia/Tokyo) end');
    expect(start?.reason).toBe('office hours Mon-Fri 08:00-22:00 (Asia/Tokyo) begin');
  });

  test('names only the windows that are meant, where a schedule has several', () => {
    const schedule = aSchedule({ up: ['Mon-Fri 08:00-22:00', 'Sat 10:00-14:00'] });
    expect(desiredAt(schedule, inTokyo('2026-11-28T12:00'), []).reason).toBe(
      'office hours Sat 10:00-14:00 (Asia/Tokyo)',
    );
  });

  test('counts a transition at the end of the asked time and none at its beginning', () => {
    expect(tokyo(aSchedule(), '2026-11-24T08:00', '2026-11-24T22:00')).toEqual(['2026-11-24 22:00 asleep']);
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
    expect(desiredAt(schedule, inTokyo('2026-11-23T12:00'), [])).toEqual({
      state: 'asleep',
      reason: 'closed on 2026-11-23: 勤労感謝の日 / Labor Thanksgiving Day, the start is skipped',
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
      reason: '2026-11-23 is an open day: office hours 08:00-22:00 (Asia/Tokyo)',
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
    expect(desiredAt(schedule, inTokyo('2026-11-24T22:30'), [late])).toEqual({
      state: 'awake',
      reason: 'kept up by ana until 23:00 (Asia/Tokyo): release',
      source: 'override',
      until: inTokyo('2026-11-24T23:00'),
    });
    const [end] = transitions(schedule, inTokyo('2026-11-24T22:30'), inTokyo('2026-11-25T07:00'), [late]);
    expect(end?.reason).toBe(
      'the override by ana ends; outside office hours Mon-Fri 08:00-22:00 (Asia/Tokyo)',
    );
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

  test('names the day where it ends on another one', () => {
    const long = anOverride({ state: 'asleep', until: inTokyo('2026-11-26T08:00').toISOString() });
    expect(desiredAt(schedule, inTokyo('2026-11-24T23:00'), [long]).reason).toBe(
      'put to sleep by ana until 2026-11-26 08:00 (Asia/Tokyo): release',
    );
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

  test('that cannot be read does nothing', () => {
    const broken = anOverride({ until: 'tomorrow-ish' });
    expect(desiredAt(schedule, inTokyo('2026-11-24T23:00'), [broken]).state).toBe('asleep');
  });
});

describe('a clock that is changed', () => {
  const newYork = (up: string) => aSchedule({ timeZone: 'America/New_York', up: [up] });
  const edges = (schedule: Schedule, date: string) =>
    transitions(schedule, new Date(`${date}T00:00:00-05:00`), new Date(`${date}T23:59:00-04:00`)).map(
      ({ at, to, reason }) => ({ at: at.toISOString(), to, note: reason.split('; ')[1] }),
    );

  test('starts at the first instant after the gap where the start does not exist', () => {
    expect(edges(newYork('Sun 02:30-09:00'), '2027-03-14')).toEqual([
      {
        at: '2027-03-14T07:00:00.000Z',
        to: 'awake',
        note: '02:30 does not exist on this day, the clock is put forward',
      },
      { at: '2027-03-14T13:00:00.000Z', to: 'asleep', note: undefined },
    ]);
  });

  test('stops at the first instant after the gap where the end does not exist', () => {
    expect(edges(newYork('Sun 00:30-02:30'), '2027-03-14').map(({ at }) => at)).toEqual([
      '2027-03-14T05:30:00.000Z',
      '2027-03-14T07:00:00.000Z',
    ]);
  });

  test('takes no place at all where the window is in the gap as a whole', () => {
    expect(edges(newYork('Sun 02:10-02:50'), '2027-03-14')).toEqual([]);
  });

  test('is up in both of a repeated hour: from the first start to the second end', () => {
    expect(edges(newYork('Sun 01:15-01:45'), '2026-11-01')).toEqual([
      {
        at: '2026-11-01T05:15:00.000Z',
        to: 'awake',
        note: '01:15 comes twice on this day, this is the first',
      },
      {
        at: '2026-11-01T06:45:00.000Z',
        to: 'asleep',
        note: '01:45 comes twice on this day, this is the second',
      },
    ]);
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

/** The sentences about the desired state: they stand here only. */
import { describe, expect, test } from 'vitest';
import { desiredAt, transitions } from '#model/desired.ts';
import { HOUR_MS } from '#model/duration.ts';
import type { Override, Schedule } from '#model/schedule.ts';
import { aCalendar, anOverride, aSchedule } from './builders.ts';

const tokyo = (text: string) => new Date(`${text}+09:00`);
const office = 'office hours Mon-Fri 08:00-22:00 (Asia/Tokyo)';
const outside = `outside ${office}`;
const dayOff = 'closed on 2026-11-24: a day off, the start is skipped';

function override(from: string, until: string, given: Partial<Override> = {}): Override {
  return anOverride({ from: tokyo(from).toISOString(), until: tokyo(until).toISOString(), ...given });
}

const closedTuesday = aSchedule({
  calendar: aCalendar({ closed: [{ date: '2026-11-24', name: 'a day off' }] }),
});

describe('why the cluster should be up or down', () => {
  const toThursday = override('2026-11-24T20:00', '2026-11-26T07:30', { state: 'asleep' });
  const several = aSchedule({ up: ['Mon-Fri 08:00-22:00', 'Sat 10:00-14:00'] });
  const holiday = aSchedule({
    calendar: aCalendar({
      closed: [{ date: '2026-11-23', name: '勤労感謝の日 / Labor Thanksgiving Day' }],
    }),
  });
  const opened = aSchedule({
    calendar: aCalendar({ closed: [{ date: '2026-11-23', name: 'a holiday' }], open: ['2026-11-23'] }),
  });

  test.each<[string, Schedule, string, Override[], string]>([
    ['hours', aSchedule(), '2026-11-24T12:00', [], office],
    [
      'the hours of one of several windows',
      several,
      '2026-11-28T12:00',
      [],
      'office hours Sat 10:00-14:00 (Asia/Tokyo)',
    ],
    ['outside hours', aSchedule(), '2026-11-27T23:00', [], outside],
    [
      'a closed day',
      holiday,
      '2026-11-23T12:00',
      [],
      'closed on 2026-11-23: 勤労感謝の日 / Labor Thanksgiving Day, the start is skipped',
    ],
    ['a closed day outside its hours', closedTuesday, '2026-11-24T22:00', [], outside],
    [
      'an open day',
      opened,
      '2026-11-23T12:00',
      [],
      '2026-11-23 is an open day: office hours 08:00-22:00 (Asia/Tokyo)',
    ],
    [
      'an override that ends today',
      aSchedule(),
      '2026-11-24T22:30',
      [override('2026-11-24T21:00', '2026-11-24T23:00')],
      'kept up by ana until 23:00 (Asia/Tokyo): release',
    ],
    [
      'an override that ends on another day, an hour before midnight',
      aSchedule(),
      '2026-11-25T23:00',
      [toThursday],
      'put to sleep by ana until 2026-11-26 07:30 (Asia/Tokyo): release',
    ],
    [
      'the same, the minute before midnight',
      aSchedule(),
      '2026-11-25T23:59',
      [toThursday],
      'put to sleep by ana until 2026-11-26 07:30 (Asia/Tokyo): release',
    ],
    [
      'the same when that day has come',
      aSchedule(),
      '2026-11-26T00:00',
      [toThursday],
      'put to sleep by ana until 07:30 (Asia/Tokyo): release',
    ],
    [
      'the override that ends last, of two that keep the cluster awake',
      aSchedule(),
      '2026-11-24T22:30',
      [
        override('2026-11-24T21:00', '2026-11-24T23:30', { author: 'bob' }),
        override('2026-11-24T22:00', '2026-11-24T23:00'),
      ],
      'kept up by bob until 23:30 (Asia/Tokyo): release',
    ],
  ])('%s', (_what, schedule, at, overrides, reason) => {
    expect(desiredAt(schedule, tokyo(at), overrides).reason).toBe(reason);
  });
});

describe('why it changes', () => {
  /** `2026-11-24T08:00 awake: why` for each transition, on Tokyo's clock. */
  function changes(schedule: Schedule, from: string, to: string, overrides: readonly Override[]): string[] {
    return transitions(schedule, tokyo(from), tokyo(to), overrides).map(
      ({ at, to: state, reason }) =>
        `${new Date(at.getTime() + 9 * HOUR_MS).toISOString().slice(0, 16)} ${state}: ${reason}`,
    );
  }
  const down = { state: 'asleep', author: 'bob', reason: 'saving' } as const;
  const always = aSchedule({
    up: ['daily 00:00-24:00'],
    calendar: aCalendar({ closed: [{ date: '2026-11-24', name: 'a day off' }] }),
  });

  test.each<[string, Schedule, [string, string], Override[], string[]]>([
    [
      'hours end, and begin',
      aSchedule(),
      ['2026-11-24T12:00', '2026-11-25T12:00'],
      [],
      [`2026-11-24T22:00 asleep: ${office} end`, `2026-11-25T08:00 awake: ${office} begin`],
    ],
    [
      'an override begins, and ends: each is mentioned once',
      aSchedule(),
      ['2026-11-24T00:00', '2026-11-24T12:00'],
      [override('2026-11-24T06:00', '2026-11-24T07:00')],
      [
        '2026-11-24T06:00 awake: kept up by ana until 07:00 (Asia/Tokyo): release',
        `2026-11-24T07:00 asleep: the override by ana ends; ${outside}`,
        `2026-11-24T08:00 awake: ${office} begin`,
      ],
    ],
    [
      'an override ends after hours',
      aSchedule(),
      ['2026-11-24T22:30', '2026-11-25T07:00'],
      [override('2026-11-24T21:00', '2026-11-24T23:00')],
      [`2026-11-24T23:00 asleep: the override by ana ends; ${outside}`],
    ],
    [
      'an override begins where another one ends',
      aSchedule(),
      ['2026-11-24T08:30', '2026-11-24T12:30'],
      [
        override('2026-11-24T12:00', '2026-11-24T13:00'),
        override('2026-11-24T09:00', '2026-11-24T12:00', down),
      ],
      [
        '2026-11-24T09:00 asleep: put to sleep by bob until 12:00 (Asia/Tokyo): saving',
        '2026-11-24T12:00 awake: kept up by ana until 13:00 (Asia/Tokyo): release',
      ],
    ],
    [
      'an override that ended before is not mentioned',
      aSchedule(),
      ['2026-11-24T06:00', '2026-11-24T12:00'],
      [override('2026-11-23T23:00', '2026-11-23T23:30')],
      [`2026-11-24T08:00 awake: ${office} begin`],
    ],
    [
      'hours go on into a closed day',
      always,
      ['2026-11-23T12:00', '2026-11-25T12:00'],
      [],
      [
        `2026-11-24T00:00 asleep: ${dayOff}`,
        '2026-11-25T00:00 awake: office hours daily 00:00-24:00 (Asia/Tokyo) begin',
      ],
    ],
    ...(
      [
        ['2026-11-24T21:59', dayOff],
        ['2026-11-24T22:00', outside],
        ['2026-11-24T23:00', outside],
      ] as const
    ).map(([until, why]): [string, Schedule, [string, string], Override[], string[]] => [
      `an override ends on a closed day, at ${until}: the day is the reason as long as its hours last`,
      closedTuesday,
      ['2026-11-24T12:00', '2026-11-25T07:00'],
      [override('2026-11-24T11:00', until)],
      [`${until} asleep: the override by ana ends; ${why}`],
    ]),
  ])('%s', (_what, schedule, [from, to], overrides, expected) => {
    expect(changes(schedule, from, to, overrides)).toEqual(expected);
  });

  test.each([
    [
      'Sun 02:30-09:00',
      '2027-03-14',
      ['02:30 does not exist on this day, the clock is put forward', undefined],
    ],
    [
      'Sun 01:15-01:45',
      '2026-11-01',
      [
        '01:15 comes twice on this day, this is the first',
        '01:45 comes twice on this day, this is the second',
      ],
    ],
  ])('just where the clock is changed: %s on %s', (up, date, notes) => {
    const [from, to] = [new Date(`${date}T00:00:00-05:00`), new Date(`${date}T23:59:00-04:00`)];
    const found = transitions(aSchedule({ timeZone: 'America/New_York', up: [up] }), from, to);
    expect(found.map(({ reason }) => reason.split('; ')[1])).toEqual(notes);
  });
});

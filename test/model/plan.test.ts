import { describe, expect, test } from 'vitest';
import { formatLocal, holidayDaysLeft, holidayWarning, planOf } from '#model/plan.ts';
import type { Schedule } from '#model/schedule.ts';
import { aCalendar, anOverride, aSchedule } from './builders.ts';

/** The lines of a plan on the zone's own clock. */
function lines(schedule: Schedule, from: string, to: string): string[] {
  return planOf(schedule, new Date(from), new Date(to)).map(
    ({ at, kind, reason }) => `${formatLocal(schedule.timeZone, at)} ${kind}: ${reason}`,
  );
}

describe('the plan', () => {
  test('shows the starts that a closed day takes away', () => {
    const schedule = aSchedule({
      calendar: aCalendar({ closed: [{ date: '2026-11-23', name: '勤労感謝の日' }] }),
    });
    expect(lines(schedule, '2026-11-22T00:00+09:00', '2026-11-24T09:00+09:00')).toEqual([
      '2026-11-23T08:00+09:00 skip: closed on 2026-11-23: 勤労感謝の日, the start is skipped',
      '2026-11-24T08:00+09:00 start: office hours Mon-Fri 08:00-22:00 (Asia/Tokyo) begin',
    ]);
  });

  test('follows an override', () => {
    const late = anOverride({ from: '2026-11-24T12:00:00Z', until: '2026-11-24T14:00:00Z' });
    const entries = planOf(aSchedule(), new Date('2026-11-24T09:00:00Z'), new Date('2026-11-24T20:00:00Z'), [
      late,
    ]);
    expect(entries.map(({ at, kind }) => `${at.toISOString()} ${kind}`)).toEqual([
      '2026-11-24T14:00:00.000Z stop',
    ]);
  });

  test('keeps New York on its own hours when its clock is put forward', () => {
    const schedule = aSchedule({ timeZone: 'America/New_York', up: ['daily 02:30-19:00'] });
    expect(lines(schedule, '2027-03-13T00:00-05:00', '2027-03-15T00:00-04:00')).toEqual([
      '2027-03-13T02:30-05:00 start: office hours daily 02:30-19:00 (America/New_York) begin',
      '2027-03-13T19:00-05:00 stop: office hours daily 02:30-19:00 (America/New_York) end',
      '2027-03-14T03:00-04:00 clock: the clock is put forward by 1 h, from 02:00 to 03:00 (-05:00 to -04:00)',
      '2027-03-14T03:00-04:00 start: office hours daily 02:30-19:00 (America/New_York) begin; 02:30 does not exist on this day, the clock is put forward',
      '2027-03-14T19:00-04:00 stop: office hours daily 02:30-19:00 (America/New_York) end',
    ]);
  });

  test('keeps London up in both of a repeated hour', () => {
    const schedule = aSchedule({ timeZone: 'Europe/London', up: ['Sun 01:15-01:45'] });
    expect(lines(schedule, '2027-10-31T00:00+01:00', '2027-11-01T00:00Z')).toEqual([
      '2027-10-31T01:15+01:00 start: office hours Sun 01:15-01:45 (Europe/London) begin; 01:15 comes twice on this day, this is the first',
      '2027-10-31T01:00+00:00 clock: the clock is put back by 1 h, from 02:00 to 01:00 (+01:00 to +00:00)',
      '2027-10-31T01:45+00:00 stop: office hours Sun 01:15-01:45 (Europe/London) end; 01:45 comes twice on this day, this is the second',
    ]);
  });

  test('follows the half hour of Lord Howe Island', () => {
    const schedule = aSchedule({ timeZone: 'Australia/Lord_Howe', up: ['Sun 02:10-09:00'] });
    expect(lines(schedule, '2026-10-03T12:00Z', '2026-10-04T12:00Z')).toEqual([
      '2026-10-04T02:30+11:00 clock: the clock is put forward by 30 min, from 02:00 to 02:30 (+10:30 to +11:00)',
      '2026-10-04T02:30+11:00 start: office hours Sun 02:10-09:00 (Australia/Lord_Howe) begin; 02:10 does not exist on this day, the clock is put forward',
      '2026-10-04T09:00+11:00 stop: office hours Sun 02:10-09:00 (Australia/Lord_Howe) end',
    ]);
  });

  test('follows Casablanca, which puts its clock back for Ramadan', () => {
    const schedule = aSchedule({ timeZone: 'Africa/Casablanca', up: ['Sun 02:15-20:00'] });
    expect(lines(schedule, '2026-02-14T12:00Z', '2026-02-16T00:00Z')).toEqual([
      '2026-02-15T02:15+01:00 start: office hours Sun 02:15-20:00 (Africa/Casablanca) begin; 02:15 comes twice on this day, this is the first',
      '2026-02-15T02:00+00:00 clock: the clock is put back by 1 h, from 03:00 to 02:00 (+01:00 to +00:00)',
      '2026-02-15T20:00+00:00 stop: office hours Sun 02:15-20:00 (Africa/Casablanca) end',
    ]);
    expect(lines(schedule, '2026-03-22T00:00Z', '2026-03-22T12:00Z')).toEqual([
      '2026-03-22T03:00+01:00 clock: the clock is put forward by 1 h, from 02:00 to 03:00 (+00:00 to +01:00)',
      '2026-03-22T03:00+01:00 start: office hours Sun 02:15-20:00 (Africa/Casablanca) begin; 02:15 does not exist on this day, the clock is put forward',
    ]);
  });

  test('knows that Kathmandu is three quarters of an hour off', () => {
    const schedule = aSchedule({ timeZone: 'Asia/Kathmandu' });
    expect(lines(schedule, '2026-11-23T00:00Z', '2026-11-24T00:00Z')).toEqual([
      '2026-11-23T08:00+05:45 start: office hours Mon-Fri 08:00-22:00 (Asia/Kathmandu) begin',
      '2026-11-23T22:00+05:45 stop: office hours Mon-Fri 08:00-22:00 (Asia/Kathmandu) end',
    ]);
  });

  test('knows that Apia begins its day first, and once left a day out', () => {
    const schedule = aSchedule({ timeZone: 'Pacific/Apia', up: ['daily 08:00-22:00'] });
    expect(lines(schedule, '2026-11-22T12:00Z', '2026-11-23T12:00Z')).toEqual([
      '2026-11-23T08:00+13:00 start: office hours daily 08:00-22:00 (Pacific/Apia) begin',
      '2026-11-23T22:00+13:00 stop: office hours daily 08:00-22:00 (Pacific/Apia) end',
    ]);
    expect(lines(schedule, '2011-12-29T23:00-10:00', '2011-12-31T12:00+14:00')).toEqual([
      '2011-12-31T00:00+14:00 clock: the clock is put forward by 1 d, from 2011-12-30 00:00 to 2011-12-31 00:00 (-10:00 to +14:00)',
      '2011-12-31T08:00+14:00 start: office hours daily 08:00-22:00 (Pacific/Apia) begin',
    ]);
  });

  const closedTuesday = aSchedule({
    calendar: aCalendar({ closed: [{ date: '2026-11-24', name: 'a day off' }] }),
  });
  test.each([
    ['2026-11-24T07:59', '2026-11-24T23:00', ['skip calendar']],
    ['2026-11-24T08:00', '2026-11-24T23:00', []],
    ['2026-11-24T12:00', '2026-11-24T23:00', []],
    ['2026-11-25T07:00', '2026-11-25T23:00', ['start schedule', 'stop schedule']],
  ])('shows what comes after %s, until %s, and what decides it', (from, to, expected) => {
    const entries = planOf(closedTuesday, new Date(`${from}+09:00`), new Date(`${to}+09:00`));
    expect(entries.map(({ kind, source }) => `${kind} ${source}`)).toEqual(expected);
  });

  test('shows a clock change as decided by the clock', () => {
    const clock = planOf(
      aSchedule({ timeZone: 'Europe/London', up: ['Mon 08:00-09:00'] }),
      new Date('2027-10-31T00:00Z'),
      new Date('2027-10-31T12:00Z'),
    );
    expect(clock.map(({ kind, source }) => [kind, source])).toEqual([['clock', 'clock']]);
  });

  test('shows what happens at one instant in order: clock, skip, stop, start', () => {
    const busy = aSchedule({
      timeZone: 'America/New_York',
      up: ['Sat 20:00 - Sun 02:30', 'Sun 02:10-04:00'],
      calendar: aCalendar({ closed: [{ date: '2027-03-14', name: 'a day off' }] }),
    });
    const entries = planOf(busy, new Date('2027-03-14T00:00-05:00'), new Date('2027-03-14T12:00-04:00'));
    expect(entries.map(({ at, kind }) => `${at.toISOString()} ${kind}`)).toEqual([
      '2027-03-14T07:00:00.000Z clock',
      '2027-03-14T07:00:00.000Z skip',
      '2027-03-14T07:00:00.000Z stop',
    ]);
  });
});

describe('the warning that holidays run out', () => {
  const calendar = aCalendar({ until: '2026-12-31' });
  const known = 'the holidays of calendar japan are known until 2026-12-31 only';
  const advice = 'deploy again nearer to that day to expand more';

  test.each([
    ['2026-11-01T00:00:00Z', 61, undefined],
    ['2026-11-02T00:00:00Z', 60, undefined],
    ['2026-11-03T00:00:00Z', 59, `${known}, 59 days more: ${advice}`],
    ['2026-12-31T23:59:59Z', 1, `${known}, 1 day more: ${advice}`],
    ['2027-01-01T00:00:00Z', 0, `${known}, that is before 2027-01-01: ${advice}`],
    ['2027-01-05T12:00:00Z', -4, `${known}, that is before 2027-01-05: ${advice}`],
  ])('at %s, with %d days left', (at, days, warning) => {
    expect(holidayDaysLeft(calendar, new Date(at))).toBe(days);
    expect(holidayWarning(calendar, new Date(at))).toBe(warning);
  });

  test.each([
    ['a calendar without holidays', aCalendar()],
    ['no calendar', undefined],
  ])('never comes for %s', (_what, none) => {
    expect(holidayDaysLeft(none, new Date('2090-01-01T00:00:00Z'))).toBeUndefined();
    expect(holidayWarning(none, new Date('2090-01-01T00:00:00Z'))).toBeUndefined();
  });
});

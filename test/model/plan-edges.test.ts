import { describe, expect, it } from 'vitest';
import type { EnvironmentConfig } from '#model/config.ts';
import { refuseEnvironment, refuseOverride } from '#model/override.ts';
import { holidayDaysLeft, holidayWarning, planOf } from '#model/plan.ts';
import { aCalendar, anOverride, aSchedule } from './builders.ts';

const tokyo = (text: string) => new Date(`${text}+09:00`);

describe('the plan', () => {
  const schedule = aSchedule({
    calendar: aCalendar({ closed: [{ date: '2026-11-24', name: 'a day off' }] }),
  });
  const kinds = (from: string, to: string) =>
    planOf(schedule, tokyo(from), tokyo(to)).map(({ kind, source }) => `${kind} ${source}`);

  it('leaves out a start that was skipped before it begins, or just then', () => {
    expect(kinds('2026-11-24T07:59', '2026-11-24T23:00')).toEqual(['skip calendar']);
    expect(kinds('2026-11-24T08:00', '2026-11-24T23:00')).toEqual([]);
    expect(kinds('2026-11-24T12:00', '2026-11-24T23:00')).toEqual([]);
  });

  it('says what decided', () => {
    expect(kinds('2026-11-25T07:00', '2026-11-25T23:00')).toEqual(['start schedule', 'stop schedule']);
    const clock = planOf(
      aSchedule({ timeZone: 'Europe/London', up: ['Mon 08:00-09:00'] }),
      new Date('2027-10-31T00:00Z'),
      new Date('2027-10-31T12:00Z'),
    );
    expect(clock.map(({ kind, source }) => [kind, source])).toEqual([['clock', 'clock']]);
  });

  it('shows what falls on one instant in the order in which it works: clock, skip, stop, start', () => {
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
  const ending = 'deploy again nearer to that day to expand more';

  it.each([
    ['2026-11-02T00:00:00Z', undefined],
    ['2026-11-03T00:00:00Z', `${known}, 59 days more: ${ending}`],
    ['2026-12-31T23:59:59Z', `${known}, 1 day more: ${ending}`],
    ['2027-01-01T00:00:00Z', `${known}, that is before 2027-01-01: ${ending}`],
    ['2027-01-05T12:00:00Z', `${known}, that is before 2027-01-05: ${ending}`],
  ])('on %s', (at, warning) => {
    expect(holidayWarning(calendar, new Date(at))).toBe(warning);
  });

  it('never comes without a calendar', () => {
    expect(holidayDaysLeft(undefined, new Date(0))).toBeUndefined();
    expect(holidayWarning(undefined, new Date(0))).toBeUndefined();
  });
});

describe('an override', () => {
  const place = { account: '111111111111', region: 'ap-northeast-1' };
  const tools: EnvironmentConfig = { ...place, cluster: 'tools' };
  const production: EnvironmentConfig = { ...place, cluster: 'production', production: true };

  it('may have 200 letters of reason', () => {
    const now = new Date('2026-11-24T12:00:00Z');
    expect(refuseOverride(anOverride({ reason: 'x'.repeat(200) }), now)).toBeUndefined();
    expect(refuseOverride(anOverride({ reason: 'x'.repeat(201) }), now)).toBe(
      'the reason has 201 characters: write at most 200',
    );
  });

  it('is offered only for environments that sleep', () => {
    expect(refuseEnvironment('tolls', { tools, production })).toBe(
      'there is no environment "tolls": there are none',
    );
    expect(refuseEnvironment('production', { tools, production })).toBe(
      '"production" is a production environment, which no override can reach: name another',
    );
    expect(refuseEnvironment('tools', { tools })).toBe(
      '"tools" has no schedule, it is never stopped: name another',
    );
  });
});

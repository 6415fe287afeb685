import { describe, expect, test } from 'vitest';
import { decideDesired, stopToWarnOf } from '#functions/night-schedule/decide-desired.ts';
import { aDesired, officeHours } from './builders.ts';

const at = (tokyo: string) => new Date(`2026-11-25T${tokyo}:00+09:00`);
const early = { lead: 360, before: 'asleep' } as const;

describe('a cluster that must be ready by the time of the schedule', () => {
  test('is started by the lead before it', () => {
    expect(decideDesired(officeHours, at('07:53'), [], early).state).toBe('asleep');
    expect(decideDesired(officeHours, at('07:54'), [], early)).toMatchObject({
      state: 'awake',
      reason: expect.stringMatching(/^started early to be ready by 08:00 \(Asia\/Tokyo\)/),
    });
  });

  test('is not stopped again when the lead shrinks after the start', () => {
    const started = { ...early, lead: 60, before: 'awake' } as const;
    expect(decideDesired(officeHours, at('07:54'), [], started).state).toBe('awake');
  });

  test('is not started early where the config does not ask for it', () => {
    expect(decideDesired(officeHours, at('07:59'), [], { ...early, lead: undefined }).state).toBe('asleep');
  });

  test('is not kept up in the evening', () => {
    expect(decideDesired(officeHours, at('22:00'), [], { ...early, before: 'awake' }).state).toBe('asleep');
    expect(decideDesired(officeHours, at('21:58'), [], { ...early, before: 'awake' })).toEqual({
      state: 'awake',
      reason: 'office hours Mon-Fri 08:00-22:00 (Asia/Tokyo)',
      source: 'schedule',
      until: at('22:00'),
    });
  });
});

describe('the warning before a stop', () => {
  const awake = aDesired({ state: 'awake', until: at('22:00') });
  test('is due within its minutes, and only before a stop', () => {
    expect(stopToWarnOf(officeHours, at('21:29'), [], awake, 30)).toBeUndefined();
    expect(stopToWarnOf(officeHours, at('21:30'), [], awake, 30)).toEqual(at('22:00'));
    expect(stopToWarnOf(officeHours, at('21:30'), [], awake, 0)).toBeUndefined();
    expect(stopToWarnOf(officeHours, at('21:30'), [], aDesired({ state: 'awake' }), 30)).toBeUndefined();
    expect(stopToWarnOf(officeHours, at('07:45'), [], aDesired({ until: at('08:00') }), 30)).toBeUndefined();
  });

  test('is not due where an override keeps the cluster up past the stop', () => {
    const override = {
      id: 'o',
      state: 'awake',
      from: at('21:00').toISOString(),
      until: at('23:00').toISOString(),
      author: 'ana',
      reason: 'release',
    } as const;
    const until = { ...awake, until: at('23:00') };
    expect(stopToWarnOf(officeHours, at('21:45'), [override], until, 30)).toBeUndefined();
    expect(stopToWarnOf(officeHours, at('22:45'), [override], until, 30)).toEqual(at('23:00'));
  });
});

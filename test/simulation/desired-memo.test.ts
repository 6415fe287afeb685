import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { desiredAt } from '#model/desired.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#model/duration.ts';
import type { Override, Schedule } from '#model/schedule.ts';
import * as zone from '#model/zone.ts';
import * as memo from '#test/simulation/desired-memo.ts';
import * as zoneMemo from '#test/simulation/zone-memo.ts';
import { aCalendar, anOverride, aSchedule } from '../model/builders.ts';

const tokyo = (text: string) => new Date(`${text}+09:00`);
const override = (from: string, until: string, given: Partial<Override> = {}) =>
  anOverride({ from: tokyo(from).toISOString(), until: tokyo(until).toISOString(), ...given });

describe('the desired state that the simulation remembers', () => {
  test('is remembered as long as it holds', () => {
    const schedule = aSchedule();
    const late = override('2026-11-24T20:00', '2026-11-24T23:00');
    const at = (text: string, ...overrides: Override[]) => memo.desiredAt(schedule, tokyo(text), overrides);
    const morning = at('2026-11-24T08:00');
    expect(at('2026-11-24T19:59')).toBe(morning);
    const evening = at('2026-11-24T22:30', late);
    expect(at('2026-11-24T22:59', late)).toBe(evening);
    const night = at('2026-11-24T23:00', late);
    expect(at('2026-11-24T23:10')).toBe(night);
    expect(at('2026-11-24T23:20', late)).toBe(night);
  });

  test('is not given where other overrides are in force, as many as they are', () => {
    const schedule = aSchedule();
    const by = (author: string) => override('2026-11-24T20:00', '2026-11-24T23:00', { author });
    const early = override('2026-11-24T19:00', '2026-11-24T23:00', { author: 'eve' });
    const at = (...overrides: Override[]) =>
      memo.desiredAt(schedule, tokyo('2026-11-24T21:00'), overrides).reason;
    expect(at(by('bob'))).toContain('by bob');
    expect(at(by('ana'))).toContain('by ana');
    expect(at(early, by('bob'))).toContain('by bob');
    expect(at(early, by('ana'))).toContain('by ana');
  });

  test('is the exact one at any time, whatever the schedule and the overrides', () => {
    const from = Date.parse('2026-11-20T00:00:00Z');
    const hour = fc.integer({ min: 0, max: 6 * 24 });
    const overrides = fc.array(
      fc.record({ start: hour, hours: hour, awake: fc.boolean() }).map(({ start, hours, awake }) =>
        anOverride({
          state: awake ? 'awake' : 'asleep',
          from: new Date(from + start * HOUR_MS).toISOString(),
          until: new Date(from + (start + hours) * HOUR_MS).toISOString(),
        }),
      ),
      { maxLength: 3 },
    );
    const schedule: fc.Arbitrary<Schedule> = fc
      .record({
        timeZone: fc.constantFrom('Asia/Tokyo', 'America/New_York', 'Australia/Lord_Howe'),
        up: fc.constantFrom(['Mon-Fri 08:00-22:00'], ['daily 00:00-24:00'], ['Fri 20:00 - Mon 06:00']),
        closed: fc.boolean(),
      })
      .map(({ timeZone, up, closed }) =>
        aSchedule({
          timeZone,
          up,
          calendar: aCalendar({ closed: closed ? [{ date: '2026-11-23', name: 'a day off' }] : [] }),
        }),
      );
    fc.assert(
      fc.property(schedule, overrides, (any, some) => {
        for (let at = from; at < from + 5 * DAY_MS; at += 197 * MINUTE_MS)
          expect(memo.desiredAt(any, new Date(at), some)).toEqual(desiredAt(any, new Date(at), some));
      }),
      { numRuns: 20 },
    );
  });
});

test.each(['Asia/Tokyo', 'America/New_York', 'Australia/Lord_Howe'])(
  'the instants that the simulation remembers are the exact ones in %s',
  (timeZone) => {
    // 13 and 14 March 2027: New York puts its clock forward; 3 April 2027: Lord Howe puts its clock back.
    const from = Date.parse('2027-03-13T00:00:00Z') / MINUTE_MS;
    for (let wall = from; wall < from + 25 * 24 * 60; wall += 15)
      for (const _again of [1, 2]) {
        expect(zoneMemo.firstInstantOf(timeZone, wall)).toBe(zone.firstInstantOf(timeZone, wall));
        expect(zoneMemo.lastInstantOf(timeZone, wall)).toBe(zone.lastInstantOf(timeZone, wall));
      }
  },
);

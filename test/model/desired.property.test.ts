import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { desiredAt, transitions } from '#model/desired.ts';
import { DAY_MS, MINUTE_MS } from '#model/duration.ts';
import type { Override, Schedule, Weekday } from '#model/schedule.ts';
import { aCalendar } from './builders.ts';

const FROM = Date.parse('2026-03-01T00:00:00Z');
const DAYS = 40;

const zone = fc.constantFrom(
  'Asia/Tokyo',
  'America/New_York',
  'Europe/London',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
);
const minute = fc.integer({ min: 0, max: 287 }).map((step) => step * 5);
const point = fc.record({ day: fc.integer({ min: 1, max: 7 }) as fc.Arbitrary<Weekday>, minute });
const date = fc
  .integer({ min: -2, max: DAYS })
  .map((day) => new Date(FROM + day * DAY_MS).toISOString().slice(0, 10));

const schedule: fc.Arbitrary<Schedule> = fc
  .record({
    timeZone: zone,
    up: fc.array(fc.record({ start: point, end: point }), { minLength: 1, maxLength: 6 }),
    closed: fc.array(date, { maxLength: 8 }),
    open: fc.array(date, { maxLength: 3 }),
  })
  .map(({ timeZone, up, closed, open }) => ({
    name: 'any',
    timeZone,
    up,
    calendar: aCalendar({ closed: closed.map((day) => ({ date: day, name: `off ${day}` })), open }),
  }));

const instant = fc.integer({ min: 0, max: DAYS * 1440 }).map((after) => FROM + after * MINUTE_MS);
const override: fc.Arbitrary<Override> = fc
  .record({ from: instant, length: fc.integer({ min: 1, max: 7 * 1440 }), awake: fc.boolean() })
  .map(({ from, length, awake }) => ({
    id: 'o',
    state: awake ? 'awake' : 'asleep',
    from: new Date(from).toISOString(),
    until: new Date(from + length * MINUTE_MS).toISOString(),
    author: 'ana',
    reason: 'any',
  }));
const overrides = fc.array(override, { maxLength: 3 });

const end = new Date(FROM + DAYS * DAY_MS);

describe('any schedule with any calendar and any overrides', () => {
  test('changes exactly at its transitions', () => {
    fc.assert(
      fc.property(schedule, overrides, (any, all) => {
        const changes = transitions(any, new Date(FROM), end, all);
        let state = desiredAt(any, new Date(FROM), all).state;
        for (const { at, to } of changes) {
          expect(to).not.toBe(state);
          expect(desiredAt(any, new Date(at.getTime() - 1), all).state).toBe(state);
          expect(desiredAt(any, at, all).state).toBe(to);
          state = to;
        }
      }),
      { numRuns: 150 },
    );
  });

  test('knows at every instant until when the state lasts', () => {
    fc.assert(
      fc.property(schedule, overrides, instant, (any, all, at) => {
        const desired = desiredAt(any, new Date(at), all);
        const [next] = transitions(any, new Date(at), new Date(at + 62 * DAY_MS), all);
        expect(desired.until).toEqual(next?.at);
        expect(desired.reason).not.toBe('');
      }),
      { numRuns: 150 },
    );
  });

  test('gives the same transitions however the time is cut into pieces', () => {
    fc.assert(
      fc.property(schedule, overrides, instant, (any, all, cut) => {
        const whole = transitions(any, new Date(FROM), end, all);
        const pieces = [
          ...transitions(any, new Date(FROM), new Date(cut), all),
          ...transitions(any, new Date(cut), end, all),
        ];
        expect(pieces).toEqual(whole);
      }),
      { numRuns: 150 },
    );
  });

  test('is in the state of the override while one is in force', () => {
    fc.assert(
      fc.property(schedule, override, fc.double({ min: 0, max: 0.999, noNaN: true }), (any, one, share) => {
        const [from, until] = [Date.parse(one.from), Date.parse(one.until)];
        const desired = desiredAt(any, new Date(from + (until - from) * share), [one]);
        expect(desired).toMatchObject({ state: one.state, source: 'override' });
      }),
      { numRuns: 150 },
    );
  });

  test('never begins a window on a closed day', () => {
    fc.assert(
      fc.property(schedule, (any) => {
        for (const { at, to } of transitions(any, new Date(FROM), end)) {
          if (to !== 'awake') continue;
          const local = new Intl.DateTimeFormat('sv', { timeZone: any.timeZone, dateStyle: 'short' }).format(
            at,
          );
          const { closed = [], open = [] } = any.calendar ?? {};
          expect(open.includes(local) || !closed.some((day) => day.date === local)).toBe(true);
        }
      }),
      { numRuns: 150 },
    );
  });
});

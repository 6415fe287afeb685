/**
 * Every zone that the runtime knows × every change of its offset in ten years. Around each change the wall clock is
 * walked minute by minute, half a day to each side, for windows that begin, end, or lie as a whole in the time that is
 * skipped or repeated; `transitions` must name exactly the minutes at which the walk changes, and `desiredAt` must agree
 * at each of them, a minute before, and on both sides of the change itself. Elsewhere, where a zone keeps its offset,
 * random days, windows and minutes are compared in the same way.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { desiredAt, transitions } from '#model/desired.ts';
import { DAY_MINUTES, MINUTE_MS } from '#model/duration.ts';
import type { Schedule, Weekday } from '#model/schedule.ts';
import { offsetChanges } from '#model/zone.ts';
import { changesOf, intlOffset, type OffsetChange, walk, wallClock } from './wall-clock.ts';

const ZONES = Intl.supportedValuesOf('timeZone');
const FROM = Date.parse('2026-01-01T00:00:00Z');
const TO = Date.parse('2036-01-01T00:00:00Z');
const HALF_DAY = 12 * 60;

const CHANGES = new Map(ZONES.map((zone) => [zone, changesOf(zone, FROM, TO)]));

/** What differs between the model and the walk, in words; undefined where nothing does. */
function difference(
  timeZone: string,
  change: OffsetChange,
  start: number,
  end: number,
  also: readonly number[],
): string | undefined {
  const [from, to] = [change.at - HALF_DAY, change.at + HALF_DAY];
  const up = walk(wallClock(from, to, change), start, end);
  const schedule: Schedule = {
    name: 'walked',
    timeZone,
    up: [{ start: weekPoint(start), end: weekPoint(end) }],
  };

  const walked: number[] = [];
  for (let minute = 1; minute < up.length; minute++) {
    if (up[minute] !== up[minute - 1]) walked.push(from + minute);
  }
  const found = transitions(schedule, new Date(from * MINUTE_MS), new Date((to - 1) * MINUTE_MS)).map(
    ({ at }) => at.getTime() / MINUTE_MS,
  );
  const where = `${timeZone}, window ${text(start)} to ${text(end)}, clock changed at ${new Date(change.at * MINUTE_MS).toISOString()}`;
  if (found.join() !== walked.join()) return `${where}: walked ${walked}, found ${found}`;

  for (const minute of [...walked.flatMap((at) => [at - 1, at]), ...also]) {
    const expected = up[minute - from] === 1 ? 'awake' : 'asleep';
    const { state } = desiredAt(schedule, new Date(minute * MINUTE_MS), []);
    if (state !== expected) return `${where}: at ${new Date(minute * MINUTE_MS).toISOString()} ${state}`;
  }
  return undefined;
}

function weekPoint(wall: number): { day: Weekday; minute: number } {
  const day = Math.floor(wall / DAY_MINUTES);
  return { day: (((day + 3) % 7) + 1) as Weekday, minute: wall - day * DAY_MINUTES };
}

function text(wall: number): string {
  return new Date(wall * MINUTE_MS).toISOString().slice(0, 16);
}

describe('the wall clock of every zone', () => {
  test('changes when the runtime says so', () => {
    for (const zone of ZONES) {
      const found = offsetChanges(zone, FROM, TO).map(({ at, before, after }) => [
        at / MINUTE_MS,
        before / MINUTE_MS,
        after / MINUTE_MS,
      ]);
      const expected = (CHANGES.get(zone) ?? []).map(({ at, before, after }) => [at, before, after]);
      expect(found, zone).toEqual(expected);
    }
    const total = [...CHANGES.values()].flat().length;
    expect(total).toBeGreaterThan(2_000);
  });

  test('is followed through every change of ten years', () => {
    const differences: string[] = [];
    for (const [zone, changes] of CHANGES) {
      for (const change of changes) {
        const local = [change.at + change.before, change.at + change.after].sort((a, b) => a - b);
        const [low = 0, high = 0] = local;
        const third = Math.floor((high - low) / 3);
        const windows = [
          [low + third, high + 300],
          [low - 300, low + third],
          [low + third, high - third],
          [low, high],
        ] as const;
        for (const [start, end] of windows) {
          const different = difference(zone, change, start, end, [change.at - 1, change.at]);
          if (different) differences.push(different);
        }
      }
    }
    expect(differences).toEqual([]);
  });

  test('is followed on any day, for any window', () => {
    const zone = fc.constantFrom(...ZONES);
    const minute = fc.integer({ min: FROM / MINUTE_MS, max: TO / MINUTE_MS });
    const ahead = fc.integer({ min: -700, max: 700 });
    const length = fc.integer({ min: 1, max: 1_400 });
    const probes = fc.array(fc.integer({ min: -HALF_DAY, max: HALF_DAY - 1 }), {
      minLength: 5,
      maxLength: 5,
    });
    fc.assert(
      fc.property(zone, minute, ahead, length, probes, (timeZone, at, offset, minutes, some) => {
        const near = (CHANGES.get(timeZone) ?? []).find((change) => Math.abs(change.at - at) <= 2 * HALF_DAY);
        const still = intlOffset(timeZone)(at * MINUTE_MS);
        const change = near ?? { at, before: still, after: still };
        const start = change.at + change.before + offset;
        const also = some.map((probe) => change.at + probe);
        expect(difference(timeZone, change, start, start + minutes, also)).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
  });
});

import { expect, test } from 'vitest';
import { presetsOf } from '#cli/console/presets.ts';
import type { Schedule } from '#model/schedule.ts';

const schedule: Schedule = {
  name: 'office',
  timeZone: 'Asia/Tokyo',
  up: ([1, 2, 3, 4, 5] as const).map((day) => ({ start: { day, minute: 480 }, end: { day, minute: 1320 } })),
};
const at = (now: string) => presetsOf(schedule, new Date(now)).map((preset) => [preset.kind, preset.at]);

test('before a stop that is near, an hour more is an hour after it', () => {
  expect(at('2026-11-24T12:10:00Z')).toEqual([
    ['duration', '2026-11-24T14:00:00.000Z'],
    ['duration', '2026-11-24T15:00:00.000Z'],
    ['tonight', '2026-11-24T14:30:00.000Z'],
    ['next-start', '2026-11-24T23:00:00.000Z'],
  ]);
});

test('while it sleeps, an hour is an hour from now, and 23:30 is offered only while it is ahead', () => {
  expect(at('2026-11-24T14:00:20Z')).toEqual([
    ['duration', '2026-11-24T15:00:00.000Z'],
    ['duration', '2026-11-24T16:00:00.000Z'],
    ['next-start', '2026-11-24T23:00:00.000Z'],
  ]);
});

test('on a Friday evening the next start is on Monday', () => {
  expect(at('2026-11-27T14:00:00Z').at(-1)).toEqual(['next-start', '2026-11-29T23:00:00.000Z']);
});

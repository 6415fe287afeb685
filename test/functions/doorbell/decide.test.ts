import { describe, expect, test } from 'vitest';
import { decide, type Press } from '#functions/doorbell/decide.ts';
import type { Override } from '#model/schedule.ts';
import type { DoorbellSettings } from '#model/settings.ts';
import { OFFICE } from '../self-service/a-page.ts';

/** Wednesday 22:00 and Thursday 08:00 in Tokyo. */
const STOP = '2026-11-25T13:00:00.000Z';
const at = (time: string) => new Date(`2026-11-25T${time}:00.000Z`);
const settings = { schedule: OFFICE, hours: 2, maxHours: 4, perNight: 3, requireReason: false };
const awake = (until: string, from = '2026-11-25T12:00:00.000Z'): Override => ({
  id: 'one',
  state: 'awake',
  from,
  until,
  author: 'ana',
  reason: 'x',
});

function decided(
  press: Partial<Press> = {},
  time = '15:00',
  overrides: readonly Override[] = [],
  changes: Partial<DoorbellSettings> = {},
) {
  return decide(
    { via: 'doorbell', author: 'doorbell, unverified', name: '', reason: '', ...press },
    { overrides, state: undefined } as unknown as Parameters<typeof decide>[1],
    { settings: { ...settings, ...changes } as DoorbellSettings, now: at(time) },
  );
}
const answer = (...given: Parameters<typeof decided>) => {
  const decision = decided(...given);
  return decision.kind === 'refused' ? decision.why : decision.kind;
};

describe('a press', () => {
  test('in the night wakes the cluster for the hours of the config', () => {
    expect(decided()).toMatchObject({
      kind: 'wake',
      override: { state: 'awake', from: at('15:00').toISOString(), until: at('17:00').toISOString() },
    });
    expect(decided({}, '15:00', [], { hours: 6 })).toMatchObject({
      override: { until: at('19:00').toISOString() },
    });
    expect(decided({}, '22:00')).toMatchObject({ override: { until: at('23:00').toISOString() } });
  });

  test('at the instant of the stop is in the night, and a minute before it is not', () => {
    expect(answer({}, '13:00')).toBe('wake');
    expect(answer({}, '12:59')).toBe('awake');
    expect(answer({ via: 'link' }, '12:59')).toBe('awake');
  });

  test('in the chat postpones the stop before it comes', () => {
    expect(decided({ via: 'chat' }, '12:50')).toMatchObject({
      kind: 'wake',
      override: { until: at('15:00').toISOString() },
    });
  });

  test('where nothing is ever up is for no night', () => {
    expect(answer({}, '15:00', [], { schedule: { ...OFFICE, up: [] } })).toBe('no-night');
  });

  test('is one request with another of the same five minutes', () => {
    expect(answer({}, '15:00', [awake('2026-11-25T16:55:00.000Z')])).toBe('already');
    expect(answer({}, '15:00', [awake('2026-11-25T16:54:59.000Z')])).toBe('wake');
  });
});

describe('the stop that a press names', () => {
  const postponed = '2026-11-25T15:30:00.000Z';

  test.each<[string, string, readonly Override[], string]>([
    ['is the one of the schedule', STOP, [], 'wake'],
    ['is the one to which it was postponed', postponed, [awake(postponed)], 'already or wake'],
    ['is not one that nobody postponed it to', postponed, [], 'other-night'],
    ['is not the end of another override', postponed, [awake('2026-11-25T16:30:00.000Z')], 'other-night'],
    [
      'is not the end of a stop that somebody requested',
      postponed,
      [{ ...awake(postponed), state: 'asleep', from: '2026-11-25T15:20:00.000Z' }],
      'other-night',
    ],
    [
      'is not earlier than the stop',
      '2026-11-25T12:30:00.000Z',
      [awake('2026-11-25T12:30:00.000Z')],
      'other-night',
    ],
  ])('%s', (_, stop, overrides, expected) => {
    expect(expected).toContain(answer({ stop }, '15:10', overrides));
  });
});

describe('what is typed', () => {
  test.each<[Partial<Press>, string]>([
    [{ name: 'a'.repeat(60), reason: 'a'.repeat(200) }, 'wake'],
    [{ name: 'a'.repeat(61) }, 'name'],
    [{ name: 'a\u202e' }, 'name'],
    [{ reason: 'a'.repeat(201) }, 'reason'],
    [{ reason: 'a\n' }, 'reason'],
  ])('%j is %s', (press, expected) => {
    expect(answer(press)).toBe(expected);
  });

  test('needs a reason where the config requires one, except in the chat, which has no field for it', () => {
    const requireReason = { requireReason: true };
    expect(answer({}, '15:00', [], requireReason)).toBe('no-reason');
    expect(answer({ reason: 'release' }, '15:00', [], requireReason)).toBe('wake');
    expect(answer({ via: 'chat' }, '15:00', [], requireReason)).toBe('wake');
  });
});

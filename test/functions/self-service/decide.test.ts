import { describe, expect, test } from 'vitest';
import { type Ask, decide } from '#functions/self-service/decide.ts';
import type { KeepUpLink } from '#model/keep-up-link.ts';
import { requestId } from '#model/night-requests.ts';
import type { Override } from '#model/schedule.ts';
import { EVENING, MORNING, STOP, UNTIL } from './a-page.ts';

const link: KeepUpLink = {
  id: 'k3v9x2ab',
  environment: 'develop',
  action: 'keep-up',
  stop: STOP,
  night: STOP,
  expires: MORNING,
  minutes: 90,
  maxHours: 4,
  generation: 0,
};
const settings = { maxHours: 4, perNight: 2, requireReason: false };
const decided = (
  ask: Partial<Ask> = {},
  changes: { overrides?: readonly Override[]; requireReason?: boolean; address?: string } = {},
) =>
  decide(
    link,
    { until: UNTIL, name: 'Ana', reason: 'release', ...ask },
    { overrides: changes.overrides ?? [] },
    {
      settings: { ...settings, requireReason: changes.requireReason ?? false },
      now: EVENING,
      address: changes.address,
    },
  );
const problem = (...given: Parameters<typeof decided>) => {
  const decision = decided(...given);
  return decision.kind === 'ask-again' ? decision.problem : decision.kind;
};
const used = (count: number): readonly Override[] =>
  Array.from({ length: count }, (_, index) => ({
    id: requestId('link', STOP, index + 1),
    state: 'awake',
    from: '2026-11-25T10:00:00.000Z',
    until: '2026-11-25T11:00:00.000Z',
    author: 'link/x',
    reason: 'x',
  }));

describe('what is typed', () => {
  test.each<[string, Partial<Ask>, string]>([
    ['a name of 60 characters', { name: 'a'.repeat(60) }, 'keep-up'],
    ['a longer one', { name: 'a'.repeat(61) }, 'name-too-long'],
    ['a reason of 200 characters', { reason: 'a'.repeat(200) }, 'keep-up'],
    ['a longer one', { reason: 'a'.repeat(201) }, 'reason-too-long'],
    ['no reason', { reason: '' }, 'keep-up'],
    ['no end', { until: '' }, 'no-end'],
    ['an end with text before it', { until: ` ${UNTIL}` }, 'no-end'],
    ['an end with text after it', { until: `${UNTIL} ` }, 'no-end'],
    ['a day alone', { until: '2026-11-26' }, 'no-end'],
    ['now', { until: EVENING.toISOString() }, 'past'],
  ])('%s: %j is %s', (_, ask, expected) => {
    expect(problem(ask)).toBe(expected);
  });

  test('needs a reason that can be seen where the config requires one', () => {
    const requireReason = true;
    expect(problem({ reason: 'release' }, { requireReason })).toBe('keep-up');
    expect(problem({ reason: '' }, { requireReason })).toBe('no-reason');
    expect(problem({ reason: ' ' }, { requireReason })).toBe('no-reason');
  });
});

test('one night has so many requests, whatever came before', () => {
  expect(decided()).toMatchObject({ kind: 'keep-up', ids: [`link#${STOP}#1`, `link#${STOP}#2`] });
  expect(decided({}, { overrides: used(1) })).toMatchObject({ kind: 'keep-up', ids: [`link#${STOP}#2`] });
  expect(decided({}, { overrides: used(2) })).toEqual({ kind: 'used-up', perNight: 2 });
});

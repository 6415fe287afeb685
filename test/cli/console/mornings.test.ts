import { expect, test } from 'vitest';
import { morningsOf } from '#cli/console/mornings.ts';
import type { Decision } from '#model/decision.ts';

const aDecision = (target: string, action: Decision['action'], time: string): Decision => ({
  time,
  environment: 'develop',
  capability: 'night-schedule',
  target,
  action,
  reason: 'because',
  trigger: 'tick',
});

test('a morning lasts from the first start to the last group that was Ready, by the date of the zone', () => {
  const decisions = [
    aDecision('system', 'start', '2026-11-23T23:00:00Z'),
    aDecision('web', 'start', '2026-11-23T23:01:00Z'),
    aDecision('system', 'confirm-start', '2026-11-23T23:03:00Z'),
    aDecision('web', 'confirm-start', '2026-11-23T23:06:00Z'),
  ];
  expect(morningsOf(decisions, 'Asia/Tokyo')).toEqual([
    { date: '2026-11-24', startedAt: '2026-11-23T23:00:00Z', readyAt: '2026-11-23T23:06:00Z', minutes: 6 },
  ]);
});

test('has no length while a group is not Ready', () => {
  const decisions = [
    aDecision('system', 'start', '2026-11-23T23:00:00Z'),
    aDecision('web', 'start', '2026-11-23T23:00:00Z'),
    aDecision('system', 'confirm-start', '2026-11-23T23:03:00Z'),
  ];
  expect(morningsOf(decisions, 'Asia/Tokyo')).toEqual([
    { date: '2026-11-24', startedAt: '2026-11-23T23:00:00Z' },
  ]);
});

test('a start before midnight that is Ready after it is one morning', () => {
  const decisions = [
    aDecision('system', 'start', '2026-11-24T14:58:00Z'),
    aDecision('system', 'confirm-start', '2026-11-24T15:04:00Z'),
  ];
  expect(morningsOf(decisions, 'Asia/Tokyo')).toEqual([
    { date: '2026-11-24', startedAt: '2026-11-24T14:58:00Z', readyAt: '2026-11-24T15:04:00Z', minutes: 6 },
  ]);
});

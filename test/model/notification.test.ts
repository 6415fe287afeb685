import { describe, expect, test } from 'vitest';
import type { Action, Capability, Decision } from '#model/decision.ts';
import { notificationOf } from '#model/notification.ts';

const aDecision = (capability: Capability, action: Action, facts: Partial<Decision> = {}): Decision => ({
  time: '2026-11-24T12:30:00Z',
  environment: 'develop',
  capability,
  target: 'api',
  action,
  reason: 'because',
  trigger: 'tick',
  ...facts,
});

describe('people are notified of', () => {
  test.each([
    [
      'a morning that was in time',
      aDecision('night-schedule', 'report', { isKept: true }),
      'info',
      'this morning',
    ],
    [
      'a morning that was late',
      aDecision('night-schedule', 'report', { isKept: false }),
      'warning',
      'this morning',
    ],
    ['a stop that comes', aDecision('night-schedule', 'warn'), 'warning', 'needs attention'],
    ['a stop or start that was not confirmed', aDecision('night-schedule', 'fail'), 'failure', 'failed'],
    ['a drain that lost pods', aDecision('spot-drain', 'drain', { blocked: 1 }), 'failure', 'lost pods'],
    [
      'a drain whose evictions failed',
      aDecision('spot-drain', 'drain', { blocked: 0, failed: 1 }),
      'failure',
      'lost pods',
    ],
    ['a drift', aDecision('branch-deploy', 'warn'), 'warning', 'needs attention'],
    ['a merge that was deployed', aDecision('branch-deploy', 'deployed'), 'info', 'was deployed'],
    ['a merge that waits', aDecision('branch-deploy', 'defer'), 'info', 'waits for the morning'],
    ['a merge that wakes the cluster', aDecision('branch-deploy', 'wake'), 'info', 'wakes the cluster'],
    ['a deploy that failed', aDecision('branch-deploy', 'fail'), 'failure', 'failed'],
  ] as const)('%s', (_what, decision, severity, title) => {
    expect(notificationOf(decision, 'UTC')).toMatchObject({ severity, title: `develop: api ${title}` });
  });
});

describe('nobody is notified of', () => {
  test.each([
    ['a drain without a report of its pods', aDecision('spot-drain', 'drain')],
    ['a drain that evicted every pod', aDecision('spot-drain', 'drain', { blocked: 0 })],
    ['a drain with an unreadable count', aDecision('spot-drain', 'drain', { blocked: '2' })],
    [
      'pods that our own stop terminates',
      aDecision('spot-drain', 'drain', { blocked: 2, nightlyStop: true }),
    ],
    ['the same, whatever the value', aDecision('spot-drain', 'drain', { blocked: 2, nightlyStop: false })],
    ['every stop', aDecision('night-schedule', 'stop')],
    ['every sync', aDecision('branch-deploy', 'sync')],
    ['what a role may not publish', aDecision('spot-drain', 'warn')],
    ['what a role may not publish', aDecision('spot-drain', 'deployed')],
    ['what a role may not publish', aDecision('self-service', 'wake')],
  ] as const)('%s', (_what, decision) => {
    expect(notificationOf(decision, 'UTC')).toBeUndefined();
  });
});

test('a failure comes with what to do next', () => {
  expect(notificationOf(aDecision('night-schedule', 'fail'), 'Asia/Tokyo')).toEqual({
    severity: 'failure',
    title: 'develop: api failed',
    text: 'because\nTue 24 Nov, 21:30 (Asia/Tokyo), night-schedule',
    nextSteps: [
      'What to do: docs/runbook.md#night-schedule-failed',
      'What led to it: npx nightshift explain api --environment develop',
    ],
    thread: 'develop/night-schedule/api',
  });
});

test('anything else comes without', () => {
  expect(notificationOf(aDecision('night-schedule', 'warn'), 'UTC')?.nextSteps).toEqual([]);
  expect(notificationOf(aDecision('branch-deploy', 'deployed'), 'UTC')?.nextSteps).toEqual([]);
});

describe('every instant is on the reader’s own clock', () => {
  test.each([
    ['until 2026-11-24T13:00Z', 'until Tue 24 Nov, 22:00 (Asia/Tokyo)'],
    ['until 2026-11-24T13:00:00Z', 'until Tue 24 Nov, 22:00 (Asia/Tokyo)'],
    [
      '2026-11-24T13:00:00.5Z and 2026-11-25T00:05:00.123Z',
      'Tue 24 Nov, 22:00 (Asia/Tokyo) and Wed 25 Nov, 09:05 (Asia/Tokyo)',
    ],
    ['x2026-11-24T13:00Z', 'x2026-11-24T13:00Z'],
    ['2026-11-24T13:00:00+09:00', '2026-11-24T13:00:00+09:00'],
  ])('%s', (reason, text) => {
    const notification = notificationOf(aDecision('branch-deploy', 'warn', { reason }), 'Asia/Tokyo');
    expect(notification?.text).toBe(`${text}\nTue 24 Nov, 21:30 (Asia/Tokyo), branch-deploy`);
  });

  test('also where the clock was changed in between', () => {
    const reason = 'OutOfSync since 2026-03-08T06:30:00.085Z';
    const notification = notificationOf(aDecision('branch-deploy', 'warn', { reason }), 'America/New_York');
    expect(notification?.text).toBe(
      'OutOfSync since Sun 8 Mar, 01:30 (America/New_York)\nTue 24 Nov, 07:30 (America/New_York), branch-deploy',
    );
  });
});

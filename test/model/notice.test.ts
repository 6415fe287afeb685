import { describe, expect, test } from 'vitest';
import type { Action, Capability, Decision } from '#model/decision.ts';
import { noticeOf } from '#model/notice.ts';

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

describe('people are told', () => {
  test.for([
    ['a stop that comes', aDecision('night-schedule', 'warn'), 'warning'],
    ['a stop or start that was not confirmed', aDecision('night-schedule', 'fail'), 'failure'],
    ['a drain that lost pods', aDecision('spot-drain', 'drain', { blocked: 2 }), 'failure'],
    ['a merge that is live', aDecision('branch-deploy', 'deployed'), 'info'],
    ['a merge that waits', aDecision('branch-deploy', 'defer'), 'info'],
    ['a merge that wakes the cluster', aDecision('branch-deploy', 'wake'), 'info'],
    ['a deploy that failed', aDecision('branch-deploy', 'fail'), 'failure'],
  ] as const)('of %s', ([, decision, severity]) => {
    expect(noticeOf(decision, 'UTC')?.severity).toBe(severity);
  });

  test.for([
    ['a drain that moved every pod', aDecision('spot-drain', 'drain', { blocked: 0 })],
    ['pods that our own stop takes', aDecision('spot-drain', 'drain', { blocked: 2, nightlyStop: true })],
    ['every stop', aDecision('night-schedule', 'stop')],
    ['what a role may not publish', aDecision('spot-drain', 'warn')],
  ] as const)('nothing of %s', ([, decision]) => {
    expect(noticeOf(decision, 'UTC')).toBeUndefined();
  });

  test('when it was on their own clock', () => {
    const reason = 'OutOfSync since 2026-03-08T06:30:00.085Z';
    const notice = noticeOf(aDecision('branch-deploy', 'warn', { reason }), 'America/New_York');
    expect(notice?.text).toBe(
      'OutOfSync since Sun 8 Mar, 01:30 (America/New_York)\nTue 24 Nov, 07:30 (America/New_York), branch-deploy',
    );
  });
});

import { describe, expect, test } from 'vitest';
import type { Action, Decision } from '#model/decision.ts';
import { eventOfDecision, stateChange } from '#model/published-event.ts';

function aDecision(action: Action, given: Partial<Decision> = {}): Decision {
  return {
    time: '2026-08-27T03:00:00.000Z',
    environment: 'develop',
    capability: 'night-schedule',
    target: 'workers',
    action,
    reason: 'because',
    trigger: 'tick',
    ...given,
  };
}

describe('a decision', () => {
  test.each([
    ['override', {}, 'Nightshift Override'],
    ['wake', { capability: 'branch-deploy' }, 'Nightshift Override'],
    ['deployed', { capability: 'branch-deploy', outcome: 'deployed' }, 'Nightshift Deploy'],
    ['superseded', { capability: 'branch-deploy' }, 'Nightshift Deploy'],
    ['unverified', { capability: 'branch-deploy' }, 'Nightshift Deploy'],
    ['fail', { capability: 'branch-deploy', outcome: 'failed' }, 'Nightshift Deploy'],
    ['fail', { capability: 'branch-deploy' }, 'Nightshift Failure'],
    ['fail', { capability: 'spot-drain' }, 'Nightshift Failure'],
    ['warn', {}, 'Nightshift Warning'],
  ] as const)('%s %j becomes %s', (action, given, detailType) => {
    const decision = aDecision(action, given);
    expect(eventOfDecision(decision)).toEqual({
      detailType,
      time: decision.time,
      detail: { version: '1', ...decision },
    });
  });

  test.each(['stop', 'evict', 'wait', 'none', 'ignore', 'refuse'] as const)('%s becomes none', (action) => {
    expect(eventOfDecision(aDecision(action))).toBeUndefined();
  });

  test('that changed nothing becomes none', () => {
    expect(eventOfDecision(aDecision('override', { dryRun: true }))).toBeUndefined();
    expect(eventOfDecision(aDecision('override', { paused: true }))).toBeUndefined();
  });
});

test('a change of state has the cluster, its phase and the reason', () => {
  const state = {
    phase: 'awake',
    desired: 'awake',
    reason: 'office hours',
    since: '2026-08-27T03:00:00.000Z',
    groups: ['workers'],
  } as const;
  expect(
    stateChange({ environment: 'develop', cluster: 'dev' }, state, new Date('2026-08-27T03:04:00Z')),
  ).toEqual({
    detailType: 'Nightshift State Change',
    time: '2026-08-27T03:04:00.000Z',
    detail: {
      version: '1',
      environment: 'develop',
      cluster: 'dev',
      phase: 'awake',
      desired: 'awake',
      reason: 'office hours',
      since: state.since,
      until: undefined,
    },
  });
});

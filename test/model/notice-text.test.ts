import { describe, expect, it } from 'vitest';
import type { Action, Capability, Decision } from '#model/decision.ts';
import { noticeOf } from '#model/notice.ts';

const notice = (capability: Capability, action: Action, facts: Partial<Decision> = {}) =>
  noticeOf(
    {
      time: '2026-11-24T12:30:00Z',
      environment: 'develop',
      capability,
      target: 'api',
      action,
      reason: 'because',
      trigger: 'tick',
      ...facts,
    },
    'Asia/Tokyo',
  );

describe('what people are told', () => {
  it.each<[Capability, Action, Partial<Decision>, string]>([
    ['branch-deploy', 'fail', {}, 'develop: api failed'],
    ['branch-deploy', 'warn', {}, 'develop: api needs attention'],
    ['branch-deploy', 'deployed', {}, 'develop: api was deployed'],
    ['branch-deploy', 'defer', {}, 'develop: api waits for the morning'],
    ['branch-deploy', 'wake', {}, 'develop: api wakes the cluster'],
    ['spot-drain', 'drain', { blocked: 1 }, 'develop: api lost pods'],
  ])('of %s %s is titled', (capability, action, facts, title) => {
    expect(notice(capability, action, facts)?.title).toBe(title);
  });

  it('of a failure comes with what to do next', () => {
    expect(notice('night-schedule', 'fail')).toEqual({
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

  it('of everything else comes without', () => {
    expect(notice('night-schedule', 'warn')?.nextSteps).toEqual([]);
    expect(notice('branch-deploy', 'deployed')?.nextSteps).toEqual([]);
  });

  it.each<[Capability, Action, Partial<Decision>]>([
    ['spot-drain', 'drain', {}],
    ['spot-drain', 'drain', { blocked: '2' }],
    ['spot-drain', 'drain', { blocked: 2, nightlyStop: false }],
    ['spot-drain', 'deployed', {}],
    ['night-schedule', 'wake', {}],
    ['branch-deploy', 'sync', {}],
  ])('is nothing of %s %s %j', (capability, action, facts) => {
    expect(notice(capability, action, facts)).toBeUndefined();
  });

  it.each([
    ['until 2026-11-24T13:00Z', 'until Tue 24 Nov, 22:00 (Asia/Tokyo)'],
    ['until 2026-11-24T13:00:00Z', 'until Tue 24 Nov, 22:00 (Asia/Tokyo)'],
    [
      '2026-11-24T13:00:00.5Z and 2026-11-25T00:05:00.123Z',
      'Tue 24 Nov, 22:00 (Asia/Tokyo) and Wed 25 Nov, 09:05 (Asia/Tokyo)',
    ],
    ['x2026-11-24T13:00Z', 'x2026-11-24T13:00Z'],
    ['2026-11-24T13:00:00+09:00', '2026-11-24T13:00:00+09:00'],
  ])('has every instant of "%s" on their own clock', (reason, text) => {
    expect(notice('branch-deploy', 'warn', { reason })?.text.split('\n')[0]).toBe(text);
  });
});

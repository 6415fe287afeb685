import { describe, expect, test } from 'vitest';
import { dayOf } from '#cli/console/day-view.ts';
import type { EnvironmentData } from '#cli/console/environment-data.ts';
import type { Decision } from '#model/decision.ts';
import type { Schedule } from '#model/schedule.ts';

/** 10:00 on Tuesday in Tokyo. */
const now = new Date('2026-11-24T01:00:00Z');
const schedule: Schedule = {
  name: 'office',
  timeZone: 'Asia/Tokyo',
  up: ([1, 2, 3, 4, 5] as const).map((day) => ({ start: { day, minute: 480 }, end: { day, minute: 1320 } })),
};
const aDecision = (overrides: Partial<Decision>): Decision => ({
  time: now.toISOString(),
  environment: 'develop',
  capability: 'night-schedule',
  target: 'web',
  action: 'none',
  reason: 'because',
  trigger: 'tick',
  ...overrides,
});
const dayWith = (night: Partial<EnvironmentData['night']>, decisions: readonly Decision[] = []) =>
  dayOf(schedule, [], {
    now,
    night: { overrides: [], corrupt: [], saved: [], ...night },
    decisions,
    ledger: [{ group: 'web' } as EnvironmentData['ledger'][number]],
    applications: [],
    announced: [],
  });
const statesOf = (day: ReturnType<typeof dayWith>) =>
  day.groups[0]?.spans.map(({ from, state }) => [from.slice(0, 16), state]);

describe('the observed states of a group', () => {
  test('are unknown where nothing was observed', () => {
    expect(statesOf(dayWith({}))).toEqual([['2026-11-23T01:00', 'unknown']]);
  });

  test('are unknown since the last pass of night-schedule', () => {
    const started = aDecision({ action: 'start', time: '2026-11-23T23:00:00.000Z' });
    expect(statesOf(dayWith({ seenAt: '2026-11-23T23:20:00.000Z' }, [started]))).toEqual([
      ['2026-11-23T01:00', 'asleep'],
      ['2026-11-23T23:00', 'starting'],
      ['2026-11-23T23:30', 'unknown'],
    ]);
  });

  test('are awake since the cluster was observed awake, and unknown before', () => {
    const state = {
      phase: 'awake' as const,
      desired: 'awake' as const,
      reason: 'office hours',
      since: '2026-11-24T00:00:00.000Z',
      groups: [],
    };
    expect(statesOf(dayWith({ state, seenAt: now.toISOString() }))).toEqual([
      ['2026-11-23T01:00', 'unknown'],
      ['2026-11-24T00:00', 'awake'],
    ]);
  });

  test('leave out what a dry run only decided', () => {
    const dry = aDecision({ action: 'stop', time: '2026-11-24T00:00:00.000Z', dryRun: true });
    expect(statesOf(dayWith({}, [dry]))).toEqual([['2026-11-23T01:00', 'unknown']]);
  });
});

test('deploys, drains and failures are marked, and the drains of the nightly stop are not', () => {
  const at = '2026-11-24T00:30:00Z';
  const { marks } = dayWith({}, [
    aDecision({ capability: 'branch-deploy', action: 'deployed', target: 'api', time: at }),
    aDecision({ capability: 'spot-drain', action: 'drain', target: 'node-1', time: at }),
    aDecision({ capability: 'spot-drain', action: 'drain', target: 'node-2', time: at, nightlyStop: true }),
    aDecision({ action: 'fail', target: 'web', time: at }),
    aDecision({ action: 'stop', target: 'web', time: at }),
  ]);
  expect(marks.map(({ kind, target }) => `${kind} ${target}`)).toEqual([
    'deploy api',
    'drain node-1',
    'failure web',
  ]);
});

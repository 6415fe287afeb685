import { describe, expect, test } from 'vitest';
import type { EnvironmentData } from '#cli/console/environment-data.ts';
import { viewOf } from '#cli/console/environment-view.ts';
import { emptyRecord } from '#functions/branch-deploy/record.ts';
import type { Decision } from '#model/decision.ts';
import type { Schedule } from '#model/schedule.ts';
import { anOverride } from '../../model/builders.ts';

/** 10:00 on Tuesday, the day after a holiday, in Tokyo. */
const now = new Date('2026-11-24T01:00:00Z');
const named = {
  name: 'develop',
  environment: { account: '111111111111', region: 'ap-northeast-1', cluster: 'develop', schedule: 'office' },
};
const schedule: Schedule = {
  name: 'office',
  timeZone: 'Asia/Tokyo',
  up: ([1, 2, 3, 4, 5] as const).map((day) => ({ start: { day, minute: 480 }, end: { day, minute: 1320 } })),
  calendar: { name: 'japan', closed: [{ date: '2026-11-23', name: 'Labor Thanksgiving Day' }], open: [] },
};
const someData = (overrides: Partial<EnvironmentData> = {}): EnvironmentData => ({
  now,
  night: { overrides: [], corrupt: [], saved: [], seenAt: now.toISOString() },
  decisions: [],
  ledger: [],
  announced: [],
  applications: [],
  ...overrides,
});
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
const aBuild = {
  project: 'api-develop',
  build: 'api-develop:1',
  number: 1,
  repository: 'https://github.com/example/api',
  branch: 'develop',
  sha: '0123456789abcdef',
  recordedAt: '2026-11-23T14:00:00Z',
  trigger: 'event',
};

describe('the view of a paused environment', () => {
  const pause = {
    from: '2026-11-24T00:00:00Z',
    until: '2026-11-24T03:00:00Z',
    author: 'ana',
    reason: 'incident 7',
  };
  const view = (at: Date) =>
    viewOf(
      named,
      schedule,
      someData({
        now: at,
        night: { overrides: [], corrupt: [], saved: [], pause },
        decisions: [
          aDecision({ action: 'stop', paused: true, reason: 'paused until …, nothing was changed: night' }),
          aDecision({ capability: 'spot-drain', target: 'node-1', action: 'drain', paused: true }),
        ],
      }),
    );

  test('says until when nothing is changed, and by whom, until the pause ends', () => {
    expect(view(now).hints).toEqual([
      'Nothing is changed: paused until Tue 2026-11-24 12:00 (Asia/Tokyo), by ana: incident 7.',
    ]);
    expect(view(new Date('2026-11-24T03:00:00Z')).hints).toEqual([]);
  });

  test('shows no stop and no drain that did not take place', () => {
    expect(view(now).day?.groups).toEqual([]);
    expect(view(now).drains).toEqual([]);
  });
});

describe('the view of an environment', () => {
  test('plans the day, with what a holiday and an override change', () => {
    const override = anOverride({
      from: '2026-11-24T00:30:00Z',
      until: '2026-11-24T15:00:00Z',
      state: 'awake',
    });
    const view = viewOf(
      named,
      schedule,
      someData({ night: { overrides: [], corrupt: [], saved: [], override } }),
    );
    expect(view.day?.planned.map(({ from, state, source }) => [from, state, source])).toEqual([
      ['2026-11-23T01:00:00.000Z', 'asleep', 'calendar'],
      ['2026-11-23T23:00:00.000Z', 'awake', 'schedule'],
      ['2026-11-24T00:30:00.000Z', 'awake', 'override'],
      ['2026-11-24T15:00:00.000Z', 'asleep', 'schedule'],
      ['2026-11-24T23:00:00.000Z', 'awake', 'schedule'],
    ]);
    expect(view.override).toEqual(override);
    expect(view.next).toMatchObject({ at: '2026-11-24T15:00:00.000Z', to: 'asleep' });
  });

  test('shows the observed states of each group', () => {
    const view = viewOf(
      named,
      schedule,
      someData({
        decisions: [
          aDecision({ action: 'start', time: '2026-11-23T23:00:10Z' }),
          aDecision({ action: 'confirm-start', time: '2026-11-23T23:04:00Z' }),
          aDecision({ action: 'warn', time: '2026-11-24T00:00:00Z' }),
        ],
      }),
    );
    expect(view.day?.groups).toHaveLength(1);
    expect(view.day?.groups[0]?.spans.map(({ from, state }) => [from, state])).toEqual([
      ['2026-11-23T01:00:00.000Z', 'asleep'],
      ['2026-11-23T23:00:10Z', 'starting'],
      ['2026-11-23T23:04:00Z', 'awake'],
    ]);
  });

  test('finds a group that was asleep the whole day by its saved size', () => {
    const saved = {
      group: 'web',
      autoScalingGroup: 'eks-web',
      size: { min: 1, desired: 3, max: 6 },
      phase: 'asleep' as const,
      since: '2026-11-20T13:00:00Z',
    };
    const view = viewOf(
      named,
      schedule,
      someData({ night: { overrides: [], corrupt: [], saved: [saved], seenAt: now.toISOString() } }),
    );
    expect(view.day?.groups).toMatchObject([{ name: 'web', nodes: 3, spans: [{ state: 'asleep' }] }]);
  });

  test('shows the latest action of each drained node, those of the nightly stop last', () => {
    const drain = (target: string, action: Decision['action'], time: string) =>
      aDecision({ capability: 'spot-drain', target, action, time });
    const decisions = [
      drain('node-1', 'cordon', '2026-11-24T00:10:00Z'),
      drain('node-2', 'cordon', '2026-11-24T00:11:00Z'),
      drain('node-1', 'drain', '2026-11-24T00:12:00Z'),
      drain('node-1', 'evict', '2026-11-24T00:12:30Z'),
      { ...drain('node-3', 'drain', '2026-11-24T00:13:00Z'), nightlyStop: true },
    ];
    const announced = [
      {
        instanceId: 'i-1',
        node: 'ip-9',
        drainAt: '2026-12-08T02:30:00.000Z',
        startsAt: '2026-12-08T03:00:00.000Z',
      },
    ];
    expect(viewOf(named, schedule, someData({ announced })).drains).toMatchObject([
      { node: 'ip-9', action: 'announced', at: '2026-12-08T03:00:00.000Z' },
    ]);
    const { drains } = viewOf(named, schedule, someData({ decisions }));
    expect(drains.map(({ node, action, nightly }) => [node, action, nightly])).toEqual([
      ['node-1', 'drain', false],
      ['node-2', 'cordon', false],
      ['node-3', 'drain', true],
    ]);
  });

  test('shows the state of each deploy', () => {
    const record = emptyRecord({ name: 'api', project: 'default' });
    const statesOf = (change: object) =>
      viewOf(named, schedule, someData({ applications: [{ ...record, ...change }] })).deploys.map(
        ({ state }) => state,
      );
    expect(statesOf({})).toEqual(['none']);
    expect(statesOf({ requested: [aBuild] })).toEqual(['waiting']);
    expect(statesOf({ requested: [aBuild], attempt: { requestedAt: now.toISOString() } })).toEqual([
      'syncing',
    ]);
    const newest = { 'api-develop': { ...aBuild, outcome: 'deployed', settledAt: now.toISOString() } };
    expect(statesOf({ newest })).toEqual(['deployed']);

    const deferred = aDecision({
      capability: 'branch-deploy',
      target: 'api',
      action: 'defer',
      reason: 'deferred until Wed 08:00 (Asia/Tokyo)',
    });
    const data = someData({ applications: [{ ...record, requested: [aBuild] }], decisions: [deferred] });
    expect(viewOf(named, schedule, data).deploys[0]?.text).toBe(deferred.reason);
  });

  test('hints at a config that is not deployed, and at a dry run', () => {
    const dry = { ...named, environment: { ...named.environment, dryRun: true } };
    const { hints } = viewOf(dry, schedule, someData({ changed: ['schedule'] }));
    expect(hints).toEqual([
      expect.stringMatching(/^DRY RUN, nothing is changed/),
      expect.stringContaining('changed since the deploy (schedule)'),
    ]);
  });

  test('offers no override for production', () => {
    const production = { ...named, environment: { ...named.environment, production: true } as never };
    expect(viewOf(production, undefined, someData())).toMatchObject({
      overridable: false,
      phase: 'never-stopped',
    });
  });
});

import { describe, expect, test } from 'vitest';
import {
  type DrainDecision,
  decide,
  describeNotice,
  type Facts,
  isForeign,
  isTakenByNightlyStop,
  type NoticeDecision,
  RETURNING,
  shortenForNightlyStop,
  type Warning,
} from '#functions/spot-drain/decide.ts';
import type { NoticeKind } from '#functions/spot-drain/event.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { SpotDrainSettings } from '#model/settings.ts';
import { aClaim, aHook, at } from './a-claim.ts';
import { START } from './a-clock.ts';
import { aNode, INSTANCE } from './a-cluster.ts';
import { GROUP, SETTINGS } from './a-world.ts';

type Kind = Warning['kind'];

const HOOK = { group: 'workers', name: 'drain', token: 'token' };
const node = aNode();
const here = { node, group: GROUP };
const managed = aNode({ labels: { 'eks.amazonaws.com/nodegroup': 'spot' } });
const nightlyStop = (overrides: Partial<ClusterState> = {}): { clusterState: ClusterState } => ({
  clusterState: {
    phase: 'stopping',
    desired: 'asleep',
    reason: '',
    since: '',
    groups: ['workers'],
    ...overrides,
  },
});
const after = (seconds: number) => new Date(START.getTime() + seconds * 1_000);

function decided(
  kind: Kind,
  facts: Facts = {},
  settings: Partial<SpotDrainSettings> = {},
  notice: Partial<Warning> = kind === 'lifecycle' ? { hook: HOOK } : {},
): NoticeDecision {
  const about = { kind, instanceId: INSTANCE, at: START, trigger: 'event-1', ...notice };
  return decide({ ...SETTINGS, ...settings }, about, facts);
}

function aDrain(until: number, overrides: Partial<DrainDecision>): NoticeDecision {
  return {
    kind: 'drain',
    reason: '',
    until: after(until),
    force: false,
    replace: false,
    nightlyStop: false,
    ...overrides,
  };
}

function untilGone(kind: Kind, seconds: number, overrides: Partial<DrainDecision> = {}): NoticeDecision {
  const reason = describeNotice(kind);
  return aDrain(seconds, { reason, deadline: after(seconds), force: true, ...overrides });
}

/** The words of all notices, in one place. */
test.each<[NoticeKind, string]>([
  ['spot-terminate', 'AWS terminates the spot instance in two minutes'],
  ['spot-stop', 'AWS stops the spot instance in two minutes'],
  ['spot-hibernate', 'AWS hibernates the spot instance now'],
  ['rebalance', 'the spot instance is at risk of an interruption'],
  ['lifecycle', 'its Auto Scaling group terminates the instance'],
  ['health', 'AWS announced a scheduled change of the instance'],
  ['health-closed', 'the scheduled change of the instance is over'],
  ['state-stopping', 'the instance is being stopped'],
  ['state-shutting-down', 'the instance is being terminated'],
])('a person reads what happens: %s', (kind, words) => {
  expect(describeNotice(kind)).toBe(words);
});

describe('a node of ours is drained', () => {
  test.each<[Kind, NoticeDecision]>([
    ['spot-terminate', untilGone('spot-terminate', 115)],
    ['spot-stop', untilGone('spot-stop', 115, { undo: 'when-ready-again' })],
    ['spot-hibernate', untilGone('spot-hibernate', 35, { undo: 'when-ready-again' })],
    ['state-stopping', untilGone('state-stopping', 35, { undo: 'when-ready-again' })],
    ['state-shutting-down', untilGone('state-shutting-down', 35)],
    ['lifecycle', aDrain(3_600, { reason: describeNotice('lifecycle') })],
    ['health', aDrain(3_600, { reason: describeNotice('health') })],
    ['rebalance', { kind: 'cordon', reason: describeNotice('rebalance'), undo: { afterMinutes: 30 } }],
  ])('until the instance goes, and no longer: %s', (kind, expected) => {
    expect(decided(kind, here)).toEqual(expected);
    expect(RETURNING.has(kind)).toBe(expected.kind === 'drain' && expected.undo === 'when-ready-again');
  });

  test('without force where the config says so', () => {
    expect(decided('spot-terminate', here, { force: false })).toMatchObject({ kind: 'drain', force: false });
  });

  test.each<[Kind, number, object]>([
    ['spot-terminate', 115, { deadline: after(115) }],
    ['lifecycle', 150, {}],
    ['health', 150, {}],
  ])(
    'without force and for two and a half minutes at most while our own stop takes it: %s',
    (kind, until, more) => {
      expect(decided(kind, { ...here, ...nightlyStop() }, { replaceEarly: true })).toEqual(
        aDrain(until, {
          reason: `${describeNotice(kind)}, while the schedule stops the group workers`,
          nightlyStop: true,
          ...more,
        }),
      );
    },
  );

  test.each([
    [{ heartbeatSeconds: 60, globalSeconds: 600 }, 600],
    [{ heartbeatSeconds: 3_600, globalSeconds: 172_800 }, 3_600],
    [undefined, 3_600],
  ])('as long as its lifecycle action lives (%j), and an hour at most', (hookTimes, until) => {
    expect(decided('lifecycle', { ...here, hookTimes })).toEqual(
      aDrain(until, { reason: describeNotice('lifecycle') }),
    );
  });

  test('for a lifecycle action without a hook, and for any other notice of a managed nodegroup', () => {
    expect(decided('lifecycle', here, {}, {})).toMatchObject({ kind: 'drain' });
    expect(decided('spot-terminate', { node: managed })).toMatchObject({ kind: 'drain' });
  });
});

describe('a rebalance recommendation', () => {
  test.each([
    [30, 1_800],
    [60, 3_600],
    [90, 3_600],
  ])('that the config drains for: %d minutes, and an hour at most', (afterMinutes, until) => {
    const settings = { onRebalance: 'drain', uncordonAfterMinutes: afterMinutes } as const;
    expect(decided('rebalance', here, settings)).toEqual(
      aDrain(until, { reason: describeNotice('rebalance'), undo: { afterMinutes } }),
    );
  });

  test('is ignored where the config says so', () => {
    expect(decided('rebalance', here, { onRebalance: 'ignore' })).toEqual({
      kind: 'no-action',
      action: 'ignore',
      reason: `${describeNotice('rebalance')}, and the config says to ignore that`,
    });
  });
});

describe('nothing is done', () => {
  test.each<[string, Kind, Facts, 'none' | 'ignore', string]>([
    [
      'for another cluster',
      'spot-terminate',
      { group: { ...GROUP, clusters: ['staging', 'test'] } },
      'none',
      'the instance belongs to the group workers of staging of test, not to develop',
    ],
    [
      'for a group of no cluster',
      'spot-terminate',
      { group: { ...GROUP, clusters: [] } },
      'none',
      'the instance belongs to the group workers, not to develop',
    ],
    ['for an instance of nobody', 'rebalance', {}, 'none', 'no node of develop runs on the instance'],
    [
      'for a node that has not joined',
      'spot-terminate',
      { group: GROUP },
      'ignore',
      'the instance has no node: nothing to drain',
    ],
    [
      'for EKS Auto Mode',
      'spot-terminate',
      { node: aNode({ labels: { 'eks.amazonaws.com/compute-type': 'auto' } }) },
      'ignore',
      'EKS Auto Mode drains its nodes by itself',
    ],
    [
      'for a NodePool of Karpenter',
      'spot-terminate',
      { node: aNode({ labels: { 'karpenter.sh/nodepool': 'default' } }) },
      'ignore',
      'Karpenter drains its nodes by itself',
    ],
    [
      'for a Provisioner of an older Karpenter',
      'spot-terminate',
      { node: aNode({ labels: { 'karpenter.sh/provisioner-name': 'default' } }) },
      'ignore',
      'Karpenter drains its nodes by itself',
    ],
    [
      'where EKS completes its own hook, known by the label of the node',
      'lifecycle',
      { node: managed, group: GROUP },
      'none',
      'EKS drains the managed nodegroup spot and completes its own hook',
    ],
    [
      'where EKS completes its own hook, known by the tag of the group',
      'lifecycle',
      { group: { ...GROUP, nodegroup: 'web' } },
      'none',
      'EKS drains the managed nodegroup web and completes its own hook',
    ],
    [
      'where our own stop ends the instance',
      'state-stopping',
      { ...here, ...nightlyStop() },
      'none',
      'the schedule stops the group workers',
    ],
    [
      'where our own stop ended the instance',
      'state-shutting-down',
      { ...here, ...nightlyStop({ phase: 'asleep' }) },
      'none',
      'the schedule stops the group workers',
    ],
    [
      'where EKS replaces the instance',
      'rebalance',
      { node: managed },
      'ignore',
      `${describeNotice('rebalance')}, and EKS replaces it by itself in the managed nodegroup spot`,
    ],
    [
      'where our own stop takes an instance that is at risk',
      'rebalance',
      { ...here, ...nightlyStop() },
      'ignore',
      `${describeNotice('rebalance')}, while the schedule stops the group workers`,
    ],
  ])('%s', (_what, kind, facts, action, reason) => {
    expect(decided(kind, facts)).toEqual({ kind: 'no-action', action, reason });
  });

  test.each(['Terminate-LC-Hook', 'Launch-LC-Hook'])('for %s of EKS, with or without a group', (name) => {
    const reasonFor = (facts: Facts) => decided('lifecycle', facts, {}, { hook: { ...HOOK, name } });
    expect(reasonFor(here)).toEqual({
      kind: 'no-action',
      action: 'none',
      reason: 'EKS drains the managed nodegroup workers and completes its own hook',
    });
    expect(reasonFor({ node })).toMatchObject({ kind: 'no-action', action: 'none' });
  });
});

describe('a lifecycle action is completed without a drain', () => {
  test('of an instance that never joined', () => {
    expect(decided('lifecycle', { group: GROUP })).toEqual({
      kind: 'complete',
      reason: 'the instance never joined the cluster: there is no node to drain',
    });
  });

  test('where its node could not be read', () => {
    expect(decided('lifecycle', { group: GROUP, unreadableNode: 'refused' })).toEqual({
      kind: 'complete',
      reason: 'the node could not be read, and the lifecycle action must not stay open',
    });
  });
});

describe('a replacement is requested', () => {
  const isRequested = (kind: Kind, facts: Facts, settings: Partial<SpotDrainSettings> = {}) => {
    const decision = decided(kind, facts, { replaceEarly: true, ...settings });
    return decision.kind === 'drain' && decision.replace;
  };

  test('when a spot instance of a self-managed group is terminated and the config says so', () => {
    expect(isRequested('spot-terminate', here)).toBe(true);
    expect(isRequested('spot-terminate', here, { replaceEarly: false })).toBe(false);
  });

  test.each<[string, Kind, Facts]>([
    ['an instance comes back', 'spot-stop', here],
    ['an instance goes down', 'state-shutting-down', here],
    [
      'the group replaces by itself',
      'spot-terminate',
      { node, group: { ...GROUP, capacityRebalance: true } },
    ],
    ['EKS manages the group', 'spot-terminate', { node: managed, group: GROUP }],
    ['nobody knows the group', 'spot-terminate', { node }],
    ['the schedule stops the group', 'spot-terminate', { ...here, ...nightlyStop() }],
  ])('but not where %s', (_what, kind, facts) => {
    expect(isRequested(kind, facts)).toBe(false);
  });
});

describe('our own stop', () => {
  test.each<[string, Facts, boolean]>([
    ['its group is being stopped', { ...here, ...nightlyStop() }, true],
    ['its group sleeps', { ...here, ...nightlyStop({ phase: 'asleep' }) }, true],
    ['its nodegroup is being stopped', { node: managed, ...nightlyStop({ groups: ['spot'] }) }, true],
    ['another group is being stopped', { ...here, ...nightlyStop({ groups: ['batch'] }) }, false],
    ['the cluster starts', { ...here, ...nightlyStop({ phase: 'starting' }) }, false],
    ['the cluster is awake', { ...here, ...nightlyStop({ phase: 'awake' }) }, false],
    ['nothing is known of the cluster', here, false],
    ['nothing is known of its group', { node, ...nightlyStop() }, false],
  ])('takes an instance or does not: %s', (_what, facts, isTaken) => {
    expect(isTakenByNightlyStop(facts)).toBe(isTaken);
    expect(decided('spot-terminate', facts)).toMatchObject({ nightlyStop: isTaken });
  });
});

describe('a drain that began before our own stop', () => {
  const now = new Date('2026-08-27T03:10:00Z');
  const stopping = nightlyStop().clusterState;
  const begun = aClaim({ cause: 'lifecycle', deadline: undefined, drainUntil: at(3_600), hooks: [aHook()] });
  const shortened = { ...begun, nightlyStop: true, drainUntil: '2026-08-27T03:12:30.000Z' };

  test.each(['stopping', 'asleep'] as const)('gets as long as one that began with it: %s', (phase) => {
    expect(shortenForNightlyStop(begun, { ...stopping, phase }, now)).toEqual(shortened);
  });

  test('gets no longer than it had', () => {
    const nearlyOver = { ...begun, drainUntil: '2026-08-27T03:10:20.000Z' };
    expect(shortenForNightlyStop(nearlyOver, stopping, now)).toEqual({ ...nearlyOver, nightlyStop: true });
  });

  test('is left alone where it was shortened before, so that its end does not move', () => {
    expect(shortenForNightlyStop(shortened, stopping, now)).toBe(shortened);
  });

  test.each([
    ['no action of its group waits for it', { ...begun, hooks: [aHook({ completed: true })] }, stopping],
    ['it has no action', { ...begun, hooks: [] }, stopping],
    ['another group is stopped', begun, { ...stopping, groups: ['others'] }],
    ['the cluster starts', begun, { ...stopping, phase: 'starting' }],
    ['nothing is known of the cluster', begun, undefined],
  ] as const)('goes on as it began where %s', (_why, claim, state) => {
    expect(shortenForNightlyStop(claim, state, now)).toBe(claim);
  });
});

test('an instance is foreign where neither a node nor the tag of its group says that it is ours', () => {
  expect(isForeign('develop', here)).toBe(false);
  expect(isForeign('develop', { node })).toBe(false);
  expect(isForeign('develop', { group: GROUP })).toBe(false);
  expect(isForeign('staging', { group: GROUP })).toBe(true);
  expect(isForeign('develop', {})).toBe(true);
});

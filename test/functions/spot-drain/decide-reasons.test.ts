import { describe, expect, it } from 'vitest';
import {
  type DrainPlan,
  decide,
  describeNotice,
  isForeign,
  isTakenByNight,
  type Located,
  type Plan,
  RETURNING,
} from '#functions/spot-drain/decide.ts';
import type { Notice, NoticeKind } from '#functions/spot-drain/event.ts';
import type { ClusterState } from '#model/cluster-state.ts';
import type { SpotDrainSettings } from '#model/settings.ts';
import { START } from './a-clock.ts';
import { aNode, INSTANCE } from './a-cluster.ts';
import { GROUP, SETTINGS } from './a-world.ts';

/** Every plan in full: how long, by force or not, and the words that people read. */

const HOOK = { group: 'workers', name: 'drain', token: 'token' };
const after = (seconds: number) => new Date(START.getTime() + seconds * 1_000);

function planned(
  kind: NoticeKind,
  located: Located = {},
  settings: Partial<SpotDrainSettings> = {},
  notice: Partial<Notice> = kind === 'lifecycle' ? { hook: HOOK } : {},
): Plan {
  return decide(
    { ...SETTINGS, ...settings },
    { kind, instanceId: INSTANCE, at: START, trigger: 'event-1', ...notice },
    located,
  );
}

const node = aNode();
const here = { node, group: GROUP };
const managed = aNode({ labels: { 'eks.amazonaws.com/nodegroup': 'spot' } });
const night = (overrides: Partial<ClusterState> = {}): { clusterState: ClusterState } => ({
  clusterState: {
    phase: 'stopping',
    desired: 'asleep',
    reason: '',
    since: '',
    groups: ['workers'],
    ...overrides,
  },
});
const aDrain = (until: number, overrides: Partial<DrainPlan>): Plan => ({
  do: 'drain',
  reason: '',
  until: after(until),
  force: false,
  replace: false,
  night: false,
  ...overrides,
});
const gone = (seconds: number, overrides: Partial<DrainPlan>): Plan =>
  aDrain(seconds, { deadline: after(seconds), force: true, ...overrides });

describe('a node of ours is drained', () => {
  it.each<[NoticeKind, Plan]>([
    ['spot-terminate', gone(115, { reason: 'AWS takes the spot instance back in two minutes' })],
    ['spot-stop', gone(115, { reason: 'AWS stops the spot instance in two minutes', undo: 'on-return' })],
    ['spot-hibernate', gone(35, { reason: 'AWS hibernates the spot instance now', undo: 'on-return' })],
    ['state-stopping', gone(35, { reason: 'the instance is being stopped', undo: 'on-return' })],
    ['state-shutting-down', gone(35, { reason: 'the instance is being terminated' })],
    ['lifecycle', aDrain(3_600, { reason: 'its Auto Scaling group ends the instance' })],
    ['health', aDrain(3_600, { reason: 'AWS announced a change of the instance' })],
    ['health-closed', { do: 'restore', reason: 'the announced change of the instance is over' }],
    [
      'rebalance',
      {
        do: 'cordon',
        reason: 'the spot instance is at risk of an interruption',
        undo: { afterMinutes: 30 },
      },
    ],
  ])('%s', (kind, expected) => {
    expect(planned(kind, here)).toStrictEqual(expected);
    expect(describeNotice(kind)).toBe(expected.reason);
    expect(RETURNING.has(kind)).toBe(expected.do === 'drain' && expected.undo === 'on-return');
  });

  it.each<[NoticeKind, number, object]>([
    ['spot-terminate', 115, { deadline: after(115) }],
    ['lifecycle', 150, {}],
    ['health', 150, {}],
  ])(
    'without force and for two and a half minutes at most while our own stop takes it: %s',
    (kind, until, more) => {
      expect(planned(kind, { ...here, ...night() }, { replaceEarly: true })).toEqual(
        aDrain(until, {
          reason: `${describeNotice(kind)}, while the schedule stops the group workers`,
          night: true,
          ...more,
        }),
      );
    },
  );

  it.each([
    [30, 1_800],
    [60, 3_600],
    [90, 3_600],
  ])('for a rebalance that the config drains for, %d minutes and at most an hour', (afterMinutes, until) => {
    const settings = { onRebalance: 'drain', uncordonAfterMinutes: afterMinutes } as const;
    expect(planned('rebalance', here, settings)).toEqual(
      aDrain(until, {
        reason: 'the spot instance is at risk of an interruption',
        undo: { afterMinutes },
      }),
    );
  });
});

describe('nothing is done', () => {
  const nothing = (action: 'none' | 'ignore', reason: string): Plan => ({ do: 'nothing', action, reason });

  it.each<[string, NoticeKind, Located, Plan]>([
    [
      'for another cluster',
      'spot-terminate',
      { group: { ...GROUP, clusters: ['staging', 'test'] } },
      nothing('none', 'the instance belongs to the group workers of staging of test, not to develop'),
    ],
    [
      'for a group of no cluster',
      'spot-terminate',
      { group: { ...GROUP, clusters: [] } },
      nothing('none', 'the instance belongs to the group workers, not to develop'),
    ],
    [
      'for an instance of nobody',
      'rebalance',
      {},
      nothing('none', 'no node of develop runs on the instance'),
    ],
    [
      'for a node that has not joined',
      'spot-terminate',
      { group: GROUP },
      nothing('ignore', 'the instance has no node: there is nothing to drain'),
    ],
    [
      'for EKS Auto Mode',
      'spot-terminate',
      { node: aNode({ labels: { 'eks.amazonaws.com/compute-type': 'auto' } }) },
      nothing('ignore', 'EKS Auto Mode drains its nodes by itself'),
    ],
    [
      'for a NodePool of Karpenter',
      'spot-terminate',
      { node: aNode({ labels: { 'karpenter.sh/nodepool': 'default' } }) },
      nothing('ignore', 'Karpenter drains its nodes by itself'),
    ],
    [
      'for a Provisioner of an older Karpenter',
      'spot-terminate',
      { node: aNode({ labels: { 'karpenter.sh/provisioner-name': 'default' } }) },
      nothing('ignore', 'Karpenter drains its nodes by itself'),
    ],
    [
      'where EKS completes its own hook, known by the label of the node',
      'lifecycle',
      { node: managed, group: GROUP },
      nothing('none', 'EKS drains the managed nodegroup spot and completes its own hook'),
    ],
    [
      'where EKS completes its own hook, known by the tag of the group',
      'lifecycle',
      { group: { ...GROUP, nodegroup: 'web' } },
      nothing('none', 'EKS drains the managed nodegroup web and completes its own hook'),
    ],
    [
      'where our own stop ends the instance',
      'state-stopping',
      { ...here, ...night() },
      nothing('none', 'the schedule stops the group workers'),
    ],
    [
      'where our own stop ended the instance',
      'state-shutting-down',
      { ...here, ...night({ phase: 'asleep' }) },
      nothing('none', 'the schedule stops the group workers'),
    ],
    [
      'where EKS replaces the instance',
      'rebalance',
      { node: managed },
      nothing(
        'ignore',
        'the spot instance is at risk of an interruption, and EKS replaces it by itself in the managed nodegroup spot',
      ),
    ],
    [
      'where our own stop takes an instance that is at risk',
      'rebalance',
      { ...here, ...night() },
      nothing(
        'ignore',
        'the spot instance is at risk of an interruption, while the schedule stops the group workers',
      ),
    ],
  ])('%s', (_what, kind, located, expected) => {
    expect(planned(kind, located)).toEqual(expected);
  });

  it('for a rebalance where the config says so', () => {
    expect(planned('rebalance', here, { onRebalance: 'ignore' })).toEqual(
      nothing(
        'ignore',
        'the spot instance is at risk of an interruption, and the config says to ignore that',
      ),
    );
  });

  it.each(['Terminate-LC-Hook', 'Launch-LC-Hook'])('for %s of EKS, with or without a group', (name) => {
    const at = (located: Located) => planned('lifecycle', located, {}, { hook: { ...HOOK, name } });
    expect(at(here)).toEqual(
      nothing('none', 'EKS drains the managed nodegroup workers and completes its own hook'),
    );
    expect(at({ node })).toEqual(
      nothing('none', 'EKS drains the managed nodegroup  and completes its own hook'),
    );
  });
});

describe('a lifecycle action', () => {
  it('of an instance that never joined is completed', () => {
    expect(planned('lifecycle', { group: GROUP })).toEqual({
      do: 'complete',
      reason: 'the instance never joined the cluster: there is nothing to drain',
    });
  });

  it('without a hook is a drain like any other, and so is any other notice of a managed nodegroup', () => {
    expect(planned('lifecycle', here, {}, {})).toMatchObject({ do: 'drain' });
    expect(planned('spot-terminate', { node: managed })).toMatchObject({ do: 'drain' });
  });
});

describe('a replacement is asked for', () => {
  const asked = (kind: NoticeKind, located: Located, settings: Partial<SpotDrainSettings> = {}) => {
    const plan = planned(kind, located, { replaceEarly: true, ...settings });
    return plan.do === 'drain' && plan.replace;
  };

  it('when a spot instance of a self-managed group is taken back and the config says so', () => {
    expect(asked('spot-terminate', here)).toBe(true);
    expect(asked('spot-terminate', here, { replaceEarly: false })).toBe(false);
  });

  it.each<[string, NoticeKind, Located]>([
    ['an instance comes back', 'spot-stop', here],
    ['an instance goes down', 'state-shutting-down', here],
    [
      'the group replaces by itself',
      'spot-terminate',
      { node, group: { ...GROUP, capacityRebalance: true } },
    ],
    ['EKS manages the group', 'spot-terminate', { node: managed, group: GROUP }],
    ['nobody knows the group', 'spot-terminate', { node }],
    ['the schedule stops the group', 'spot-terminate', { ...here, ...night() }],
  ])('but not where %s', (_what, kind, located) => {
    expect(asked(kind, located)).toBe(false);
  });
});

describe('our own stop takes an instance', () => {
  it.each<[string, Located, boolean]>([
    ['its group is being stopped', { ...here, ...night() }, true],
    ['its group sleeps', { ...here, ...night({ phase: 'asleep' }) }, true],
    ['its nodegroup is being stopped', { node: managed, ...night({ groups: ['spot'] }) }, true],
    ['another group is being stopped', { ...here, ...night({ groups: ['batch'] }) }, false],
    ['the cluster starts', { ...here, ...night({ phase: 'starting' }) }, false],
    ['nothing is known of the cluster', here, false],
    ['nothing is known of its group', { node, ...night() }, false],
  ])('where %s', (_what, located, expected) => {
    expect(isTakenByNight(located)).toBe(expected);
  });
});

it('an instance is foreign where neither a node nor the tag of its group says that it is ours', () => {
  expect(isForeign('develop', here)).toBe(false);
  expect(isForeign('develop', { node })).toBe(false);
  expect(isForeign('develop', { group: GROUP })).toBe(false);
  expect(isForeign('staging', { group: GROUP })).toBe(true);
  expect(isForeign('develop', {})).toBe(true);
});

import { describe, expect, it } from 'vitest';
import { decide, hasten, type Located } from '#functions/spot-drain/decide.ts';
import type { Notice, NoticeKind } from '#functions/spot-drain/event.ts';
import type { SpotDrainSettings } from '#model/settings.ts';
import { aClaim, aHook, at } from './a-claim.ts';
import { START } from './a-clock.ts';
import { aNode, INSTANCE } from './a-cluster.ts';
import { GROUP, SETTINGS } from './a-world.ts';

const HOOK = { group: 'workers', name: 'drain', token: 'token' };

describe('when the instance goes, and what that allows', () => {
  it.each<[NoticeKind, { deadline?: number; until: number; force: boolean }]>([
    ['spot-terminate', { deadline: 115, until: 115, force: true }],
    ['spot-stop', { deadline: 115, until: 115, force: true }],
    ['spot-hibernate', { deadline: 35, until: 35, force: true }],
    ['state-stopping', { deadline: 35, until: 35, force: true }],
    ['state-shutting-down', { deadline: 35, until: 35, force: true }],
    ['health', { until: 3_600, force: false }],
  ])('%s', (kind, expected) => {
    const plan = decided(kind);
    if (plan.do !== 'drain') throw new Error(`it was decided to ${plan.do}`);
    expect(plan.deadline && seconds(plan.deadline)).toBe(expected.deadline);
    expect(seconds(plan.until)).toBe(expected.until);
    expect(plan.force).toBe(expected.force);
  });

  it.each([
    [{ heartbeatSeconds: 60, globalSeconds: 600 }, 600],
    [{ heartbeatSeconds: 3_600, globalSeconds: 172_800 }, 3_600],
    [undefined, 3_600],
  ])('a lifecycle action ends with its hook (%j), and after an hour', (hookTimes, until) => {
    const plan = decided('lifecycle', hookTimes ? { hookTimes } : {});
    expect(plan).toMatchObject({ do: 'drain', force: false });
    expect(plan.do === 'drain' && seconds(plan.until)).toBe(until);
    expect(plan).not.toHaveProperty('deadline');
  });

  it('nothing is forced where the config says so', () => {
    expect(decided('spot-terminate', {}, { force: false })).toMatchObject({ force: false });
  });
});

describe('a recommendation to rebalance', () => {
  it.each([
    ['ignore', { do: 'nothing', action: 'ignore' }],
    ['cordon', { do: 'cordon', undo: { afterMinutes: 30 } }],
    ['drain', { do: 'drain', force: false, undo: { afterMinutes: 30 } }],
  ] as const)('is answered as the policy says: %s', (onRebalance, expected) => {
    expect(decided('rebalance', {}, { onRebalance })).toMatchObject(expected);
  });
});

describe('a reason', () => {
  it.each<[NoticeKind, Located, RegExp]>([
    ['spot-terminate', { node: aNode(), group: GROUP }, /takes the spot instance back in two minutes/],
    ['rebalance', { node: aNode(), group: GROUP }, /at risk/],
    [
      'spot-terminate',
      { group: { ...GROUP, clusters: ['staging'] } },
      /group workers of staging, not to develop/,
    ],
    ['spot-terminate', {}, /no node of develop/],
    ['spot-terminate', { group: GROUP }, /has no node/],
    ['lifecycle', { group: GROUP }, /never joined/],
    [
      'lifecycle',
      { group: { ...GROUP, nodegroup: 'spot' }, node: aNode() },
      /EKS drains the managed nodegroup spot/,
    ],
    ['spot-terminate', { node: aNode({ labels: { 'karpenter.sh/nodepool': 'x' } }) }, /Karpenter drains/],
    [
      'spot-terminate',
      {
        node: aNode(),
        group: GROUP,
        clusterState: { phase: 'stopping', desired: 'asleep', reason: '', since: '', groups: ['workers'] },
      },
      /while the schedule stops the group workers/,
    ],
  ])('tells a person why (%s)', (kind, located, reason) => {
    expect(decide(SETTINGS, aNotice(kind), located).reason).toMatch(reason);
  });
});

describe('the hook of EKS', () => {
  it('is known by its name too, where the tags could not be read', () => {
    const notice = { ...aNotice('lifecycle'), hook: { ...HOOK, name: 'Terminate-LC-Hook' } };
    expect(decide(SETTINGS, notice, { node: aNode() })).toMatchObject({ do: 'nothing', action: 'none' });
  });
});

describe('a cluster that sleeps or wakes', () => {
  it.each([
    ['stopping', true],
    ['asleep', true],
    ['starting', false],
    ['awake', false],
  ] as const)('%s: our own stop takes the node is %s', (phase, night) => {
    const clusterState = { phase, desired: 'asleep', reason: '', since: '', groups: ['workers'] } as const;
    expect(decided('spot-terminate', { clusterState })).toMatchObject({ night });
  });
});

describe('a drain that began before our own stop', () => {
  const now = new Date('2026-08-27T03:10:00Z');
  const stopping = {
    phase: 'stopping',
    desired: 'asleep',
    reason: '',
    since: '',
    groups: ['workers'],
  } as const;
  const begun = aClaim({ cause: 'lifecycle', deadline: undefined, until: at(3_600), hooks: [aHook()] });
  const hastened = { ...begun, night: true, until: '2026-08-27T03:12:30.000Z' };

  it.each(['stopping', 'asleep'] as const)('gets as long as one that began with it: %s', (phase) => {
    expect(hasten(begun, { ...stopping, phase }, now)).toEqual(hastened);
  });

  it('gets no longer than it had', () => {
    const nearlyOver = { ...begun, until: '2026-08-27T03:10:20.000Z' };
    expect(hasten(nearlyOver, stopping, now)).toEqual({ ...nearlyOver, night: true });
  });

  it('is left alone where it was hastened before, so that its end does not move', () => {
    expect(hasten(hastened, stopping, now)).toBe(hastened);
  });

  it.each([
    ['no action of its group waits for it', { ...begun, hooks: [aHook({ completed: true })] }, stopping],
    ['it has no action', { ...begun, hooks: [] }, stopping],
    ['another group is stopped', begun, { ...stopping, groups: ['others'] }],
    ['the cluster starts', begun, { ...stopping, phase: 'starting' }],
    ['nothing is known of the night', begun, undefined],
  ] as const)('goes on as it began where %s', (_why, claim, state) => {
    expect(hasten(claim, state, now)).toBe(claim);
  });
});

function decided(kind: NoticeKind, located: Located = {}, settings: Partial<SpotDrainSettings> = {}) {
  return decide({ ...SETTINGS, ...settings }, aNotice(kind), { node: aNode(), group: GROUP, ...located });
}

function aNotice(kind: NoticeKind): Notice {
  return {
    kind,
    instanceId: INSTANCE,
    at: START,
    trigger: 'event-1',
    ...(kind === 'lifecycle' ? { hook: HOOK } : {}),
  };
}

function seconds(instant: Date): number {
  return (instant.getTime() - START.getTime()) / 1_000;
}

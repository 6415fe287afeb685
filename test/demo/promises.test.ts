/** Breaks each promise once and checks that it is found broken. */

import type { AwsCall } from '@nightshift/lab/http/aws/service.ts';
import { describe, expect, test } from 'vitest';
import type {
  CheckedDecision,
  Drain,
  GroupState,
  LifecycleAction,
  Observations,
} from '#demo/sample/observations.ts';
import { checkPromises, type Evidence } from '#demo/sample/promises.ts';
import type { Decision } from '#model/decision.ts';

const ACCOUNT = '333333333333';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/nightshift`;
const AT = Date.parse('2026-11-24T13:00:00Z');

const aGroup = (overrides: Partial<GroupState> = {}): GroupState => ({
  name: 'workers',
  managed: true,
  stoppable: true,
  before: { min: 1, desired: 3, max: 5 },
  size: { min: 1, desired: 3, max: 5 },
  instances: 3,
  ...overrides,
});

const aDecision = (overrides: Partial<Decision> = {}): Decision => ({
  time: new Date(AT).toISOString(),
  environment: 'main',
  capability: 'night-schedule',
  target: 'workers',
  action: 'stop',
  reason: 'outside office hours',
  trigger: 'edge',
  ...overrides,
});

const aCall = (overrides: Partial<AwsCall> = {}): AwsCall => ({
  time: AT,
  principal: ROLE,
  account: ACCOUNT,
  region: 'ap-northeast-1',
  service: 'autoscaling',
  operation: 'DescribeAutoScalingGroups',
  parameters: {},
  status: 200,
  ...overrides,
});

const aDrain = (overrides: Partial<Drain> = {}): Drain => ({
  environment: 'main',
  instanceId: 'i-1',
  node: 'node',
  noticeAt: AT,
  pods: ['a/b'],
  lost: [],
  ...overrides,
});

interface Given {
  readonly production?: boolean;
  readonly groups?: readonly GroupState[];
  readonly sizesAtDayEnd?: readonly GroupState[];
  readonly calls?: readonly AwsCall[];
  readonly decisions?: readonly Decision[];
  readonly drains?: readonly Drain[];
  readonly lifecycles?: readonly LifecycleAction[];
  readonly checkedDecisions?: readonly CheckedDecision[];
  readonly dips?: Observations['budgetDips'];
  readonly log?: Partial<Evidence['log']>;
  readonly failures?: Evidence['failures'];
  readonly applications?: readonly object[];
}

async function check(given: Given) {
  const environment = {
    name: 'main',
    config: { account: ACCOUNT, region: 'ap-northeast-1', production: given.production ?? false },
    cluster: { name: 'main', groups: new Map([['asg', {}]]) },
    argocd: { applications: () => given.applications ?? [] },
  };
  const results = await checkPromises({
    lab: {
      environments: [environment],
      front: { calls: given.calls ?? [] },
      assembly: { deployments: [] },
    },
    observations: {
      groups: () => given.groups ?? [],
      drains: given.drains ?? [],
      lifecycles: given.lifecycles ?? [],
      checkedDecisions: given.checkedDecisions ?? [],
      budgetDips: given.dips ?? [],
      budgetChecks: () => 0,
    },
    log: {
      merges: [],
      productionPushes: [],
      refused: [],
      refusedCalls: 0,
      sizesAtDayEnd: new Map([['main', given.sizesAtDayEnd ?? []]]),
      ...given.log,
    },
    decisions: given.decisions ?? [],
    failures: given.failures ?? [],
  } as unknown as Evidence);
  return (number: number) => results.find((result) => result.number === number);
}

test('a promise without an observation is not exercised', async () => {
  const promise = await check({});
  for (const number of [1, 2, 3, 4, 5, 6, 7, 8, 9]) {
    expect(promise(number)?.result).toBe('not exercised');
  }
});

describe('a promise is broken', () => {
  test('1: when a group that was stopped has another size at the end of the working day', async () => {
    const smaller = aGroup({ size: { min: 1, desired: 2, max: 5 } });
    const promise = await check({ decisions: [aDecision()], sizesAtDayEnd: [smaller], groups: [aGroup()] });
    expect(promise(1)?.result).toBe('broken');
    expect(promise(1)?.problems).toEqual([
      'main/workers at the end of the working day: 1/3/5 before, 1/2/5 after',
    ]);
    const intact = await check({ decisions: [aDecision()], sizesAtDayEnd: [aGroup()], groups: [aGroup()] });
    expect(intact(1)).toMatchObject({ result: 'kept', observations: 2 });
  });

  test('1: when a group sleeps and its size is not saved', async () => {
    const asleep = aGroup({ size: { min: 0, desired: 0, max: 5 }, instances: 0 });
    const promise = await check({ decisions: [aDecision()], groups: [asleep] });
    expect(promise(1)?.problems).toEqual(['main/workers at the end: 1/3/5 is not saved']);
  });

  test.each<[string, Given]>([
    [
      'a function resizes a group there',
      {
        calls: [aCall({ operation: 'UpdateAutoScalingGroup', parameters: { AutoScalingGroupName: 'asg' } })],
      },
    ],
    ['a group has another size', { groups: [aGroup({ size: { min: 1, desired: 2, max: 5 } })] }],
    [
      'an application was synced',
      { applications: [{ metadata: { name: 'api' }, spec: {}, status: { operationState: {} } }] },
    ],
  ])('2: when in production %s', async (_, given) => {
    expect((await check({ ...given, production: true }))(2)?.result).toBe('broken');
    expect((await check(given))(2)?.result).toBe('not exercised');
  });

  test('3: not when an interrupted instance is terminated early and its end cordons once more', async () => {
    const cordons = ['spot-terminate', 'state-shutting-down'].map((cause) =>
      aDecision({ action: 'cordon', instanceId: 'i-1', cause }),
    );
    expect((await check({ drains: [aDrain()], decisions: cordons }))(3)?.result).toBe('kept');
  });

  test('3: when one notice cordons twice, or one commit is synced twice', async () => {
    const cordon = aDecision({ action: 'cordon', instanceId: 'i-1', cause: 'spot-terminate' });
    const cordons = await check({ drains: [aDrain()], decisions: [cordon, cordon] });
    expect(cordons(3)?.problems).toEqual(['main/i-1 was cordoned 2 times for spot-terminate']);
    const sync = aDecision({ action: 'sync', sha: 'abc', target: 'api' });
    const merges = [{ event: { environment: 'main' }, sha: 'abc' }] as unknown as Evidence['log']['merges'];
    const syncs = await check({ log: { merges }, decisions: [sync, sync] });
    expect(syncs(3)?.problems).toEqual(['main/api was synced 2 times for abc']);
  });

  test('4: when an outcome is reported that the lab does not show', async () => {
    const checked = {
      decision: aDecision({ action: 'confirm-stop' }),
      confirmed: false,
      observed: '1 instances left',
    };
    expect((await check({ checkedDecisions: [checked] }))(4)?.result).toBe('broken');
    expect((await check({ checkedDecisions: [{ ...checked, confirmed: true }] }))(4)?.result).toBe('kept');
  });

  test('5: when a budget falls short during a drain, unless its pod was forced, or a pod is lost', async () => {
    const dip = { environment: 'main', budget: 'api/api', at: AT, duringDrain: true };
    expect((await check({ drains: [aDrain()], dips: [dip] }))(5)?.result).toBe('broken');
    const forced = aDecision({ action: 'evict', outcome: 'forced', budget: 'api/api' });
    expect((await check({ drains: [aDrain()], dips: [dip], decisions: [forced] }))(5)?.result).toBe('kept');
    expect((await check({ drains: [aDrain({ lost: ['api/x'] })] }))(5)?.result).toBe('broken');
  });

  test('6: when a lifecycle action is completed never, twice, with ABANDON, or in place of EKS', async () => {
    const action = { environment: 'main', token: 't', group: 'asg', instanceId: 'i-1', managed: false };
    const complete = (result: string) =>
      aCall({
        operation: 'CompleteLifecycleAction',
        parameters: { LifecycleActionToken: 't', LifecycleActionResult: result },
      });
    const resultOf = async (calls: AwsCall[], managed = false) =>
      (await check({ lifecycles: [{ ...action, managed }], calls }))(6)?.result;
    expect(await resultOf([complete('CONTINUE')])).toBe('kept');
    expect(await resultOf([])).toBe('broken');
    expect(await resultOf([complete('CONTINUE'), complete('CONTINUE')])).toBe('broken');
    expect(await resultOf([complete('ABANDON')])).toBe('broken');
    expect(await resultOf([complete('CONTINUE')], true)).toBe('broken');
  });

  test('7: when a decision has no reason, or a refused build has no decision', async () => {
    expect((await check({ decisions: [aDecision({ reason: ' ' })] }))(7)?.result).toBe('broken');
    const refused = [{ kind: 'tag' as const, build: 'api:1' }];
    expect((await check({ log: { refused } }))(7)?.result).toBe('broken');
    const answer = aDecision({ action: 'refuse', build: 'arn:aws:codebuild:r:1:build/api:1' });
    expect((await check({ log: { refused }, decisions: [answer] }))(7)?.result).toBe('kept');
  });

  test('8 and 9: when after a denied call no other group stops, or no invocation fails', async () => {
    const refused = aCall({ operation: 'UpdateNodegroupConfig', status: 403 });
    const groups = [aGroup(), aGroup({ name: 'system' })];
    const unhandled = await check({ log: { refusedCalls: 1 }, calls: [refused], groups });
    expect(unhandled(8)?.result).toBe('broken');
    expect(unhandled(9)?.result).toBe('broken');
    const other = aDecision({ action: 'confirm-stop', time: new Date(AT + 60_000).toISOString() });
    const intact = await check({
      log: { refusedCalls: 1 },
      calls: [refused],
      groups,
      decisions: [other],
      failures: [{ function: 'night-schedule', at: AT }],
    });
    expect(intact(8)?.result).toBe('kept');
    expect(intact(9)?.result).toBe('kept');
  });

  test('8 is not exercised where the denied call was for the only group that is stopped', async () => {
    const denied = aCall({
      operation: 'UpdateNodegroupConfig',
      status: 403,
      parameters: { nodegroupName: 'workers' },
    });
    const groups = [aGroup(), aGroup({ name: 'on-demand', stoppable: false })];
    const only = await check({ log: { refusedCalls: 1 }, calls: [denied], groups });
    expect(only(8)?.result).toBe('not exercised');
  });
});

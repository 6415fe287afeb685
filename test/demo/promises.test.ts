/** Each promise is judged by evidence that can break it: here every one of them is broken once. */

import type { AwsCall } from '@nightshift/lab/http/aws/service.ts';
import { describe, expect, it } from 'vitest';
import type { Drain, GroupSeen, LifecycleSeen, Observations, Statement } from '#demo/sample/observe.ts';
import { type Evidence, judgePromises } from '#demo/sample/promises.ts';
import type { Decision } from '#model/decision.ts';

const ACCOUNT = '333333333333';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/nightshift`;
const AT = Date.parse('2026-11-24T13:00:00Z');

const aGroup = (overrides: Partial<GroupSeen> = {}): GroupSeen => ({
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
  readonly groups?: readonly GroupSeen[];
  readonly atWork?: readonly GroupSeen[];
  readonly calls?: readonly AwsCall[];
  readonly decisions?: readonly Decision[];
  readonly drains?: readonly Drain[];
  readonly lifecycles?: readonly LifecycleSeen[];
  readonly statements?: readonly Statement[];
  readonly dips?: Observations['budgetDips'];
  readonly log?: Partial<Evidence['log']>;
  readonly failures?: Evidence['failures'];
  readonly applications?: readonly object[];
}

async function judge(given: Given) {
  const environment = {
    name: 'main',
    config: { account: ACCOUNT, region: 'ap-northeast-1', production: given.production ?? false },
    cluster: { name: 'main', groups: new Map([['asg', {}]]) },
    argocd: { applications: () => given.applications ?? [] },
  };
  const verdicts = await judgePromises({
    lab: {
      environments: [environment],
      front: { calls: given.calls ?? [] },
      assembly: { deployments: [] },
    },
    observations: {
      groups: () => given.groups ?? [],
      drains: given.drains ?? [],
      lifecycles: given.lifecycles ?? [],
      statements: given.statements ?? [],
      budgetDips: given.dips ?? [],
      budgetChecks: () => 0,
    },
    log: {
      merges: [],
      productionPushes: [],
      refused: [],
      refusedCalls: 0,
      atWork: new Map([['main', given.atWork ?? []]]),
      ...given.log,
    },
    decisions: given.decisions ?? [],
    failures: given.failures ?? [],
  } as unknown as Evidence);
  return (number: number) => verdicts.find((verdict) => verdict.number === number);
}

it('no promise is kept by silence', async () => {
  const promise = await judge({});
  for (const number of [1, 2, 3, 4, 5, 6, 7, 8, 9]) {
    expect(promise(number)?.verdict).toBe('not exercised');
  }
});

describe('a promise is broken', () => {
  it('1: when a group that was stopped has another size at work', async () => {
    const smaller = aGroup({ size: { min: 1, desired: 2, max: 5 } });
    const promise = await judge({ decisions: [aDecision()], atWork: [smaller], groups: [aGroup()] });
    expect(promise(1)?.verdict).toBe('broken');
    expect(promise(1)?.problems).toEqual(['main/workers at work: 1/3/5 before, 1/2/5 after']);
    const whole = await judge({ decisions: [aDecision()], atWork: [aGroup()], groups: [aGroup()] });
    expect(whole(1)).toMatchObject({ verdict: 'kept', observations: 2 });
  });

  it('1: when a group sleeps and its size is written down nowhere', async () => {
    const asleep = aGroup({ size: { min: 0, desired: 0, max: 5 }, instances: 0 });
    const promise = await judge({ decisions: [aDecision()], groups: [asleep] });
    expect(promise(1)?.problems).toEqual(['main/workers at the end: 1/3/5 is nowhere']);
  });

  it.each<[string, Given]>([
    [
      'a role of ours resizes there',
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
    expect((await judge({ ...given, production: true }))(2)?.verdict).toBe('broken');
    expect((await judge(given))(2)?.verdict).toBe('not exercised');
  });

  it('3: when one notice cordons twice, or one commit is synced twice', async () => {
    const cordon = aDecision({ action: 'cordon', instanceId: 'i-1' });
    const cordons = await judge({ drains: [aDrain()], decisions: [cordon, cordon] });
    expect(cordons(3)?.problems).toEqual(['main/i-1 was cordoned 2 times']);
    const sync = aDecision({ action: 'sync', sha: 'abc', target: 'api' });
    const merges = [{ beat: { environment: 'main' }, sha: 'abc' }] as unknown as Evidence['log']['merges'];
    const syncs = await judge({ log: { merges }, decisions: [sync, sync] });
    expect(syncs(3)?.problems).toEqual(['main/api was synced 2 times for abc']);
  });

  it('4: when something is reported that the world does not show', async () => {
    const statement = {
      decision: aDecision({ action: 'confirm-stop' }),
      true: false,
      seen: '1 instances left',
    };
    expect((await judge({ statements: [statement] }))(4)?.verdict).toBe('broken');
    expect((await judge({ statements: [{ ...statement, true: true }] }))(4)?.verdict).toBe('kept');
  });

  it('5: when a budget falls short during a drain, unless its pod was forced, or a pod is lost', async () => {
    const dip = { environment: 'main', budget: 'api/api', at: AT, duringDrain: true };
    expect((await judge({ drains: [aDrain()], dips: [dip] }))(5)?.verdict).toBe('broken');
    const forced = aDecision({ action: 'evict', outcome: 'forced', budget: 'api/api' });
    expect((await judge({ drains: [aDrain()], dips: [dip], decisions: [forced] }))(5)?.verdict).toBe('kept');
    expect((await judge({ drains: [aDrain({ lost: ['api/x'] })] }))(5)?.verdict).toBe('broken');
  });

  it('6: when a lifecycle action is completed never, twice, with ABANDON, or in place of EKS', async () => {
    const action = { environment: 'main', token: 't', group: 'asg', instanceId: 'i-1', managed: false };
    const complete = (result: string) =>
      aCall({
        operation: 'CompleteLifecycleAction',
        parameters: { LifecycleActionToken: 't', LifecycleActionResult: result },
      });
    const verdict = async (calls: AwsCall[], managed = false) =>
      (await judge({ lifecycles: [{ ...action, managed }], calls }))(6)?.verdict;
    expect(await verdict([complete('CONTINUE')])).toBe('kept');
    expect(await verdict([])).toBe('broken');
    expect(await verdict([complete('CONTINUE'), complete('CONTINUE')])).toBe('broken');
    expect(await verdict([complete('ABANDON')])).toBe('broken');
    expect(await verdict([complete('CONTINUE')], true)).toBe('broken');
  });

  it('7: when a decision has no reason, or a refused build has no decision', async () => {
    expect((await judge({ decisions: [aDecision({ reason: ' ' })] }))(7)?.verdict).toBe('broken');
    const refused = [{ kind: 'tag' as const, build: 'api:1' }];
    expect((await judge({ log: { refused } }))(7)?.verdict).toBe('broken');
    const answer = aDecision({ action: 'refuse', build: 'arn:aws:codebuild:r:1:build/api:1' });
    expect((await judge({ log: { refused }, decisions: [answer] }))(7)?.verdict).toBe('kept');
  });

  it('8 and 9: when a refused call keeps the others awake, or no invocation fails for it', async () => {
    const refused = aCall({ operation: 'UpdateNodegroupConfig', status: 403 });
    const alone = await judge({ log: { refusedCalls: 1 }, calls: [refused] });
    expect(alone(8)?.verdict).toBe('broken');
    expect(alone(9)?.verdict).toBe('broken');
    const other = aDecision({ action: 'confirm-stop', time: new Date(AT + 60_000).toISOString() });
    const whole = await judge({
      log: { refusedCalls: 1 },
      calls: [refused],
      decisions: [other],
      failures: [{ function: 'night-schedule', at: AT }],
    });
    expect(whole(8)?.verdict).toBe('kept');
    expect(whole(9)?.verdict).toBe('kept');
  });
});

/** What a change of the config does to the stack: which resource CloudFormation updates, deletes or leaves alone. */
import { describe, expect, test } from 'vitest';
import type { EnvironmentConfig } from '#model/config.ts';
import { aDevelopment, aProduction, LISTENER, templateOf } from './environments.ts';

const AUTOSCALER = {
  kind: 'cluster-autoscaler',
  namespace: 'kube-system',
  deployment: 'cluster-autoscaler',
  hostGroup: 'system',
} as const;

const doorbell = {
  applications: ['https://shop.develop.example.com/'],
  rules: { listener: LISTENER, priorities: '1-5' },
};

const typesOf = (environment: EnvironmentConfig) =>
  Object.values(templateOf(environment).toJSON()['Resources'] as Record<string, { Type: string }>).map(
    ({ Type }) => Type,
  );
const restoreOf = (environment: EnvironmentConfig) =>
  Object.entries(templateOf(environment).findResources('Custom::NightRestore'));

test.for([
  ['cluster', { cluster: 'other' }],
  ['dryRun', { dryRun: true }],
  ['listener of the doorbell', { selfService: { links: true }, doorbell }],
] as const)(
  'another %s is an update of the custom resource, which refuses it while something sleeps',
  ([, change]) => {
    const [[id, before] = []] = restoreOf(aDevelopment());
    const [[sameId, after] = []] = restoreOf(aDevelopment(change));
    expect(sameId).toBe(id);
    expect(after?.['Properties']).not.toEqual(before?.['Properties']);
  },
);

test('an autoscaler that is removed is no update of it: its record is enough to resume it', () => {
  expect(restoreOf(aDevelopment({ autoscaler: AUTOSCALER }))).toEqual(restoreOf(aDevelopment()));
});

test('without a schedule, and as production, the custom resource goes, and the night is given back', () => {
  const { schedule: _, ...unscheduled } = aDevelopment();
  for (const environment of [unscheduled, aProduction()]) {
    const types = typesOf(environment);
    expect(types).not.toContain('Custom::NightRestore');
    expect(types).toContain('AWS::DynamoDB::Table');
  }
});

describe('the order in which CloudFormation deletes', () => {
  const resources = templateOf(aDevelopment({ selfService: { links: true }, doorbell })).toJSON()[
    'Resources'
  ] as Record<string, { Type: string; DependsOn?: string | string[]; Properties?: Record<string, unknown> }>;
  const [[restore = '', resource] = []] = restoreOf(aDevelopment());
  /** All that is deleted after it. */
  const neededBy = (id: string, found = new Set<string>()): ReadonlySet<string> => {
    const one = resources[id];
    const references = [
      ...JSON.stringify(one?.Properties ?? {}).matchAll(/"(?:Ref|Fn::GetAtt)":\[?"(\w+)"/g),
    ];
    for (const next of [...[one?.DependsOn ?? []].flat(), ...references.map(([, name = '']) => name)])
      if (resources[next] && !found.has(next)) neededBy(next, found.add(next));
    return found;
  };
  const idsOf = (type: string) => Object.keys(resources).filter((id) => resources[id]?.Type === type);

  test('the schedules of night-schedule go before the night is given back', () => {
    const ticks = idsOf('AWS::Scheduler::Schedule').filter((id) => id.includes('NightSchedule'));
    expect(ticks.length).toBeGreaterThan(1);
    for (const tick of ticks) expect(neededBy(tick)).toContain(restore);
  });

  test('the function, its policy, its access entry and the table go after it', () => {
    const later = neededBy(restore);
    for (const type of [
      'AWS::Lambda::Function',
      'AWS::IAM::Role',
      'AWS::IAM::Policy',
      'AWS::EKS::AccessEntry',
    ]) {
      const own = idsOf(type).filter(
        (id) => id.startsWith('NightSchedulePass') || id.startsWith('NightScheduleAccess'),
      );
      expect(own, type).not.toEqual([]);
      for (const id of own) expect(later, id).toContain(id);
    }
    for (const table of idsOf('AWS::DynamoDB::Table')) expect(later).toContain(table);
  });

  test('the target group of the doorbell goes after its rules', () => {
    const [group = ''] = idsOf('AWS::ElasticLoadBalancingV2::TargetGroup');
    expect(neededBy(restore)).toContain(group);
  });

  test('CloudFormation waits 20 minutes for the answer, written as a number', () => {
    expect(resource?.['Properties']).toMatchObject({ ServiceTimeout: 1200 });
  });
});

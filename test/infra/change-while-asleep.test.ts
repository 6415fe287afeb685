/** What a change of the config does to the stack: which resource CloudFormation updates, deletes or leaves alone. */
import { expect, test } from 'vitest';
import type { EnvironmentConfig } from '#model/config.ts';
import { aDevelopment, aProduction, templateOf } from './environments.ts';

const AUTOSCALER = {
  kind: 'cluster-autoscaler',
  namespace: 'kube-system',
  deployment: 'cluster-autoscaler',
  hostGroup: 'system',
} as const;

const typesOf = (environment: EnvironmentConfig) =>
  Object.values(templateOf(environment).toJSON()['Resources'] as Record<string, { Type: string }>).map(
    ({ Type }) => Type,
  );
const restoreOf = (environment: EnvironmentConfig) =>
  Object.entries(templateOf(environment).findResources('Custom::NightRestore'));

test.for([
  ['cluster', { cluster: 'other' }],
  ['dryRun', { dryRun: true }],
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

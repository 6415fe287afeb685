import { compilePattern } from '@nightshift/lab/assembly/pattern.ts';
import { describe, expect, test } from 'vitest';
import { DETAIL_TYPES } from '#model/published-event.ts';
import { aDevelopment, aProduction, statementsOf, templateOf } from './environments.ts';

const AWAKE = {
  version: '0',
  id: 'event-1',
  source: 'nightshift.events',
  'detail-type': DETAIL_TYPES.state,
  account: '111111111111',
  region: 'ap-northeast-1',
  time: '2026-11-22T00:00:00Z',
  resources: [],
  detail: { version: '1', environment: 'develop', phase: 'awake' },
};

type Template = ReturnType<typeof templateOf>;

function patternsOf(template: Template) {
  return Object.values(template.findResources('AWS::Events::Rule'))
    .map(({ Properties }) => Properties.EventPattern)
    .filter((pattern) => pattern?.source?.includes('nightshift.events'));
}

const rightsOf = (template: Template) => statementsOf(template).filter(({ Sid }) => Sid === 'PutEvents');

describe('the event that wakes branch-deploy', () => {
  const [pattern] = patternsOf(templateOf(aDevelopment()));

  test('is that the cluster of this environment is awake', () => {
    const matches = compilePattern(pattern);
    expect(matches(AWAKE)).toBe(true);
    for (const other of [
      { source: 'nightshift.build' },
      { account: '222222222222' },
      { 'detail-type': DETAIL_TYPES.failure },
      { detail: { ...AWAKE.detail, phase: 'starting' } },
      { detail: { ...AWAKE.detail, environment: 'staging' } },
    ])
      expect(matches({ ...AWAKE, ...other })).toBe(false);
  });

  test.each([
    ['a dry run', { dryRun: true }],
    ['an environment that puts no events', { events: false }],
  ] as const)('has no rule and no right in %s', (_what, given) => {
    const template = templateOf(aDevelopment(given));
    expect(patternsOf(template)).toEqual([]);
    expect(rightsOf(template)).toEqual([]);
  });
});

describe('the right to put events', () => {
  test('is for the default bus and for our source alone', () => {
    const statements = rightsOf(templateOf(aDevelopment()));
    expect(statements.length).toBeGreaterThanOrEqual(3);
    for (const { Action, Resource, Condition } of statements) {
      expect(Action).toEqual(['events:PutEvents']);
      expect(JSON.stringify(Resource)).toContain(':event-bus/default');
      expect(JSON.stringify(Resource)).not.toContain('*');
      expect(Condition).toEqual({ StringEquals: { 'events:source': 'nightshift.events' } });
    }
  });

  test('production has for its drains, and no rule that listens', () => {
    const template = templateOf(aProduction());
    expect(rightsOf(template)).toHaveLength(1);
    expect(patternsOf(template)).toEqual([]);
  });
});

import { describe, expect, test } from 'vitest';
import { checkConfig } from '#model/config/check.ts';
import { environmentsFrom } from '#model/config.ts';

const none = { has: () => false, candidates: () => [] };
const schedules = { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'] } };
const check = (raw: object) => checkConfig({ schedules, ...raw }, none);
const lines = (raw: object) =>
  check(raw).problems.map(({ path, value, message }) => [path, value, message].filter(Boolean).join(': '));

describe('defaults', () => {
  const defaults = {
    account: '111111111111',
    region: 'ap-northeast-1',
    schedule: 'office',
    warnMinutes: 10,
    tags: { team: 'web', stage: 'develop' },
  };

  test('fill in what an environment leaves out, and an environment outranks them', () => {
    const { config } = check({
      defaults,
      environments: { a: { cluster: 'a' }, b: { cluster: 'b', warnMinutes: 60, tags: { team: 'data' } } },
    });
    expect(config?.environments['a']).toEqual({ ...defaults, cluster: 'a' });
    expect(config?.environments['b']).toEqual({
      ...defaults,
      cluster: 'b',
      warnMinutes: 60,
      tags: { team: 'data', stage: 'develop' },
    });
    expect(config).not.toHaveProperty('defaults');
  });

  test('never give production a schedule', () => {
    const { config } = check({ defaults, environments: { p: { cluster: 'p', production: true } } });
    expect(config?.environments['p']).toEqual({
      account: '111111111111',
      region: 'ap-northeast-1',
      tags: defaults.tags,
      cluster: 'p',
      production: true,
    });
  });

  test('with a mistake are one problem, not one for each environment', () => {
    const environments = { a: { cluster: 'a' }, b: { cluster: 'b' } };
    expect(lines({ defaults: { ...defaults, region: 'tokyo' }, environments })).toEqual([
      'defaults.region: "tokyo": write an AWS region like "ap-northeast-1"',
    ]);
    expect(lines({ defaults: { ...defaults, cluster: 'x' }, environments })).toEqual([
      'defaults.cluster: "x": a cluster belongs to one environment: write it there',
    ]);
    expect(lines({ defaults: { ...defaults, warnMinute: 3 }, environments })).toEqual([
      'defaults.warnMinute: 3: there is no such setting: did you mean "warnMinutes"?',
    ]);
  });
});

describe('environments by a function over a list', () => {
  test('are what the function returns', () => {
    expect(environmentsFrom(['web', 'data'], (team) => [`${team}-develop`, { cluster: team }])).toEqual({
      'web-develop': { cluster: 'web' },
      'data-develop': { cluster: 'data' },
    });
  });

  test('with one name twice are refused', () => {
    expect(() => environmentsFrom(['a', 'b'], (cluster) => ['same', { cluster }])).toThrow(
      'two environments have the name "same"',
    );
  });
});

describe('access to an account', () => {
  const environment = { account: '111111111111', region: 'ap-northeast-1', cluster: 'a' };
  test.for([
    [{ roleArn: 'operator' }, 'roleArn: "operator": write the ARN of a role'],
    [{ roleArn: 'arn:aws:iam::222222222222:role/x' }, 'it is of the account 222222222222'],
    [{ externalId: 'x1' }, 'externalId: an external id is sent when a role is assumed'],
    [{ profile: 'my profile' }, 'write the name of a profile'],
    [{ tags: { 'aws:team': 'x' } }, 'AWS accepts no such name of a tag'],
    [{ accessPolicies: ['admin'] }, "write 'reader' or 'developer' or 'operator' or 'deployer'"],
  ] as const)('%j is refused', ([change, message]) => {
    expect(lines({ environments: { a: { ...environment, ...change } } })).toEqual([
      expect.stringContaining(message),
    ]);
  });
});

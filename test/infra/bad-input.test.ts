/** Wrong input of an account owner: each is reported before anything is deployed, in one line with its place. */
import { describe, expect, test } from 'vitest';
import { checkConfig } from '#model/config/check.ts';
import { aConfig, aDevelopment, aProduction } from './environments.ts';

const none = { has: () => false, candidates: () => [] };

function problemOf(environment: unknown): string {
  const { problems } = checkConfig(aConfig({ develop: environment as never }), none);
  expect(problems).toHaveLength(1);
  return problems.map(({ path, value, message }) => `${path}: ${value}: ${message}`).join();
}

describe('synth refuses', () => {
  const { deploy } = aDevelopment();
  const network = { subnets: ['subnet-0a1b2c3d'], securityGroups: ['sg-0a1b2c3d'] };
  test.for([
    [
      'an account that is an alias',
      { account: 'video-develop' },
      'account: "video-develop": write the 12 digits',
    ],
    ['an availability zone', { region: 'ap-northeast-1a' }, 'an availability zone: write "ap-northeast-1"'],
    [
      'a VPC without subnets',
      { network: { ...network, subnets: [] } },
      'there is no subnet: write at least one',
    ],
    [
      'a VPC without security groups',
      { network: { ...network, securityGroups: [] } },
      'there is no security group',
    ],
    [
      'the id of a VPC among subnets',
      { network: { ...network, subnets: ['vpc-0a1b2c3d'] } },
      'write subnet ids',
    ],
    ['the ARN of a cluster', { cluster: 'arn:aws:eks:eu-west-1:111111111111:cluster/a' }, 'not its ARN'],
    [
      'an Argo CD over plain http',
      { deploy: { ...deploy, argocd: { ...deploy?.argocd, url: 'http://argocd.example.com' } } },
      'plain http:// would send the token in the clear: write https://',
    ],
    [
      'the token in place of its secret',
      { deploy: { ...deploy, argocd: { ...deploy?.argocd, tokenSecret: 'eyJh.eyJz.c2ln' } } },
      'this looks like the token itself',
    ],
    ['an address that gets no e-mail', { notify: { warning: ['team'] } }, 'write e-mail addresses like'],
    ['a severity that there is not', { notify: { error: [] } }, 'there is no such setting'],
    ['tracing by word', { tracing: 'on' }, 'tracing: "on": write true or false'],
  ] as const)('%s', ([, change, message]) => {
    expect(problemOf({ ...aDevelopment(), ...change })).toContain(message);
  });

  test('a schedule in production', () => {
    expect(problemOf({ ...aProduction(), schedule: 'office' })).toContain(
      'a production environment is drained and never',
    );
  });
});

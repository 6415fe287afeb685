/**
 * A bundle holds the SDK's command for each call that the code can make, and no other: so what a role may do is held
 * against what its function can ask for, in both directions, without running anything.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { bundle } from '#lib/bundle/function-bundle.ts';
import type { EnvironmentConfig } from '#model/config.ts';
import type { Capability } from '#model/decision.ts';
import { aDevelopment, aProduction, LISTENER, statementsOf, templateOf } from './environments.ts';

const directory = mkdtempSync(join(tmpdir(), 'nightshift-permissions-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Service prefixes of IAM where they are not those of the SDK's packages. */
const PREFIXES: Readonly<Record<string, string>> = {
  'auto-scaling': 'autoscaling',
  'secrets-manager': 'secretsmanager',
  'elastic-load-balancing-v2': 'elasticloadbalancing',
};
/** Calls whose permission has another name. */
const PERMISSIONS: Readonly<Record<string, string>> = { 'lambda:Invoke': 'lambda:InvokeFunction' };
/** Files of ours that sign a call by themselves. */
const SIGNED: Readonly<Record<string, string | readonly string[]>> = {
  'functions/adapters/dynamodb/small-table.ts': [
    'dynamodb:GetItem',
    'dynamodb:Query',
    'dynamodb:PutItem',
    'dynamodb:DeleteItem',
  ],
  'functions/adapters/aws/cluster-endpoint.ts': 'eks:DescribeCluster',
  'functions/adapters/aws/keep-up-links.ts': 'kms:GenerateMac',
  'functions/self-service/handler.ts': 'kms:VerifyMac',
  'functions/doorbell/handler.ts': 'kms:VerifyMac',
  'functions/adapters/aws/watchdog.ts': 'states:StartExecution',
  'functions/adapters/aws/event-bus.ts': 'events:PutEvents',
};
/** No call: it is checked where EKS is given the node role of Auto Mode. */
const OF_A_CALL = new Set(['iam:PassRole']);
/** The adapter of the table can remove items; the page removes none. */
const NEVER_CALLED_BY: Readonly<Partial<Record<Capability, readonly string[]>>> = {
  'self-service': ['dynamodb:DeleteItem'],
  doorbell: ['dynamodb:DeleteItem'],
};
/** What Lambda itself does as the role: it logs, traces and keeps what failed. */
const OF_LAMBDA = new Set(['logs', 'xray', 'sqs']);

function callsOf(capability: Capability): readonly string[] {
  const calls = bundle(capability, directory)
    .files.flatMap((path) => {
      const [, service = '', name] =
        /@aws-sdk\/client-([a-z0-9-]+)\/.*\/commands\/(\w+)Command\.js$/.exec(path) ?? [];
      return name ? [`${PREFIXES[service] ?? service}:${name}`] : (SIGNED[path] ?? []);
    })
    .map((call) => PERMISSIONS[call] ?? call)
    .filter((call) => !NEVER_CALLED_BY[capability]?.includes(call));
  return [...new Set(calls)].sort();
}

function allowedIn(environments: readonly EnvironmentConfig[], capability: Capability): readonly string[] {
  const construct = {
    'night-schedule': 'NightSchedule',
    'spot-drain': 'SpotDrain',
    'branch-deploy': 'BranchDeploy',
    'self-service': 'SelfService',
    doorbell: 'Doorbell',
  };
  const actions = environments
    .flatMap((environment) => statementsOf(templateOf(environment)))
    .filter(({ policy }) => policy.startsWith(construct[capability]) && !/Timer|Watchdog/.test(policy))
    .flatMap(({ Action }) => Action)
    .filter((action) => !OF_LAMBDA.has(action.split(':')[0] ?? '') && !OF_A_CALL.has(action));
  return [...new Set(actions)].sort();
}

describe('a role', () => {
  const { argocd, builds } = aDevelopment().deploy!;
  const repository = '111111111111.dkr.ecr.ap-northeast-1.amazonaws.com/api';
  const variants = [
    aDevelopment({
      drain: { replaceEarly: true },
      fallbackGroup: 'spare',
      notify: { info: [], warning: [], failure: [] },
      selfService: { links: true },
      doorbell: {
        applications: ['https://shop.develop.example.com/'],
        rules: { listener: LISTENER, priorities: '1-20' },
        cloudFront: true,
      },
    }),
    aDevelopment({ autoscaler: { kind: 'auto-mode', builtIn: true } }),
    aDevelopment({ deploy: { argocd: { ...argocd, through: 'kubernetes' }, builds } }),
    aDevelopment({
      deploy: {
        argocd: { capability: 'argocd', through: 'server', tokenSecret: 'nightshift/argocd' },
        builds: builds.map((build) => ({
          ...build,
          applications: [{ name: 'api', images: [{ repository, tag: '{sha7}' }] }],
        })),
      },
    }),
  ];

  test.for(['night-schedule', 'spot-drain', 'branch-deploy', 'self-service', 'doorbell'] as const)(
    'of %s allows every call that the function can make, and no other',
    (capability) => {
      expect(allowedIn(variants, capability)).toEqual(callsOf(capability));
    },
  );

  test('of production allows its drain everything but detaching instances from groups', () => {
    const calls = callsOf('spot-drain').filter((call) => call !== 'autoscaling:DetachInstances');
    expect(allowedIn([aProduction({ notify: { failure: [] } })], 'spot-drain')).toEqual(calls);
  });
});

/** What real accounts require: keys, boundaries and regions of their own. */
import { Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { SpotDrain } from '#lib/spot-drain.ts';
import { StateTable } from '#lib/state-table.ts';
import { checkConfig } from '#model/config/check.ts';
import {
  aConfig,
  aDevelopment,
  anEmptyApp,
  aProduction,
  NOW,
  stackOf,
  statementsOf,
  templateOf,
} from './environments.ts';

const KEY = 'arn:aws:kms:ap-northeast-1:111111111111:key/01234567-89ab-cdef-0123-456789abcdef';
const FOREIGN_SECRET = 'arn:aws:secretsmanager:ap-northeast-1:999999999999:secret:argocd-a1b2c3';
const { argocd, builds } = aDevelopment().deploy!;
const withArgocd = (change: object) => aDevelopment({ deploy: { argocd: { ...argocd, ...change }, builds } });

const problemsOf = (environment: unknown) =>
  checkConfig(aConfig({ develop: environment as never }), {
    has: () => true,
    candidates: () => [],
  }).problems.map(({ path, message }) => `${path}: ${message}`);

describe('a secret', () => {
  test('under a customer managed key may be decrypted, through Secrets Manager only', () => {
    const status = { github: { tokenSecret: 'nightshift/github', kmsKey: KEY } };
    const template = templateOf(
      aDevelopment({ deploy: { argocd: { ...argocd, kmsKey: KEY }, builds, status } }),
    );
    const decrypting = statementsOf(template).filter(({ Action }) => Action.includes('kms:Decrypt'));
    expect(decrypting.map(({ Sid }) => Sid).sort()).toEqual(['DecryptArgocdToken', 'DecryptGithubToken']);
    for (const { Resource, Condition } of decrypting) {
      expect(Resource).toEqual([KEY]);
      expect(Condition).toEqual({
        StringEquals: { 'kms:ViaService': ['secretsmanager.ap-northeast-1.amazonaws.com'] },
      });
    }
  });

  test('of another account is a mistake without a key, and right with one', () => {
    expect(problemsOf(withArgocd({ tokenSecret: FOREIGN_SECRET }))).toEqual([
      'environments.develop.deploy.argocd.tokenSecret: it is of the account 999999999999, and the environment of 111111111111: a secret is read in its own region, and across accounts only with a kmsKey',
    ]);
    expect(problemsOf(withArgocd({ tokenSecret: FOREIGN_SECRET, kmsKey: KEY }))).toEqual([]);
  });
});

describe('topics and queues', () => {
  test('are encrypted with a key of the stack, which alarms, EventBridge and the functions may use', () => {
    const template = templateOf(aProduction({ encryptionKey: 'create', notify: { failure: [] } }));
    const key = { 'Fn::GetAtt': Match.arrayWith([Match.stringLikeRegexp('^Key')]) };
    template.allResourcesProperties('AWS::SQS::Queue', { KmsMasterKeyId: key });
    template.allResourcesProperties('AWS::SNS::Topic', { KmsMasterKeyId: key });
    template.hasResourceProperties('AWS::KMS::Key', {
      EnableKeyRotation: true,
      KeyPolicy: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Sid: 'LetServicesEncrypt',
            Principal: { Service: ['cloudwatch.amazonaws.com', 'events.amazonaws.com'] },
            Condition: { StringEquals: { 'aws:SourceAccount': '222222222222' } },
          }),
        ]),
      },
    });
    expect(statementsOf(template).find(({ Sid }) => Sid === 'UseEncryptionKey')?.Condition).toEqual({
      StringEquals: {
        'kms:ViaService': ['sns.ap-northeast-1.amazonaws.com', 'sqs.ap-northeast-1.amazonaws.com'],
      },
    });
  });

  test('take an existing key', () => {
    const template = templateOf(aDevelopment({ encryptionKey: KEY }));
    template.resourceCountIs('AWS::KMS::Key', 0);
    template.allResourcesProperties('AWS::SQS::Queue', { KmsMasterKeyId: KEY });
    expect(statementsOf(template).filter(({ Sid }) => Sid === 'EncryptUndelivered')).toHaveLength(2);
  });

  test('of a part without the key that the config asks for are refused', () => {
    const props = {
      config: aConfig({ production: aProduction({ encryptionKey: 'create' }) }),
      environment: 'production',
      now: NOW,
    };
    const stack = new Stack(anEmptyApp(), 'Mine');
    const table = new StateTable(stack, 'State', props);
    expect(() => new SpotDrain(stack, 'Drain', { ...props, table })).toThrow(
      'production has encryptionKey in its config, and no key was given',
    );
  });
});

test('every role of a stack has the permissions boundary of the config', () => {
  const permissionsBoundary = 'arn:aws:iam::111111111111:policy/boundary';
  const create = {
    connection:
      'arn:aws:codeconnections:ap-northeast-1:111111111111:connection/0a1b2c3d-1111-2222-3333-444455556666',
  };
  const deploy = { argocd, builds: builds.map((build) => ({ ...build, create })) };
  const template = Template.fromStack(stackOf(aDevelopment({ permissionsBoundary, deploy })));
  template.allResourcesProperties('AWS::IAM::Role', { PermissionsBoundary: permissionsBoundary });
  template.resourceCountIs('AWS::IAM::Role', 7);
});

test('a stack has termination protection when the config asks for it', () => {
  expect(stackOf(aProduction({ terminationProtection: true })).terminationProtection).toBe(true);
  expect(stackOf(aProduction()).terminationProtection).toBe(false);
});

test('a stack in the European Sovereign Cloud has the ARNs of its partition', () => {
  const text = JSON.stringify(templateOf(aDevelopment({ region: 'eusc-de-east-1' })).toJSON());
  expect(text).not.toContain('arn:aws:');
  expect(text).toMatch(/arn:aws-eusc:|AWS::Partition/);
});

describe('synth refuses', () => {
  test.for([
    ['an isolated region', { region: 'us-iso-east-1' }, 'region: the isolated regions are not supported'],
    ['one of Europe', { region: 'eu-isoe-west-1' }, 'region: the isolated regions are not supported'],
    ['an alias of a key', { encryptionKey: 'alias/topics' }, "encryptionKey: write 'create', or the ARN"],
    [
      'a key of another region',
      { encryptionKey: KEY.replace('ap-northeast-1', 'eu-west-1') },
      'encryptionKey: it is of the region eu-west-1, and the environment of ap-northeast-1',
    ],
    [
      'the boundary of another account',
      { permissionsBoundary: 'arn:aws:iam::999999999999:policy/boundary' },
      'permissionsBoundary: it is of the account 999999999999',
    ],
    ['the name of a boundary', { permissionsBoundary: 'boundary' }, 'permissionsBoundary: write the ARN'],
    ['protection by word', { terminationProtection: 'yes' }, 'terminationProtection: write true or false'],
    [
      'an alias of the key of a secret',
      withArgocd({ kmsKey: 'alias/secrets' }),
      'deploy.argocd.kmsKey: write the ARN of a KMS key, not an alias',
    ],
  ] as const)('%s', ([, change, message]) => {
    expect(problemsOf({ ...aDevelopment(), ...change })).toEqual([
      expect.stringContaining(`environments.develop.${message}`),
    ]);
  });

  test('a kind of holiday that there is not', () => {
    const { problems } = checkConfig(
      { ...aConfig({ develop: aDevelopment() }), calendars: { japan: { holidayKinds: ['religious'] } } },
      { has: () => true, candidates: () => [] },
    );
    expect(problems.map(({ message }) => message)).toEqual([
      "write 'public' or 'bank' or 'school' or 'optional' or 'observance'",
    ]);
  });
});

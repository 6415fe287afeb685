import { Template } from 'aws-cdk-lib/assertions';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BuildProject } from '#lib/build-project.ts';
import { looseFilter, onlyPushesTo } from '#lib/webhook-filter.ts';
import { checkConfig } from '#model/config/check.ts';
import type { BuildConfig, BuildProjectConfig, EnvironmentConfig } from '#model/config.ts';
import {
  aConfig,
  aDevelopment,
  anApp,
  aProduction,
  stackOf,
  statementsOf,
  templateOf,
} from './environments.ts';

const CONNECTION =
  'arn:aws:codeconnections:ap-northeast-1:111111111111:connection/0a1b2c3d-1111-2222-3333-444455556666';

function aBuild(overrides: Partial<BuildConfig> = {}, create: Partial<BuildProjectConfig> = {}): BuildConfig {
  return {
    project: 'api-develop',
    repository: 'https://github.com/example/api',
    branch: 'develop',
    applications: ['api'],
    create: { connection: CONNECTION, ...create },
    ...overrides,
  };
}

const deploying = (...builds: BuildConfig[]) =>
  aDevelopment({ deploy: { ...aDevelopment().deploy!, builds } });

describe('the filter of a webhook', () => {
  /** CodeBuild's rule: a filter passes where its pattern is found in the value; a group where all pass. */
  const fires = (branch: string, event: string, ref: string) =>
    onlyPushesTo(branch).some((group) =>
      group.every(({ type, pattern }) =>
        type === 'EVENT' ? pattern.split(', ').includes(event) : new RegExp(pattern).test(ref),
      ),
    );

  test('accepts a push to the branch', () => {
    expect(fires('develop', 'PUSH', 'refs/heads/develop')).toBe(true);
  });

  test.for([
    ['a branch whose name goes on', 'PUSH', 'refs/heads/develop-x'],
    ['a branch whose name ends so', 'PUSH', 'refs/heads/feature/develop'],
    ['a branch in other letters', 'PUSH', 'refs/heads/Develop'],
    ['a branch that is named like a ref', 'PUSH', 'refs/heads/refs/heads/develop'],
    ['a tag of that name', 'PUSH', 'refs/tags/develop'],
    ['a pull request into the branch', 'PULL_REQUEST_MERGED', 'refs/heads/develop'],
    ['a pull request from the branch', 'PULL_REQUEST_CREATED', 'refs/heads/develop'],
    ['a release', 'RELEASED', 'refs/heads/develop'],
  ] as const)('keeps out %s', ([, event, ref]) => {
    expect(fires('develop', event, ref)).toBe(false);
  });

  test('matches a branch name with special characters literally', () => {
    expect(fires('release/1.0', 'PUSH', 'refs/heads/release/1.0')).toBe(true);
    expect(fires('release/1.0', 'PUSH', 'refs/heads/release/1x0')).toBe(false);
    const name = fc.stringMatching(/^[\w.+(){}|$-]{1,20}$/);
    fc.assert(
      fc.property(name, name, (branch, pushed) => {
        expect(fires(branch, 'PUSH', `refs/heads/${pushed}`)).toBe(branch === pushed);
      }),
    );
  });

  test.for([
    ['none at all', []],
    [
      'a branch without anchors',
      [
        [
          { type: 'EVENT', pattern: 'PUSH' },
          { type: 'HEAD_REF', pattern: 'refs/heads/develop' },
        ],
      ],
    ],
    ['every push', [[{ type: 'EVENT', pattern: 'PUSH' }]]],
    [
      'pull requests too',
      [
        [
          { type: 'EVENT', pattern: 'PUSH, PULL_REQUEST_MERGED' },
          { type: 'HEAD_REF', pattern: '^refs/heads/develop$' },
        ],
      ],
    ],
    [
      'everything but the branch',
      [
        [
          { type: 'EVENT', pattern: 'PUSH' },
          { type: 'HEAD_REF', pattern: '^refs/heads/develop$', excludeMatchedPattern: true },
        ],
      ],
    ],
    ['another group beside', [...onlyPushesTo('develop'), [{ type: 'EVENT', pattern: 'PUSH' }]]],
  ] as const)('that accepts too much is found: %s', ([, groups]) => {
    expect(looseFilter('develop', groups)).toBeTypeOf('string');
  });
});

describe('a created project', () => {
  test('has the branch in its webhook filter and in its source', () => {
    const { create: _, ...thereAlready } = aBuild({ project: 'there-already', applications: ['web'] });
    const template = templateOf(deploying(aBuild(), thereAlready));
    template.resourceCountIs('AWS::CodeBuild::Project', 1);
    template.hasResourceProperties('AWS::CodeBuild::Project', {
      Name: 'api-develop',
      SourceVersion: 'refs/heads/develop',
      Source: {
        Type: 'GITHUB',
        Location: 'https://github.com/example/api.git',
        Auth: { Type: 'CODECONNECTIONS', Resource: CONNECTION },
      },
      Triggers: {
        Webhook: true,
        FilterGroups: [
          [
            { Type: 'EVENT', Pattern: 'PUSH' },
            { Type: 'HEAD_REF', Pattern: '^refs/heads/develop$' },
          ],
        ],
      },
    });
  });

  test.for([
    ['github.com/example/api', undefined, 'GITHUB'],
    ['gitlab.com/example/api', undefined, 'GITLAB'],
    ['bitbucket.org/example/api', undefined, 'BITBUCKET'],
    ['git.example.com/team/api', 'gitlab-self-managed', 'GITLAB_SELF_MANAGED'],
  ] as const)('for %s has the source of its host', ([address, host, type]) => {
    const build = aBuild({ repository: `https://${address}` }, host ? { host } : {});
    templateOf(deploying(build)).hasResourceProperties('AWS::CodeBuild::Project', {
      Source: { Type: type, Location: `https://${address}.git` },
    });
  });

  test('on an unknown host requires create.host', () => {
    expect(() => templateOf(deploying(aBuild({ repository: 'https://git.example.com/team/api' })))).toThrow(
      'create.host: it is missing: git.example.com could be of any kind',
    );
  });

  test('builds one branch: a second build of the same project is refused', () => {
    expect(() => templateOf(deploying(aBuild(), aBuild({ branch: 'next', applications: ['next'] })))).toThrow(
      'builds[1].project: "api-develop": a project that is created here builds one branch',
    );
  });

  test('takes a connection of another region of the account, and a log group that exists', () => {
    const connection = CONNECTION.replace('ap-northeast-1', 'eu-west-1');
    const template = templateOf(deploying(aBuild({}, { connection, logGroup: '/builds/api' })));
    template.hasResourceProperties('AWS::CodeBuild::Project', {
      Source: { Auth: { Resource: connection } },
      LogsConfig: { CloudWatchLogs: { GroupName: '/builds/api' } },
    });
    const groups = Object.values(template.findResources('AWS::Logs::LogGroup'));
    expect(groups.map(({ Properties }) => Properties.LogGroupName)).not.toContain(
      '/aws/codebuild/api-develop',
    );
  });

  test('fails at synth when its filter was widened', () => {
    const app = anApp({ develop: deploying(aBuild()) });
    const made = app.environments[0]!.node.findAll().find((child) => child instanceof BuildProject);
    made!.project.triggers = {
      webhook: true,
      filterGroups: [
        [
          { type: 'EVENT', pattern: 'PUSH' },
          { type: 'HEAD_REF', pattern: 'refs/heads/develop' },
        ],
      ],
    };
    expect(() => app.synth()).toThrow('the webhook of api-develop accepts too much');
  });

  test('has a role with its connection, its log and the policies of the config', () => {
    const policy = 'arn:aws:iam::111111111111:policy/push-images';
    const template = Template.fromStack(stackOf(deploying(aBuild({}, { policies: [policy] }))));
    template.hasResourceProperties('AWS::IAM::Role', { ManagedPolicyArns: [policy] });
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: [
          { Action: ['logs:CreateLogStream', 'logs:PutLogEvents'] },
          {
            Sid: 'ReadRepository',
            Action: [
              'codeconnections:GetConnection',
              'codeconnections:GetConnectionToken',
              'codeconnections:UseConnection',
            ],
            Resource: CONNECTION,
          },
        ],
      },
    });
  });
});

describe('a config that creates projects', () => {
  const holidays = { has: () => true, candidates: () => [] };
  const problems = (environment: EnvironmentConfig) =>
    checkConfig(aConfig({ [environment.cluster]: environment }), holidays).problems.map(
      ({ path, message }) => `${path}: ${message}`,
    );

  test('is valid with a connection, and with every option', () => {
    const full = { compute: 'large', docker: true, buildspec: 'ci/build.yml', host: 'github' } as const;
    const policies = [
      'arn:aws:iam::111111111111:policy/push-images',
      'arn:aws:iam::aws:policy/ReadOnlyAccess',
    ];
    expect(
      problems(deploying(aBuild(), aBuild({ project: 'web', applications: ['web'] }, { ...full, policies }))),
    ).toEqual([]);
  });

  test.for([
    [
      'a connection that is none',
      aBuild({}, { connection: 'github' }),
      'create.connection: write the ARN of a',
    ],
    [
      'a policy that is none',
      aBuild({}, { policies: ['push'] }),
      'create.policies[0]: write the ARN of a managed',
    ],
    [
      'a GitHub Enterprise, whose webhook CloudFormation cannot create',
      aBuild({ repository: 'https://github.example.com/api' }, { host: 'github-enterprise' as never }),
      'create.host: CloudFormation cannot create the webhook of a GitHub Enterprise: remove create',
    ],
    [
      'a connection of another account',
      aBuild({}, { connection: CONNECTION.replace('111111111111', '999999999999') }),
      'create.connection: it is of the account 999999999999, and the environment of 111111111111',
    ],
    ['an unknown host', aBuild({ repository: 'https://git.example.com/api' }), 'create.host: it is missing'],
  ] as const)('is refused: %s', ([, build, problem]) => {
    expect(problems(deploying(build))).toEqual([
      expect.stringContaining(`environments.develop.deploy.builds[0].${problem}`),
    ]);
  });

  test('is refused when a project would build two branches', () => {
    expect(problems(deploying(aBuild(), aBuild({ branch: 'next', applications: ['next'] })))).toEqual([
      expect.stringContaining('builds[0].project: a project that is created here builds one branch'),
      expect.stringContaining('builds[1].project: a project that is created here builds one branch'),
    ]);
  });

  test('is refused when a function would change the groups of production', () => {
    expect(problems(aProduction({ drain: { replaceEarly: true } }))).toEqual([
      'environments.production.drain.replaceEarly: no function may change the groups of production: remove it',
    ]);
  });
});

test('with imageRepository the build may push to that repository alone, and has a cache of layers', () => {
  const template = templateOf(deploying(aBuild({}, { imageRepository: 'team/api' })));
  template.hasResource('AWS::ECR::Repository', {
    Properties: { RepositoryName: 'team/api', ImageScanningConfiguration: { ScanOnPush: true } },
    DeletionPolicy: 'Retain',
  });
  template.hasResourceProperties('AWS::CodeBuild::Project', {
    Cache: { Type: 'LOCAL', Modes: ['LOCAL_DOCKER_LAYER_CACHE'] },
    Environment: { PrivilegedMode: true },
  });
  const pushing = statementsOf(template).filter(({ Action }) => Action.includes('ecr:PutImage'));
  expect(pushing.map(({ Resource }) => JSON.stringify(Resource))).toEqual([
    expect.stringMatching(/^\[?\{"Fn::GetAtt":\["[^"]*Images[^"]*","Arn"\]\}\]?$/),
  ]);
});

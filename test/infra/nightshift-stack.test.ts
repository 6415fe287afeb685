import { Stack } from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import * as keys from '#functions/adapters/dynamodb/table-keys.ts';
import { BranchDeploy } from '#lib/branch-deploy.ts';
import { terminateActionOf } from '#lib/event-patterns.ts';
import { NightSchedule } from '#lib/night-schedule.ts';
import { StateTable } from '#lib/state-table.ts';
import {
  aConfig,
  aDevelopment,
  anApp,
  anEmptyApp,
  aProduction,
  NOW,
  statementsOf,
  templateOf,
  withoutHashes,
} from './environments.ts';

const develop = templateOf(aDevelopment());
const production = templateOf(aProduction());

describe('the stacks', () => {
  test('are one for each environment, in its own account and region', () => {
    const app = anApp({ develop: aDevelopment(), production: aProduction({ region: 'eu-central-1' }) });
    expect(app.environments.map(({ stackName, account, region }) => [stackName, account, region])).toEqual([
      ['Nightshift-develop', '111111111111', 'ap-northeast-1'],
      ['Nightshift-production', '222222222222', 'eu-central-1'],
    ]);
    expect(app.environments.flatMap((stack) => stack.dependencies)).toEqual([]);
  });

  test.for([
    ['develop', develop],
    ['production', production],
  ] as const)('%s has not changed unnoticed', ([, template]) => {
    expect(withoutHashes(template)).toMatchSnapshot();
  });

  test('have no night-schedule without a schedule, and no branch-deploy without a deploy', () => {
    const { schedule: _, deploy: __, ...plain } = aDevelopment();
    templateOf(plain).resourceCountIs('AWS::Lambda::Function', 1);
  });
});

describe('production', () => {
  test('has one function, spot-drain, and no schedule', () => {
    const names = Object.values(production.findResources('AWS::Lambda::Function')).map(
      (resource) => resource['Properties'].FunctionName,
    );
    expect(names).toEqual(['nightshift-production-spot-drain']);
    production.resourceCountIs('AWS::Scheduler::Schedule', 0);
    production.resourceCountIs('AWS::Scheduler::ScheduleGroup', 0);
  });

  test('may change neither the cluster nor the size of a group', () => {
    expect(new Set(statementsOf(production).flatMap((statement) => statement.Action))).toEqual(
      new Set([
        'logs:CreateLogStream',
        'logs:PutLogEvents',
        'sqs:SendMessage',
        // Of its own state machine, whose role invokes this function and no other.
        'states:StartExecution',
        'lambda:InvokeFunction',
        // Of its own source: nothing of ours acts on it in production.
        'events:PutEvents',
        'eks:DescribeCluster',
        'autoscaling:DescribeAutoScalingGroups',
        'autoscaling:DescribeAutoScalingInstances',
        'autoscaling:DescribeLifecycleHooks',
        // Lets a termination that is under way go on; no size changes.
        'autoscaling:CompleteLifecycleAction',
        'autoscaling:RecordLifecycleActionHeartbeat',
        'dynamodb:GetItem',
        'dynamodb:Query',
        'dynamodb:PutItem',
        'dynamodb:DeleteItem',
      ]),
    );
  });

  test('is refused with a schedule or a deploy, by the config and by each construct', () => {
    const { schedule, deploy } = aDevelopment();
    for (const wrong of [{ schedule }, { deploy }])
      expect(() => templateOf({ ...aProduction(), ...wrong } as never)).toThrow(
        'a production environment is drained and never stopped or deployed to',
      );
    const props = { config: aConfig({ production: aProduction() }), environment: 'production', now: NOW };
    const stack = new Stack(anEmptyApp(), 'Wrong');
    const table = new StateTable(stack, 'State', props);
    for (const Part of [NightSchedule, BranchDeploy])
      expect(() => new Part(stack, Part.name, { ...props, table })).toThrow(
        'production is a production environment',
      );
  });

  test('is refused when a drain would resize a group', () => {
    expect(() => templateOf(aProduction({ drain: { replaceEarly: true } }))).toThrow('replaceEarly');
    expect(() => templateOf(aProduction({ drain: { onScheduledChange: 'replace' } }))).toThrow(
      'onScheduledChange',
    );
  });
});

describe('the functions', () => {
  test('run the bundle on Node 24 and arm64, untraced, with their settings and no reserved concurrency', () => {
    develop.allResourcesProperties('AWS::Lambda::Function', {
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
      TracingConfig: Match.absent(),
      ReservedConcurrentExecutions: Match.absent(),
      Environment: {
        Variables: {
          NIGHTSHIFT_SETTINGS: Match.serializedJson(Match.objectLike({ environment: 'develop' })),
          NIGHTSHIFT_TABLE: { Ref: Match.stringLikeRegexp('^State') },
          POWERTOOLS_LOG_LEVEL: 'INFO',
        },
      },
    });
  });

  test('are traced when the config enables it', () => {
    const traced = templateOf(aProduction({ tracing: true }));
    traced.hasResourceProperties('AWS::Lambda::Function', { TracingConfig: { Mode: 'Active' } });
    expect(statementsOf(traced).flatMap(({ Action }) => Action)).toContain('xray:PutTraceSegments');
    expect(statementsOf(develop).flatMap(({ Action }) => Action)).not.toContain('xray:PutTraceSegments');
  });

  test('are invoked for an event only while it is useful, and failed events are stored', () => {
    const configs = Object.values(develop.findResources('AWS::Lambda::EventInvokeConfig')).map(
      ({ Properties }) => [
        Properties.MaximumEventAgeInSeconds,
        Properties.MaximumRetryAttempts,
        Object.keys(Properties.DestinationConfig),
      ],
    );
    expect(configs).toEqual([
      [120, 1, ['OnFailure']],
      [300, 1, ['OnFailure']],
      [3600, 2, ['OnFailure']],
    ]);
  });

  test('log into groups that exist before them and have a retention', () => {
    develop.resourceCountIs('AWS::Logs::LogGroup', 3);
    develop.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 90 });
  });

  test('whose settings do not fit into the environment variables are refused', () => {
    const nodegroups = Array.from({ length: 5_000 }, (_, index) => `workers-for-team-${index}`);
    expect(() => templateOf(aDevelopment({ nodegroups }))).toThrow(
      /nightSchedule take \d+ bytes even when deflated, but Lambda allows \d+: shorten nodegroups/,
    );
  });

  test('have access to the cluster, each in its own Kubernetes group', () => {
    const groups = Object.values(develop.findResources('AWS::EKS::AccessEntry')).map(({ Properties }) => [
      Properties.ClusterName,
      Properties.Type,
      Properties.KubernetesGroups,
    ]);
    expect(groups.toSorted()).toEqual([
      ['develop', 'STANDARD', ['nightshift:night-schedule']],
      ['develop', 'STANDARD', ['nightshift:spot-drain']],
    ]);
  });

  test('run in the VPC of the config, or in none without one', () => {
    const network = { subnets: ['subnet-0a1b2c3d', 'subnet-1a1b2c3d'], securityGroups: ['sg-0a1b2c3d'] };
    templateOf(aDevelopment({ network })).allResourcesProperties('AWS::Lambda::Function', {
      VpcConfig: { SubnetIds: network.subnets, SecurityGroupIds: network.securityGroups },
    });
    develop.allResourcesProperties('AWS::Lambda::Function', { VpcConfig: Match.absent() });
  });

  test('reach Argo CD by its server or by the cluster, with only the permissions for that', () => {
    const { argocd, builds } = aDevelopment().deploy!;
    const byCluster = templateOf(
      aDevelopment({ deploy: { argocd: { ...argocd, through: 'kubernetes' }, builds } }),
    );
    const actions = (template: Template) =>
      statementsOf(template)
        .filter(({ policy }) => policy.startsWith('BranchDeploy'))
        .flatMap(({ Action }) => Action);
    expect(actions(develop)).toContain('secretsmanager:GetSecretValue');
    expect(actions(develop)).not.toContain('eks:DescribeCluster');
    expect(actions(byCluster)).toContain('eks:DescribeCluster');
    expect(actions(byCluster)).not.toContain('secretsmanager:GetSecretValue');
    byCluster.hasResourceProperties('AWS::EKS::AccessEntry', {
      KubernetesGroups: ['nightshift:branch-deploy'],
    });
  });
});

describe('the table', () => {
  test('is retained with the stack, has point-in-time recovery, and expires items', () => {
    develop.hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        TableName: 'nightshift-develop',
        BillingMode: 'PAY_PER_REQUEST',
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
      },
    });
  });

  test.for([
    ['develop', develop],
    ['production', production],
  ] as const)(
    'of %s can be deleted by CloudFormation only, which does so when the first deploy is rolled back',
    ([, template]) => {
      const [table] = Object.values(template.findResources('AWS::DynamoDB::Table'));
      const { DeletionProtectionEnabled, ResourcePolicy } = table!['Properties'];
      // It would refuse the rollback too.
      expect(DeletionProtectionEnabled).toBeUndefined();
      expect(ResourcePolicy.PolicyDocument.Statement).toEqual([
        {
          Sid: 'OnlyCloudFormationDeletes',
          Effect: 'Deny',
          Principal: { AWS: '*' },
          Action: 'dynamodb:DeleteTable',
          Resource: '*',
          Condition: {
            'ForAllValues:StringNotEquals': { 'aws:CalledVia': ['cloudformation.amazonaws.com'] },
            ArnNotEquals: {
              'aws:PrincipalArn': expect.stringMatching(
                /^arn:aws:iam::\d{12}:role\/cdk-hnb659fds-cfn-exec-role-\d{12}-ap-northeast-1$/,
              ),
            },
          },
        },
      ]);
    },
  );

  test('can be imported by name into a new stack: the name is a literal', () => {
    const [table] = Object.values(develop.findResources('AWS::DynamoDB::Table'));
    expect(table!['Properties'].TableName).toBe('nightshift-develop');
    expect(['Retain', 'RetainExceptOnCreate']).toContain(table!['DeletionPolicy']);
  });

  test('accepts saved sizes only from night-schedule, unless a deploy may wake the cluster', () => {
    const writers = (template: Template, partition: string) =>
      statementsOf(template)
        .filter(({ Action }) => Action.includes('dynamodb:PutItem') || Action.includes('dynamodb:DeleteItem'))
        .filter(({ Condition }) => partitionsOf(Condition).includes(partition))
        .map(({ policy }) => policy.replace(/Role.*/, ''))
        .filter((writer, index, all) => all.indexOf(writer) === index);
    expect(writers(develop, keys.NIGHT)).toEqual(['NightSchedulePass']);
    expect(writers(develop, keys.LEDGER)).toEqual(['NightSchedulePass']);
    expect(writers(develop, keys.DRAIN)).toEqual(['SpotDrain']);
    expect(writers(develop, keys.DEPLOY)).toEqual(['BranchDeploy']);
    expect(writers(develop, keys.DECISION)).toHaveLength(3);
    expect(writers(develop, keys.OVERRIDE)).toEqual([]);
    const waking = templateOf(aDevelopment({ deploy: { ...aDevelopment().deploy!, whenAsleep: 'wake' } }));
    expect(writers(waking, keys.OVERRIDE)).toEqual(['BranchDeploy']);
    expect(writers(waking, keys.NIGHT)).toEqual(['NightSchedulePass']);
  });
});

describe('the triggers', () => {
  test('of night-schedule are each transition in the zone of the schedule, and a tick every minute', () => {
    const schedules = Object.values(develop.findResources('AWS::Scheduler::Schedule')).map(
      ({ Properties }) => [
        Properties.Name,
        Properties.ScheduleExpression,
        Properties.ScheduleExpressionTimezone,
        JSON.parse(Properties.Target.Input),
      ],
    );
    const input = (trigger: string, schedule: string) => ({
      source: 'nightshift',
      trigger,
      schedule,
      id: '<aws.scheduler.execution-id>',
      time: '<aws.scheduler.scheduled-time>',
    });
    expect(schedules).toEqual([
      [
        'night-schedule-edge-0800',
        'cron(0 8 ? * MON-FRI *)',
        'Asia/Tokyo',
        input('edge', 'night-schedule-edge-0800'),
      ],
      [
        'night-schedule-edge-2200',
        'cron(0 22 ? * MON-FRI *)',
        'Asia/Tokyo',
        input('edge', 'night-schedule-edge-2200'),
      ],
      ['night-schedule-tick', 'rate(1 minute)', undefined, input('tick', 'night-schedule-tick')],
    ]);
    develop.allResourcesProperties('AWS::Scheduler::Schedule', {
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: { DeadLetterConfig: { Arn: Match.anyValue() }, RetryPolicy: Match.anyValue() },
    });
  });

  test('have a role that may invoke the function and write to its dead-letter queue, and nothing else', () => {
    const timers = statementsOf(develop).filter(({ policy }) => policy.includes('Timer'));
    expect(timers.map(({ Action, Resource }) => [Action, Resource.length])).toEqual([
      [['lambda:InvokeFunction'], 1],
      [['sqs:SendMessage'], 1],
    ]);
  });

  test('of branch-deploy have a tick every minute from a rule, in the form of the other ticks', () => {
    develop.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(1 minute)',
      State: 'ENABLED',
      Targets: [
        {
          DeadLetterConfig: { Arn: Match.anyValue() },
          RetryPolicy: { MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 3 },
          InputTransformer: {
            InputPathsMap: { id: '$.id', time: '$.time' },
            InputTemplate:
              '{"source":"nightshift","trigger":"tick","schedule":"branch-deploy-tick","id":<id>,"time":<time>}',
          },
        },
      ],
    });
  });

  test('of spot-drain are five kinds of events, one of them watched in a rule of its own, and a rate', () => {
    const rules = Object.values(production.findResources('AWS::Events::Rule')).map(
      ({ Properties }) => Properties.EventPattern?.['detail-type']?.[0] ?? Properties.ScheduleExpression,
    );
    expect(rules).toEqual([
      'EC2 Spot Instance Interruption Warning',
      'EC2 Instance Rebalance Recommendation',
      'EC2 Instance-terminate Lifecycle Action',
      'EC2 Instance-terminate Lifecycle Action',
      'AWS Health Event',
      'EC2 Instance State-change Notification',
      'rate(5 minutes)',
    ]);
  });

  test('of branch-deploy are builds of its own projects only', () => {
    develop.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.codebuild'],
        'detail-type': ['CodeBuild Build State Change'],
        detail: {
          'project-name': ['api-develop'],
          'build-status': ['SUCCEEDED', 'FAILED', 'FAULT', 'TIMED_OUT', 'STOPPED'],
        },
      },
    });
  });

  test('send undelivered events to the dead-letter queue', () => {
    for (const template of [develop, production])
      for (const { Properties } of Object.values(template.findResources('AWS::Events::Rule')))
        for (const target of Properties.Targets)
          expect(target).toMatchObject({
            DeadLetterConfig: { Arn: expect.anything() },
            RetryPolicy: { MaximumEventAgeInSeconds: expect.any(Number) },
          });
  });

  test('of spot-drain start its watchdog with the event, for interruptions and for hooks that are not EKS’s', () => {
    const watched = Object.values(production.findResources('AWS::Events::Rule')).filter(({ Properties }) =>
      JSON.stringify(Properties.Targets).includes('<aws.events.event.json>'),
    );
    expect(watched.map(({ Properties }) => Properties.EventPattern)).toEqual([
      { source: ['aws.ec2'], 'detail-type': ['EC2 Spot Instance Interruption Warning'] },
      {
        source: ['aws.autoscaling'],
        'detail-type': ['EC2 Instance-terminate Lifecycle Action'],
        detail: { LifecycleHookName: [{ 'anything-but': ['Terminate-LC-Hook', 'Launch-LC-Hook'] }] },
      },
    ]);
    for (const { Properties } of watched)
      expect(Properties.Targets.at(-1).InputTransformer).toEqual({
        InputTemplate: '{"delaySeconds":20,"check":{"event":<aws.events.event.json>}}',
      });
  });

  test.each([
    [
      ['drain', 'nightshift-*'],
      ['drain', { prefix: 'nightshift-' }],
    ],
    [['*'], [{ 'anything-but': ['Terminate-LC-Hook', 'Launch-LC-Hook'] }]],
  ])('of spot-drain watch over the hooks %j', (hooks, LifecycleHookName) => {
    expect(terminateActionOf(hooks).detail).toEqual({ LifecycleHookName });
  });
});

describe('permissions', () => {
  test('resize only groups of the cluster that EKS does not manage', () => {
    const resize = statementsOf(develop).filter(({ Action }) =>
      Action.includes('autoscaling:UpdateAutoScalingGroup'),
    );
    expect(resize.map(({ policy, Condition }) => [policy.replace(/Role.*/, ''), Condition])).toEqual([
      [
        'NightSchedulePass',
        {
          StringEquals: { 'aws:ResourceTag/kubernetes.io/cluster/develop': 'owned' },
          Null: { 'aws:ResourceTag/eks:nodegroup-name': 'true' },
        },
      ],
    ]);
  });

  test('update only nodegroups of the cluster', () => {
    const update = statementsOf(develop).filter(({ Action }) => Action.includes('eks:UpdateNodegroupConfig'));
    expect(update.map(({ Resource }) => Resource)).toEqual([
      ['arn:aws:eks:ap-northeast-1:111111111111:nodegroup/develop/*/*'],
    ]);
  });

  test('read only the token and the builds of the environment', () => {
    const of = (action: string) =>
      statementsOf(develop)
        .filter(({ Action }) => Action.includes(action))
        .flatMap(({ Resource }) => Resource);
    expect(of('secretsmanager:GetSecretValue')).toEqual([
      'arn:aws:secretsmanager:ap-northeast-1:111111111111:secret:nightshift/argocd-develop-??????',
    ]);
    expect(of('codebuild:BatchGetBuilds')).toEqual([
      'arn:aws:codebuild:ap-northeast-1:111111111111:project/api-develop',
    ]);
  });

  test('name every resource, except for actions without resources', () => {
    const unnamed = statementsOf(develop)
      .filter(({ Resource }) => Resource.includes('*'))
      .flatMap(({ Action }) => Action);
    expect(new Set(unnamed)).toEqual(
      new Set([
        'autoscaling:DescribeAutoScalingGroups',
        'autoscaling:DescribeAutoScalingInstances',
        'autoscaling:DescribeLifecycleHooks',
        'autoscaling:DescribeScalingActivities',
      ]),
    );
  });

  test('allow no change in AWS in a dry run', () => {
    const changing = (dryRun: boolean) =>
      statementsOf(templateOf(aDevelopment({ dryRun, drain: { replaceEarly: true } })))
        .flatMap(({ Action }) => Action)
        .filter((action) => /^(eks|autoscaling):(?!Describe)/.test(action));
    expect(changing(false)).toEqual([
      'autoscaling:CompleteLifecycleAction',
      'autoscaling:RecordLifecycleActionHeartbeat',
      'autoscaling:DetachInstances',
      'autoscaling:PutWarmPool',
      'autoscaling:UpdateAutoScalingGroup',
      'eks:UpdateNodegroupConfig',
    ]);
    expect(changing(true)).toEqual([]);
  });

  test('with a wildcard require a reason', () => {
    const [stack] = anApp({ develop: aDevelopment() }).environments;
    expect(() =>
      stack!.spotDrain.function.allow({ sid: 'Wide', actions: ['eks:DescribeCluster'], resources: ['*'] }),
    ).toThrow('Wide of spot-drain has the wildcard *: set wildcardReason');
  });
});

function partitionsOf(condition: Record<string, Record<string, unknown>> | undefined): readonly string[] {
  const keys = condition?.['ForAllValues:StringEquals']?.['dynamodb:LeadingKeys'];
  return Array.isArray(keys) ? keys : [keys as string];
}

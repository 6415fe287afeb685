import { Match, type Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import * as keys from '#functions/adapters/dynamodb/table-keys.ts';
import { NightshiftStack } from '#lib/nightshift-stack.ts';
import { settingsOf } from '#lib/settings.ts';
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
  test('there is one for each environment, in its own account and region', () => {
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

  test('an environment without a schedule has no night-schedule, and one without a deploy no branch-deploy', () => {
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

  test('may change nothing of the cluster and of no group its size', () => {
    expect(new Set(statementsOf(production).flatMap((statement) => statement.Action))).toEqual(
      new Set([
        'logs:CreateLogStream',
        'logs:PutLogEvents',
        'sqs:SendMessage',
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

  test('is not synthesized with a schedule or a deploy, whatever the settings say', () => {
    const config = aConfig({ develop: aDevelopment() });
    const settings = settingsOf(config, 'develop', NOW);
    const spotDrain = { ...settings.spotDrain, production: true };
    for (const wrong of [
      { ...settings, spotDrain },
      { spotDrain, nightSchedule: settings.nightSchedule! },
      { spotDrain, branchDeploy: settings.branchDeploy! },
    ])
      expect(() => new NightshiftStack(anEmptyApp(), 'Wrong', { settings: wrong })).toThrow(
        'develop is a production environment',
      );
  });

  test('is not synthesized where a drain would resize a group', () => {
    expect(() => templateOf(aProduction({ drain: { replaceEarly: true } }))).toThrow('replaceEarly');
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

  test('are traced where the config asks for it', () => {
    const traced = templateOf(aProduction({ tracing: true }));
    traced.hasResourceProperties('AWS::Lambda::Function', { TracingConfig: { Mode: 'Active' } });
    expect(statementsOf(traced).flatMap(({ Action }) => Action)).toContain('xray:PutTraceSegments');
    expect(statementsOf(develop).flatMap(({ Action }) => Action)).not.toContain('xray:PutTraceSegments');
  });

  test('are called for an event only while it is worth something, and what fails is kept', () => {
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

  test('log into groups that are there before them and do not grow for ever', () => {
    develop.resourceCountIs('AWS::Logs::LogGroup', 3);
    develop.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 90 });
  });

  test('whose settings do not fit into the environment are refused', () => {
    const { nightSchedule, spotDrain } = settingsOf(aConfig({ develop: aDevelopment() }), 'develop', NOW);
    const wide = {
      ...nightSchedule!,
      nodegroups: Array.from({ length: 5_000 }, (_, index) => `workers-for-team-${index}`),
    };
    expect(
      () => new NightshiftStack(anEmptyApp(), 'Wrong', { settings: { spotDrain, nightSchedule: wide } }),
    ).toThrow(/night-schedule in develop take \d+ bytes and Lambda allows 4096/);
  });

  test('enter the cluster each in a group of its own', () => {
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

  test('run in the VPC that the config names, and outside of any without it', () => {
    const network = { subnets: ['subnet-0a1b2c3d', 'subnet-1a1b2c3d'], securityGroups: ['sg-0a1b2c3d'] };
    templateOf(aDevelopment({ network })).allResourcesProperties('AWS::Lambda::Function', {
      VpcConfig: { SubnetIds: network.subnets, SecurityGroupIds: network.securityGroups },
    });
    develop.allResourcesProperties('AWS::Lambda::Function', { VpcConfig: Match.absent() });
  });

  test('reach Argo CD by its server or by the cluster, and have the permissions of that way only', () => {
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
  test('outlives the stack, can be restored and forgets what has expired', () => {
    develop.hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        TableName: 'nightshift-develop',
        BillingMode: 'PAY_PER_REQUEST',
        DeletionProtectionEnabled: true,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
      },
    });
  });

  test('takes saved sizes from night-schedule only, and overrides of a deploy only where it may wake the cluster', () => {
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
  test('the schedule calls at each edge in its own zone, and looks again every minute', () => {
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
      ['branch-deploy-tick', 'rate(1 minute)', undefined, input('tick', 'branch-deploy-tick')],
    ]);
    develop.allResourcesProperties('AWS::Scheduler::Schedule', {
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: { DeadLetterConfig: { Arn: Match.anyValue() }, RetryPolicy: Match.anyValue() },
    });
  });

  test('the role of the schedules may call its function and keep what was not delivered, and nothing else', () => {
    const timers = statementsOf(develop).filter(({ policy }) => policy.includes('Timer'));
    expect(timers.map(({ Action, Resource }) => [Action, Resource.length])).toEqual([
      [['lambda:InvokeFunction'], 1],
      [['sqs:SendMessage'], 1],
      [['lambda:InvokeFunction'], 1],
      [['sqs:SendMessage'], 1],
    ]);
  });

  test('a drain is called for the five kinds of events and by a rate of its own', () => {
    const rules = Object.values(production.findResources('AWS::Events::Rule')).map(
      ({ Properties }) => Properties.EventPattern?.['detail-type']?.[0] ?? Properties.ScheduleExpression,
    );
    expect(rules).toEqual([
      'EC2 Spot Instance Interruption Warning',
      'EC2 Instance Rebalance Recommendation',
      'EC2 Instance-terminate Lifecycle Action',
      'AWS Health Event',
      'EC2 Instance State-change Notification',
      'rate(5 minutes)',
    ]);
  });

  test('a deploy is called for the bound projects only', () => {
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

  test('each rule keeps what it could not deliver', () => {
    for (const template of [develop, production])
      template.allResourcesProperties('AWS::Events::Rule', {
        Targets: [
          {
            DeadLetterConfig: { Arn: Match.anyValue() },
            RetryPolicy: { MaximumEventAgeInSeconds: Match.anyValue() },
          },
        ],
      });
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

  test('read only the token of the environment and the builds that are bound', () => {
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

  test('name everything, but for what AWS takes no name of', () => {
    const unnamed = statementsOf(develop)
      .filter(({ Resource }) => Resource.includes('*'))
      .flatMap(({ Action }) => Action);
    expect(new Set(unnamed)).toEqual(
      new Set([
        'autoscaling:DescribeAutoScalingGroups',
        'autoscaling:DescribeAutoScalingInstances',
        'autoscaling:DescribeLifecycleHooks',
      ]),
    );
  });

  test('change nothing of AWS in a dry run', () => {
    const changing = (dryRun: boolean) =>
      statementsOf(templateOf(aDevelopment({ dryRun, drain: { replaceEarly: true } })))
        .flatMap(({ Action }) => Action)
        .filter((action) => /^(eks|autoscaling):(?!Describe)/.test(action));
    expect(changing(false)).toEqual([
      'autoscaling:CompleteLifecycleAction',
      'autoscaling:RecordLifecycleActionHeartbeat',
      'autoscaling:DetachInstances',
      'autoscaling:UpdateAutoScalingGroup',
      'eks:UpdateNodegroupConfig',
    ]);
    expect(changing(true)).toEqual([]);
  });

  test('with a wildcard need a reason', () => {
    const [stack] = anApp({ develop: aDevelopment() }).environments;
    expect(() =>
      stack!.spotDrain.function.allow({ sid: 'Wide', actions: ['eks:DescribeCluster'], resources: ['*'] }),
    ).toThrow('Wide of spot-drain names *: write the reason for the wildcard');
  });
});

function partitionsOf(condition: Record<string, Record<string, unknown>> | undefined): readonly string[] {
  const keys = condition?.['ForAllValues:StringEquals']?.['dynamodb:LeadingKeys'];
  return Array.isArray(keys) ? keys : [keys as string];
}

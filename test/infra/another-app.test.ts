/** The constructs in the CDK app of somebody else. */
import { App, Stack, Stage } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Repository } from 'aws-cdk-lib/aws-codecommit';
import { CodePipeline, CodePipelineSource, type IFileSetProducer, ShellStep } from 'aws-cdk-lib/pipelines';
import { describe, expect, test } from 'vitest';
import {
  BranchDeploy,
  ConfigError,
  Monitoring,
  NightSchedule,
  NightshiftStack,
  Notifications,
  SpotDrain,
  StateTable,
} from '#lib/index.ts';
import type { NightshiftConfig } from '#model/config.ts';
import { aConfig, aDevelopment, anEmptyApp, aProduction, NOW } from './environments.ts';

const CONNECTION =
  'arn:aws:codeconnections:ap-northeast-1:111111111111:connection/01234567-89ab-cdef-0123-456789abcdef';
const { argocd, builds } = aDevelopment().deploy!;
/** Every kind of thing that a config can ask a stack for. */
const config = aConfig({
  develop: aDevelopment({
    network: { subnets: ['subnet-0a1b2c3d'], securityGroups: ['sg-0a1b2c3d'] },
    notify: { info: [], failure: ['oncall@example.com'] },
    tracing: true,
    deploy: { argocd, builds: builds.map((build) => ({ ...build, create: { connection: CONNECTION } })) },
  }),
  production: aProduction(),
});
const develop = { config, environment: 'develop', now: NOW };

/** Logical ids apart, what a template holds. */
function contentsOf(template: Template) {
  const functions = Object.values(template.findResources('AWS::Lambda::Function'));
  return {
    inVpc: functions.map(({ Properties }) => Properties.VpcConfig?.SubnetIds),
    traced: functions.map(({ Properties }) => Properties.TracingConfig?.Mode),
    topics: Object.values(template.findResources('AWS::SNS::Topic')).map(
      ({ Properties }) => Properties.TopicName,
    ),
    addresses: Object.values(template.findResources('AWS::SNS::Subscription')).map(
      ({ Properties }) => Properties.Endpoint,
    ),
    projects: Object.values(template.findResources('AWS::CodeBuild::Project')).map(
      ({ Properties }) => Properties.Name,
    ),
  };
}

describe('a stack of another app', () => {
  test('has everything that the config says', () => {
    const contents = contentsOf(
      Template.fromStack(new NightshiftStack(anEmptyApp(), 'Nightshift-develop', develop)),
    );
    expect(contents.inVpc).toEqual([['subnet-0a1b2c3d'], ['subnet-0a1b2c3d'], ['subnet-0a1b2c3d']]);
    expect(contents.traced).toEqual(['Active', 'Active', 'Active']);
    expect(contents.topics.sort()).toEqual([
      'nightshift-develop-alarms',
      'nightshift-develop-failure',
      'nightshift-develop-info',
    ]);
    expect(contents.addresses).toContain('oncall@example.com');
    expect(contents.projects).toEqual(['api-develop']);
  });

  test('is the same in an app, in a stage and in a pipeline', () => {
    const app = anEmptyApp();
    const stage = new Stage(app, 'Clusters');
    const staged = new NightshiftStack(stage, 'Nightshift-develop', develop);

    const pipelineApp = anEmptyApp();
    const toolchain = new Stack(pipelineApp, 'Toolchain', {
      env: { account: '333333333333', region: 'ap-northeast-1' },
    });
    const repository = new Repository(toolchain, 'Source', { repositoryName: 'x' });
    const source = CodePipelineSource.codeCommit(repository, 'main') as IFileSetProducer;
    const pipeline = new CodePipeline(toolchain, 'Pipeline', {
      crossAccountKeys: true,
      // The CDK's own types do not fit each other under exactOptionalPropertyTypes.
      synth: new ShellStep('Synth', { input: source, commands: ['npx cdk synth'] }) as IFileSetProducer,
    });
    const deployed = new Stage(pipelineApp, 'Deployed');
    const piped = new NightshiftStack(deployed, 'Nightshift-develop', develop);
    pipeline.addStage(deployed);
    expect(() => pipelineApp.synth()).not.toThrow();

    const alone = contentsOf(
      Template.fromStack(new NightshiftStack(anEmptyApp(), 'Nightshift-develop', develop)),
    );
    expect(contentsOf(Template.fromStack(staged))).toEqual(alone);
    expect(contentsOf(Template.fromStack(piped))).toEqual(alone);
  });

  test.for([
    ['an unknown zone', { 'schedules.office.timeZone': 'Asia/Tokio' }, 'did you mean "Asia/Tokyo"?'],
    ['an account that is none', { 'environments.develop.account': '1' }, 'write the 12 digits'],
    [
      'negative minutes',
      { 'environments.develop.warnMinutes': -5 },
      'a whole number of minutes from 0 to 720',
    ],
    ['an unknown key', { 'environments.develop.dryrun': true }, 'did you mean "dryRun"?'],
    ['an unknown schedule', { 'environments.develop.schedule': 'ofice' }, 'did you mean "office"?'],
    ['a schedule in production', { 'environments.production.schedule': 'office' }, 'never stopped'],
  ] as const)('refuses %s with one line', ([, change, message]) => {
    const wrong = structuredClone(config) as unknown as Record<
      string,
      Record<string, Record<string, unknown>>
    >;
    for (const [path, value] of Object.entries(change)) {
      const [map = '', name = '', key = ''] = path.split('.');
      wrong[map]![name]![key] = value;
    }
    const attempt = () =>
      new NightshiftStack(anEmptyApp(), 'Wrong', {
        ...develop,
        config: wrong as unknown as NightshiftConfig,
      });
    expect(attempt).toThrow(ConfigError);
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(/^the config is invalid:\n[^\n]+$/);
  });

  test('refuses an environment that the config does not have', () => {
    expect(() => new NightshiftStack(anEmptyApp(), 'Wrong', { config, environment: 'develp' })).toThrow(
      'no environment has this name: did you mean "develop"?',
    );
  });

  test('takes a config that was changed after an earlier stack as it is now', () => {
    const changing = structuredClone(config) as { environments: Record<string, { account: string }> };
    const props = { ...develop, config: changing as NightshiftConfig };
    new NightshiftStack(anEmptyApp(), 'First', props);
    changing.environments['develop']!.account = '1';
    expect(() => new NightshiftStack(anEmptyApp(), 'Second', props)).toThrow('write the 12 digits');
  });
});

describe('the parts in a stack of another app', () => {
  const env = { account: '111111111111', region: 'ap-northeast-1' };

  test('take network, topics, tracing and created projects from the config', () => {
    const stack = new Stack(new App({ context: { 'aws:cdk:bundling-stacks': [] } }), 'Mine', { env });
    const table = new StateTable(stack, 'State', develop);
    const notifications = new Notifications(stack, 'Notifications', develop);
    const part = { ...develop, table, notifications };
    const functions = [
      new NightSchedule(stack, 'Night', part),
      new SpotDrain(stack, 'Drain', part),
      new BranchDeploy(stack, 'Deploy', part),
    ].map((capability) => capability.function);
    new Monitoring(stack, 'Monitoring', { ...develop, functions });
    expect(contentsOf(Template.fromStack(stack))).toEqual(
      contentsOf(Template.fromStack(new NightshiftStack(anEmptyApp(), 'Nightshift-develop', develop))),
    );
  });

  test('refuse a stack elsewhere, the table of another environment, and topics that are missing', () => {
    const app = anEmptyApp();
    const elsewhere = new Stack(app, 'Elsewhere', { env: { ...env, region: 'eu-west-1' } });
    const stack = new Stack(app, 'Here', { env });
    const table = new StateTable(stack, 'State', develop);
    const notifications = new Notifications(stack, 'Notifications', develop);
    expect(() => new SpotDrain(elsewhere, 'A', { ...develop, table, notifications })).toThrow(
      'the stack Elsewhere is in the region eu-west-1, but the environment develop is in ap-northeast-1',
    );
    const another = new StateTable(stack, 'Other', { ...develop, environment: 'production' });
    expect(() => new SpotDrain(stack, 'B', { ...develop, table: another, notifications })).toThrow(
      'the table of production was given to develop',
    );
    expect(() => new SpotDrain(stack, 'C', { ...develop, table })).toThrow(
      'develop has notify in its config, and no topics',
    );
  });
});

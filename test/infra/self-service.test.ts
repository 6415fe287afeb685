import { describe, expect, test } from 'vitest';
import { settingsOf } from '#lib/settings/settings.ts';
import { aConfig, aDevelopment, anApp, aProduction, NOW, statementsOf, templateOf } from './environments.ts';

const signIn = {
  loadBalancer:
    'arn:aws:elasticloadbalancing:ap-northeast-1:111111111111:loadbalancer/app/apps/0123456789abcdef',
  address: 'https://nightshift.example.com/',
  issuer: 'https://id.example.com',
  clientId: 'nightshift',
};
const offered = aDevelopment({ selfService: { links: true } });

describe('self-service', () => {
  test('has a public address with both permissions that Lambda demands', () => {
    const template = templateOf(offered);
    template.hasResourceProperties('AWS::Lambda::Url', { AuthType: 'NONE' });
    template.hasResourceProperties('AWS::Lambda::Permission', {
      Action: 'lambda:InvokeFunctionUrl',
      Principal: '*',
      FunctionUrlAuthType: 'NONE',
    });
    template.hasResourceProperties('AWS::Lambda::Permission', {
      Action: 'lambda:InvokeFunction',
      Principal: '*',
      InvokedViaFunctionUrl: true,
    });
  });

  test('signs with a key that the page may only verify with, and the functions that notify only sign', () => {
    const template = templateOf(offered);
    template.hasResourceProperties('AWS::KMS::Key', {
      KeySpec: 'HMAC_256',
      KeyUsage: 'GENERATE_VERIFY_MAC',
    });
    const ofKms = statementsOf(template)
      .filter(({ Action }) => [Action].flat().some((action) => action.startsWith('kms:')))
      .map(({ policy, Action }) => [policy.replace(/[A-Z0-9]{8}$/, ''), Action]);
    expect(ofKms).toEqual(
      expect.arrayContaining([
        [expect.stringMatching(/^NightSchedule/), ['kms:GenerateMac']],
        [expect.stringMatching(/^BranchDeploy/), ['kms:GenerateMac']],
        [expect.stringMatching(/^SelfService/), ['kms:VerifyMac']],
      ]),
    );
    expect(ofKms).toHaveLength(3);
  });

  test('lets an operator sign links too, by the alias of this key alone; a developer cannot', () => {
    const template = templateOf(
      aDevelopment({ selfService: { links: true }, accessPolicies: ['operator', 'developer'] }),
    );
    template.hasResourceProperties('AWS::KMS::Alias', { AliasName: 'alias/nightshift-develop-links' });
    const policies = Object.values(template.findResources('AWS::IAM::ManagedPolicy')).map(
      ({ Properties }) =>
        Properties as { ManagedPolicyName: string; PolicyDocument: { Statement: object[] } },
    );
    const signing = policies.flatMap(({ ManagedPolicyName, PolicyDocument }) =>
      PolicyDocument.Statement.filter((statement) => JSON.stringify(statement).includes('kms:')).map(
        (statement) => [ManagedPolicyName, statement] as const,
      ),
    );
    expect(signing).toEqual([
      [
        'nightshift-develop-operator',
        expect.objectContaining({
          Action: 'kms:GenerateMac',
          Condition: {
            'ForAnyValue:StringEquals': { 'kms:ResourceAliases': ['alias/nightshift-develop-links'] },
          },
        }),
      ],
    ]);
  });

  test('writes overrides and decisions of its own environment, and nothing else', () => {
    const writes = statementsOf(templateOf(offered)).filter(
      ({ policy, Action }) =>
        policy.startsWith('SelfService') && [Action].flat().includes('dynamodb:PutItem'),
    );
    expect(writes.map(({ Condition }) => Condition)).toEqual([
      { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['override', 'decision'] } },
    ]);
  });

  test('takes a bounded part of the concurrency of the account', () => {
    templateOf(offered).hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: 'nightshift-develop-self-service',
      ReservedConcurrentExecutions: 3,
    });
  });

  test('leaves the concurrency of every other function as it is: a flood takes none of it', () => {
    const functions = Object.values(templateOf(offered).findResources('AWS::Lambda::Function'));
    const reserved = functions.filter(({ Properties }) => 'ReservedConcurrentExecutions' in Properties);
    expect(functions.length).toBeGreaterThan(3);
    expect(reserved.map(({ Properties }) => Properties.FunctionName)).toEqual([
      'nightshift-develop-self-service',
    ]);
  });

  test('may call nothing that the other functions need: no throttling of theirs is its own', () => {
    const actions = statementsOf(templateOf(offered))
      .filter(({ policy }) => policy.startsWith('SelfService'))
      .flatMap(({ Action }) => Action)
      .filter((action) => !/^(dynamodb|kms|sns|logs|sqs|xray):/.test(action));
    expect(actions).toEqual([]);
  });

  test('with a sign-in has no public address: one load balancer of the account may call it', () => {
    const template = templateOf(aDevelopment({ selfService: { links: true, signIn } }));
    template.resourceCountIs('AWS::Lambda::Url', 0);
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::TargetGroup', {
      Name: 'ns-develop',
      TargetType: 'lambda',
    });
    const permissions = Object.values(template.findResources('AWS::Lambda::Permission'));
    const ofLoadBalancers = permissions.filter(
      ({ Properties }) => Properties.Principal === 'elasticloadbalancing.amazonaws.com',
    );
    expect(ofLoadBalancers).toHaveLength(1);
    expect(JSON.stringify(ofLoadBalancers[0]?.Properties.SourceArn)).toContain('targetgroup/ns-develop/*');
    expect(permissions.filter(({ Properties }) => Properties.Principal === '*')).toEqual([]);
    const page = Object.values(template.findResources('AWS::Lambda::Function')).find(
      ({ Properties }) => Properties.FunctionName === 'nightshift-develop-night-schedule',
    );
    expect(page?.Properties.Environment.Variables.NIGHTSHIFT_PAGE_URL).toBe(signIn.address);
  });

  test('with kubectl alone has no page, and night-schedule may write overrides', () => {
    const template = templateOf(aDevelopment({ selfService: { kubectl: true } }));
    template.resourceCountIs('AWS::Lambda::Url', 0);
    template.resourceCountIs('AWS::KMS::Key', 0);
    const writesOf = (from: typeof template) =>
      statementsOf(from)
        .filter(
          ({ policy, Action }) =>
            policy.startsWith('NightSchedule') && [Action].flat().includes('dynamodb:PutItem'),
        )
        .map(({ Condition }) => JSON.stringify(Condition));
    expect(writesOf(template).join()).toContain('override');
    expect(writesOf(templateOf(offered)).join()).not.toContain('override');
  });

  test('is off by default, and there is none in a dry run', () => {
    for (const environment of [
      aDevelopment(),
      aDevelopment({ selfService: { links: true }, dryRun: true }),
    ]) {
      const template = templateOf(environment);
      template.resourceCountIs('AWS::Lambda::Url', 0);
      template.resourceCountIs('AWS::KMS::Key', 0);
    }
  });

  test('is refused for production, and without a schedule', () => {
    const production = { ...aProduction(), selfService: { links: true } } as never;
    expect(() => anApp({ production })).toThrow('never stopped or deployed to: remove this');
    const { schedule: _, ...withoutSchedule } = offered;
    expect(() => anApp({ develop: withoutSchedule })).toThrow(
      'there is no schedule, so nothing is stopped: add a schedule, or remove this',
    );
  });

  test('has its limits from the config', () => {
    const selfService = { links: true, maxHours: 2, perNight: 1, requireReason: true } as const;
    const settings = settingsOf(aConfig({ develop: aDevelopment({ selfService }) }), 'develop', NOW);
    expect(settings.selfService).toMatchObject({ maxHours: 2, perNight: 1, requireReason: true });
    expect(settings.nightSchedule?.links).toEqual({ maxHours: 2, perNight: 1 });
  });

  test.for([
    [{ links: false }, 'write true, or leave it out'],
    [{}, 'nobody can use it: write links: true or kubectl: true'],
    [{ kubectl: true, signIn }, 'people reach the page by links: write links: true'],
    [{ links: true, signIn: { ...signIn, address: 'http://page.example.com/' } }, "write the page's address"],
    [
      { links: true, signIn: { ...signIn, loadBalancer: 'apps' } },
      'write the ARN of an Application Load Balancer',
    ],
    [
      { links: true, signIn: { ...signIn, loadBalancer: signIn.loadBalancer.replace('ap-', 'us-') } },
      'of its own account and region only',
    ],
    [{ links: true, maxHours: 13 }, 'write a whole number of hours from 1 to 12'],
    [{ links: true, perNight: 0 }, 'write a whole number of times from 1 to 20'],
  ] as const)('%j is refused with what to write instead', ([selfService, message]) => {
    expect(() => anApp({ develop: aDevelopment({ selfService: selfService as never }) })).toThrow(message);
  });
});

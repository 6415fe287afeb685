import type { App } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { CfnSlackChannelConfiguration } from 'aws-cdk-lib/aws-chatbot';
import { describe, expect, test } from 'vitest';
import { accessPermissions } from '#lib/access-policy.ts';
import type { ChatButtons } from '#lib/chat-buttons.ts';
import type { AccessRole, DoorbellConfig, EnvironmentConfig } from '#model/config.ts';
import { targetGroupNameOf } from '#model/names.ts';
import {
  aDevelopment,
  anApp,
  aProduction,
  LISTENER,
  stackOf,
  statementsOf,
  templateOf,
} from './environments.ts';

const applications = ['https://shop.develop.example.com/', 'https://api.develop.example.com/v1'];
const rules = { listener: LISTENER, priorities: '1-20' };
const chat = { slack: [{ workspace: 'T07EA123LEP', channel: 'C07EZ1ABC23' }] };
const withDoorbell = (doorbell: DoorbellConfig, more = {}) =>
  aDevelopment({ selfService: { links: true }, notify: { warning: [] }, doorbell, ...more });

describe('the doorbell', () => {
  test('is a target group of one function, which only load balancers of this group may invoke', () => {
    const template = templateOf(withDoorbell({ applications, rules }));
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::TargetGroup', {
      Name: 'nightshift-develop',
      TargetType: 'lambda',
      Targets: [{ Id: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Doorbell'), 'Arn'] } }],
    });
    template.hasResourceProperties('AWS::Lambda::Permission', {
      Action: 'lambda:InvokeFunction',
      Principal: 'elasticloadbalancing.amazonaws.com',
      SourceArn: 'arn:aws:elasticloadbalancing:ap-northeast-1:111111111111:targetgroup/nightshift-develop/*',
    });
    template.resourceCountIs('AWS::Lambda::Url', 1);
  });

  test('writes overrides and decisions, and changes no rule: night-schedule does, on one listener', () => {
    const statements = statementsOf(templateOf(withDoorbell({ applications, rules })));
    const ofElb = statements.filter(({ Action }) =>
      Action.some((one) => one.startsWith('elasticloadbalancing:')),
    );
    expect(ofElb.every(({ policy }) => policy.startsWith('NightSchedule'))).toBe(true);
    expect(ofElb.find(({ Sid }) => Sid === 'CreateDoorbellRules')?.Resource).toEqual([LISTENER]);
    expect(ofElb.find(({ Sid }) => Sid === 'RemoveDoorbellRules')?.Resource).toEqual([
      `${LISTENER.replace(':listener/', ':listener-rule/')}/*`,
    ]);
    const writes = statements.filter(
      ({ policy, Action }) => policy.startsWith('Doorbell') && Action.includes('dynamodb:PutItem'),
    );
    expect(writes.map(({ Condition }) => Condition)).toEqual([
      { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['override', 'decision'] } },
    ]);
  });

  test('has a public address for CloudFront only', () => {
    expect(
      templateOf(withDoorbell({ applications, cloudFront: true })).findResources('AWS::Lambda::Url'),
    ).toSatisfy((urls: object) => Object.keys(urls).length === 2);
    const template = templateOf(
      withDoorbell({ applications, ingress: { host: 'wake.example.com', group: 'dev' } }),
    );
    template.resourceCountIs('AWS::Lambda::Url', 1);
    template.resourceCountIs('AWS::ElasticLoadBalancingV2::TargetGroup', 1);
  });

  test('is off by default, in a dry run and for production', () => {
    for (const environment of [
      aDevelopment({ selfService: { links: true } }),
      withDoorbell({ applications, rules }, { dryRun: true }),
    ]) {
      const template = templateOf(environment);
      template.resourceCountIs('AWS::ElasticLoadBalancingV2::TargetGroup', 0);
      expect(JSON.stringify(template.toJSON())).not.toContain('nightshift-develop-doorbell');
    }
    const production = { ...aProduction(), doorbell: { applications, rules } } as never;
    expect(() => anApp({ production })).toThrow('a production environment is drained and never stopped');
  });

  test.each([
    [{ rules }, 'the page must know where to go'],
    [{ applications }, 'nothing leads to it: add rules, ingress, cloudFront or chat'],
    [{ applications: ['shop.example.com'], rules }, 'write complete addresses in lower case'],
    [{ applications: ['http://shop.example.com/'], rules }, 'write complete addresses in lower case'],
    [{ applications, rules: { ...rules, priorities: '20-1' } }, 'write a range of at most 100 priorities'],
    [{ applications, rules: { ...rules, priorities: '1-60000' } }, 'write a range of at most 100 priorities'],
    [{ applications, rules: { ...rules, priorities: '7-7' } }, 'the applications have 2 hosts'],
    [
      { applications, rules: { ...rules, listener: LISTENER.replace('/app/', '/net/') } },
      'write the ARN of a listener',
    ],
    [
      { applications, rules: { ...rules, listener: LISTENER.replace('ap-northeast-1', 'us-east-1') } },
      'it is of the region us-east-1, and the environment of ap-northeast-1',
    ],
    [
      { applications, rules: { ...rules, listener: LISTENER.replace('111111111111', '222222222222') } },
      'it is of the account 222222222222',
    ],
    [
      { applications, rules, ingress: { host: 'wake.example.com', group: 'dev' } },
      'a target group belongs to one load balancer',
    ],
    [
      { applications, ingress: { host: 'shop.develop.example.com', group: 'dev' } },
      'it is the host of an application',
    ],
    [{ applications, rules, hours: 5 }, 'selfService.maxHours is 4'],
    [{ chat: {} }, 'there is no channel'],
  ] as const)('%j is refused with what to write instead', (doorbell, message) => {
    expect(() => anApp({ develop: withDoorbell(doorbell as DoorbellConfig) })).toThrow(message);
  });

  test('needs self-service, and a chat needs the notification that it hangs under', () => {
    expect(() => anApp({ develop: aDevelopment({ doorbell: { applications, rules } }) })).toThrow(
      'its limits are those of selfService',
    );
    expect(() =>
      anApp({ develop: aDevelopment({ selfService: { links: true }, doorbell: { chat } }) }),
    ).toThrow('the button is under the warning of a stop');
    expect(() =>
      anApp({ develop: withDoorbell({ chat }, { selfService: { links: true, requireReason: true } }) }),
    ).toThrow('a button has no reason');
  });

  test('asks nobody to sign in, so it is refused together with selfService.signIn', () => {
    const signIn = {
      loadBalancer:
        'arn:aws:elasticloadbalancing:ap-northeast-1:111111111111:loadbalancer/app/apps/0123456789abcdef',
      address: 'https://nightshift.example.com/',
      issuer: 'https://id.example.com',
      clientId: 'nightshift',
    };
    const withSignIn = (selfService: object) =>
      anApp({ develop: withDoorbell({ applications, rules }, { selfService }) });
    expect(() => withSignIn({ links: true, signIn })).toThrow(
      'environments.develop.doorbell: its page asks nobody to sign in, and selfService.signIn asks everybody: remove one of them',
    );
    expect(() => withSignIn({ signIn })).toThrow('its limits are those of selfService');
    expect(() => withSignIn({ links: true })).not.toThrow();
  });

  test('is checked by the doctor, with rights that an operator has where it has rules', () => {
    const sidsOf = (role: AccessRole, environment: EnvironmentConfig) =>
      accessPermissions(role, 'develop', environment).map(({ sid }) => sid);
    const environment = withDoorbell({ applications, rules });
    expect(accessPermissions('operator', 'develop', environment)).toContainEqual(
      expect.objectContaining({
        sid: 'SeeListener',
        actions: ['elasticloadbalancing:DescribeRules', 'elasticloadbalancing:DescribeTags'],
      }),
    );
    const functions = accessPermissions('operator', 'develop', environment).find(
      ({ sid }) => sid === 'SeeFunctions',
    );
    expect(functions?.resources.map((arn) => arn.split(':').at(-1))).toEqual([
      'nightshift-develop-spot-drain',
      'nightshift-develop-branch-deploy',
      'nightshift-develop-self-service',
      'nightshift-develop-doorbell',
    ]);
    for (const [role, other] of [
      ['developer', environment],
      ['operator', withDoorbell({ applications, cloudFront: true })],
      ['operator', aDevelopment()],
      ['operator', aProduction()],
    ] as const)
      expect(sidsOf(role, other)).not.toContain('SeeListener');
  });

  test('has a name for its target group that Elastic Load Balancing takes, whatever the environment is called', () => {
    const digest = () => '0123456789abcdef';
    const names = ['develop', 'a-very-long-environment-name', 'ends-', 'under_score'].map((name) =>
      targetGroupNameOf(name, digest),
    );
    expect(names[0]).toBe('nightshift-develop');
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])$/);
  });
});

describe('the button of a chat', () => {
  const template = () => templateOf(withDoorbell({ chat }));

  test('hangs on our own key only, and invokes the one function', () => {
    template().hasResourceProperties('AWS::Chatbot::CustomAction', {
      Definition: {
        CommandText:
          'lambda invoke --function-name nightshift-develop-doorbell --payload {"chat": {"environment": "$nightshift", "stop": "$nightshiftStop"}} --region ap-northeast-1',
      },
      Attachments: [
        {
          NotificationType: 'Custom',
          ButtonText: 'Keep it up 2 h longer, or wake it',
          Criteria: [{ Operator: 'EQUALS', VariableName: 'nightshift', Value: 'develop' }],
          Variables: {
            nightshift: 'event.metadata.additionalContext.nightshift',
            nightshiftStop: 'event.metadata.additionalContext.nightshiftStop',
          },
        },
      ],
    });
  });

  test('is in a channel whose role and guardrail allow that and nothing else', () => {
    const only = {
      Statement: [
        {
          Action: 'lambda:InvokeFunction',
          Effect: 'Allow',
          Resource: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Doorbell'), 'Arn'] },
          Sid: 'InvokeDoorbell',
        },
      ],
      Version: '2012-10-17',
    };
    template().hasResourceProperties('AWS::IAM::ManagedPolicy', { PolicyDocument: only });
    template().hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: only,
      Roles: [{ Ref: Match.stringLikeRegexp('^ChatRole') }],
    });
    template().hasResourceProperties('AWS::Chatbot::SlackChannelConfiguration', {
      GuardrailPolicies: [{ Ref: Match.stringLikeRegexp('^ChatGuardrail') }],
      IamRoleArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^ChatRole'), 'Arn'] },
      UserRoleRequired: false,
    });
  });

  test.each([
    ['without a guardrail', {}, 'without a guardrail, which means AdministratorAccess'],
    ['with an empty one', { guardrailPolicies: [] }, 'without a guardrail, which means AdministratorAccess'],
    [
      'with another one',
      { guardrailPolicies: ['arn:aws:iam::aws:policy/ReadOnlyAccess'] },
      'with another guardrail',
    ],
  ] as const)('is refused at synth in a channel %s', (_, guardrail, message) => {
    const stack = stackOf(withDoorbell({ chat }));
    const buttons = stack.node.findChild('Chat') as ChatButtons;
    new CfnSlackChannelConfiguration(stack, 'Own', {
      configurationName: 'own',
      iamRoleArn: 'arn:aws:iam::111111111111:role/chat',
      slackWorkspaceId: 'T1',
      slackChannelId: 'C1',
      customizationResourceArns: [buttons.action.attrCustomActionArn],
      ...guardrail,
    } as never);
    expect(() => (stack.node.root as App).synth()).toThrow(message);
  });

  test('says nothing of channels that do not show it', () => {
    const stack = stackOf(withDoorbell({ chat }));
    new CfnSlackChannelConfiguration(stack, 'Own', {
      configurationName: 'own',
      iamRoleArn: 'arn:aws:iam::111111111111:role/chat',
      slackWorkspaceId: 'T1',
      slackChannelId: 'C1',
    });
    expect(() => (stack.node.root as App).synth()).not.toThrow();
  });
});

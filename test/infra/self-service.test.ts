import { describe, expect, test } from 'vitest';
import { settingsOf } from '#lib/settings.ts';
import { aConfig, aDevelopment, anApp, aProduction, NOW, statementsOf, templateOf } from './environments.ts';

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

  test('signs with a key that the page may only verify with, and night-schedule only sign', () => {
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
        [expect.stringMatching(/^SelfService/), ['kms:VerifyMac']],
      ]),
    );
    expect(ofKms).toHaveLength(2);
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
    [{ links: false }, 'write true, or leave selfService out'],
    [{ links: true, maxHours: 13 }, 'write a whole number of hours from 1 to 12'],
    [{ links: true, perNight: 0 }, 'write a whole number of times from 1 to 20'],
  ] as const)('%j is refused with what to write instead', ([selfService, message]) => {
    expect(() => anApp({ develop: aDevelopment({ selfService: selfService as never }) })).toThrow(message);
  });
});

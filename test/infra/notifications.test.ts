import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { NOTIFICATION_FAILED_MESSAGE } from '#functions/shared/observability.ts';
import { aDevelopment, aProduction, statementsOf, templateOf } from './environments.ts';

describe('whom the functions tell', () => {
  const told = templateOf(
    aDevelopment({ notify: { info: [], warning: ['team@example.com', 'lead@example.com'], failure: [] } }),
  );

  test('is a topic for each severity that is named, over TLS only, with an e-mail for each address', () => {
    const names = Object.values(told.findResources('AWS::SNS::Topic')).map(
      ({ Properties }) => Properties.TopicName,
    );
    expect(names.sort()).toEqual(
      ['alarms', 'failure', 'info', 'warning'].map((name) => `nightshift-develop-${name}`),
    );
    told.resourceCountIs('AWS::SNS::TopicPolicy', 4);
    told.resourceCountIs('AWS::SNS::Subscription', 2);
    told.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'team@example.com' });
  });

  test('is nobody without notify, and no function may publish then', () => {
    const silent = templateOf(aDevelopment());
    silent.resourceCountIs('AWS::SNS::Topic', 1);
    expect(statementsOf(silent).flatMap(({ Action }) => Action)).not.toContain('sns:Publish');
  });

  test('is told by each function through the topics that it has a use for', () => {
    const topics = (template: typeof told, policy: string) =>
      statementsOf(template)
        .filter((statement) => statement.policy.startsWith(policy) && statement.Sid === 'TellPeople')
        .flatMap(({ Resource }) => Resource);
    expect(topics(told, 'NightSchedule')).toHaveLength(2);
    expect(topics(told, 'SpotDrain')).toHaveLength(1);
    expect(topics(told, 'BranchDeploy')).toHaveLength(3);
    expect(topics(templateOf(aProduction({ notify: { info: [] } })), 'SpotDrain')).toHaveLength(0);
  });

  test('who was not told is counted with what failed', () => {
    for (const capability of ['night-schedule', 'spot-drain', 'branch-deploy'])
      told.hasResourceProperties('AWS::Logs::MetricFilter', {
        FilterPattern: Match.stringLikeRegexp(`\\$\\.message = "${NOTIFICATION_FAILED_MESSAGE}"`),
        MetricTransformations: [Match.objectLike({ MetricName: `${capability}-failed` })],
      });
  });
});

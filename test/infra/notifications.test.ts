import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { NOTIFICATION_FAILED_MESSAGE } from '#functions/shared/observability.ts';
import { aDevelopment, aProduction, statementsOf, templateOf } from './environments.ts';

describe('the notifications of the functions', () => {
  const notifying = templateOf(
    aDevelopment({ notify: { info: [], warning: ['team@example.com', 'lead@example.com'], failure: [] } }),
  );

  test('have a topic for each configured severity, over TLS only, with an e-mail subscription for each address', () => {
    const names = Object.values(notifying.findResources('AWS::SNS::Topic')).map(
      ({ Properties }) => Properties.TopicName,
    );
    expect(names.sort()).toEqual(
      ['alarms', 'failure', 'info', 'warning'].map((name) => `nightshift-develop-${name}`),
    );
    notifying.resourceCountIs('AWS::SNS::TopicPolicy', 4);
    notifying.resourceCountIs('AWS::SNS::Subscription', 2);
    notifying.hasResourceProperties('AWS::SNS::Subscription', {
      Protocol: 'email',
      Endpoint: 'team@example.com',
    });
  });

  test('have no topic without notify, and no function may publish then', () => {
    const silent = templateOf(aDevelopment());
    silent.resourceCountIs('AWS::SNS::Topic', 1);
    expect(statementsOf(silent).flatMap(({ Action }) => Action)).not.toContain('sns:Publish');
  });

  test('go only to the topics that each function uses', () => {
    const topics = (template: typeof notifying, policy: string) =>
      statementsOf(template)
        .filter((statement) => statement.policy.startsWith(policy) && statement.Sid === 'TellPeople')
        .flatMap(({ Resource }) => Resource);
    expect(topics(notifying, 'NightSchedule')).toHaveLength(2);
    expect(topics(notifying, 'SpotDrain')).toHaveLength(1);
    expect(topics(notifying, 'BranchDeploy')).toHaveLength(3);
    const reporting = aDevelopment({
      notify: { info: [], warning: [] },
      readyBy: 'nodes',
      morningReport: '08:30',
    });
    expect(topics(templateOf(reporting), 'NightSchedule')).toHaveLength(2);
    const unreported = aDevelopment({ notify: { info: [] } });
    expect(topics(templateOf(unreported), 'NightSchedule')).toHaveLength(0);
    expect(topics(templateOf(aProduction({ notify: { info: [] } })), 'SpotDrain')).toHaveLength(0);
  });

  test('count as failed when they could not be sent', () => {
    const failed = Match.objectLike({
      FilterPattern: Match.stringLikeRegexp(`\\$\\.message = "${NOTIFICATION_FAILED_MESSAGE}"`),
      MetricTransformations: [Match.objectLike({ MetricName: 'failed' })],
    });
    notifying.resourcePropertiesCountIs('AWS::Logs::MetricFilter', failed, 3);
  });
});

import { readFileSync } from 'node:fs';
import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { RUNBOOK } from '#lib/monitoring.ts';
import { aDevelopment, aProduction, templateOf } from './environments.ts';

const develop = templateOf(aDevelopment());
const alarmsOf = (template: typeof develop) =>
  Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(({ Properties }) => Properties);
const alarms = alarmsOf(develop);

describe('the alarms', () => {
  test('monitor each function for the same five conditions', () => {
    const kinds = ['errors', 'throttles', 'dead-letters', 'tick-missing', 'failed'];
    expect(alarms.map((alarm) => alarm.AlarmName).sort()).toEqual(
      ['night-schedule', 'spot-drain', 'branch-deploy']
        .flatMap((capability) => kinds.map((kind) => `nightshift-develop-${capability}-${kind}`))
        .sort(),
    );
    templateOf(aProduction()).resourceCountIs('AWS::CloudWatch::Alarm', kinds.length);
  });

  test('each name a heading of the runbook that has description, investigation and resolution', () => {
    const sections = sectionsOf(readFileSync(RUNBOOK, 'utf8'));
    for (const alarm of alarms) {
      const [, heading = ''] = new RegExp(`${RUNBOOK}#([a-z-]+)$`).exec(alarm.AlarmDescription) ?? [];
      expect(sections.get(heading), alarm.AlarmName).toEqual(['Description', 'Investigation', 'Resolution']);
    }
    const ofThePage = alarmsOf(templateOf(aDevelopment({ selfService: { links: true } })));
    const named = new Set([...alarms, ...ofThePage].map((alarm) => alarm.AlarmDescription.split('#')[1]));
    expect([...sections.keys()].sort()).toEqual([...named].sort());
  });

  test('notify a topic that accepts only alarms of the account, and only over TLS', () => {
    for (const alarm of alarms)
      expect(alarm.AlarmActions).toEqual([{ Ref: expect.stringMatching(/^Monitoring/) }]);
    develop.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: {
        Statement: [
          { Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
          {
            Effect: 'Allow',
            Principal: { Service: 'cloudwatch.amazonaws.com' },
            Action: 'sns:Publish',
            Condition: { StringEquals: { 'aws:SourceAccount': '111111111111' } },
          },
        ],
      },
    });
  });

  test('notify when the data of the tick ends, not when it has never begun, and take other missing data as OK', () => {
    for (const alarm of alarms) {
      const isTick = alarm.AlarmName.endsWith('tick-missing');
      expect(alarm.TreatMissingData, alarm.AlarmName).toBe(isTick ? 'missing' : 'notBreaching');
      expect(alarm.InsufficientDataActions, alarm.AlarmName).toEqual(isTick ? alarm.AlarmActions : undefined);
      if (isTick)
        expect(alarm.Metrics).toContainEqual(expect.objectContaining({ Expression: 'FILL(invocations, 0)' }));
    }
  });

  test('reach the addresses that are notified of failures', () => {
    const template = templateOf(aProduction({ notify: { failure: ['oncall@example.com'] } }));
    const subscriptions = Object.values(template.findResources('AWS::SNS::Subscription'));
    expect(
      subscriptions
        .map(({ Properties }) => [Properties.TopicArn.Ref.slice(0, 7), Properties.Endpoint])
        .sort(),
    ).toEqual([
      ['Monitor', 'oncall@example.com'],
      ['Notices', 'oncall@example.com'],
    ]);
  });

  test('are on a dashboard whose name has the region, because those names are global', () => {
    develop.hasResourceProperties('AWS::CloudWatch::Dashboard', {
      DashboardName: 'nightshift-develop-ap-northeast-1',
    });
  });
});

describe('failed decisions', () => {
  test.for(['night-schedule', 'spot-drain', 'branch-deploy'])(
    'of %s are counted in its log',
    (capability) => {
      develop.hasResourceProperties('AWS::Logs::MetricFilter', {
        FilterPattern: Match.stringLikeRegexp(String.raw`\$\.decision\.action = "fail"`),
        MetricTransformations: [
          {
            MetricNamespace: 'Nightshift',
            MetricName: `${capability}-failed`,
            Dimensions: [{ Key: 'Environment', Value: '$.decision.environment' }],
          },
        ],
      });
      const alarm = alarms.find(({ AlarmName }) => AlarmName === `nightshift-develop-${capability}-failed`);
      expect(alarm).toMatchObject({
        Namespace: 'Nightshift',
        MetricName: `${capability}-failed`,
        Dimensions: [{ Name: 'Environment', Value: 'develop' }],
        Threshold: 1,
      });
    },
  );
});

describe('the dashboard', () => {
  test('shows the alarms, three graphs for each function, and the decisions', () => {
    const [dashboard] = Object.values(develop.findResources('AWS::CloudWatch::Dashboard'));
    const [, parts] = dashboard!['Properties'].DashboardBody['Fn::Join'];
    const body = JSON.parse(parts.map((part: unknown) => (typeof part === 'string' ? part : 'x')).join(''));
    const titles = body.widgets.map(
      (widget: { type: string; properties: { title?: string } }) => widget.properties.title ?? widget.type,
    );
    expect(titles).toEqual([
      'text',
      'Alarms',
      ...['night-schedule', 'spot-drain', 'branch-deploy'].flatMap((capability) => [
        `${capability}: runs`,
        `${capability}: how long a run takes`,
        `${capability}: decisions by kind`,
      ]),
      'Decisions',
    ]);
  });
});

/** The third-level headings under each second-level heading. */
function sectionsOf(markdown: string): ReadonlyMap<string, readonly string[]> {
  return new Map(
    markdown
      .split(/^## /m)
      .slice(1)
      .map((section) => [
        section.split('\n', 1)[0] ?? '',
        [...section.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading ?? ''),
      ]),
  );
}

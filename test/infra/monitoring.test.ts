import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { RUNBOOK } from '#lib/monitoring.ts';
import { aDevelopment, aProduction, templateOf } from './environments.ts';

const develop = templateOf(aDevelopment());
const withDashboard = templateOf(aDevelopment({ monitoring: { dashboard: true } }));
const withPage = templateOf(
  aDevelopment({
    selfService: { links: true },
    doorbell: { applications: ['https://shop.develop.example.com/'], cloudFront: true },
  }),
);
const alarmsOf = (template: typeof develop) =>
  Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(({ Properties }) => Properties);
const alarms = alarmsOf(develop);

describe('the alarms', () => {
  test('are one for all failed decisions, and two for each function with a tick', () => {
    for (const template of [develop, withPage])
      expect(
        alarmsOf(template)
          .map((alarm) => alarm.AlarmName)
          .sort(),
      ).toEqual(
        [
          'nightshift-develop-failed',
          ...['night-schedule', 'spot-drain', 'branch-deploy'].flatMap((capability) =>
            ['dead-letters', 'tick-missing'].map((kind) => `nightshift-develop-${capability}-${kind}`),
          ),
        ].sort(),
      );
    templateOf(aProduction()).resourceCountIs('AWS::CloudWatch::Alarm', 3);
  });

  test('name headings of the runbook that have description, investigation and resolution', () => {
    const sections = sectionsOf(readFileSync(RUNBOOK, 'utf8'));
    const named = new Set<string>();
    for (const alarm of alarmsOf(withPage)) {
      const headings = [...alarm.AlarmDescription.matchAll(new RegExp(`${RUNBOOK}#([a-z-]+)`, 'g'))];
      expect(headings.length, alarm.AlarmName).toBeGreaterThan(0);
      for (const [, heading = ''] of headings) {
        expect(sections.get(heading), heading).toEqual(['Description', 'Investigation', 'Resolution']);
        named.add(heading);
      }
    }
    expect([...sections.keys()].sort()).toEqual([...named].sort());
  });

  test('name no heading of a function that the environment does not have', () => {
    const [failed] = alarmsOf(templateOf(aProduction())).filter(({ AlarmName }) =>
      AlarmName.endsWith('-failed'),
    );
    expect(failed?.AlarmDescription).toMatch(/What to do: docs\/runbook\.md#spot-drain-failed$/);
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
        expect(alarm.Metrics).toContainEqual(
          expect.objectContaining({ Expression: 'FILL(invocations, 0) - FILL(errors, 0)' }),
        );
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
});

describe('failed decisions', () => {
  test.for(['night-schedule', 'spot-drain', 'branch-deploy', 'self-service', 'doorbell'])(
    'of %s are counted in its log, in the metric of all functions',
    (capability) => {
      const filters = Object.values(withPage.findResources('AWS::Logs::MetricFilter')).filter(
        ({ Properties }) =>
          logGroupName(Properties.LogGroupName.Ref) === `/aws/lambda/nightshift-develop-${capability}`,
      );
      expect(filters.map(({ Properties }) => Properties)).toMatchObject([
        {
          FilterPattern: expect.stringContaining('$.decision.action = "fail"'),
          MetricTransformations: [
            {
              MetricNamespace: 'Nightshift',
              MetricName: 'failed',
              Dimensions: [{ Key: 'Environment', Value: '$.decision.environment' }],
            },
          ],
        },
      ]);
    },
  );

  test('raise one alarm', () => {
    const alarm = alarms.find(({ AlarmName }) => AlarmName === 'nightshift-develop-failed');
    expect(alarm).toMatchObject({
      Namespace: 'Nightshift',
      MetricName: 'failed',
      Dimensions: [{ Name: 'Environment', Value: 'develop' }],
      Period: 60,
      Threshold: 1,
    });
  });
});

describe('the dashboard', () => {
  test('is there only where the config asks for it', () => {
    develop.resourceCountIs('AWS::CloudWatch::Dashboard', 0);
  });

  test('has a name with the region, because those names are global', () => {
    withDashboard.hasResourceProperties('AWS::CloudWatch::Dashboard', {
      DashboardName: 'nightshift-develop-ap-northeast-1',
    });
  });

  test('shows the alarms, three graphs for each function, and the decisions', () => {
    const [dashboard] = Object.values(withDashboard.findResources('AWS::CloudWatch::Dashboard'));
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

function logGroupName(logicalId: string): unknown {
  return withPage.findResources('AWS::Logs::LogGroup')[logicalId]?.['Properties'].LogGroupName;
}

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

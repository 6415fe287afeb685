/**
 * What tells people that a function does not do its work: alarms, the topic that they go to, and a dashboard. Every
 * alarm names the heading of the runbook that says what to do.
 */
import { Duration, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  AlarmStatusWidget,
  ComparisonOperator,
  Dashboard,
  type IMetric,
  LogQueryWidget,
  type Metric,
  TextWidget,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Effect, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { FilterPattern, MetricFilter } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { Capability } from '#model/decision.ts';
import { LOST_PODS_FILTER } from '#model/notification.ts';
import { capabilityWidgets } from './dashboard-widgets.ts';
import type { NightshiftFunction } from './nightshift-function.ts';

/** A path in the repository: it is read by a person, who knows where that is. */
export const RUNBOOK = 'docs/runbook.md';

export interface MonitoringProps {
  readonly environment: string;
  readonly functions: readonly NightshiftFunction[];
}

/** How often each function is called when nothing happens. */
const TICK: Record<Capability, Duration> = {
  'night-schedule': Duration.minutes(1),
  'spot-drain': Duration.minutes(5),
  'branch-deploy': Duration.minutes(1),
};

/** The line that a function logs when a topic did not take a notice; it holds the decision that nobody was told. */
const NOT_TOLD = '($.message = "notification failed")';

/** Which decisions people must know of, as a filter of CloudWatch Logs on the lines that hold them. */
const FAILED: Record<Capability, string> = {
  'night-schedule': `{ ($.decision.action = "fail") || ${NOT_TOLD} }`,
  'spot-drain': `{ ($.decision.action = "fail") || (${LOST_PODS_FILTER}) || ${NOT_TOLD} }`,
  'branch-deploy': `{ ($.decision.action = "fail") || ${NOT_TOLD} }`,
};

interface AlarmProps {
  /** A heading of the runbook. */
  readonly heading: string;
  /** Completes "<capability> of <environment> …". */
  readonly says: string;
  readonly metric: IMetric;
  readonly threshold: number;
  readonly comparison?: ComparisonOperator;
  readonly periods?: number;
  readonly missing?: TreatMissingData;
  /** It tells of something that happened, not of a state: that it is silent again says nothing. */
  readonly once?: boolean;
}

export class Monitoring extends Construct {
  readonly topic: Topic;
  readonly alarms: readonly Alarm[];
  readonly #environment: string;

  constructor(scope: Construct, id: string, props: MonitoringProps) {
    super(scope, id);
    this.#environment = props.environment;
    this.topic = this.#createTopic();
    this.alarms = props.functions.flatMap((part) => this.#watch(part));
    this.#draw(props.functions);
  }

  #createTopic(): Topic {
    // No key of KMS: alarms publish only with a key of the account's own, which costs more a month than all functions.
    // A message names an alarm and its metric, nothing of the cluster.
    const topic = new Topic(this, 'Alarms', {
      topicName: `nightshift-${this.#environment}-alarms`,
      displayName: `eks-nightshift ${this.#environment}`,
      enforceSSL: true,
    });
    // A topic with a policy of its own has lost the default one, which let the account's alarms in.
    topic.addToResourcePolicy(
      new PolicyStatement({
        sid: 'LetAlarmsIn',
        effect: Effect.ALLOW,
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
    return topic;
  }

  #watch(part: NightshiftFunction): Alarm[] {
    const { capability, lambda, deadLetters } = part;
    const five = { period: Duration.minutes(5), statistic: 'Sum' };
    const ticks = Duration.minutes(TICK[capability].toMinutes() * 5);
    return [
      this.#alarm(part, {
        heading: `${capability}-failed`,
        says: 'has decided that something failed and a person has to look',
        metric: this.#failures(part),
        threshold: 1,
        once: true,
      }),
      this.#alarm(part, {
        heading: 'errors',
        says: 'ended with an error at least three times in five minutes',
        metric: lambda.metricErrors(five),
        threshold: 3,
      }),
      this.#alarm(part, {
        heading: 'throttles',
        says: 'was not run at once because the account had no free concurrency, for ten minutes',
        metric: lambda.metricThrottles(five),
        threshold: 1,
        periods: 2,
      }),
      this.#alarm(part, {
        heading: 'dead-letters',
        says: 'failed for good for some events, which wait in its dead-letter queue',
        metric: deadLetters.metricApproximateNumberOfMessagesVisible({ ...five, statistic: 'Maximum' }),
        threshold: 1,
      }),
      this.#alarm(part, {
        heading: 'tick-missing',
        says: `was not called for ${ticks.toMinutes()} minutes, and should be every ${TICK[capability].toMinutes()}`,
        metric: lambda.metricInvocations({ period: ticks, statistic: 'Sum' }),
        threshold: 1,
        comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
        missing: TreatMissingData.BREACHING,
      }),
    ];
  }

  /** Counts decisions in the log: no function has to publish a metric, and a quiet month costs nothing. */
  #failures(part: NightshiftFunction): Metric {
    const name = `${part.capability}-failed`;
    const filter = new MetricFilter(this, name, {
      logGroup: part.logGroup,
      filterPattern: FilterPattern.literal(FAILED[part.capability]),
      metricNamespace: 'Nightshift',
      metricName: name,
      metricValue: '1',
      dimensions: { Environment: '$.decision.environment' },
    });
    return filter.metric({
      statistic: 'Sum',
      period: Duration.minutes(5),
      dimensionsMap: { Environment: this.#environment },
    });
  }

  #alarm({ capability }: NightshiftFunction, props: AlarmProps): Alarm {
    const name = props.heading.startsWith(capability) ? props.heading : `${capability}-${props.heading}`;
    const alarm = new Alarm(this, `${name}-alarm`, {
      alarmName: `nightshift-${this.#environment}-${name}`,
      alarmDescription: `${capability} of ${this.#environment} ${props.says}. What to do: ${RUNBOOK}#${props.heading}`,
      metric: props.metric,
      threshold: props.threshold,
      comparisonOperator: props.comparison ?? ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: props.periods ?? 1,
      treatMissingData: props.missing ?? TreatMissingData.NOT_BREACHING,
    });
    const notify = new SnsAction(this.topic);
    alarm.addAlarmAction(notify);
    if (!props.once) alarm.addOkAction(notify);
    return alarm;
  }

  #draw(functions: readonly NightshiftFunction[]): void {
    const dashboard = new Dashboard(this, 'Dashboard', {
      dashboardName: `nightshift-${this.#environment}`,
      defaultInterval: Duration.days(1),
    });
    dashboard.addWidgets(
      new TextWidget({
        width: 24,
        height: 2,
        markdown: [
          `# eks-nightshift: ${this.#environment}`,
          `What is red here has a heading in \`${RUNBOOK}\`. Why something was done, or was not: the decisions at the foot.`,
        ].join('\n'),
      }),
    );
    dashboard.addWidgets(
      new AlarmStatusWidget({ title: 'Alarms', width: 24, height: 4, alarms: [...this.alarms] }),
    );
    for (const part of functions) dashboard.addWidgets(...capabilityWidgets(part));
    dashboard.addWidgets(
      new LogQueryWidget({
        title: 'Decisions',
        width: 24,
        height: 10,
        logGroupNames: functions.map((part) => part.logGroup.logGroupName),
        queryLines: [
          'filter message = "decision"',
          'fields decision.time, decision.capability, decision.action, decision.target, decision.reason',
          'sort @timestamp desc',
          'limit 100',
        ],
      }),
    );
  }
}

/**
 * Alarms, the topic that they notify, and a dashboard. Every alarm names the heading of the runbook that explains what
 * to do.
 */
import { Duration, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  AlarmStatusWidget,
  ComparisonOperator,
  Dashboard,
  type IMetric,
  LogQueryWidget,
  MathExpression,
  type Metric,
  TextWidget,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Effect, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { FilterPattern, MetricFilter } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { Capability } from '#model/decision.ts';
import { alarmTopicOf } from '#model/names.ts';
import { LOST_PODS_FILTER } from '#model/notification.ts';
import { checkedEnvironment, type EnvironmentProps } from './checked-environment.ts';
import { capabilityWidgets } from './dashboard-widgets.ts';
import { type EncryptionKey, requiredKey } from './encryption-key.ts';
import type { NightshiftFunction } from './nightshift-function.ts';
import { subscribe } from './notifications.ts';

/** A path in the repository. */
export const RUNBOOK = 'docs/runbook.md';

/** What is monitored. */
export interface MonitoringProps extends EnvironmentProps {
  /** Encrypts the topic: required where the config has `encryptionKey`. */
  readonly encryptionKey?: EncryptionKey | undefined;
  /** The functions to monitor. */
  readonly functions: readonly NightshiftFunction[];
}

/** The interval of each function's tick, for those that have one. */
const TICK: Record<Capability, Duration | undefined> = {
  'night-schedule': Duration.minutes(1),
  'spot-drain': Duration.minutes(5),
  'branch-deploy': Duration.minutes(1),
  'self-service': undefined,
};

/** The log line of a notification that SNS rejected; it contains the decision that was not reported. */
const NOT_NOTIFIED = '($.message = "notification failed")';

/** Filter patterns of CloudWatch Logs for the decisions that need a person. */
const FAILURES: Record<Capability, string> = {
  'night-schedule': `{ ($.decision.action = "fail") || ${NOT_NOTIFIED} }`,
  // Pods that were not evicted are lost with the instance, unless our own stop terminates it.
  'spot-drain': `{ ($.decision.action = "fail") || (${LOST_PODS_FILTER}) || ${NOT_NOTIFIED} }`,
  'branch-deploy': `{ ($.decision.action = "fail") || ${NOT_NOTIFIED} }`,
  'self-service': `{ ($.decision.action = "fail") || ${NOT_NOTIFIED} }`,
};

interface AlarmProps {
  /** A heading of the runbook. */
  readonly heading: string;
  /** Completes "<capability> of <environment> …". */
  readonly condition: string;
  readonly metric: IMetric;
  readonly threshold: number;
  readonly comparison?: ComparisonOperator;
  readonly periods?: number;
  readonly missing?: TreatMissingData;
  /** The alarm is about an event, not a state: its return to OK means nothing and is not notified. */
  readonly event?: boolean;
}

/** Five alarms for each function with a tick, one for the page, one topic for all of them, and one dashboard. */
export class Monitoring extends Construct {
  /** The topic that every alarm notifies: subscribe to it. */
  readonly topic: Topic;
  /** Every alarm, those of one function together. */
  readonly alarms: readonly Alarm[];
  readonly #environment: string;

  constructor(scope: Construct, id: string, props: MonitoringProps) {
    super(scope, id);
    const environment = checkedEnvironment(props);
    this.#environment = environment.name;
    this.topic = this.#createTopic(requiredKey(environment, props.encryptionKey));
    for (const address of environment.config.notify?.failure ?? []) subscribe(this.topic, address);
    this.alarms = props.functions.flatMap((part) => this.#alarmsFor(part));
    this.#createDashboard(environment.config.region, props.functions);
  }

  #createTopic(masterKey: IKey | undefined): Topic {
    // Not encrypted with KMS unless the config asks: alarms can only publish with a customer managed key, which costs more
    // a month than all functions. A message contains the alarm and its metric, nothing about the cluster.
    const topic = new Topic(this, 'Alarms', {
      topicName: alarmTopicOf(this.#environment),
      displayName: `eks-nightshift ${this.#environment}`,
      enforceSSL: true,
      ...(masterKey ? { masterKey } : {}),
    });
    // An explicit policy replaces the default one, which allowed the account's alarms to publish.
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

  #alarmsFor(part: NightshiftFunction): Alarm[] {
    const { capability, lambda, deadLetters } = part;
    const five = { period: Duration.minutes(5), statistic: 'Sum' };
    const tick = TICK[capability];
    const failed = this.#alarm(part, {
      heading: `${capability}-failed`,
      condition: 'recorded a failure that a person has to look at',
      metric: this.#failures(part),
      threshold: 1,
      event: true,
    });
    // Nothing invokes it regularly or asynchronously; a flood is throttled, as it should be.
    if (!tick) return [failed];
    const ticks = Duration.minutes(tick.toMinutes() * 5);
    return [
      failed,
      this.#alarm(part, {
        heading: 'errors',
        condition: 'ended with an error at least three times in five minutes',
        metric: lambda.metricErrors(five),
        threshold: 3,
      }),
      this.#alarm(part, {
        heading: 'throttles',
        condition: 'was throttled for ten minutes because the account had no free concurrency',
        metric: lambda.metricThrottles(five),
        threshold: 1,
        periods: 2,
      }),
      this.#alarm(part, {
        heading: 'dead-letters',
        condition: 'failed permanently for events that are now in its dead-letter queue',
        metric: deadLetters.metricApproximateNumberOfMessagesVisible({ ...five, statistic: 'Maximum' }),
        threshold: 1,
      }),
      this.#alarm(part, {
        heading: 'tick-missing',
        condition: `was not invoked for ${ticks.toMinutes()} minutes, and should be every ${tick.toMinutes()}`,
        metric: new MathExpression({
          expression: 'FILL(invocations, 0)',
          usingMetrics: { invocations: lambda.metricInvocations({ period: ticks, statistic: 'Sum' }) },
          period: ticks,
        }),
        threshold: 1,
        comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
        // Lambda counts no zeros. A new stack has no data, stays in its first state and notifies nobody; a function that
        // was invoked and is no longer goes to ALARM, or to INSUFFICIENT_DATA: both notify.
        missing: TreatMissingData.MISSING,
      }),
    ];
  }

  /** Counts decisions in the log: no function has to publish a metric, and a month without failures costs nothing. */
  #failures(part: NightshiftFunction): Metric {
    const name = `${part.capability}-failed`;
    const filter = new MetricFilter(this, name, {
      logGroup: part.logGroup,
      filterPattern: FilterPattern.literal(FAILURES[part.capability]),
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
      alarmDescription: `${capability} of ${this.#environment} ${props.condition}. What to do: ${RUNBOOK}#${props.heading}`,
      metric: props.metric,
      threshold: props.threshold,
      comparisonOperator: props.comparison ?? ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: props.periods ?? 1,
      treatMissingData: props.missing ?? TreatMissingData.NOT_BREACHING,
    });
    const notify = new SnsAction(this.topic);
    alarm.addAlarmAction(notify);
    if (!props.event) alarm.addOkAction(notify);
    if (props.missing === TreatMissingData.MISSING) alarm.addInsufficientDataAction(notify);
    return alarm;
  }

  #createDashboard(region: string, functions: readonly NightshiftFunction[]): void {
    const dashboard = new Dashboard(this, 'Dashboard', {
      // The names of dashboards are global: another region of the account can have an environment of this name.
      dashboardName: `nightshift-${this.#environment}-${region}`,
      defaultInterval: Duration.days(1),
    });
    dashboard.addWidgets(
      new TextWidget({
        width: 24,
        height: 2,
        markdown: [
          `# eks-nightshift: ${this.#environment}`,
          `\`${RUNBOOK}\` explains each alarm. The decisions at the end show what was done, and why.`,
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

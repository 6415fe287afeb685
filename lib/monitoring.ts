/**
 * Alarms, the topic that they notify, and a dashboard where the config asks for one. Every alarm names the headings of the
 * runbook that explain what to do. CloudWatch bills an alarm for each metric that it reads.
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
  Metric,
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
  doorbell: undefined,
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
  doorbell: `{ ($.decision.action = "fail") || ${NOT_NOTIFIED} }`,
};

/** One metric for all functions of an environment: CloudWatch bills each metric of a log filter. */
const FAILED_METRIC = 'failed';

interface AlarmProps {
  /** After `nightshift-<environment>-`. */
  readonly name: string;
  /** Headings of the runbook. */
  readonly headings: readonly string[];
  /** A sentence that begins with what is monitored. */
  readonly condition: string;
  readonly metric: IMetric;
  readonly threshold: number;
  readonly comparison?: ComparisonOperator;
  readonly missing?: TreatMissingData;
  /** The alarm is about an event, not a state: its return to OK means nothing and is not notified. */
  readonly event?: boolean;
}

/**
 * One alarm for failed decisions, two for each function with a tick, and one topic for all of them. A dashboard where the
 * config has `monitoring: { dashboard: true }`.
 */
export class Monitoring extends Construct {
  /** The topic that every alarm notifies: subscribe to it. */
  readonly topic: Topic;
  /** The one for all functions first, then those of each function together. */
  readonly alarms: readonly Alarm[];
  readonly #environment: string;

  constructor(scope: Construct, id: string, props: MonitoringProps) {
    super(scope, id);
    const environment = checkedEnvironment(props);
    const { notify, monitoring, region } = environment.config;
    this.#environment = environment.name;
    this.topic = this.#createTopic(requiredKey(environment, props.encryptionKey));
    for (const address of notify?.failure ?? []) subscribe(this.topic, address);
    this.alarms = [
      this.#failedDecisions(props.functions),
      ...props.functions.flatMap((part) => {
        const tick = TICK[part.capability];
        // Without a tick nothing invokes it regularly or asynchronously, so nothing is missing and no event is lost.
        return tick ? [this.#deadLetters(part), this.#missingTicks(part, tick)] : [];
      }),
    ];
    if (monitoring?.dashboard) this.#createDashboard(region, props.functions);
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

  /**
   * A minute, because a lasting failure is recorded once an hour: the alarm is back to OK before the next failure, which
   * then notifies again.
   */
  #failedDecisions(functions: readonly NightshiftFunction[]): Alarm {
    for (const part of functions) this.#countFailures(part);
    return this.#alarm({
      name: 'failed',
      headings: functions.map(({ capability }) => `${capability}-failed`),
      condition: 'a function recorded a failure that a person has to look at',
      metric: new Metric({
        namespace: 'Nightshift',
        metricName: FAILED_METRIC,
        dimensionsMap: { Environment: this.#environment },
        statistic: 'Sum',
        period: Duration.minutes(1),
      }),
      threshold: 1,
      event: true,
    });
  }

  /** Counts decisions in the log: no function has to publish a metric, and a month without failures costs nothing. */
  #countFailures(part: NightshiftFunction): void {
    new MetricFilter(this, `${part.capability}-failed`, {
      logGroup: part.logGroup,
      filterPattern: FilterPattern.literal(FAILURES[part.capability]),
      metricNamespace: 'Nightshift',
      metricName: FAILED_METRIC,
      metricValue: '1',
      dimensions: { Environment: '$.decision.environment' },
    });
  }

  /** An invocation that failed in every retry, and an event that was throttled until it was too old, end in this queue. */
  #deadLetters({ capability, deadLetters }: NightshiftFunction): Alarm {
    return this.#alarm({
      name: `${capability}-dead-letters`,
      headings: ['dead-letters', 'errors'],
      condition: `${capability} failed permanently for events that are now in its dead-letter queue`,
      metric: deadLetters.metricApproximateNumberOfMessagesVisible({
        period: Duration.minutes(5),
        statistic: 'Maximum',
      }),
      threshold: 1,
    });
  }

  /**
   * Lambda counts a throttled request neither as an invocation nor as an error, so this finds throttling too. Failed
   * invocations are subtracted because the message about them is sent with the function's own role: where that may do
   * nothing at all, the dead-letter queue stays empty.
   */
  #missingTicks({ capability, lambda }: NightshiftFunction, tick: Duration): Alarm {
    const period = Duration.minutes(tick.toMinutes() * 5);
    const counted = { period, statistic: 'Sum' };
    return this.#alarm({
      name: `${capability}-tick-missing`,
      headings: ['tick-missing', 'throttles', 'errors'],
      condition: `${capability} had no successful invocation for ${period.toMinutes()} minutes, and should have one every ${tick.toMinutes()}`,
      metric: new MathExpression({
        expression: 'FILL(invocations, 0) - FILL(errors, 0)',
        usingMetrics: {
          invocations: lambda.metricInvocations(counted),
          errors: lambda.metricErrors(counted),
        },
        period,
      }),
      threshold: 1,
      comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
      // Lambda counts no zeros. A new stack has no data, stays in its first state and notifies nobody; a function that
      // was invoked and is no longer goes to ALARM, or to INSUFFICIENT_DATA: both notify.
      missing: TreatMissingData.MISSING,
    });
  }

  #alarm(props: AlarmProps): Alarm {
    const runbook = props.headings.map((heading) => `${RUNBOOK}#${heading}`).join(', ');
    const alarm = new Alarm(this, `${props.name}-alarm`, {
      alarmName: `nightshift-${this.#environment}-${props.name}`,
      alarmDescription: `${this.#environment}: ${props.condition}. What to do: ${runbook}`,
      metric: props.metric,
      threshold: props.threshold,
      comparisonOperator: props.comparison ?? ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
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

/** EventBridge Scheduler for one function. */
import { ArnFormat, type Duration, Stack } from 'aws-cdk-lib';
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnSchedule, CfnScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';
import { type ScheduledTrigger, TRIGGER_SOURCE } from '#model/trigger.ts';
import { throughServices } from './encryption-key.ts';
import type { NightshiftFunction } from './nightshift-function.ts';

export interface TimerProps {
  /** The environment's name in the config. */
  readonly environment: string;
  /** The function to invoke. */
  readonly target: NightshiftFunction;
}

/** One schedule. */
export interface CallProps {
  /** `cron(…)` or `rate(…)`. */
  readonly expression: string;
  /** IANA name; omitted for a rate. */
  readonly timeZone?: string;
  /** Passed to the function. */
  readonly trigger: ScheduledTrigger['trigger'];
  readonly description: string;
  /** The longest delay of an invocation; after it the event goes to the dead-letter queue. */
  readonly maxEventAge: Duration;
  /** Retries of an invocation that the service could not deliver. */
  readonly retryAttempts: number;
}

/** A group of schedules, and a role that can only invoke the function and write to its dead-letter queue. */
export class Timer extends Construct {
  readonly #role: Role;
  readonly #group: CfnScheduleGroup;
  readonly #target: NightshiftFunction;

  constructor(scope: Construct, id: string, props: TimerProps) {
    super(scope, id);
    this.#target = props.target;
    const name = `nightshift-${props.environment}-${props.target.capability}`;
    this.#group = new CfnScheduleGroup(this, 'Group', { name });
    const stack = Stack.of(this);
    this.#role = new Role(this, 'Role', {
      description: `allows the schedules of ${name} to invoke their function`,
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: {
          StringEquals: {
            'aws:SourceAccount': stack.account,
            'aws:SourceArn': stack.formatArn({
              service: 'scheduler',
              resource: 'schedule-group',
              resourceName: name,
              arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
            }),
          },
        },
      }),
    });
    this.#role.addToPrincipalPolicy(
      new PolicyStatement({
        sid: 'CallFunction',
        effect: Effect.ALLOW,
        actions: ['lambda:InvokeFunction'],
        resources: [props.target.lambda.functionArn],
      }),
    );
    this.#role.addToPrincipalPolicy(
      new PolicyStatement({
        sid: 'KeepUndelivered',
        effect: Effect.ALLOW,
        actions: ['sqs:SendMessage'],
        resources: [props.target.deadLetters.queueArn],
      }),
    );
    if (props.target.encryptionKey) this.#permitEncryption(props.target.encryptionKey);
  }

  #permitEncryption(key: IKey): void {
    this.#role.addToPrincipalPolicy(
      new PolicyStatement({
        sid: 'EncryptUndelivered',
        effect: Effect.ALLOW,
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: [key.keyArn],
        conditions: throughServices(Stack.of(this).region, 'sqs'),
      }),
    );
  }

  /** Adds a schedule. `name` is unique in the group, and recorded in the decisions as the trigger. */
  call(name: string, props: CallProps): void {
    const input = {
      source: TRIGGER_SOURCE,
      trigger: props.trigger,
      schedule: name,
      id: '<aws.scheduler.execution-id>',
      time: '<aws.scheduler.scheduled-time>',
    } satisfies ScheduledTrigger;
    const schedule = new CfnSchedule(this, name, {
      name,
      groupName: this.#group.ref,
      description: props.description,
      scheduleExpression: props.expression,
      ...(props.timeZone ? { scheduleExpressionTimezone: props.timeZone } : {}),
      flexibleTimeWindow: { mode: 'OFF' },
      state: 'ENABLED',
      target: {
        arn: this.#target.lambda.functionArn,
        roleArn: this.#role.roleArn,
        input: JSON.stringify(input),
        retryPolicy: {
          maximumEventAgeInSeconds: props.maxEventAge.toSeconds(),
          maximumRetryAttempts: props.retryAttempts,
        },
        deadLetterConfig: { arn: this.#target.deadLetters.queueArn },
      },
    });
    // The role's policy is a separate resource: a schedule that fires before it exists cannot invoke the function.
    schedule.node.addDependency(this.#role);
  }
}

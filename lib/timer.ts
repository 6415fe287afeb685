/** EventBridge Scheduler calling one function: a group of schedules and a role that may do nothing else. */
import { ArnFormat, type Duration, Stack } from 'aws-cdk-lib';
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnSchedule, CfnScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';
import { type ScheduledTrigger, TRIGGER_SOURCE } from '#model/trigger.ts';
import type { NightshiftFunction } from './nightshift-function.ts';

export interface TimerProps {
  readonly environment: string;
  readonly target: NightshiftFunction;
}

export interface CallProps {
  /** `cron(…)` or `rate(…)`. */
  readonly expression: string;
  /** IANA name; for a rate it has no meaning and is left out. */
  readonly timeZone?: string;
  readonly trigger: ScheduledTrigger['trigger'];
  readonly description: string;
  /** How late the call may come, and how often it is tried. What cannot be delivered until then is a dead letter. */
  readonly maxEventAge: Duration;
  readonly retryAttempts: number;
}

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
      description: `lets the schedules of ${name} call their function`,
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
  }

  /** `name` is unique in the group and stands in the decision records as the trigger. */
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
    // The role's policy is a resource of its own: a schedule that fires before it exists could call nothing.
    schedule.node.addDependency(this.#role);
  }
}

/** The state machine that calls spot-drain again after a lease, to take over the work of an invocation that has died. */
import { ArnFormat, Duration, Stack, Validations } from 'aws-cdk-lib';
import type { IRuleTarget, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnStateMachine, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { watchdogNameOf } from '#model/names.ts';
import { WATCHDOG_VARIABLE } from '#model/settings.ts';
import { TRIGGER_SOURCE } from '#model/trigger.ts';
import { throughServices } from './encryption-key.ts';
import type { NightshiftFunction } from './nightshift-function.ts';

export interface DrainWatchdogProps {
  /** The environment's name in the config. */
  readonly environment: string;
  readonly function: NightshiftFunction;
}

/** As the function's own, `WATCHDOG_SECONDS`: longer than the lease of a claim. */
const DELAY_SECONDS = 20;

/** The whole event, as it came. `EventField` has no name for it. */
const WHOLE_EVENT: RuleTargetInput = {
  bind: () => ({
    inputTemplate: `{"delaySeconds":${DELAY_SECONDS},"check":{"event":<aws.events.event.json>}}`,
  }),
};

/**
 * The function starts an execution with each claim, and EventBridge starts one with each notice that does not wait, so that
 * a function that dies before its first request is missed too. The execution waits, then invokes the function
 * asynchronously; what cannot be delivered goes to the function's dead-letter queue.
 */
export class DrainWatchdog extends Construct {
  /** Of the rules whose notices are watched from the event on. */
  readonly target: IRuleTarget;

  constructor(scope: Construct, id: string, props: DrainWatchdogProps) {
    super(scope, id);
    const { function: drain } = props;
    const name = watchdogNameOf(props.environment);
    const stack = Stack.of(this);
    // By name, because the machine refers to the function.
    const arn = stack.formatArn({
      service: 'states',
      resource: 'stateMachine',
      resourceName: name,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    const role = this.#createRole(drain, name, arn);
    const machine = new CfnStateMachine(this, 'Machine', {
      stateMachineName: name,
      // Executions are exactly-once, and their history can be read without a log.
      stateMachineType: 'STANDARD',
      roleArn: role.roleArn,
      definitionString: stack.toJsonString(definitionOf(drain, stack.partition)),
    });
    machine.node.addDependency(role);
    const untraced = 'Two steps have nothing to trace, and X-Ray would need permissions on all resources.';
    Validations.of(machine).acknowledge(
      {
        id: 'AwsSolutions-SF1',
        reason: 'Step Functions keeps the history of each execution for 90 days without a log group.',
      },
      { id: 'AwsSolutions-SF2', reason: untraced },
      { id: 'Serverless-StepFunctionStateMachineXray', reason: untraced },
    );
    drain.lambda.addEnvironment(WATCHDOG_VARIABLE, arn);
    drain.allow({ sid: 'StartWatchdog', actions: ['states:StartExecution'], resources: [arn] });
    this.target = new SfnStateMachine(StateMachine.fromStateMachineArn(this, 'OfRules', arn), {
      input: WHOLE_EVENT,
      role: this.#createEventsRole(name, arn),
      deadLetterQueue: drain.deadLetters,
      maxEventAge: Duration.minutes(2),
      retryAttempts: 10,
    });
  }

  #createEventsRole(name: string, arn: string): Role {
    const role = new Role(this, 'EventsRole', {
      description: `allows EventBridge to start ${name}`,
      assumedBy: new ServicePrincipal('events.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    });
    role.addToPrincipalPolicy(
      new PolicyStatement({
        sid: 'StartWatchdog',
        effect: Effect.ALLOW,
        actions: ['states:StartExecution'],
        resources: [arn],
      }),
    );
    return role;
  }

  #createRole(drain: NightshiftFunction, name: string, arn: string): Role {
    const role = new Role(this, 'Role', {
      description: `allows ${name} to invoke its function`,
      assumedBy: new ServicePrincipal('states.amazonaws.com', {
        conditions: {
          StringEquals: { 'aws:SourceAccount': Stack.of(this).account, 'aws:SourceArn': arn },
        },
      }),
    });
    const allow = (sid: string, actions: string[], resource: string, conditions = {}) =>
      role.addToPrincipalPolicy(
        new PolicyStatement({ sid, effect: Effect.ALLOW, actions, resources: [resource], conditions }),
      );
    allow('CallFunction', ['lambda:InvokeFunction'], drain.lambda.functionArn);
    allow('KeepUndelivered', ['sqs:SendMessage'], drain.deadLetters.queueArn);
    if (drain.encryptionKey)
      allow(
        'EncryptUndelivered',
        ['kms:Decrypt', 'kms:GenerateDataKey'],
        drain.encryptionKey.keyArn,
        throughServices(Stack.of(this).region, 'sqs'),
      );
    return role;
  }
}

/** Amazon States Language. The input is `{ delaySeconds, check }`. */
function definitionOf({ lambda, deadLetters }: NightshiftFunction, partition: string) {
  return {
    StartAt: 'Wait',
    States: {
      Wait: { Type: 'Wait', SecondsPath: '$.delaySeconds', Next: 'Invoke' },
      Invoke: {
        Type: 'Task',
        Resource: `arn:${partition}:states:::lambda:invoke`,
        Parameters: {
          FunctionName: lambda.functionArn,
          InvocationType: 'Event',
          Payload: {
            source: TRIGGER_SOURCE,
            trigger: 'watchdog',
            'id.$': '$$.Execution.Name',
            'check.$': '$.check',
          },
        },
        Retry: [
          {
            ErrorEquals: ['States.ALL'],
            IntervalSeconds: 1,
            BackoffRate: 2,
            MaxDelaySeconds: 5,
            MaxAttempts: 6,
          },
        ],
        Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'KeepUndelivered' }],
        End: true,
      },
      KeepUndelivered: {
        Type: 'Task',
        Resource: `arn:${partition}:states:::sqs:sendMessage`,
        Parameters: { QueueUrl: deadLetters.queueUrl, 'MessageBody.$': '$' },
        End: true,
      },
    },
  };
}

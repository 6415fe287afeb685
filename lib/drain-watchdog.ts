/** The queue whose messages come back to spot-drain after a lease, to take over the work of an invocation that has died. */
import { Duration, Validations } from 'aws-cdk-lib';
import { EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { WATCHDOG_VARIABLE } from '#model/settings.ts';
import type { NightshiftFunction } from './nightshift-function.ts';

export interface DrainWatchdogProps {
  readonly function: NightshiftFunction;
  /** Of the function: a message is invisible for as long while it is processed. */
  readonly timeout: Duration;
  readonly queueName: string;
}

/** The function sends a message with each claim, and Lambda invokes it with the message once its delay is over. */
export class DrainWatchdog extends Construct {
  readonly queue: Queue;

  constructor(scope: Construct, id: string, props: DrainWatchdogProps) {
    super(scope, id);
    const { function: drain } = props;
    this.queue = new Queue(this, 'Queue', {
      queueName: props.queueName,
      ...(drain.encryptionKey
        ? { encryption: QueueEncryption.KMS, encryptionMasterKey: drain.encryptionKey }
        : { encryption: QueueEncryption.SQS_MANAGED }),
      enforceSSL: true,
      visibilityTimeout: props.timeout,
      // Whatever is older is the tick's.
      retentionPeriod: Duration.hours(1),
      deadLetterQueue: { queue: drain.deadLetters, maxReceiveCount: 3 },
    });
    drain.lambda.addEnvironment(WATCHDOG_VARIABLE, this.queue.queueUrl);
    drain.allow({ sid: 'SendWatchdog', actions: ['sqs:SendMessage'], resources: [this.queue.queueArn] });
    // Lambda receives the messages with the function's role.
    drain.allow({
      sid: 'ReceiveWatchdog',
      actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
      resources: [this.queue.queueArn],
    });
    const mapping = new EventSourceMapping(this, 'Mapping', {
      target: drain.lambda,
      eventSourceArn: this.queue.queueArn,
      batchSize: 1,
    });
    // Lambda checks these permissions when the mapping is created.
    mapping.node.addDependency(drain.role);
    Validations.of(mapping).acknowledge({
      id: 'Serverless-LambdaEventSourceMappingDestination',
      reason: 'A mapping of SQS takes no destination: the queue has a dead-letter queue.',
    });
  }
}

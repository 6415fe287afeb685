/** Amazon SNS (2010-03-31) and SQS (2012-11-05), as far as notifications and dead letters need them. */
import { createHash } from 'node:crypto';
import { AwsError, type AwsWorld } from '../../../world/aws/index.ts';
import { parametersOf } from '../parameters.ts';
import { type AwsRequest, type AwsService, unknownOperation } from '../service.ts';

const LONGEST_MESSAGE = 262_144;

export function snsService(aws: AwsWorld): AwsService {
  return {
    service: 'sns',
    protocol: 'query',
    namespace: 'http://sns.amazonaws.com/doc/2010-03-31/',
    resource(request) {
      const arn = request.parameters['TopicArn'] ?? request.parameters['TargetArn'];
      return typeof arn === 'string' ? arn : undefined;
    },
    handle(request) {
      if (request.operation === 'ListTopics') {
        const topics = aws.messaging
          .topics()
          .filter(({ account, region }) => account === request.account && region === request.region);
        return { Topics: topics.map(({ arn }) => ({ TopicArn: arn })) };
      }
      if (request.operation === 'GetTopicAttributes') return topicAttributes(aws, request);
      if (request.operation !== 'Publish') return unknownOperation;
      const input = parametersOf(request, 'InvalidParameter');
      const arn = input.optionalText('TopicArn') ?? input.text('TargetArn');
      const message = input.text('Message');
      const subject = input.optionalText('Subject');
      if (Buffer.byteLength(message) > LONGEST_MESSAGE)
        throw new AwsError('InvalidParameter', 'Invalid parameter: Message too long');
      if (subject !== undefined && (subject.length > 100 || !/^[\x20-\x7e]+$/.test(subject))) {
        throw new AwsError('InvalidParameter', 'Invalid parameter: Subject');
      }
      const structure = input.optionalText('MessageStructure');
      if (structure !== undefined && (structure !== 'json' || !hasDefault(message)))
        throw new AwsError(
          'InvalidParameter',
          'Invalid parameter: Message Structure - No default entry in JSON message body',
        );
      const parts = arn.split(':');
      if (parts.length !== 6 || parts[3] !== request.region) {
        throw new AwsError('InvalidParameter', `Invalid parameter: TopicArn Reason: ${arn}`);
      }
      return { MessageId: aws.messaging.publish(arn, { message, ...(subject ? { subject } : {}) }) };
    },
  };
}

function topicAttributes(aws: AwsWorld, request: AwsRequest) {
  const arn = parametersOf(request, 'InvalidParameter').text('TopicArn');
  const topic = aws.messaging.topics().find((one) => one.arn === arn);
  if (!topic) throw new AwsError('NotFound', 'Topic does not exist', { status: 404 });
  const attributes = new Map([
    ['TopicArn', arn],
    ['Owner', topic.account],
    ['SubscriptionsConfirmed', String(topic.subscribers.length)],
    ['SubscriptionsPending', '0'],
    ['SubscriptionsDeleted', '0'],
  ]);
  return { Attributes: attributes };
}

/** A message by protocol is an object of strings, of which `default` must be one. */
function hasDefault(message: string): boolean {
  try {
    const parsed: unknown = JSON.parse(message);
    return (
      typeof parsed === 'object' &&
      parsed !== null &&
      'default' in parsed &&
      typeof parsed.default === 'string'
    );
  } catch {
    return false;
  }
}

export function sqsService(aws: AwsWorld): AwsService {
  return {
    service: 'sqs',
    protocol: 'json-1.0',
    target: 'AmazonSQS',
    resource(request) {
      const name = String(request.parameters['QueueUrl'] ?? request.parameters['QueueName'] ?? '')
        .split('/')
        .at(-1);
      return name ? `arn:aws:sqs:${request.region}:${request.account}:${name}` : undefined;
    },
    handle(request) {
      const input = parametersOf(request, 'InvalidParameterValue');
      const md5 = (text: string) => createHash('md5').update(text).digest('hex');
      switch (request.operation) {
        case 'SendMessage': {
          const body = input.text('MessageBody');
          const attributes = request.parameters['MessageAttributes'];
          return {
            MessageId: aws.messaging.send(request, input.text('QueueUrl'), {
              body,
              attributes: typeof attributes === 'object' && attributes !== null ? { ...attributes } : {},
            }),
            MD5OfMessageBody: md5(body),
          };
        }
        case 'GetQueueUrl': {
          const name = input.text('QueueName');
          const queue = aws.messaging
            .queues()
            .find(
              (candidate) =>
                candidate.name === name &&
                candidate.account === request.account &&
                candidate.region === request.region,
            );
          if (!queue) throw new AwsError('QueueDoesNotExist', 'The specified queue does not exist.');
          // Clients send to the host of this URL, whatever endpoint they were given.
          return { QueueUrl: `http://${request.headers['host']}/${queue.account}/${queue.name}` };
        }
        case 'ReceiveMessage': {
          // Messages are not removed: they stay readable after the day.
          const name = input.text('QueueUrl').split('/').at(-1);
          const queue = aws.messaging.queues().find((candidate) => candidate.name === name);
          if (!queue) throw new AwsError('QueueDoesNotExist', 'The specified queue does not exist.');
          const most = input.pageSize('MaxNumberOfMessages', 1, 10);
          return {
            Messages: queue.messages.slice(0, most).map(({ id, body }) => ({
              MessageId: id,
              Body: body,
              MD5OfBody: md5(body),
              ReceiptHandle: id,
            })),
          };
        }
        default:
          return unknownOperation;
      }
    },
  };
}

/** SNS topics and SQS queues, for notifications and dead letters. Messages stay readable. */
import { AwsError } from './error.ts';
import type { Queue, Scope, Topic } from './model.ts';
import { keyOf, type State } from './state.ts';

export interface Messaging {
  addTopic(topic: Scope & { readonly name: string }): Topic;
  addQueue(queue: Scope & { readonly name: string }): Queue;
  /** A subscription of the topic, confirmed at once. */
  subscribe(topicArn: string, endpoint: string): void;
  /** The message's id. */
  publish(topicArn: string, message: { readonly subject?: string; readonly message: string }): string;
  /** By the queue's name, its ARN or its URL. The message's id. */
  send(
    scope: Scope,
    queue: string,
    message: {
      readonly body: string;
      readonly attributes?: Readonly<Record<string, unknown>>;
    },
  ): string;
  topics(): readonly Topic[];
  queues(): readonly Queue[];
}

export function createMessaging(state: State): Messaging {
  const topics = new Map<string, Topic>();
  const queues = new Map<string, Queue>();
  const topicOf = (arn: string) => {
    const topic = topics.get(arn);
    if (!topic) throw new AwsError('NotFound', 'Topic does not exist', { status: 404 });
    return topic;
  };
  return {
    addTopic({ account, region, name }) {
      const topic: Topic = {
        account,
        region,
        name,
        arn: `arn:aws:sns:${region}:${account}:${name}`,
        messages: [],
        subscribers: [],
      };
      topics.set(topic.arn, topic);
      return topic;
    },
    addQueue({ account, region, name }) {
      const queue: Queue = {
        account,
        region,
        name,
        arn: `arn:aws:sqs:${region}:${account}:${name}`,
        messages: [],
      };
      queues.set(keyOf(queue, name), queue);
      return queue;
    },
    subscribe(topicArn, endpoint) {
      topicOf(topicArn).subscribers.push(endpoint);
    },
    publish(topicArn, message) {
      const topic = topicOf(topicArn);
      const id = state.context.uuid();
      topic.messages.push({ id, time: state.now(), ...message });
      state.changed();
      return id;
    },
    send(scope, name, message) {
      const queue = queues.get(keyOf(scope, name.split(/[:/]/).at(-1) ?? name));
      if (!queue) {
        throw new AwsError('QueueDoesNotExist', 'The specified queue does not exist.');
      }
      const id = state.context.uuid();
      queue.messages.push({
        id,
        time: state.now(),
        body: message.body,
        attributes: message.attributes ?? {},
      });
      state.changed();
      return id;
    },
    topics: () => [...topics.values()],
    queues: () => [...queues.values()],
  };
}

/** Observes who is subscribed to the topic of the alarms. */
import { GetTopicAttributesCommand, type SNSClient } from '@aws-sdk/client-sns';
import { errorName } from '#functions/adapters/aws/errors.ts';
import { alarmTopicOf } from '#model/names.ts';
import { partitionOf } from '#model/region.ts';
import type { NamedEnvironment } from '../../select-environments.ts';
import type { AlarmTopicFacts } from '../facts.ts';
import type { Observation } from '../observation.ts';
import { observe } from './observe.ts';

/** Undefined where there is no such topic. */
export function observeAlarmTopic(
  sns: SNSClient,
  { name, environment }: NamedEnvironment,
): Promise<Observation<AlarmTopicFacts | undefined>> {
  const { region, account } = environment;
  const TopicArn = `arn:${partitionOf(region)}:sns:${region}:${account}:${alarmTopicOf(name)}`;
  return observe('sns:GetTopicAttributes', async () => {
    try {
      const { Attributes = {} } = await sns.send(new GetTopicAttributesCommand({ TopicArn }));
      const count = (attribute: string) => Number(Attributes[attribute] ?? 0);
      return { confirmed: count('SubscriptionsConfirmed'), pending: count('SubscriptionsPending') };
    } catch (error) {
      if (errorName(error).startsWith('NotFound')) return undefined;
      throw error;
    }
  });
}

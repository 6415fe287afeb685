/** Where notifications are sent: an SNS topic for each severity that the config names. */
import { Validations } from 'aws-cdk-lib';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { NotifyConfig } from '#model/config.ts';
import { topicNameOf } from '#model/names.ts';
import { SEVERITIES, SEVERITIES_OF, type Severity } from '#model/notification.ts';
import { checkedEnvironment, type EnvironmentProps } from './checked-environment.ts';
import { type EncryptionKey, requiredKey } from './encryption-key.ts';
import type { NightshiftFunction } from './nightshift-function.ts';

/** The environment whose `notify` names the e-mail addresses by severity. */
export interface NotificationsProps extends EnvironmentProps {
  /** Encrypts the topics: required where the config has `encryptionKey`. */
  readonly encryptionKey?: EncryptionKey | undefined;
}

/** The topics of the severities that the config names, with their e-mail addresses. A chat is subscribed to a topic by hand. */
export class Notifications extends Construct {
  /** By severity; empty where the config has no `notify`. */
  readonly topics: ReadonlyMap<Severity, Topic>;
  readonly #reportsMornings: boolean;

  constructor(scope: Construct, id: string, props: NotificationsProps) {
    super(scope, id);
    const checked = checkedEnvironment(props);
    const { name: environment, config } = checked;
    const masterKey = requiredKey(checked, props.encryptionKey);
    this.#reportsMornings = !config.production && config.morningReport !== undefined;
    const notify: NotifyConfig = config.notify ?? {};
    const named = SEVERITIES.flatMap((severity) => {
      const addresses = notify[severity];
      return addresses ? [{ severity, addresses }] : [];
    });
    this.topics = new Map(
      named.map(({ severity, addresses }) => {
        // No key of KMS unless the config asks: it costs more a month than all functions.
        const topic = new Topic(this, severity, {
          topicName: topicNameOf(environment, severity),
          displayName: `eks-nightshift ${environment}`,
          enforceSSL: true,
          ...(masterKey ? { masterKey } : {}),
        });
        for (const address of addresses) subscribe(topic, address);
        return [severity, topic];
      }),
    );
  }

  /** Allows the function to publish to the topics of the severities that it reports. */
  permit(to: NightshiftFunction): void {
    // night-schedule has nothing but the morning report to send as info.
    const isSilent = (severity: Severity) =>
      to.capability === 'night-schedule' && severity === 'info' && !this.#reportsMornings;
    const resources = SEVERITIES_OF[to.capability]
      .filter((severity) => !isSilent(severity))
      .flatMap((severity) => this.topics.get(severity)?.topicArn ?? []);
    if (resources.length > 0) to.allow({ sid: 'TellPeople', actions: ['sns:Publish'], resources });
  }
}

/** Sends what the topic receives to the e-mail address, after its owner has confirmed it. */
export function subscribe(topic: Topic, address: string): void {
  Validations.of(topic.addSubscription(new EmailSubscription(address))).acknowledge({
    id: 'Serverless-SNSRedrivePolicy',
    reason: 'An e-mail that was not delivered is still in the decisions and in the log of the function.',
  });
}

/** Where notifications are sent: an SNS topic for each severity that the config names. */
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { NotifyConfig } from '#model/config.ts';
import { topicNameOf } from '#model/names.ts';
import { SEVERITIES, SEVERITIES_OF, type Severity } from '#model/notification.ts';
import type { NightshiftFunction } from './nightshift-function.ts';

export interface NotificationsProps {
  readonly environment: string;
  /** E-mail addresses by severity. A chat is subscribed to the topic by Amazon Q Developer in chat applications. */
  readonly notify: NotifyConfig;
}

export class Notifications extends Construct {
  readonly topics: ReadonlyMap<Severity, Topic>;

  constructor(scope: Construct, id: string, props: NotificationsProps) {
    super(scope, id);
    const { environment, notify } = props;
    const named = SEVERITIES.flatMap((severity) => {
      const addresses = notify[severity];
      return addresses ? [{ severity, addresses }] : [];
    });
    this.topics = new Map(
      named.map(({ severity, addresses }) => {
        // No key of KMS: a chat and the functions would need it too, and it costs more a month than all functions.
        const topic = new Topic(this, severity, {
          topicName: topicNameOf(environment, severity),
          displayName: `eks-nightshift ${environment}`,
          enforceSSL: true,
        });
        for (const address of addresses) topic.addSubscription(new EmailSubscription(address));
        return [severity, topic];
      }),
    );
  }

  permit(to: NightshiftFunction): void {
    const resources = SEVERITIES_OF[to.capability].flatMap(
      (severity) => this.topics.get(severity)?.topicArn ?? [],
    );
    if (resources.length > 0) to.allow({ sid: 'TellPeople', actions: ['sns:Publish'], resources });
  }
}

/**
 * Publishes notifications to the environment's SNS topics. A chat that is subscribed through Amazon Q Developer shows
 * the message as a custom notification; e-mail gets plain text.
 * The form: https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
 */
import type { PublishCommandInput, SNSClient } from '@aws-sdk/client-sns';
import { messageOf, NightshiftError } from '#functions/shared/errors.ts';
import type { Decision } from '#model/decision.ts';
import { BUTTON_KEY, STOP_KEY } from '#model/doorbell.ts';
import { HOUR_MS } from '#model/duration.ts';
import { topicNameOf } from '#model/names.ts';
import { type Notification, notificationOf, type Severity } from '#model/notification.ts';
import type { CommonSettings, NotifySettings } from '#model/settings.ts';

export interface NotifierOptions {
  readonly settings: Pick<CommonSettings, 'environment' | 'account' | 'region' | 'notify'>;
  readonly now: () => Date;
  /** Lines with links, put under what is sent. A notification is sent without them where they cannot be made. */
  readonly linksFor?: ((decision: Decision) => Promise<readonly string[]>) | undefined;
  /** Default: one of its own, loaded with the first notification. */
  readonly client?: Pick<SNSClient, 'send'>;
}

/** A topic did not accept a message: it reached nobody. */
export class NotificationError extends NightshiftError {
  override name = 'NotificationError';
}

/** What lasts is sent once an hour, although passes record it each minute; a warm function remembers it. */
const REPEAT_MS = HOUR_MS;

/** Sends the decisions that people should know. Undefined where the config names no severity to send. */
export function createNotifier(
  options: NotifierOptions,
): ((decisions: readonly Decision[]) => Promise<void>) | undefined {
  const { notify, environment } = options.settings;
  if (!notify) return undefined;
  let client = options.client;
  const publish = async (notification: Notification, added: Added) => {
    const sns = await import('./sns.ts');
    client ??= sns.createSnsClient();
    const topic = topicArn(options.settings, notification.severity);
    await sns.publish(client, messageTo(topic, notification, added));
  };
  const sentAt = new Map<string, number>();

  const isNew = (decision: Decision): boolean => {
    const now = options.now().getTime();
    for (const [key, at] of sentAt) if (now - at >= REPEAT_MS) sentAt.delete(key);
    const key = keyOf(decision);
    if (sentAt.has(key)) return false;
    sentAt.set(key, now);
    return true;
  };

  return async (decisions) => {
    const failures: NotificationError[] = [];
    for (const decision of decisions) {
      const notification = notificationOf(decision, notify.timeZone);
      if (!notification || !notify.severities.includes(notification.severity)) continue;
      // One sync of an application settles several builds, each with a decision of its own.
      if (!isNew(decision)) continue;
      try {
        const links = await linksOf(options, decision).catch((cause: unknown) => {
          failures.push(
            new NotificationError(`"${notification.title}" has no links: ${messageOf(cause)}`, { cause }),
          );
          return [];
        });
        await publish(notification, { links, button: buttonOf(decision, notify) });
      } catch (error) {
        sentAt.delete(keyOf(decision));
        const topic = topicNameOf(environment, notification.severity);
        failures.push(
          new NotificationError(`${topic} did not take "${notification.title}": ${messageOf(error)}`, {
            cause: error,
          }),
        );
      }
    }
    if (failures[0]) throw failures[0];
  };
}

async function linksOf({ linksFor }: NotifierOptions, decision: Decision): Promise<readonly string[]> {
  return linksFor ? linksFor(decision) : [];
}

/** The reason of a failure may change from pass to pass. */
function keyOf({ action, target, reason }: Decision): string {
  return JSON.stringify(action === 'fail' ? [action, target] : [action, target, reason]);
}

/** What the button of a chat is shown by, and what it sends. Only under the warning of a stop: elsewhere there is no button. */
type Button = Readonly<Record<typeof BUTTON_KEY | typeof STOP_KEY, string>>;

function buttonOf(
  { action, environment, stop }: Decision,
  { buttons }: Pick<NotifySettings, 'buttons'>,
): Button | undefined {
  if (!buttons || action !== 'warn' || typeof stop !== 'string') return undefined;
  return { [BUTTON_KEY]: environment, [STOP_KEY]: stop };
}

/** What is shown beside the notification. `links` are lines of ours, shown as they are: an address must stay one. */
interface Added {
  readonly links?: readonly string[];
  readonly button?: Button | undefined;
}

/** As Amazon Q Developer in chat reads it. */
export function customNotification(notification: Notification, { links = [], button }: Added = {}): unknown {
  const nextSteps = [...links, ...notification.nextSteps.map(asChatText)];
  return {
    version: '1.0',
    source: 'custom',
    content: {
      textType: 'client-markdown',
      title: asChatText(notification.title),
      description: asChatText(notification.text),
      ...(nextSteps.length > 0 ? { nextSteps } : {}),
      keywords: ['eks-nightshift', notification.severity],
    },
    metadata: {
      threadId: asChatText(notification.thread),
      summary: asChatText(notification.title),
      eventType: notification.severity,
      ...(button ? { additionalContext: button, enableCustomActions: true } : {}),
    },
  };
}

/**
 * Names and messages come from repositories, Argo CD and AWS: nothing in them may become a link, a mention or markup. Slack
 * reads `&lt;`; neither Slack nor Teams has an escape for the rest, so each is shown as a character that looks alike.
 */
function asChatText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('*', '∗')
    .replaceAll('`', 'ˋ')
    .replaceAll('~', '∼')
    .replace(/\]\(/g, '] (')
    .replace(/:\/\//g, ': //')
    .replace(/(^|[^\w])_(?=\w)/g, '$1\u02cd')
    .replace(/(^|[^\w])@(?=\w)/g, '$1@ ');
}

/** Readers of mail make an address of what looks like one. */
function asMailText(text: string): string {
  return text.replaceAll('://', ': //');
}

function messageTo(topic: string, notification: Notification, added: Added): PublishCommandInput {
  return {
    TopicArn: topic,
    // SNS takes a hundred characters of ASCII.
    Subject: `[${notification.severity}] ${notification.title}`.replace(/[^\x20-\x7e]/g, '?').slice(0, 100),
    MessageStructure: 'json',
    Message: JSON.stringify({
      default: JSON.stringify(customNotification(notification, added)),
      email: [
        asMailText(notification.title),
        '',
        asMailText(notification.text),
        '',
        ...(added.links ?? []),
        ...notification.nextSteps.map(asMailText),
      ]
        .join('\n')
        .trim(),
    }),
  };
}

function topicArn({ environment, account, region }: NotifierOptions['settings'], severity: Severity): string {
  const partition = region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
  return `arn:${partition}:sns:${region}:${account}:${topicNameOf(environment, severity)}`;
}

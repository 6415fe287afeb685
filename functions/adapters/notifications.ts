/**
 * Tells people: publishes to the environment's SNS topics. A chat that is subscribed through Amazon Q Developer shows
 * the message as a custom notification; e-mail gets plain text. The one call is signed here, because the SDK's client
 * would make each bundle longer than the call is worth.
 * The form: https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
 */
import { setTimeout as wait } from 'node:timers/promises';
import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import { messageOf, NightshiftError } from '#functions/shared/errors.ts';
import type { Decision } from '#model/decision.ts';
import { HOUR_MS } from '#model/duration.ts';
import { topicNameOf } from '#model/names.ts';
import { type Notification, notificationOf, type Severity } from '#model/notification.ts';
import type { CommonSettings } from '#model/settings.ts';
import { createHttpHost, type HttpHost, type HttpReply, UnreachableError } from './http.ts';

export interface NotifierOptions {
  readonly settings: Pick<CommonSettings, 'environment' | 'account' | 'region' | 'notify'>;
  readonly credentials: () => Promise<{
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  }>;
  readonly now: () => Date;
  /** Default: AWS_ENDPOINT_URL_SNS, AWS_ENDPOINT_URL, or the region's own. */
  readonly endpoint?: string;
}

/** A message was not taken by its topic: nobody was told. */
export class NotificationError extends NightshiftError {
  override name = 'NotificationError';
}

/** What lasts is told once in so long, whatever a pass says each minute; a warm function remembers it. */
const REPEAT_MS = HOUR_MS;
const ATTEMPTS = 3;
const TIMEOUT_MS = 3_000;

/** Tells of those decisions that people should know. Undefined where nobody is to be told. */
export function createNotifier(
  options: NotifierOptions,
): ((decisions: readonly Decision[]) => Promise<void>) | undefined {
  const { notify, region, environment } = options.settings;
  if (!notify) return undefined;
  const host = createHttpHost({ url: options.endpoint ?? endpointOf(region) });
  const toldAt = new Map<string, number>();

  /** The words of a failure may change from pass to pass; of anything else they are what is told. */
  const isNew = (decision: Decision): boolean => {
    const now = options.now().getTime();
    for (const [key, at] of toldAt) if (now - at >= REPEAT_MS) toldAt.delete(key);
    const key = keyOf(decision);
    if (toldAt.has(key)) return false;
    toldAt.set(key, now);
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
        await publish(host, options, notification);
      } catch (error) {
        toldAt.delete(keyOf(decision));
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

function keyOf({ action, target, reason }: Decision): string {
  return JSON.stringify(action === 'fail' ? [action, target] : [action, target, reason]);
}

/** As Amazon Q Developer in chat reads it. */
export function customNotification(notification: Notification): unknown {
  return {
    version: '1.0',
    source: 'custom',
    content: {
      textType: 'client-markdown',
      title: notification.title,
      description: notification.text,
      ...(notification.nextSteps.length > 0 ? { nextSteps: notification.nextSteps } : {}),
      keywords: ['eks-nightshift', notification.severity],
    },
    metadata: {
      threadId: notification.thread,
      summary: notification.title,
      eventType: notification.severity,
    },
  };
}

async function publish(host: HttpHost, options: NotifierOptions, notification: Notification): Promise<void> {
  const body = new URLSearchParams({
    Action: 'Publish',
    Version: '2010-03-31',
    TopicArn: topicArn(options.settings, notification.severity),
    // SNS takes a hundred characters of ASCII.
    Subject: `[${notification.severity}] ${notification.title}`.replace(/[^\x20-\x7e]/g, '?').slice(0, 100),
    MessageStructure: 'json',
    Message: JSON.stringify({
      default: JSON.stringify(customNotification(notification)),
      email: [notification.title, '', notification.text, '', ...notification.nextSteps].join('\n').trim(),
    }),
  }).toString();
  for (let attempt = 1; ; attempt++) {
    const reply = await send(host, options, body).catch((error: unknown) => {
      if (!(error instanceof UnreachableError) || attempt === ATTEMPTS) throw error;
      return undefined;
    });
    if (reply && reply.status < 300) return;
    const passes = reply === undefined || reply.status >= 500 || reply.status === 429 || isThrottled(reply);
    if (reply && (!passes || attempt === ATTEMPTS))
      throw new NightshiftError(`SNS answered ${reply.status} ${codeOf(reply)}`.trim());
    await wait(100 * 2 ** attempt);
  }
}

async function send(host: HttpHost, options: NotifierOptions, body: string): Promise<HttpReply> {
  const url = new URL(options.endpoint ?? endpointOf(options.settings.region));
  const signed = await new SignatureV4({
    service: 'sns',
    region: options.settings.region,
    credentials: options.credentials,
    sha256: Sha256,
  }).sign(
    {
      method: 'POST',
      protocol: url.protocol,
      hostname: url.hostname,
      path: '/',
      headers: { host: url.host, 'content-type': 'application/x-www-form-urlencoded' },
      body,
    },
    { signingDate: options.now() },
  );
  return host.request({ method: 'POST', path: '/', headers: signed.headers, body, timeoutMs: TIMEOUT_MS });
}

function topicArn({ environment, account, region }: NotifierOptions['settings'], severity: Severity): string {
  const partition = region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
  return `arn:${partition}:sns:${region}:${account}:${topicNameOf(environment, severity)}`;
}

function endpointOf(region: string, environment: NodeJS.ProcessEnv = process.env): string {
  return (
    environment['AWS_ENDPOINT_URL_SNS'] ??
    environment['AWS_ENDPOINT_URL'] ??
    `https://sns.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
  );
}

function isThrottled(reply: HttpReply): boolean {
  return codeOf(reply).startsWith('Throttl');
}

function codeOf(reply: HttpReply): string {
  return /<Code>([^<]+)<\/Code>/.exec(reply.body)?.[1] ?? '';
}

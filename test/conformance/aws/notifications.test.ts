/** The notices of the functions through an SNS that others wrote, into a queue of theirs. */
import { SNSClient } from '@aws-sdk/client-sns';
import { beforeAll, describe, expect, test } from 'vitest';
import { createNotifier } from '#functions/adapters/aws/notifications.ts';
import type { Decision } from '#model/decision.ts';
import { checkedOn } from '../checked-on.ts';
import { anAccount, REGION, recognise, softwareName } from './an-account.ts';

beforeAll(recognise);
checkedOn(softwareName);

/** moto's own account, since a notice carries nothing but what SNS asks for. */
const ACCOUNT = '123456789012';
const { credentials, endpoint } = anAccount();
const NOW = new Date();

/** The SDK's client of SQS is not here for the sake of a test, and that of SNS is what is tested. */
async function ask(service: string, parameters: Readonly<Record<string, string>>): Promise<string> {
  const { Sha256 } = await import('@smithy/core/checksum');
  const { SignatureV4 } = await import('@smithy/signature-v4');
  const url = new URL(endpoint);
  const body = new URLSearchParams(parameters).toString();
  const signed = await new SignatureV4({ service, region: REGION, credentials, sha256: Sha256 }).sign({
    method: 'POST',
    protocol: url.protocol,
    hostname: url.hostname,
    path: '/',
    headers: { host: url.host, 'content-type': 'application/x-www-form-urlencoded' },
    body,
  });
  const reply = await fetch(url, { method: 'POST', headers: signed.headers, body });
  return reply.text();
}

const tagged = (xml: string, name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? '';

function aNotifier(environment: string) {
  const tell = createNotifier({
    settings: {
      account: ACCOUNT,
      region: REGION,
      environment,
      notify: { severities: ['failure'], timeZone: 'Asia/Tokyo' },
    },
    now: () => NOW,
    client: new SNSClient({ endpoint, region: REGION, credentials }),
  });
  if (!tell) throw new Error('notify has no severity');
  return tell;
}

const failed = (environment: string): Decision => ({
  time: NOW.toISOString(),
  environment,
  capability: 'night-schedule',
  target: 'workers',
  action: 'fail',
  reason: '0 of 3 nodes are Ready <20 min> after the start & nobody knows why',
  trigger: 'tick',
});

describe('a notice', () => {
  test('reaches the subscriber of its topic, with its subject, as it was written', async () => {
    const environment = `e${NOW.getTime()}`;
    const topic = tagged(
      await ask('sns', {
        Action: 'CreateTopic',
        Version: '2010-03-31',
        Name: `nightshift-${environment}-failure`,
      }),
      'TopicArn',
    );
    const queue = tagged(
      await ask('sqs', { Action: 'CreateQueue', Version: '2012-11-05', QueueName: environment }),
      'QueueUrl',
    );
    await ask('sns', {
      Action: 'Subscribe',
      Version: '2010-03-31',
      TopicArn: topic,
      Protocol: 'sqs',
      Endpoint: `arn:aws:sqs:${REGION}:${ACCOUNT}:${environment}`,
    });
    await aNotifier(environment)([failed(environment)]);
    const received = await ask('sqs', { Action: 'ReceiveMessage', Version: '2012-11-05', QueueUrl: queue });
    const unescaped = tagged(received, 'Body')
      .replaceAll('&quot;', '"')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&amp;', '&');
    const { Subject, Message, TopicArn } = JSON.parse(unescaped);
    expect(TopicArn).toBe(topic);
    expect(Subject).toBe(`[failure] ${environment}: workers failed`);
    expect(JSON.parse(Message).content.description).toContain(failed(environment).reason);
  });

  test('to a topic that does not exist is an error that names it', async () => {
    await expect(aNotifier('nowhere')([failed('nowhere')])).rejects.toThrow(
      /nightshift-nowhere-failure did not take .*SNS answered 404 NotFound/,
    );
  });
});

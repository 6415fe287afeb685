/** Over the wire to the lab's SNS, which verifies the signature, the topic and the form of the message. */
import { SNSClient } from '@aws-sdk/client-sns';
import { type AwsEndpoint, serveAws } from '@nightshift/lab/http/aws/server.ts';
import { type AwsWorld, createAws } from '@nightshift/lab/world/aws/index.ts';
import { createContext } from '@nightshift/lab/world/context.ts';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createNotifier, NotificationError } from '#functions/adapters/aws/notifications.ts';
import type { Decision } from '#model/decision.ts';
import type { Severity } from '#model/notification.ts';

const scope = { account: '111111111111', region: 'ap-northeast-1' };
const START = new Date('2026-11-24T12:30:00Z');
let aws: AwsWorld;
let front: AwsEndpoint;
let now: Date;

beforeEach(async () => {
  now = START;
  aws = createAws(createContext({ start: START, seed: 1 }));
  for (const severity of ['info', 'warning', 'failure'])
    aws.addTopic({ ...scope, name: `nightshift-develop-${severity}` });
  front = await serveAws({ aws });
});
afterEach(() => front.close());

function aNotifier(
  severities: readonly Severity[] = ['info', 'warning', 'failure'],
  { links = [], buttons = false }: { readonly links?: readonly string[]; readonly buttons?: boolean } = {},
) {
  const role = aws.addPrincipal({
    arn: `arn:aws:iam::${scope.account}:role/a`,
    account: scope.account,
    anyTime: true,
  });
  const notify = createNotifier({
    settings: { ...scope, environment: 'develop', notify: { severities, timeZone: 'Asia/Tokyo', buttons } },
    now: () => now,
    linksFor: async () => links,
    client: new SNSClient({
      region: scope.region,
      endpoint: front.url,
      credentials: role,
      // The lab's clock stands still: a client that takes the difference for a wrong clock sends what was refused again.
      disableClockSkewCorrection: true,
    }),
  });
  if (!notify) throw new Error('there is no notifier');
  return notify;
}

const aDecision = (overrides: Partial<Decision> = {}): Decision => ({
  time: now.toISOString(),
  environment: 'develop',
  capability: 'night-schedule',
  target: 'workers',
  action: 'fail',
  reason: '0 of 3 nodes are Ready 20 min after the start',
  trigger: 'night-schedule-tick',
  ...overrides,
});

const sentTo = (severity: Severity) =>
  aws.messaging.topics().find(({ name }) => name === `nightshift-develop-${severity}`)?.messages ?? [];

describe('a notice', () => {
  test('is what a chat renders, and plain text for e-mail, with the time of the environment', async () => {
    await aNotifier()([aDecision()]);
    const [message] = sentTo('failure');
    expect(message?.subject).toBe('[failure] develop: workers failed');
    const { default: chat, email } = JSON.parse(message?.message ?? '');
    expect(JSON.parse(chat)).toEqual({
      version: '1.0',
      source: 'custom',
      content: {
        textType: 'client-markdown',
        title: 'develop: workers failed',
        description:
          '0 of 3 nodes are Ready 20 min after the start\nTue 24 Nov, 21:30 (Asia/Tokyo), night-schedule',
        nextSteps: [
          'What to do: docs/runbook.md#night-schedule-failed',
          'What led to it: npx nightshift explain workers --environment develop',
        ],
        keywords: ['eks-nightshift', 'failure'],
      },
      metadata: {
        threadId: 'develop/night-schedule/workers',
        summary: 'develop: workers failed',
        eventType: 'failure',
      },
    });
    expect(email.split('\n')[0]).toBe('develop: workers failed');
    expect(email).toContain('docs/runbook.md#night-schedule-failed');
  });

  test('carries our links whole, in chat and mail, where addresses of others are taken apart', async () => {
    const link = 'Keep it up: https://abc.lambda-url.ap-northeast-1.on.aws/?l=a_b-c.d_e';
    const reason = 'stops; see https://evil.example';
    await aNotifier(undefined, { links: [link] })([aDecision({ action: 'warn', reason })]);
    const { default: chat, email } = JSON.parse(sentTo('warning')[0]?.message ?? '');
    const { content } = JSON.parse(chat);
    expect(content.nextSteps[0]).toBe(link);
    expect(content.description).toContain('https: //evil.example');
    expect(email.split('\n')).toContain(link);
    expect(email).toContain('https: //evil.example');
    expect(email).not.toContain('https://evil.example');
  });

  test('of a request by kubectl is sent as one by a link is; an override of an operator is not', async () => {
    const reason = 'kept up until 2026-11-24T14:30:00.000Z by kubectl: ana, unverified: a release';
    await aNotifier()([
      aDecision({ action: 'override', target: 'develop', reason, author: 'kubectl', via: 'kubectl' }),
      aDecision({ action: 'override', target: 'develop', reason: 'override of eva' }),
    ]);
    expect(sentTo('warning').map(({ subject }) => subject)).toEqual([
      '[warning] develop: develop is kept up',
    ]);
  });

  test('goes to the topic of its severity, and nowhere without one', async () => {
    const warning = aDecision({ action: 'warn', reason: 'stops at 22:00 (Asia/Tokyo)' });
    const deployed = aDecision({ capability: 'branch-deploy', target: 'api', action: 'deployed' });
    await aNotifier(['warning'])([warning, deployed, aDecision()]);
    expect(sentTo('warning')).toHaveLength(1);
    expect(sentTo('info')).toHaveLength(0);
    expect(sentTo('failure')).toHaveLength(0);
    expect(JSON.parse(sentTo('warning')[0]?.message ?? '').email).toContain('stops at 22:00 (Asia/Tokyo)');
  });

  test('of a failure that lasts is sent once an hour, in whatever words', async () => {
    const notify = aNotifier();
    for (const minutes of [0, 1, 59, 60]) {
      now = new Date(START.getTime() + minutes * 60_000);
      await notify([aDecision({ reason: `0 of 3 nodes are Ready ${20 + minutes} min after the start` })]);
    }
    expect(sentTo('failure')).toHaveLength(2);
  });

  test('of one sync that settles three builds is sent once', async () => {
    const settled = [1, 2, 3].map((number) =>
      aDecision({
        capability: 'branch-deploy',
        target: 'api',
        action: 'deployed',
        reason: 'Healthy',
        number,
      }),
    );
    await aNotifier()(settled);
    expect(sentTo('info')).toHaveLength(1);
  });
});

test('a notifier without a client takes region, credentials and endpoint from the environment of its function', async () => {
  const role = aws.addPrincipal({
    arn: `arn:aws:iam::${scope.account}:role/b`,
    account: scope.account,
    anyTime: true,
  });
  vi.stubEnv('AWS_REGION', scope.region);
  vi.stubEnv('AWS_ACCESS_KEY_ID', role.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', role.secretAccessKey);
  vi.stubEnv('AWS_SESSION_TOKEN', role.sessionToken);
  vi.stubEnv('AWS_ENDPOINT_URL_SNS', front.url);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  const notify = createNotifier({
    settings: {
      ...scope,
      environment: 'develop',
      notify: { severities: ['failure'], timeZone: 'Asia/Tokyo' },
    },
    now: () => now,
  });
  await notify?.([aDecision()]);
  expect(sentTo('failure')).toHaveLength(1);
});

describe('a topic', () => {
  test('that is throttled or away for a moment is asked again', async () => {
    front.faults.add({ service: 'sns', kind: '500' });
    front.faults.add({ service: 'sns', kind: 'throttle' });
    await aNotifier()([aDecision()]);
    expect(sentTo('failure')).toHaveLength(1);
  });

  test('that refuses is an error that names it, and the next notice is tried all the same', async () => {
    front.faults.add({ service: 'sns', kind: 'access-denied' });
    const notify = aNotifier();
    const both = [aDecision(), aDecision({ target: 'system' })];
    const error = await notify(both).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(NotificationError);
    expect(String(error)).toContain(
      'nightshift-develop-failure did not take "develop: workers failed": SNS answered 403 AccessDenied',
    );
    expect(sentTo('failure')).toHaveLength(1);
    // It was not delivered, so it does not count as sent.
    await notify([aDecision()]);
    expect(sentTo('failure')).toHaveLength(2);
  });
});

describe('the button of a chat', () => {
  const metadataOf = (message: string | undefined) =>
    JSON.parse((JSON.parse(message ?? '') as { default: string }).default).metadata as Record<
      string,
      unknown
    >;
  const STOP = '2026-11-24T13:00:00.000Z';

  test('is offered under the warning of a stop, with the environment and the stop', async () => {
    await aNotifier(['warning'], { buttons: true })([
      aDecision({ action: 'warn', reason: 'stops at 22:00', stop: STOP }),
    ]);
    expect(metadataOf(sentTo('warning')[0]?.message)).toMatchObject({
      enableCustomActions: true,
      additionalContext: { nightshift: 'develop', nightshiftStop: STOP },
    });
  });

  test('is offered under nothing else, and nowhere without buttons', async () => {
    await aNotifier(['warning', 'failure'], { buttons: true })([
      aDecision({ action: 'warn', reason: 'holidays end' }),
      aDecision({ action: 'fail', stop: STOP }),
    ]);
    await aNotifier(['warning'])([aDecision({ action: 'warn', reason: 'stops at 22:00', stop: STOP })]);
    const all = [...sentTo('warning'), ...sentTo('failure')];
    expect(all).toHaveLength(3);
    for (const { message } of all) {
      expect(metadataOf(message)).not.toHaveProperty('additionalContext');
      expect(metadataOf(message)).not.toHaveProperty('enableCustomActions');
    }
  });
});

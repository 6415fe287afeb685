import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import { describe, expect, test } from 'vitest';
import type { Principal } from '#lab/world/interfaces.ts';
import { anEndpoint } from './endpoint.ts';
import { account, region, scope } from './world.ts';

/** Requests as a client would send them for which no SDK package is installed here. */
async function aCaller() {
  const { world, endpoint, principal } = await anEndpoint();
  const { host } = new URL(endpoint.url);
  const signerOf = (service: string, credentials: Principal = principal) =>
    new SignatureV4({ service, region, credentials, sha256: Sha256 });
  const send = async (
    service: string,
    request: { method?: string; path?: string; headers?: Record<string, string>; body?: string },
  ) => {
    const signed = await signerOf(service).sign(
      {
        method: request.method ?? 'POST',
        protocol: 'http:',
        hostname: host,
        path: request.path ?? '/',
        query: {},
        headers: { host, ...request.headers },
        ...(request.body === undefined ? {} : { body: request.body }),
      },
      { signingDate: world.context.clock.date() },
    );
    const { host: _host, ...headers } = signed.headers;
    const reply = await fetch(endpoint.url + signed.path, {
      method: signed.method,
      headers,
      ...(request.body === undefined ? {} : { body: request.body }),
    });
    return { status: reply.status, headers: reply.headers, text: await reply.text() };
  };
  const form = (service: string, members: Record<string, string>) =>
    send(service, {
      headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
      body: new URLSearchParams(members).toString(),
    });
  const json = (service: string, target: string, body: unknown) =>
    send(service, {
      headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': target },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  return { world, endpoint, host, signerOf, send, form, json };
}

describe('SNS', () => {
  test('stores published messages, and refuses unknown topics', async () => {
    const { world, form } = await aCaller();
    const topic = world.aws.addTopic({ ...scope, name: 'alerts' });
    const publish = (changes: Record<string, string>) =>
      form('sns', {
        Action: 'Publish',
        Version: '2010-03-31',
        TopicArn: topic.arn,
        Subject: 'stop failed',
        Message: 'a & b <c>',
        ...changes,
      });
    const reply = await publish({});
    expect(reply.text).toMatch(/<PublishResult><MessageId>[0-9a-f-]{36}<\/MessageId><\/PublishResult>/);
    expect(topic.messages).toMatchObject([{ subject: 'stop failed', message: 'a & b <c>' }]);
    expect((await publish({ TopicArn: `${topic.arn}x` })).text).toContain('<Code>NotFound</Code>');
    expect((await publish({ TopicArn: topic.arn.replace(region, 'us-east-1') })).text).toContain(
      'InvalidParameter',
    );
    expect((await publish({ Subject: '夜' })).text).toContain('Invalid parameter: Subject');
    expect((await publish({ Message: '' })).status).toBe(400);
    // By protocol: an object of strings that has at least the one for all others.
    for (const Message of ['plain text', '{"email":"a"}', '{"default":1}', 'null'])
      expect((await publish({ MessageStructure: 'json', Message })).text).toContain('No default entry');
    expect(topic.messages).toHaveLength(1);
  });
});

describe('SQS', () => {
  test('stores messages so that they can be read', async () => {
    const { world, host, json } = await aCaller();
    const queue = world.aws.addQueue({ ...scope, name: 'dead-letters' });
    const { text } = await json('sqs', 'AmazonSQS.GetQueueUrl', { QueueName: 'dead-letters' });
    const { QueueUrl } = JSON.parse(text) as { QueueUrl: string };
    expect(QueueUrl).toBe(`http://${host}/${account}/dead-letters`);
    const sent = await json('sqs', 'AmazonSQS.SendMessage', { QueueUrl, MessageBody: 'lost' });
    expect(sent.status).toBe(200);
    expect(queue.messages).toMatchObject([{ body: 'lost' }]);
    const received = await json('sqs', 'AmazonSQS.ReceiveMessage', { QueueUrl });
    expect(JSON.parse(received.text)).toMatchObject({ Messages: [{ Body: 'lost' }] });
    const unknown = await json('sqs', 'AmazonSQS.SendMessage', {
      QueueUrl: `${QueueUrl}x`,
      MessageBody: 'lost',
    });
    expect(JSON.parse(unknown.text)).toMatchObject({ __type: 'QueueDoesNotExist' });
  });
});

describe('the front door', () => {
  test('answers a presigned URL as it answers a signed request', async () => {
    const { world, endpoint, host, signerOf } = await aCaller();
    const signed = await signerOf('sts').presign(
      {
        method: 'GET',
        protocol: 'http:',
        hostname: host,
        path: '/',
        query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
        headers: { host },
      },
      { expiresIn: 60, signingDate: world.context.clock.date() },
    );
    const reply = await fetch(
      `${endpoint.url}/?${new URLSearchParams(signed.query as Record<string, string>)}`,
    );
    expect(await reply.text()).toContain(':assumed-role/night-schedule/nightshift</Arn>');
  });

  test('gives the virtual time in the Date header, by which SDKs set their clocks', async () => {
    const { form } = await aCaller();
    const { headers } = await form('sts', { Action: 'GetCallerIdentity', Version: '2011-06-15' });
    expect(headers.get('date')).toBe('Tue, 24 Nov 2026 00:00:00 GMT');
  });

  test.each([
    ['autoscaling', { Action: 'DeleteAutoScalingGroup', Version: '2011-01-01' }, 'InvalidAction'],
    ['ec2', { Action: 'RunInstances', Version: '2016-11-15' }, 'InvalidAction'],
    ['sts', { Action: 'AssumeRole', Version: '2011-06-15' }, 'InvalidAction'],
    ['sns', { Action: 'Subscribe', Version: '2010-03-31' }, 'InvalidAction'],
  ])('refuses what %s does not do here', async (service, members, code) => {
    const { form, endpoint } = await aCaller();
    const reply = await form(service, members);
    expect([reply.status, /<Code>(\w+)<\/Code>/.exec(reply.text)?.[1]]).toEqual([400, code]);
    expect(endpoint.calls.at(-1)).toMatchObject({ service, operation: members.Action, error: code });
  });

  test('refuses a body that is no JSON, and a target of another service', async () => {
    const { json } = await aCaller();
    const broken = await json('secretsmanager', 'secretsmanager.GetSecretValue', '{');
    expect([broken.status, JSON.parse(broken.text).__type]).toEqual([400, 'SerializationException']);
    const foreign = await json('secretsmanager', 'DynamoDB_20120810.GetItem', {});
    expect([foreign.status, JSON.parse(foreign.text).__type]).toEqual([400, 'UnknownOperationException']);
  });

  test('refuses a service that the lab does not have', async () => {
    const { json } = await aCaller();
    const reply = await json('glue', 'AWSGlue.GetTables', {});
    expect([reply.status, JSON.parse(reply.text).__type]).toEqual([501, 'UnknownServiceException']);
  });

  test('wants parameters that are there and of the right type', async () => {
    const { form } = await aCaller();
    const group = (members: Record<string, string>) =>
      form('autoscaling', { Action: 'SetDesiredCapacity', Version: '2011-01-01', ...members });
    expect((await group({ DesiredCapacity: '1' })).text).toContain(
      "Value at 'autoScalingGroupName' failed to satisfy constraint: Member must not be null",
    );
    expect((await group({ AutoScalingGroupName: 'x', DesiredCapacity: 'many' })).text).toContain(
      'must be an integer, not &quot;many&quot;',
    );
    expect(
      (await group({ AutoScalingGroupName: 'x', DesiredCapacity: '1', HonorCooldown: 'yes' })).text,
    ).toContain('HonorCooldown must be true or false');
  });
});

describe('EventBridge', () => {
  const put = async (entries: unknown) => {
    const caller = await aCaller();
    const events: unknown[] = [];
    caller.world.context.signals.on('event', (event) => events.push(event));
    const reply = await caller.send('events', {
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'AWSEvents.PutEvents' },
      body: JSON.stringify({ Entries: entries }),
    });
    return { status: reply.status, body: JSON.parse(reply.text), events };
  };
  const entry = { Source: 'nightshift.build', DetailType: 'api', Detail: '{"number":7}' };

  test('delivers an event of the account and the region of the caller', async () => {
    const { body, events } = await put([entry]);
    expect(body).toMatchObject({ FailedEntryCount: 0, Entries: [{ EventId: expect.any(String) }] });
    expect(events).toMatchObject([
      {
        source: 'nightshift.build',
        'detail-type': 'api',
        account,
        region,
        detail: { number: 7 },
        resources: [],
      },
    ]);
  });

  test('refuses single entries in the reply, and delivers the others', async () => {
    const { Detail: _, ...without } = entry;
    const { body, events } = await put([
      { ...entry, Source: 'aws.codebuild' },
      { ...entry, Detail: '{number' },
      { ...entry, Detail: '[]' },
      without,
      entry,
    ]);
    expect(body.FailedEntryCount).toBe(4);
    expect(body.Entries.map(({ ErrorCode }: { ErrorCode?: string }) => ErrorCode)).toEqual([
      'NotAuthorizedForSourceException',
      'MalformedDetail',
      'MalformedDetail',
      'InvalidArgument',
      undefined,
    ]);
    expect(events).toHaveLength(1);
  });

  test('takes 1 to 10 entries, and 256 KB', async () => {
    for (const entries of [
      [],
      Array(11).fill(entry),
      [{ ...entry, Detail: `{"a":"${'x'.repeat(262_144)}"}` }],
    ]) {
      const { status, body, events } = await put(entries);
      expect(status).toBe(400);
      expect(body.__type).toContain('ValidationException');
      expect(events).toEqual([]);
    }
  });
});

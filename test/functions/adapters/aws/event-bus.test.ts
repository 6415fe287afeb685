import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createEventBus } from '#functions/adapters/aws/event-bus.ts';
import { openEventBus, withEvents } from '#functions/adapters/aws/open-event-bus.ts';
import type { Decision } from '#model/decision.ts';
import { DETAIL_TYPES, type PublishedEvent } from '#model/published-event.ts';
import { someSettings } from '../../night-schedule/builders.ts';

const EVENT: PublishedEvent = {
  detailType: DETAIL_TYPES.failure,
  time: '2026-08-27T03:00:00.700Z',
  detail: { version: '1', environment: 'develop' },
};
const ACCEPTED = { status: 200, body: '{"FailedEntryCount":0,"Entries":[]}' };

async function aBus(...replies: readonly { readonly status: number; readonly body: string }[]) {
  const seen: { readonly target: unknown; readonly authorization: unknown; readonly body: string }[] = [];
  const server = createServer(async (request, response) => {
    const reply = replies[Math.min(seen.length, replies.length - 1)];
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const { 'x-amz-target': target, authorization } = request.headers;
    seen.push({ target, authorization, body });
    response.writeHead(reply?.status ?? 500).end(reply?.body ?? '{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const put = createEventBus({
    region: 'eu-west-1',
    credentials: async () => ({ accessKeyId: 'a', secretAccessKey: 'b' }),
    now: () => new Date('2026-08-27T03:00:00Z'),
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  });
  return { put, seen };
}

describe('the event bus', () => {
  test('gets an event as EventBridge wants it, signed', async () => {
    const { put, seen } = await aBus(ACCEPTED);
    await put([EVENT]);
    expect(seen).toHaveLength(1);
    expect(seen[0]?.target).toBe('AWSEvents.PutEvents');
    expect(seen[0]?.authorization).toContain('/eu-west-1/events/aws4_request');
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual({
      Entries: [
        {
          Source: 'nightshift.events',
          DetailType: 'Nightshift Failure',
          Time: Date.parse('2026-08-27T03:00:00Z') / 1000,
          Detail: '{"version":"1","environment":"develop"}',
        },
      ],
    });
  });

  test('gets ten events with one request at most', async () => {
    const { put, seen } = await aBus(ACCEPTED);
    await put(Array.from({ length: 21 }, () => EVENT));
    expect(seen.map(({ body }) => JSON.parse(body).Entries.length)).toEqual([10, 10, 1]);
  });

  test('is asked twice, and what it refuses is an error', async () => {
    const refused = {
      status: 200,
      body: '{"FailedEntryCount":1,"Entries":[{"ErrorCode":"InternalFailure"}]}',
    };
    const { put, seen } = await aBus(refused);
    await expect(put([EVENT])).rejects.toThrow(/1 events were not put on the event bus.*InternalFailure/);
    expect(seen).toHaveLength(2);
    const once = await aBus({ status: 503, body: '' }, ACCEPTED);
    await once.put([EVENT]);
    expect(once.seen).toHaveLength(2);
  });

  test('that does not count its refusals has not accepted them', async () => {
    const { put } = await aBus({ status: 200, body: '{}' });
    await expect(put([EVENT])).rejects.toThrow('EventBridge refused some of them');
  });

  test('gets nothing of a dry run, and nothing where the config says so', () => {
    const now = () => new Date();
    expect(openEventBus(someSettings({ dryRun: true }), now)).toBeUndefined();
    expect(openEventBus(someSettings({ events: false }), now)).toBeUndefined();
    expect(openEventBus(someSettings(), now)).toBeDefined();
  });
});

describe('decisions', () => {
  const decision: Decision = {
    time: '2026-08-27T03:00:00.000Z',
    environment: 'develop',
    capability: 'night-schedule',
    target: 'develop',
    action: 'fail',
    reason: 'no answer',
    trigger: 'tick',
  };

  test('reach people also where the event bus fails, and the failure is not lost', async () => {
    const notified: Decision[] = [];
    const send = withEvents(
      async (decisions) => void notified.push(...decisions),
      async () => Promise.reject(new Error('no bus')),
    );
    await expect(send?.([decision])).rejects.toThrow('no bus');
    expect(notified).toEqual([decision]);
  });

  test('reach the event bus also where the notification fails', async () => {
    const put: PublishedEvent[] = [];
    const send = withEvents(
      async () => Promise.reject(new Error('no topic')),
      async (events) => void put.push(...events),
    );
    await expect(send?.([decision])).rejects.toThrow('no topic');
    expect(put.map(({ detailType }) => detailType)).toEqual(['Nightshift Failure']);
  });
});

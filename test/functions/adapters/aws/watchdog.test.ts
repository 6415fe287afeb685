import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createWatchdog } from '#functions/adapters/aws/watchdog.ts';

const ARN = 'arn:aws:states:eu-west-1:111111111111:stateMachine:nightshift-develop-spot-drain-watchdog';
const CHECK = { owner: 'request-1', instanceIds: ['i-00000001'] };

interface Reply {
  readonly status: number;
  readonly body?: string;
}

/** A Step Functions that gives these replies one after the other, and the last one for ever. */
async function aWatchdog(...replies: readonly Reply[]) {
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
  const watchdog = createWatchdog({
    stateMachineArn: ARN,
    region: 'eu-west-1',
    credentials: async () => ({ accessKeyId: 'a', secretAccessKey: 'b' }),
    now: () => new Date('2026-08-27T03:00:00Z'),
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  });
  return { watchdog, seen };
}

const THROTTLED: Reply = { status: 400, body: '{"__type":"ThrottlingException"}' };

describe('the watchdog', () => {
  test('starts an execution that waits for whole seconds, never less than it should', async () => {
    const { watchdog, seen } = await aWatchdog({ status: 200 });
    await watchdog.send(CHECK, 10.2);
    expect(seen).toHaveLength(1);
    expect(seen[0]?.target).toBe('AWSStepFunctions.StartExecution');
    expect(seen[0]?.authorization).toContain('/eu-west-1/states/aws4_request');
    const { stateMachineArn, input } = JSON.parse(seen[0]?.body ?? '');
    expect(stateMachineArn).toBe(ARN);
    expect(JSON.parse(input)).toEqual({ delaySeconds: 11, check: CHECK });
  });

  test.each([
    ['is throttled', THROTTLED],
    ['fails', { status: 503 }],
  ])('is sent again where Step Functions %s', async (_what, reply) => {
    const { watchdog, seen } = await aWatchdog(reply, reply, { status: 200 });
    await watchdog.send(CHECK, 20);
    expect(seen).toHaveLength(3);
  });

  test('is given up after three attempts, or at once where it is refused', async () => {
    const throttled = await aWatchdog(THROTTLED);
    await expect(throttled.watchdog.send(CHECK, 20)).rejects.toThrow('states answered 400 to the watchdog');
    expect(throttled.seen).toHaveLength(3);
    const refused = await aWatchdog({ status: 400, body: '{"__type":"AccessDeniedException"}' });
    await expect(refused.watchdog.send(CHECK, 20)).rejects.toThrow('AccessDeniedException');
    expect(refused.seen).toHaveLength(1);
  });

  test('sends nothing in a dry run, which has no state machine', async () => {
    const none = createWatchdog({
      stateMachineArn: undefined,
      region: 'eu-west-1',
      credentials: () => Promise.reject(new Error('no credentials')),
      now: () => new Date(0),
    });
    await expect(none.send(CHECK, 20)).resolves.toBeUndefined();
  });
});

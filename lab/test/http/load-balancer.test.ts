import http from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadBalancerEvent, serveListener } from '#lab/http/load-balancer.ts';
import type { TargetHealth } from '#lab/world/aws/load-balancers.ts';
import { account, aWorld, region } from '../aws/world.ts';

const scope = { account, region };

async function aListener(
  reply: unknown = { statusCode: 200, headers: { 'x-from': 'page' }, body: 'a page' },
  multiValueHeaders = false,
) {
  const { aws, context } = aWorld();
  let health: readonly TargetHealth[] = [];
  let isBusy = false;
  const events: Record<string, unknown>[] = [];
  const { loadBalancers } = aws;
  const application = loadBalancers.addTargetGroup({
    ...scope,
    name: 'shop',
    type: 'ip',
    health: () => health,
  });
  const page = loadBalancers.addTargetGroup({
    ...scope,
    name: 'page',
    type: 'lambda',
    functionArn: 'page',
    isPermitted: true,
  });
  const listener = loadBalancers.addListener(loadBalancers.addLoadBalancer({ ...scope, name: 'web' }), {
    targetGroup: application.arn,
  });
  loadBalancers.createRule(scope, listener, {
    priority: 1,
    conditions: [{ field: 'host-header', values: ['page.example.com'] }],
    targetGroups: [page.arn],
  });
  const runner = {
    saturated: () => isBusy,
    invoke: async (payload: string) => {
      events.push(JSON.parse(payload));
      return reply === 'error' ? { ok: false, error: {} } : { ok: true, payload: JSON.stringify(reply) };
    },
  };
  const port = await serveListener({
    aws,
    context,
    run: { find: () => runner as never },
    listener,
    multiValueHeaders,
    application: ({ path }) => ({ status: 200, body: `the shop at ${path}` }),
  });
  onTestFinished(() => port.close());
  const ask = (
    host: string,
    path = '/',
    options: { method?: string; body?: string; headers?: object } = {},
  ) =>
    new Promise<{ status: number; headers: http.IncomingHttpHeaders; body: string }>((resolve, reject) => {
      const request = http.request(
        { port: port.port, path, method: options.method ?? 'GET', headers: { host, ...options.headers } },
        (response) => {
          let body = '';
          response.on('data', (chunk) => {
            body += chunk;
          });
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
          );
        },
      );
      request.on('error', reject).end(options.body);
    });
  return {
    ask,
    events,
    targets: (next: readonly TargetHealth[]) => {
      health = next;
    },
    saturate: () => {
      isBusy = true;
    },
  };
}

describe('a listener', () => {
  test('answers 503 without targets, 502 where none is healthy, and else as the application', async () => {
    const { ask, targets } = await aListener();
    expect((await ask('shop.example.com')).status).toBe(503);
    targets([{ id: 'i-1', state: 'unused', reason: 'Target.InvalidState' }]);
    expect((await ask('shop.example.com')).status).toBe(503);
    targets([{ id: 'i-1', state: 'unhealthy' }]);
    expect((await ask('shop.example.com')).status).toBe(502);
    targets([
      { id: 'i-1', state: 'healthy' },
      { id: 'i-2', state: 'unhealthy' },
    ]);
    expect(await ask('shop.example.com', '/cart?a=1')).toMatchObject({
      status: 200,
      body: 'the shop at /cart',
    });
  });

  test('sends a request to a function as an event: the query as it was sent, a form in base64', async () => {
    const { ask, events } = await aListener();
    const answer = await ask('page.example.com', '/a%20b?x=1%2B1&x=2&y', {
      method: 'POST',
      body: 'name=Ana',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(answer).toMatchObject({ status: 200, body: 'a page' });
    expect(answer.headers['x-from']).toBe('page');
    expect(events[0]).toMatchObject({
      httpMethod: 'POST',
      path: '/a%20b',
      queryStringParameters: { x: '2', y: '' },
      isBase64Encoded: true,
      body: Buffer.from('name=Ana').toString('base64'),
      headers: { host: 'page.example.com', 'x-forwarded-proto': 'https' },
    });
  });

  test('with multi-value headers sends and takes lists only', async () => {
    const many = await aListener(
      { statusCode: 200, multiValueHeaders: { 'x-from': ['page'] }, body: '' },
      true,
    );
    expect((await many.ask('page.example.com', '/?x=1&x=2')).headers['x-from']).toBe('page');
    expect(many.events[0]).toMatchObject({ multiValueQueryStringParameters: { x: ['1', '2'] } });
    expect(many.events[0]).not.toHaveProperty('headers');
  });

  test.each([['error'], [null], ['text'], [{ body: 'no status' }], [{ statusCode: 200, headers: { a: 1 } }]])(
    'takes %j of a function for a bad gateway',
    async (reply) => {
      const { ask } = await aListener(reply);
      expect((await ask('page.example.com')).status).toBe(502);
    },
  );

  test('takes a throttled function for a bad gateway', async () => {
    const { ask, saturate, events } = await aListener();
    saturate();
    expect((await ask('page.example.com')).status).toBe(502);
    expect(events).toEqual([]);
  });
});

test('a request without a body has an empty one', () => {
  const event = loadBalancerEvent({ method: 'GET', url: '/', headers: {} }, Buffer.from(''), {
    targetGroup: 'arn',
  });
  expect(event).toMatchObject({ body: '', isBase64Encoded: false, queryStringParameters: {} });
});

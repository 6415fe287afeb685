import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UnreachableError } from '#functions/adapters/http.ts';
import {
  createKubernetesClient,
  type KubernetesClient,
  type KubernetesClientOptions,
  KubernetesError,
} from '#functions/adapters/kubernetes/client.ts';
import { type ScriptedServer, startScriptedServer, statusBody } from './scripted-server.ts';

let server: ScriptedServer;
let client: KubernetesClient;

beforeEach(async () => {
  server = await startScriptedServer(() => ({ body: { kind: 'Node' } }));
  client = aClient();
});

afterEach(async () => {
  client.close();
  await server.close();
});

describe('a request', () => {
  test('carries the token, the query and the body', async () => {
    server.answer = () => ({ status: 201, body: { kind: 'Eviction' } });
    const reply = await client.request({
      method: 'POST',
      path: '/api/v1/namespaces/default/pods/a/eviction',
      query: { dryRun: 'All', absent: undefined },
      body: { kind: 'Eviction' },
    });
    expect(reply).toEqual({ status: 201, body: { kind: 'Eviction' } });
    const [asked] = server.asked;
    expect(asked).toMatchObject({ method: 'POST', path: '/api/v1/namespaces/default/pods/a/eviction' });
    expect(asked?.query.toString()).toBe('dryRun=All');
    expect(asked?.headers['authorization']).toBe('Bearer token-1');
    expect(asked?.headers['content-type']).toBe('application/json');
    expect(JSON.parse(asked?.body ?? '')).toEqual({ kind: 'Eviction' });
  });

  test('is a merge patch unless it says otherwise', async () => {
    await client.request({ method: 'PATCH', path: '/a', body: {} });
    await client.request({
      method: 'PATCH',
      path: '/a',
      body: {},
      contentType: 'application/strategic-merge-patch+json',
    });
    expect(server.asked.map((asked) => asked.headers['content-type'])).toEqual([
      'application/merge-patch+json',
      'application/strategic-merge-patch+json',
    ]);
  });

  test('asks for the cluster once and keeps its connection', async () => {
    let described = 0;
    client = aClient({
      describeCluster: async () => {
        described++;
        return { endpoint: server.url, ca: server.ca };
      },
    });
    await Promise.all([
      client.request({ method: 'GET', path: '/a' }),
      client.request({ method: 'GET', path: '/b' }),
    ]);
    await client.request({ method: 'GET', path: '/c' });
    expect(described).toBe(1);
    expect(server.asked[0]?.headers['connection']).toBe('keep-alive');
  });

  test('finds the cluster and its token looked up where that was begun before', async () => {
    const order: string[] = [];
    client = aClient({
      describeCluster: async () => {
        order.push('described');
        return { endpoint: server.url, ca: server.ca };
      },
      token: async () => {
        order.push('token');
        return 'token-1';
      },
    });
    client.prepare();
    expect(order.toSorted()).toEqual(['described', 'token']);
    await client.request({ method: 'GET', path: '/a' });
    expect(order.filter((one) => one === 'described')).toHaveLength(1);
    expect(server.asked).toHaveLength(1);
  });

  test('looks the cluster up again where a preparation failed, which was no failure yet', async () => {
    let described = 0;
    client = aClient({
      describeCluster: async () => {
        if (++described === 1) throw new Error('throttled');
        return { endpoint: server.url, ca: server.ca };
      },
    });
    client.prepare();
    await new Promise((resolve) => setImmediate(resolve));
    await client.request({ method: 'GET', path: '/a' });
    expect(described).toBe(2);
  });

  test('is tried once more with a new token after a 401', async () => {
    server.answer = (asked) =>
      asked.headers['authorization'] === 'Bearer token-1'
        ? { status: 401, body: statusBody(401, 'Unauthorized') }
        : { body: { ok: true } };
    expect((await client.request({ method: 'GET', path: '/a' })).body).toEqual({ ok: true });
    expect(server.asked).toHaveLength(2);
  });

  test('is not tried a third time after a second 401', async () => {
    server.answer = () => ({ status: 401, body: statusBody(401, 'Unauthorized') });
    await expect(client.request({ method: 'GET', path: '/a' })).rejects.toMatchObject({ status: 401 });
    expect(server.asked).toHaveLength(2);
  });

  test('that is refused throws the words of the Status object', async () => {
    server.answer = () => ({
      status: 429,
      headers: { 'retry-after': '7' },
      body: statusBody(429, 'TooManyRequests', {
        causes: [{ reason: 'DisruptionBudget', message: 'The disruption budget web needs 2 healthy pods' }],
        retryAfterSeconds: 3,
      }),
    });
    const error = await client.request({ method: 'POST', path: '/a', query: { b: 'c' } }).catch((e) => e);
    expect(error).toBeInstanceOf(KubernetesError);
    expect(error).toMatchObject({
      status: 429,
      reason: 'TooManyRequests',
      retryAfterSeconds: 7,
      causes: [
        { reason: 'DisruptionBudget', message: 'The disruption budget web needs 2 healthy pods', field: '' },
      ],
    });
    expect(error.message).toBe(
      'kubernetes refused POST /a: 429 TooManyRequests the server says TooManyRequests',
    );
  });

  test('takes the time to wait from the Status object where the header is missing or a date', async () => {
    server.answer = () => ({
      status: 429,
      headers: { 'retry-after': 'Thu, 27 Aug 2026 13:19:03 GMT' },
      body: statusBody(429, 'TooManyRequests', { retryAfterSeconds: 3 }),
    });
    await expect(client.request({ method: 'GET', path: '/a' })).rejects.toMatchObject({
      retryAfterSeconds: 3,
    });
  });

  test('that a proxy refuses with a page shows the beginning of the page', async () => {
    server.answer = () => ({ status: 502, body: '<html>bad gateway</html>' });
    await expect(client.request({ method: 'GET', path: '/a' })).rejects.toMatchObject({
      status: 502,
      reason: '',
      causes: [],
      retryAfterSeconds: undefined,
      detail: '<html>bad gateway</html>',
    });
  });

  test('whose reply is not JSON says so', async () => {
    server.answer = () => ({ body: 'ok' });
    await expect(client.request({ method: 'GET', path: '/healthz' })).rejects.toThrow('not JSON');
  });

  test('whose connection is cut, or that gets no answer, is unreachable', async () => {
    server.answer = () => ({ cut: true });
    await expect(client.request({ method: 'GET', path: '/a' })).rejects.toBeInstanceOf(UnreachableError);
    server.answer = () => ({ silent: true });
    await expect(client.request({ method: 'GET', path: '/a', timeoutMs: 50 })).rejects.toThrow(
      'within 50 ms',
    );
  });

  test('trusts the CA of the cluster and no other', async () => {
    const other = await startScriptedServer(() => ({}));
    client = aClient({ describeCluster: async () => ({ endpoint: server.url, ca: other.ca }) });
    await expect(client.request({ method: 'GET', path: '/a' })).rejects.toBeInstanceOf(UnreachableError);
    expect(server.asked).toEqual([]);
    await other.close();
  });

  test('finds a cluster that was created anew with another endpoint', async () => {
    const reborn = await startScriptedServer(() => ({ body: { reborn: true } }));
    let endpoint = { endpoint: server.url, ca: server.ca };
    client = aClient({ describeCluster: async () => endpoint });
    await client.request({ method: 'GET', path: '/a' });
    await server.close();
    endpoint = { endpoint: reborn.url, ca: reborn.ca };
    await expect(client.request({ method: 'GET', path: '/a' })).rejects.toBeInstanceOf(UnreachableError);
    expect((await client.request({ method: 'GET', path: '/a' })).body).toEqual({ reborn: true });
    await reborn.close();
  });

  test('asks for the cluster again where that failed', async () => {
    let fails = true;
    client = aClient({
      describeCluster: async () => {
        if (fails) throw new Error('throttled');
        return { endpoint: server.url, ca: server.ca };
      },
    });
    await expect(client.request({ method: 'GET', path: '/a' })).rejects.toThrow('throttled');
    fails = false;
    expect((await client.request({ method: 'GET', path: '/a' })).status).toBe(200);
  });
});

describe('a list', () => {
  test('follows the pages to the end', async () => {
    server.answer = (asked) =>
      asked.query.get('continue') === 'two'
        ? { body: { kind: 'PodList', metadata: {}, items: [{ name: 'c' }] } }
        : { body: { kind: 'PodList', metadata: { continue: 'two' }, items: [{ name: 'a' }, { name: 'b' }] } };
    expect(await client.list('/api/v1/pods', { fieldSelector: 'spec.nodeName=n' })).toEqual([
      { name: 'a' },
      { name: 'b' },
      { name: 'c' },
    ]);
    expect(server.asked.map((asked) => asked.query.toString())).toEqual([
      'limit=500&fieldSelector=spec.nodeName%3Dn',
      'limit=500&fieldSelector=spec.nodeName%3Dn&continue=two',
    ]);
  });

  test('starts anew, without doubles, when its continue token has expired', async () => {
    let expired = true;
    server.answer = (asked) => {
      if (!asked.query.has('continue')) {
        return { body: { kind: 'PodList', metadata: { continue: 'two' }, items: [{ name: 'a' }] } };
      }
      if (expired) {
        expired = false;
        return { status: 410, body: statusBody(410, 'Expired') };
      }
      return { body: { kind: 'PodList', metadata: {}, items: [{ name: 'b' }] } };
    };
    expect(await client.list('/api/v1/pods')).toEqual([{ name: 'a' }, { name: 'b' }]);
  });

  test('gives up when its continue token expires again and again', async () => {
    server.answer = (asked) =>
      asked.query.has('continue')
        ? { status: 410, body: statusBody(410, 'Expired') }
        : { body: { kind: 'PodList', metadata: { continue: 'two' }, items: [] } };
    await expect(client.list('/api/v1/pods')).rejects.toMatchObject({ status: 410 });
  });

  test('of nothing is empty, also where the server says null', async () => {
    server.answer = () => ({ body: { kind: 'PodList', metadata: {}, items: null } });
    expect(await client.list('/api/v1/pods')).toEqual([]);
  });
});

function aClient(overrides: Partial<KubernetesClientOptions> = {}): KubernetesClient {
  let minted = 1;
  return createKubernetesClient({
    cluster: 'develop',
    region: 'ap-northeast-1',
    describeCluster: async () => ({ endpoint: server.url, ca: server.ca }),
    token: async ({ fresh = false } = {}) => {
      if (fresh) minted++;
      return `token-${minted}`;
    },
    ...overrides,
  });
}

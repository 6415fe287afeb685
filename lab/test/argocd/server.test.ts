import https from 'node:https';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type ArgocdEndpoint, type ServeArgocdOptions, serveArgocd } from '#lab/http/argocd/server.ts';
import { type CertificateAuthority, createCertificateAuthority } from '#lab/http/tls.ts';
import type { ArgocdOptions } from '#lab/world/argocd/index.ts';
import { aBench, anApplication, type Bench, FIRST, REPOSITORY, SECOND } from './builders.ts';

const HOST = 'argocd.develop.example.com';

let ca: CertificateAuthority;
let endpoint: ArgocdEndpoint | undefined;

beforeAll(async () => {
  ca = await createCertificateAuthority();
});
afterEach(async () => {
  await endpoint?.close();
  endpoint = undefined;
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly json: () => Record<string, unknown>;
}

interface Desk extends Bench {
  readonly endpoint: ArgocdEndpoint;
  readonly token: string;
  ask(
    method: string,
    path: string,
    options?: {
      readonly token?: string | null;
      readonly body?: unknown;
      readonly headers?: Record<string, string>;
    },
  ): Promise<Answer>;
}

async function aDesk(
  options: Partial<ArgocdOptions> = {},
  serve: Partial<ServeArgocdOptions> = {},
): Promise<Desk> {
  const bench = aBench(options);
  bench.argocd.addApplication(anApplication());
  const token = bench.argocd.addToken({ project: 'develop', role: 'nightshift' });
  const served = await serveArgocd({
    argocd: bench.argocd,
    ca,
    host: HOST,
    now: bench.context.clock.now,
    ...serve,
  });
  endpoint = served;
  return {
    ...bench,
    endpoint: served,
    token,
    ask: (method, path, { token: given = token, body, headers = {} } = {}) =>
      new Promise((resolve, reject) => {
        const content =
          body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
        const request = https.request(
          {
            host: '127.0.0.1',
            port: served.port,
            servername: HOST,
            ca: ca.pem,
            method,
            path,
            agent: false,
            headers: {
              ...(given === null ? {} : { authorization: `Bearer ${given}` }),
              ...(method === 'GET' ? {} : { 'content-type': 'application/json' }),
              ...headers,
            },
          },
          (reply) => {
            const chunks: Buffer[] = [];
            reply.on('data', (chunk: Buffer) => chunks.push(chunk));
            reply.on('error', reject);
            reply.on('end', () => {
              const raw = Buffer.concat(chunks);
              const text = (reply.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw).toString(
                'utf8',
              );
              resolve({
                status: reply.statusCode ?? 0,
                headers: reply.headers,
                text,
                json: () => JSON.parse(text),
              });
            });
          },
        );
        request.on('error', reject);
        request.end(content);
      }),
  };
}

const refusal = (code: number, message: string) => ({ error: message, code, message });

describe('a sync', () => {
  test('sets the operation with its infos, and its result can be read afterwards', async () => {
    const desk = await aDesk();
    await desk.pass(30);
    desk.push(SECOND);
    const started = await desk.ask('POST', '/api/v1/applications/api/sync', {
      body: {
        project: 'develop',
        prune: true,
        infos: [{ name: 'nightshift/deploy', value: 'd-1' }],
        syncOptions: { items: ['CreateNamespace=true'] },
        retryStrategy: { limit: 2 },
        somethingNew: true,
      },
    });
    expect(started.status).toBe(200);
    expect(started.json()).toMatchObject({
      metadata: { name: 'api', namespace: 'argocd' },
      operation: {
        sync: { revision: SECOND, prune: true, syncOptions: ['CreateNamespace=true'] },
        info: [{ name: 'nightshift/deploy', value: 'd-1' }],
        initiatedBy: { username: 'proj:develop:nightshift' },
        retry: { limit: 2 },
      },
    });
    expect(started.json()).not.toHaveProperty('kind');
    expect(started.json()['status'] as object).not.toHaveProperty('operationState');
    await desk.pass(30);
    const read = (await desk.ask('GET', '/api/v1/applications/api?project=develop&refresh=normal')).json();
    expect(read).not.toHaveProperty('operation');
    expect(read).toMatchObject({
      status: {
        sync: { status: 'Synced', revision: SECOND },
        health: { status: 'Healthy' },
        operationState: {
          phase: 'Succeeded',
          operation: { info: [{ name: 'nightshift/deploy', value: 'd-1' }] },
          syncResult: { revision: SECOND },
        },
      },
    });
  });

  test('while another operation runs is refused with code 9', async () => {
    const desk = await aDesk();
    desk.argocd.startForeignSync('api');
    const reply = await desk.ask('POST', '/api/v1/applications/api/sync', { body: { project: 'develop' } });
    expect(reply.status).toBe(400);
    expect(reply.json()).toEqual(refusal(9, 'another operation is already in progress'));
  });

  test('to a commit is refused on an application that syncs by itself, to its own branch it is not', async () => {
    const desk = await aDesk();
    desk.argocd.changeApplication('api', { autoSync: {} });
    const sync = (revision: string) =>
      desk.ask('POST', '/api/v1/applications/api/sync', { body: { revision } });
    expect((await sync(FIRST)).json()).toEqual(
      refusal(9, `Cannot sync to ${FIRST}: auto-sync currently set to develop`),
    );
    expect((await sync('develop')).status).toBe(200);
  });

  test('of an application that is being deleted is refused', async () => {
    const desk = await aDesk();
    desk.argocd.deleteApplication('api');
    const reply = await desk.ask('POST', '/api/v1/applications/api/sync', { body: {} });
    expect([reply.status, reply.json()]).toEqual([400, refusal(9, 'application is deleting')]);
  });

  test('inside a sync window is refused with code 7, before the permission check', async () => {
    const desk = await aDesk();
    const reader = desk.argocd.addToken({ project: 'develop', role: 'reader', policies: ['get'] });
    desk.argocd.addSyncWindow('develop', {
      kind: 'deny',
      schedule: '* * * * *',
      duration: '1h',
      applications: ['*'],
    });
    const reply = await desk.ask('POST', '/api/v1/applications/api/sync', { token: reader, body: {} });
    expect([reply.status, reply.json()]).toEqual([403, refusal(7, 'cannot sync: blocked by sync window')]);
  });

  test('to a branch that does not exist is refused', async () => {
    const desk = await aDesk();
    const reply = await desk.ask('POST', '/api/v1/applications/api/sync', { body: { revision: 'nowhere' } });
    expect(reply.status).toBe(400);
    expect(reply.json()).toMatchObject({
      code: 9,
      message: expect.stringContaining("unable to resolve 'nowhere'"),
    });
  });

  test.each([['application/json; charset=utf-8'], ['text/plain'], ['']])(
    'with the content type «%s» is refused with 415',
    async (type) => {
      const desk = await aDesk();
      const reply = await desk.ask('POST', '/api/v1/applications/api/sync', {
        body: '{}',
        headers: { 'content-type': type },
      });
      expect([reply.status, reply.text]).toEqual([415, 'Invalid content type\n']);
    },
  );

  test.each([
    [
      { syncOptions: ['Prune=true'] },
      'json: cannot unmarshal array into Go struct field ApplicationSyncRequest.syncOptions of type application.SyncOptions',
    ],
    [
      { prune: 'yes' },
      'json: cannot unmarshal string into Go struct field ApplicationSyncRequest.prune of type bool',
    ],
    ['{"prune":', 'unexpected EOF'],
    ['<html>', "invalid character '<' looking for beginning of value"],
  ])('with the body %j is refused as Go refuses it', async (body, message) => {
    const desk = await aDesk();
    const reply = await desk.ask('POST', '/api/v1/applications/api/sync', { body });
    expect([reply.status, reply.json()]).toEqual([400, refusal(3, message)]);
  });

  test('can be terminated', async () => {
    const desk = await aDesk();
    const none = await desk.ask('DELETE', '/api/v1/applications/api/operation');
    expect([none.status, none.json()]).toEqual([
      400,
      refusal(3, 'Unable to terminate operation. No operation is in progress'),
    ]);
    desk.argocd.changeApplication('api', { syncSeconds: 60 });
    await desk.ask('POST', '/api/v1/applications/api/sync', { body: {} });
    await desk.pass(2);
    expect((await desk.ask('DELETE', '/api/v1/applications/api/operation?project=develop')).text).toBe('{}');
    await desk.pass(2);
    expect(desk.argocd.application('api')?.status.operationState?.phase).toBe('Failed');
  });
});

describe('who may', () => {
  test('is refused without a token, and with an invalid one', async () => {
    const desk = await aDesk();
    const path = '/api/v1/applications/api';
    expect((await desk.ask('GET', path, { token: null })).json()).toEqual(
      refusal(16, 'no session information'),
    );
    expect((await desk.ask('GET', path, { token: 'not-a-token' })).json()).toEqual(
      refusal(16, 'no session information'),
    );
    const reply = await desk.ask('GET', path, { token: `${desk.token}x` });
    expect([reply.status, reply.json()]).toEqual([
      401,
      refusal(16, 'invalid session: token signature is invalid: signature is invalid'),
    ]);
  });

  test('an expired or revoked token is 401', async () => {
    const desk = await aDesk();
    const expires = new Date(desk.context.clock.now() + 60_000);
    const short = desk.argocd.addToken({ project: 'develop', role: 'short', expires });
    expect((await desk.ask('GET', '/api/v1/applications/api', { token: short })).status).toBe(200);
    await desk.pass(61);
    expect((await desk.ask('GET', '/api/v1/applications/api', { token: short })).json()).toEqual(
      refusal(16, 'invalid session: token has invalid claims: token is expired'),
    );
    desk.argocd.revokeToken(desk.token);
    const revoked = (await desk.ask('GET', '/api/v1/applications/api')).json();
    expect(revoked['message']).toMatch(
      /^invalid session: JWT token for role 'nightshift' issued at '\d+' does not exist in project 'develop'$/,
    );
  });

  test('an unknown application is 403 without its project and 404 with it', async () => {
    const desk = await aDesk();
    const without = await desk.ask('POST', '/api/v1/applications/nope/sync', { body: {} });
    expect([without.status, without.json()]).toEqual([403, refusal(7, 'permission denied')]);
    const withProject = await desk.ask('POST', '/api/v1/applications/nope/sync', {
      body: { project: 'develop' },
    });
    expect([withProject.status, withProject.json()]).toEqual([
      404,
      refusal(5, 'applications.argoproj.io "nope" not found'),
    ]);
  });

  test('a project token cannot reach an application of another project, whatever the request contains', async () => {
    const desk = await aDesk();
    desk.argocd.addProject({ name: 'production' });
    desk.argocd.addApplication(anApplication({ name: 'shop', project: 'production' }));
    for (const [project, status] of [
      [undefined, 403],
      ['production', 403],
      ['develop', 404],
    ] as const) {
      const reply = await desk.ask('POST', '/api/v1/applications/shop/sync', { body: { project } });
      expect(reply.status).toBe(status);
    }
    const list = (await desk.ask('GET', '/api/v1/applications')).json();
    expect((list['items'] as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name)).toEqual([
      'api',
    ]);
    expect(desk.argocd.application('shop')?.operation).toBeUndefined();
  });

  test('sync needs get first, and then sync', async () => {
    const desk = await aDesk();
    const onlySync = desk.argocd.addToken({ project: 'develop', role: 'blind', policies: ['sync'] });
    const onlyGet = desk.argocd.addToken({ project: 'develop', role: 'reader', policies: ['get'] });
    const sync = (token: string) =>
      desk.ask('POST', '/api/v1/applications/api/sync', { token, body: { project: 'develop' } });
    expect((await sync(onlySync)).json()).toEqual(refusal(7, 'permission denied'));
    expect((await sync(onlyGet)).json()).toEqual(
      refusal(
        7,
        'permission denied: applications, sync, develop/api, sub: proj:develop:reader, iat: 2026-11-24T01:00:00Z',
      ),
    );
  });

  test('one deny outweighs an allow', async () => {
    const desk = await aDesk();
    const token = desk.argocd.addToken({
      project: 'develop',
      role: 'mixed',
      policies: [
        'p, proj:develop:mixed, applications, *, develop/*, allow',
        'p, proj:develop:mixed, applications, sync, develop/api, deny',
      ],
    });
    expect((await desk.ask('GET', '/api/v1/applications/api', { token })).status).toBe(200);
    expect((await desk.ask('POST', '/api/v1/applications/api/sync', { token, body: {} })).status).toBe(403);
  });

  test('an application in a namespace of its own is named with it', async () => {
    const desk = await aDesk({ applicationNamespaces: ['team-a'] });
    desk.argocd.addApplication(anApplication({ name: 'web', namespace: 'team-a' }));
    expect((await desk.ask('GET', '/api/v1/applications/web?project=develop')).status).toBe(404);
    expect(
      (await desk.ask('GET', '/api/v1/applications/web?project=develop&appNamespace=team-a')).status,
    ).toBe(200);
    expect(
      (await desk.ask('GET', '/api/v1/applications/web?project=develop&appNamespace=team-b')).status,
    ).toBe(403);
    const sync = await desk.ask('POST', '/api/v1/applications/web/sync', {
      body: { project: 'develop', appNamespace: 'team-a' },
    });
    expect(sync.status).toBe(200);
  });
});

describe('the rest of the API', () => {
  test('lists by project, repository, name and label', async () => {
    const desk = await aDesk();
    desk.argocd.addApplication(anApplication({ name: 'web', labels: { team: 'a' } }));
    const names = async (query: string) =>
      (
        (await desk.ask('GET', `/api/v1/applications${query}`)).json()['items'] as
          | {
              metadata: { name: string };
            }[]
          | null
      )?.map(({ metadata }) => metadata.name);
    expect(await names('')).toEqual(['api', 'web']);
    expect(await names('?projects=other')).toBeUndefined();
    expect(await names('?selector=team%3Da')).toEqual(['web']);
    expect(await names('?name=api')).toEqual(['api']);
    expect(await names(`?repo=${encodeURIComponent(`${REPOSITORY}.git`)}`)).toEqual(['api', 'web']);
  });

  test('more than one project for one application is refused', async () => {
    const desk = await aDesk();
    const reply = await desk.ask('GET', '/api/v1/applications/api?project=develop&projects=other');
    expect([reply.status, reply.json()['code']]).toEqual([400, 3]);
  });

  test('the version is for everyone, its details for those who are logged in', async () => {
    const desk = await aDesk();
    expect((await desk.ask('GET', '/api/version', { token: null })).json()).toEqual({ Version: 'v3.6.0' });
    expect((await desk.ask('GET', '/api/version')).json()).toHaveProperty('GoVersion');
    expect((await desk.ask('GET', '/healthz', { token: null })).text).toBe('ok\n');
  });

  test('a path with dots is sent back clean, an unknown one is not found', async () => {
    const desk = await aDesk();
    const dots = await desk.ask('GET', '/api/v1/applications/../applications/api?project=develop');
    expect([dots.status, dots.headers['location']]).toEqual([
      307,
      '/api/v1/applications/api?project=develop',
    ]);
    expect((await desk.ask('GET', '/api/v1/applications/%2e%2e')).status).toBe(403);
    expect((await desk.ask('GET', '/api/v1/applications/a%2Fb/sync/more')).status).toBe(404);
    expect((await desk.ask('GET', '/api/v1/nothing')).text).toBe('Not Found\n');
    expect((await desk.ask('GET', '/api/v1/applications/api/sync')).status).toBe(405);
  });

  test('replies are zipped for those who ask for it', async () => {
    const desk = await aDesk();
    const reply = await desk.ask('GET', '/api/v1/applications', { headers: { 'accept-encoding': 'gzip' } });
    expect(reply.headers['content-encoding']).toBe('gzip');
    expect(reply.json()).toHaveProperty('items');
  });

  test('every request is recorded with its caller', async () => {
    const desk = await aDesk();
    await desk.ask('POST', '/api/v1/applications/api/sync', { body: {} });
    await desk.ask('GET', '/api/v1/applications/api', { token: null });
    expect(desk.endpoint.requests).toMatchObject([
      {
        method: 'POST',
        path: '/api/v1/applications/api/sync',
        status: 200,
        subject: 'proj:develop:nightshift',
      },
      { method: 'GET', status: 401, subject: undefined },
    ]);
  });
});

describe('bad days', () => {
  const asleep = { inCluster: { namespace: 'argocd', deployment: 'argocd-server' } };

  test('while its pods sleep the load balancer answers', async () => {
    const desk = await aDesk(asleep);
    const reply = await desk.ask('GET', '/api/v1/applications/api');
    expect([reply.status, reply.headers['server'], reply.headers['content-type']]).toEqual([
      503,
      'awselb/2.0',
      'text/html',
    ]);
  });

  test('or the connection is cut', async () => {
    const desk = await aDesk(asleep, { whenAsleep: 'reset' });
    await expect(desk.ask('GET', '/healthz')).rejects.toThrow();
  });

  test('a request that is never answered ends with the server', async () => {
    const desk = await aDesk();
    desk.endpoint.faults.add({ kind: 'hang' });
    const asked = desk.ask('GET', '/api/version');
    const failed = expect(asked).rejects.toThrow();
    while (desk.endpoint.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await desk.endpoint.close();
    await failed;
    expect(desk.endpoint.requests).toMatchObject([{ path: '/api/version', status: undefined }]);
  });

  test('a reply can be replaced, a number of times, for a path', async () => {
    const desk = await aDesk();
    const path = '/api/v1/applications/api';
    desk.endpoint.faults.add({
      path,
      kind: 'reply',
      status: 502,
      body: '<html>bad gateway</html>',
      times: 2,
      after: 1,
    });
    const statuses = [];
    for (let turn = 0; turn < 4; turn++) statuses.push((await desk.ask('GET', path)).status);
    expect(statuses).toEqual([200, 502, 502, 200]);
  });

  test('a redirect, a long body, a late reply', async () => {
    const desk = await aDesk();
    desk.endpoint.faults.add({
      kind: 'reply',
      status: 302,
      headers: { location: 'https://elsewhere.example.com/' },
    });
    expect((await desk.ask('GET', '/api/version')).headers['location']).toBe(
      'https://elsewhere.example.com/',
    );
    desk.endpoint.faults.add({ kind: 'reply', body: Buffer.alloc(10 * 1024 * 1024, 'a') });
    expect((await desk.ask('GET', '/api/version')).text).toHaveLength(10 * 1024 * 1024);
    desk.endpoint.faults.add({ kind: 'slow', delayMs: 20 });
    expect((await desk.ask('GET', '/api/version')).status).toBe(200);
  });

  test('a connection can break before a sync took effect, or after', async () => {
    const desk = await aDesk();
    const sync = () => desk.ask('POST', '/api/v1/applications/api/sync', { body: {} });
    desk.endpoint.faults.add({ method: 'POST', kind: 'reset' });
    await expect(sync()).rejects.toThrow();
    expect(desk.argocd.application('api')?.operation).toBeUndefined();
    desk.endpoint.faults.add({ method: 'POST', kind: 'reset-after' });
    await expect(sync()).rejects.toThrow();
    expect(desk.argocd.application('api')?.operation).toBeDefined();
  });
});

import { serveArgocd } from '@nightshift/lab/http/argocd/server.ts';
import { type CertificateAuthority, createCertificateAuthority } from '@nightshift/lab/http/tls.ts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createArgocdServer } from '#functions/adapters/argocd/server.ts';
import type { Secret } from '#functions/adapters/aws/secret.ts';
import { type Answer, type ScriptedServer, startScriptedServer } from '../kubernetes/scripted-server.ts';
import { anApplication, argocdContract, type Subject } from './contract.ts';

let ca: CertificateAuthority;
beforeAll(async () => {
  ca = await createCertificateAuthority();
});

function aSecret(...tokens: readonly string[]): Secret & { reads: number } {
  let next = 0;
  const take = async () => tokens[Math.min(next, tokens.length - 1)] ?? '';
  const secret = {
    reads: 0,
    read: take,
    readAgain: () => {
      secret.reads++;
      next++;
      return take();
    },
  };
  return secret;
}

argocdContract('the Argo CD server', async (lab): Promise<Subject> => {
  let token = lab.argocd.addToken({
    project: 'default',
    role: 'nightshift',
    policies: [
      'p, proj:default:nightshift, applications, get, default/*, allow',
      'p, proj:default:nightshift, applications, sync, default/*, allow',
    ],
  });
  const endpoint = await serveArgocd({ argocd: lab.argocd, ca, host: 'argocd.develop.example.com' });
  const argocd = createArgocdServer({
    argocd: { url: endpoint.url, ca: ca.pem },
    token: { read: async () => token, readAgain: async () => token },
  });
  return {
    argocd,
    readOnly: () => {
      token = lab.argocd.addToken({ project: 'default', role: 'reader', policies: ['get'] });
    },
    requests: () => endpoint.requests.length,
    close: async () => {
      argocd.close();
      await endpoint.close();
    },
  };
});

describe('the Argo CD server: on the wire', () => {
  const TOKEN = 'a.secret.token';
  let server: ScriptedServer;
  let reply: Answer;
  beforeAll(async () => {
    server = await startScriptedServer(() => reply);
  });
  afterAll(() => server.close());
  beforeEach(() => {
    server.answer = () => reply;
    server.asked.length = 0;
  });

  const clients: { close(): void }[] = [];
  const connect = (token: Secret = aSecret(TOKEN), timeoutMs = 2_000) => {
    const client = createArgocdServer({ argocd: { url: server.url, ca: server.ca }, token, timeoutMs });
    clients.push(client);
    return client;
  };
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  const application = { metadata: { name: 'api' }, spec: {}, status: {} };

  test('a sync names application and project, leaves the revision out and says exactly application/json', async () => {
    reply = { body: application };
    await connect().sync(anApplication({ namespace: 'teams' }), 'deploy-1');
    const [asked] = server.asked;
    expect(asked).toMatchObject({ method: 'POST', path: '/api/v1/applications/api/sync' });
    expect(asked?.headers['content-type']).toBe('application/json');
    expect(asked?.headers['authorization']).toBe(`Bearer ${TOKEN}`);
    expect(JSON.parse(asked?.body ?? '')).toEqual({
      name: 'api',
      project: 'default',
      appNamespace: 'teams',
      prune: false,
      infos: [{ name: 'nightshift-deploy', value: 'deploy-1' }],
    });
  });

  test('an application in Argo CD’s own namespace is asked for without one', async () => {
    reply = { body: application };
    await connect().read(anApplication(), { refresh: true });
    expect(Object.fromEntries(server.asked[0]?.query ?? [])).toEqual({
      project: 'default',
      refresh: 'normal',
    });
  });

  const busy = 'another operation is already in progress';
  test.each<[string, Answer, string]>([
    ['400/9 busy', { status: 400, body: { code: 9, message: busy } }, 'busy'],
    [
      '412/9 busy, as in old releases',
      { status: 412, body: { code: 9, error: busy, message: busy } },
      'busy',
    ],
    [
      '400/9 a commit on an auto-sync application',
      { status: 400, body: { code: 9, message: 'Cannot sync to abc: auto-sync currently set to develop' } },
      'permanent',
    ],
    ['400/9 deleting', { status: 400, body: { code: 9, message: 'application is deleting' } }, 'deleting'],
    [
      '403/7 a sync window',
      { status: 403, body: { code: 7, message: 'cannot sync: blocked by sync window' } },
      'window',
    ],
    ['403/7 RBAC', { status: 403, body: { code: 7, message: 'permission denied' } }, 'forbidden'],
    ['404/5 no such application', { status: 404, body: { code: 5, message: 'not found' } }, 'missing'],
    ['401/16 a bad token', { status: 401, body: { code: 16, message: 'invalid session' } }, 'unauthorized'],
    ['401 of a proxy', { status: 401, body: 'who are you?' }, 'unauthorized'],
    ['409/10 aborted', { status: 409, body: { code: 10, message: 'aborted' } }, 'transient'],
    ['403/8 exhausted', { status: 403, body: { code: 8, message: 'exhausted' } }, 'transient'],
    ['408/4 too slow', { status: 408, body: { code: 4, message: 'deadline exceeded' } }, 'transient'],
    ['503/14 unavailable', { status: 503, body: { code: 14, message: 'unavailable' } }, 'transient'],
    ['500/2', { status: 500, body: { code: 2, message: 'rpc error' } }, 'transient'],
    ['400/3 an invalid argument', { status: 400, body: { code: 3, message: 'no' } }, 'permanent'],
    [
      'an HTML 502',
      { status: 502, headers: { 'content-type': 'text/html' }, body: '<html>Bad Gateway</html>' },
      'transient',
    ],
    ['an HTML 404 of an ingress without a backend', { status: 404, body: '<html>404</html>' }, 'transient'],
    ['an HTML 403 of a firewall', { status: 403, body: '<html>403</html>' }, 'transient'],
    ['a login page with 200', { status: 200, body: '<html>Log in</html>' }, 'transient'],
    ['a JSON 200 that is no Application', { status: 200, body: [] }, 'transient'],
    ['a list instead of an Application', { status: 200, body: { items: [] } }, 'transient'],
    ['null', { status: 200, body: 'null' }, 'transient'],
    ['a connection that is cut', { cut: true }, 'transient'],
    ['415', { status: 415, body: 'Invalid content type' }, 'transient'],
  ])('%s', async (_what, scripted, kind) => {
    reply = scripted;
    const answered = await connect().sync(anApplication(), 'd');
    expect(answered).toMatchObject({ ok: false, error: { kind } });
    expect(JSON.stringify(answered)).not.toContain(TOKEN);
  });

  test('a redirect to another host is an answer: nothing is followed and the token stays here', async () => {
    reply = { status: 302, headers: { location: 'https://login.example.com/?return=secret' } };
    const answered = await connect().read(anApplication());
    expect(answered).toMatchObject({ ok: false, error: { kind: 'permanent' } });
    expect(JSON.stringify(answered)).toContain('login.example.com');
    expect(JSON.stringify(answered)).not.toContain('secret');
    expect(server.asked).toHaveLength(1);
  });

  test('a body of 10 MB is refused', async () => {
    reply = { body: { ...application, padding: 'x'.repeat(10 * 1024 * 1024) } };
    expect(await connect().read(anApplication())).toMatchObject({
      ok: false,
      error: { kind: 'transient', outcomeUnknown: true },
    });
  });

  test('a server that does not answer in time may have done what it was asked', async () => {
    reply = { silent: true };
    expect(await connect(undefined, 50).sync(anApplication(), 'd')).toMatchObject({
      ok: false,
      error: { kind: 'transient', outcomeUnknown: true },
    });
  });

  test('unknown fields and missing ones are let be', async () => {
    reply = { body: { metadata: { name: 'api', strange: 1 }, strange: true } };
    expect(await connect().read(anApplication())).toMatchObject({
      ok: true,
      value: { sync: 'Unknown', health: 'Unknown', sources: [], revisions: [], deleting: false },
    });
  });

  test('a refused token is read once more, and the request made again with the new one', async () => {
    const secret = aSecret('old', 'new');
    server.answer = (asked) =>
      asked.headers['authorization'] === 'Bearer new'
        ? { body: application }
        : { status: 401, body: { code: 16 } };
    expect(await connect(secret).read(anApplication())).toMatchObject({ ok: true });
    expect(secret.reads).toBe(1);
  });

  test('a token that is refused twice is not tried a third time', async () => {
    const secret = aSecret('old', 'new', 'newer');
    reply = { status: 401, body: { code: 16, message: 'invalid session' } };
    expect(await connect(secret).read(anApplication())).toMatchObject({
      ok: false,
      error: { kind: 'unauthorized' },
    });
    expect(server.asked).toHaveLength(2);
  });

  test('a token that is still the same is not sent again', async () => {
    reply = { status: 401, body: { code: 16, message: 'invalid session' } };
    await connect(aSecret('same', 'same')).read(anApplication());
    expect(server.asked).toHaveLength(1);
  });

  test('a certificate of a CA that was not named is not trusted, and the token is not sent', async () => {
    reply = { body: application };
    const client = createArgocdServer({ argocd: { url: server.url }, token: aSecret(TOKEN) });
    clients.push(client);
    expect(await client.read(anApplication())).toMatchObject({ ok: false, error: { kind: 'transient' } });
    expect(server.asked).toHaveLength(0);
  });
});

describe('the Argo CD server: its URL', () => {
  const create =
    (url: string, insecureLoopback = false) =>
    () =>
      createArgocdServer({ argocd: { url, insecureLoopback }, token: aSecret('t') }).close();

  test.each([
    'http://argocd.example.com',
    'http://127.0.0.1:8080',
    'http://127.0.0.1.example.com',
    'ftp://argocd.example.com',
    'argocd.example.com',
    '',
    'https://user:password@argocd.example.com',
    'https://argocd.example.com/?token=x',
  ])('%j is refused', (url) => {
    expect(create(url)).toThrow(/argocd\.url/);
    expect(create(url)).not.toThrow(/password|token=x/);
  });

  test('http:// to another host is refused although the loopback was allowed', () => {
    expect(create('http://argocd.example.com', true)).toThrow(/in the clear/);
  });

  test.each(['http://127.0.0.1:8080', 'http://localhost:8080', 'http://[::1]:8080'])(
    '%s is allowed where the config says so',
    (url) => expect(create(url, true)).not.toThrow(),
  );
});

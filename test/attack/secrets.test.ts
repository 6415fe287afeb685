import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { createArgocdServer } from '#functions/adapters/argocd/server.ts';
import { createGithubStatuses } from '#functions/adapters/forges/github-statuses.ts';
import { createHttpHost } from '#functions/adapters/http.ts';
import { createKubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import type { CommitStatus } from '#functions/branch-deploy/ports.ts';

const TOKEN = `eyJhbGciOiJIUzI1NiJ9.${'s'.repeat(300)}.signature-of-it`;
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A server, or a proxy before it, that repeats what it was sent. */
async function anEcho(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer);
  closing.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
}

const repeated: [string, (authorization: string) => string][] = [
  ['as it is', (sent) => sent],
  ['in the message of an error', (sent) => JSON.stringify({ code: 3, message: `bad request: ${sent}` })],
  [
    'in the message of a Status',
    (sent) => JSON.stringify({ kind: 'Status', message: `denied ${sent}`, reason: sent }),
  ],
  ['cut off', (sent) => `authorization: ${sent.slice(0, 120)}`],
  ['twice', (sent) => `${sent} ${sent}`],
];

describe('a token that the other side repeats', () => {
  test.for(repeated)('%s is in no reply that an adapter sees', async ([, text]) => {
    for (const status of [200, 400, 401, 403, 500, 502]) {
      const url = await anEcho((request, response) => {
        const sent = request.headers.authorization ?? '';
        response.writeHead(status, {
          'x-repeated': sent,
          location: `https://other.example/?t=${sent.slice(7)}`,
        });
        response.end(text(sent));
      });
      const host = createHttpHost({ url });
      closing.push(() => host.close());
      const reply = await host.request({
        method: 'GET',
        path: '/',
        timeoutMs: 5_000,
        headers: { authorization: `Bearer ${TOKEN}` },
      });
      expect(JSON.stringify(reply)).not.toContain(TOKEN.slice(0, 90));
    }
  });

  test('is in no failure of Argo CD', async () => {
    const url = await anEcho((request, response) => {
      response.writeHead(403, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({ code: 7, message: `permission denied: ${request.headers.authorization}` }),
      );
    });
    const secret = { read: async () => TOKEN, readAgain: async () => TOKEN };
    const argocd = createArgocdServer({ argocd: { url, insecureLoopback: true }, token: secret });
    closing.push(() => argocd.close());
    const application = { name: 'api', project: 'develop', prune: false, syncOptions: [] };
    const result = await argocd.read(application);
    expect(result).toMatchObject({ ok: false, error: { kind: 'forbidden' } });
    expect(JSON.stringify(result)).not.toContain('eyJhbGci');
  });
});

test('an endpoint of Kubernetes without TLS gets no token', async () => {
  const seen: unknown[] = [];
  const url = await anEcho((request, response) => {
    seen.push(request.headers.authorization);
    response.end('{}');
  });
  const client = createKubernetesClient({
    cluster: 'develop',
    region: 'ap-northeast-1',
    describeCluster: async () => ({ endpoint: url, ca: '' }),
    token: async () => TOKEN,
  });
  closing.push(() => client.close());
  await expect(client.request({ method: 'GET', path: '/version' })).rejects.toThrow(
    'a token is sent over https:// only',
  );
  expect(seen).toEqual([]);
});

test('a host of GitHub is always reached over TLS', async () => {
  const github = createGithubStatuses({
    github: { host: '127.0.0.1:1' },
    token: { read: async () => TOKEN, readAgain: async () => TOKEN },
    now: () => new Date(0),
  });
  closing.push(() => github.close());
  const failure = await github.post({
    repository: 'https://127.0.0.1:1/example/api',
    sha: 'a'.repeat(40),
    state: 'success',
    description: 'x',
    context: 'nightshift',
  } as CommitStatus);
  expect(failure).toMatchObject({ kind: 'transient' });
  expect(JSON.stringify(failure)).not.toContain('eyJhbGci');
});

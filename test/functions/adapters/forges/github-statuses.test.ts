import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Secret } from '#functions/adapters/aws/secret.ts';
import { createGithubStatuses } from '#functions/adapters/forges/github-statuses.ts';
import type { CommitStatus } from '#functions/branch-deploy/ports.ts';
import { type Answer, type ScriptedServer, startScriptedServer } from '../kubernetes/scripted-server.ts';

const SHA = '0123456789abcdef0123456789abcdef01234567';
const TOKEN = 'ghs_secret0secret0secret';
const NOW = new Date('2026-11-25T05:00:00Z');
const EPOCH = NOW.getTime() / 1_000;

let server: ScriptedServer;
let host: string;
let reply: Answer;
const opened: { close(): void }[] = [];

beforeAll(async () => {
  server = await startScriptedServer(() => reply);
  host = new URL(server.url).host;
});
afterAll(() => server.close());
beforeEach(() => {
  reply = { status: 201, body: { id: 1 } };
  server.answer = () => reply;
  server.asked.length = 0;
});
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

function aSecret(...tokens: readonly string[]): Secret & { again: number } {
  const at = (index: number) => tokens[Math.min(index, tokens.length - 1)] ?? '';
  const secret = {
    again: 0,
    read: async () => at(secret.again),
    readAgain: async () => at(++secret.again),
  };
  return secret;
}

const connect = (token: Secret = aSecret(TOKEN), timeoutMs = 2_000) => {
  const statuses = createGithubStatuses({
    github: { host, ca: server.ca },
    token,
    now: () => NOW,
    timeoutMs,
  });
  opened.push(statuses);
  return statuses;
};
const aStatus = (overrides: Partial<CommitStatus> = {}): CommitStatus => ({
  repository: `https://${host}/example/api.git`,
  sha: SHA,
  state: 'success',
  description: 'deployed: Synced and Healthy',
  context: 'nightshift/develop/api',
  environment: 'develop',
  application: 'api',
  build: 'api-develop:1',
  branch: 'develop',
  progress: 'deployed',
  ...overrides,
});

describe('a commit status of GitHub', () => {
  test('is one request to the API of the repository’s own server', async () => {
    expect(await connect().post(aStatus())).toBeUndefined();
    const [asked] = server.asked;
    expect(asked).toMatchObject({ method: 'POST', path: `/api/v3/repos/example/api/statuses/${SHA}` });
    expect(asked?.headers).toMatchObject({
      authorization: `Bearer ${TOKEN}`,
      accept: 'application/vnd.github+json',
      'user-agent': 'eks-nightshift',
    });
    expect(JSON.parse(asked?.body ?? '')).toEqual({
      state: 'success',
      description: 'deployed: Synced and Healthy',
      context: 'nightshift/develop/api',
    });
  });

  test.each([
    ['another host', 'https://gitlab.com/example/api'],
    ['a host that only begins so', 'https://github.com.example.com/example/api'],
    ['plain http', 'http://github.com/example/api'],
    ['a group of groups', 'https://github.com/group/example/api'],
    ['a path that climbs', 'https://github.com/example/..'],
    ['no name', 'https://github.com/example'],
    ['no address', 'example/api'],
  ])('is not for %s', async (_what, repository) => {
    const statuses = createGithubStatuses({
      github: { host: 'github.com' },
      token: {
        read: () => Promise.reject(new Error('the token was read')),
        readAgain: () => Promise.reject(),
      },
      now: () => NOW,
    });
    expect(statuses.has(repository)).toBe(false);
    expect(await statuses.post(aStatus({ repository }))).toMatchObject({ kind: 'permanent' });
    expect(statuses.has('https://github.com/example/api')).toBe(true);
    expect(statuses.has('https://github.com/example/api.git')).toBe(true);
  });

  test('is for a commit, not for a branch', async () => {
    expect(await connect().post(aStatus({ sha: 'develop' }))).toMatchObject({ kind: 'permanent' });
    expect(server.asked).toEqual([]);
  });

  test('reads a token that is not taken once more', async () => {
    server.answer = ({ headers }) =>
      headers['authorization'] === 'Bearer new'
        ? reply
        : { status: 401, body: { message: 'Bad credentials' } };
    const secret = aSecret('old', 'new');
    const statuses = connect(secret);
    expect(await statuses.post(aStatus())).toBeUndefined();
    expect(await statuses.post(aStatus())).toBeUndefined();
    expect(secret.again).toBe(1);
    expect(server.asked.map(({ headers }) => headers['authorization'])).toEqual([
      'Bearer old',
      'Bearer new',
      'Bearer new',
    ]);
  });

  test('does not ask twice with the same bad token', async () => {
    reply = { status: 401, body: { message: 'Bad credentials' } };
    const failure = await connect().post(aStatus());
    expect(failure).toEqual({
      kind: 'permanent',
      detail: `${host} answered 401: Bad credentials: the token is not accepted, put a new one into the secret`,
    });
    expect(server.asked).toHaveLength(1);
  });

  test.each<[string, Answer, string, number | undefined]>([
    [
      'a limit on bursts that says how long',
      {
        status: 403,
        headers: { 'retry-after': '30' },
        body: { message: 'You have exceeded a secondary rate limit' },
      },
      'transient',
      30,
    ],
    ['a limit on bursts that does not', { status: 429, body: { message: 'slow down' } }, 'transient', 60],
    [
      'a limit that only its words show',
      { status: 403, body: { message: 'You have triggered an abuse detection mechanism' } },
      'transient',
      60,
    ],
    [
      'the hourly limit',
      {
        status: 403,
        headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(EPOCH + 900) },
        body: { message: 'API rate limit exceeded' },
      },
      'transient',
      900,
    ],
    ['a pause beyond reason', { status: 429, headers: { 'retry-after': '999999' } }, 'transient', 3_600],
    ['a gateway’s page', { status: 502, body: '<html>secret</html>' }, 'transient', undefined],
    [
      'a missing permission',
      {
        status: 403,
        headers: { 'x-ratelimit-remaining': '4999' },
        body: { message: 'Resource not accessible by personal access token' },
      },
      'permanent',
      undefined,
    ],
    ['a repository it cannot see', { status: 404, body: { message: 'Not Found' } }, 'permanent', undefined],
    [
      'a commit that is not there',
      { status: 422, body: { message: 'No commit found' } },
      'permanent',
      undefined,
    ],
  ])('recognises %s', async (_what, answer, kind, retryAfterSeconds) => {
    reply = answer;
    const failure = await connect().post(aStatus());
    expect(failure?.kind).toBe(kind);
    expect(failure?.retryAfterSeconds).toBe(retryAfterSeconds);
    expect(failure?.detail).toContain(`${host} answered ${answer.status}`);
    expect(failure?.detail).not.toContain('html');
  });

  test('does not follow a redirect: the token goes to one host', async () => {
    reply = { status: 301, headers: { location: 'https://elsewhere.example.com/' } };
    expect((await connect().post(aStatus()))?.detail).toMatch(/correct the repository in the config$/);
    expect(server.asked).toHaveLength(1);
  });

  test.each<[string, Answer]>([
    ['a cut connection', { cut: true }],
    ['silence', { silent: true }],
  ])('takes %s for something that passes', async (_what, answer) => {
    reply = answer;
    expect(await connect(aSecret(TOKEN), 200).post(aStatus())).toMatchObject({ kind: 'transient' });
  });

  test('never repeats the token, whoever says it', async () => {
    reply = { status: 403, body: { message: `bad header: Bearer ${TOKEN}` } };
    const failure = await connect().post(aStatus());
    expect(failure?.detail).toContain('Bearer …');
    expect(failure?.detail).not.toContain(TOKEN);
  });
});

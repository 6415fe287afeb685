/** The console over HTTP, with a fake AWS on the loopback. */
import { request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCloud } from '#cli/cloud.ts';
import type { EnvironmentView } from '#cli/console/environment-view.ts';
import { type Console, serveConsole } from '#cli/console/server.ts';
import { createOverrides } from '#functions/adapters/dynamodb/night.ts';
import type { Table } from '#functions/adapters/dynamodb/table.ts';
import { loadConfig } from '#lib/config-file.ts';
import { type FakeAws, startFakeAws } from '../fake-aws.ts';

const CONFIG = fileURLToPath(new URL('../fixtures/three.config.ts', import.meta.url));
/** 21:00 on Tuesday in Tokyo. */
const now = () => new Date('2026-11-24T12:00:00Z');

let aws: FakeAws;
let table: Table;
let served: Console;
let origin: string;
let cookie: string;

beforeEach(async () => {
  aws = await startFakeAws({ now });
  table = await aws.tableOf('develop');
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  served = await serveConsole({
    loaded: await loadConfig(CONFIG),
    io: {
      now,
      user: 'ana',
      cloud: (name, environment) => createCloud(name, environment, now, { endpoint: aws.url, credentials }),
    },
  });
  origin = new URL(served.url).origin;
  const opened = await fetch(served.url, { redirect: 'manual' });
  cookie = opened.headers.get('set-cookie')?.split(';')[0] ?? '';
});

afterEach(async () => {
  await served.close();
  await aws.close();
});

const get = (path: string) => fetch(origin + path, { headers: { cookie } });
const postOverride = (body: object, headers: Record<string, string> = {}) =>
  fetch(`${origin}/override`, {
    method: 'POST',
    headers: { cookie, origin, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

describe('the console', () => {
  test('moves its token from the address into a cookie', async () => {
    const opened = await fetch(served.url, { redirect: 'manual' });
    expect(opened.status).toBe(303);
    expect(opened.headers.get('location')).toBe('/');
    expect(opened.headers.get('set-cookie')).toMatch(/; Path=\/; HttpOnly; SameSite=Strict$/);
    expect((await fetch(origin)).status).toBe(401);
    expect((await fetch(`${origin}/?token=wrong`)).status).toBe(401);
    expect((await fetch(`${origin}/decisions?token=x`)).status).toBe(401);
  });

  test('listens on the loopback, and refuses another Host', async () => {
    const { hostname, port } = new URL(served.url);
    expect(hostname).toBe('127.0.0.1');
    const status = await new Promise((resolve) =>
      request({ hostname, port, path: '/', headers: { host: `evil.example:${port}`, cookie } }, (reply) =>
        resolve(reply.resume().statusCode),
      ).end(),
    );
    expect(status).toBe(403);
  });

  test('loads nothing from elsewhere, and no other page can read or embed it', async () => {
    const { headers } = await get('/');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('access-control-allow-origin')).toBeNull();
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    const preflight = await fetch(`${origin}/override`, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    });
    expect(preflight.status).toBe(403);
  });

  test('serves one small script and no other', async () => {
    const script = await (await get('/client.js')).text();
    expect(script.length).toBeLessThan(150_000);
    const page = await (await get('/')).text();
    expect(page).not.toMatch(/(src|href)="(https?:)?\/\//);
  });

  test('sets an override, and invokes night-schedule', async () => {
    const reply = await postOverride({
      environment: 'develop',
      command: 'keep-up',
      until: '23:30',
      reason: 'release',
    });
    expect(reply.status).toBe(200);
    expect(await reply.json()).toMatchObject({ message: expect.stringContaining('release') });
    const [value] = await createOverrides(table).all();
    expect(value).toMatchObject({
      state: 'awake',
      until: '2026-11-24T14:30:00.000Z',
      author: 'assumed-role/Developer/ana.smith',
      label: 'ana',
      reason: 'release',
    });
    expect(aws.invocations.map((one) => one.function)).toEqual(['nightshift-develop-night-schedule']);

    expect((await postOverride({ environment: 'develop', command: 'cancel' })).status).toBe(200);
    expect(await createOverrides(table).all()).toEqual([]);
  });

  test.each([
    [
      'production',
      { environment: 'production', command: 'sleep', until: '2h', reason: 'x' },
      'which no override can reach',
    ],
    [
      'an unknown environment',
      { environment: 'nowhere', command: 'wake', until: '2h', reason: 'x' },
      'no environment',
    ],
    ['no reason', { environment: 'develop', command: 'wake', until: '2h', reason: ' ' }, 'enter a reason'],
    [
      'no end',
      { environment: 'develop', command: 'wake', until: '', reason: 'x' },
      'an override must have an end',
    ],
    ['no time', { environment: 'develop', command: 'wake', until: 'soon', reason: 'x' }, 'invalid time'],
    ['too long', { environment: 'develop', command: 'wake', until: '9d', reason: 'x' }, 'more than 7 days'],
    [
      'an unknown command',
      { environment: 'develop', command: 'delete', until: '2h', reason: 'x' },
      'unknown command "delete"',
    ],
    ['nothing at all', [], 'the environment is missing'],
  ])('refuses %s with its reason', async (_, body, why) => {
    const reply = await postOverride(body);
    expect(reply.status).toBe(400);
    expect(((await reply.json()) as { error: string }).error).toContain(why);
    expect(aws.calls.filter((call) => call === 'dynamodb:PutItem')).toEqual([]);
  });

  test('ends the override of somebody else only where that is requested', async () => {
    const until = '2026-11-24T15:00:00.000Z';
    const theirs = { id: 'bo', state: 'awake', from: '2026-11-24T11:00:00.000Z', until } as const;
    await createOverrides(table).add({ ...theirs, author: 'bo', reason: 'release' });
    const sleep = { environment: 'develop', command: 'sleep', until: '2h', reason: 'done' };
    const refused = await postOverride({ ...sleep, replace: false });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({
      error: expect.stringContaining('somebody else needs the cluster'),
    });
    expect((await postOverride({ ...sleep, replace: 'yes' })).status).toBe(400);
    expect((await postOverride({ ...sleep, replace: true })).status).toBe(200);
    expect((await createOverrides(table).all()).map(({ state }) => state)).toEqual(['asleep']);
  });

  test('refuses an override from another page', async () => {
    const body = { environment: 'develop', command: 'sleep', until: '2h', reason: 'x' };
    expect((await postOverride(body, { origin: 'https://evil.example' })).status).toBe(403);
    expect((await postOverride(body, { cookie: '' })).status).toBe(401);
    expect((await postOverride(body, { 'content-type': 'text/plain' })).status).toBe(415);
    expect(await createOverrides(table).all()).toEqual([]);
  });

  test('streams each view as it changes, with the error of an unreachable environment', async () => {
    const reply = await get('/events');
    const reader = reply.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    const views = () =>
      [...text.matchAll(/^event: environment\ndata: (.*)$/gm)].map(
        (one) => JSON.parse(one[1]!) as EnvironmentView,
      );
    while (views().length < 4) text += (await reader.read()).value ?? '';
    const of = (name: string) => views().findLast((view) => view.name === name);
    expect(of('develop')).toMatchObject({ overridable: true, desired: { state: 'awake' } });
    expect(of('develop')?.error).toBeUndefined();
    expect(of('overseas')?.error).toContain('the table nightshift-overseas does not exist: deploy the stack');
    expect(of('production')).toMatchObject({ overridable: false, production: true });

    await postOverride({ environment: 'develop', command: 'sleep', until: '2h', reason: 'quiet' });
    while (!of('develop')?.override) text += (await reader.read()).value ?? '';
    expect(of('develop')).toMatchObject({ override: { reason: 'quiet' }, desired: { state: 'asleep' } });
    await reader.cancel();
  });
});

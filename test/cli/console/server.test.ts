/** The console over HTTP, in front of an AWS on the loopback. */
import { request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCloud } from '#cli/cloud.ts';
import { type Console, serveConsole } from '#cli/console/server.ts';
import type { EnvironmentView } from '#cli/console/view.ts';
import { createOverrides } from '#functions/adapters/dynamodb/overrides.ts';
import type { Table } from '#functions/adapters/dynamodb/table.ts';
import { loadConfig } from '#lib/config-file.ts';
import { type AnAws, anAws } from '../an-aws.ts';

const CONFIG = fileURLToPath(new URL('../fixtures/three.config.ts', import.meta.url));
/** 21:00 on Tuesday in Tokyo. */
const now = () => new Date('2026-11-24T12:00:00Z');

let aws: AnAws;
let table: Table;
let served: Console;
let origin: string;
let cookie: string;

beforeEach(async () => {
  aws = await anAws({ now });
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
const wish = (body: object, headers: Record<string, string> = {}) =>
  fetch(`${origin}/override`, {
    method: 'POST',
    headers: { cookie, origin, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

describe('the console', () => {
  it('opens with its key, which goes from the address into a cookie', async () => {
    const opened = await fetch(served.url, { redirect: 'manual' });
    expect(opened.status).toBe(303);
    expect(opened.headers.get('location')).toBe('/');
    expect(opened.headers.get('set-cookie')).toMatch(/; Path=\/; HttpOnly; SameSite=Strict$/);
    expect((await fetch(origin)).status).toBe(401);
    expect((await fetch(`${origin}/?token=wrong`)).status).toBe(401);
    expect((await fetch(`${origin}/decisions?token=x`)).status).toBe(401);
  });

  it('listens on the loopback, and does not answer to another name', async () => {
    const { hostname, port } = new URL(served.url);
    expect(hostname).toBe('127.0.0.1');
    const status = await new Promise((resolve) =>
      request({ hostname, port, path: '/', headers: { host: `evil.example:${port}`, cookie } }, (reply) =>
        resolve(reply.resume().statusCode),
      ).end(),
    );
    expect(status).toBe(403);
  });

  it('allows nothing that it did not serve itself, and no other page to read it', async () => {
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

  it('has a small script of its own', async () => {
    const script = await (await get('/client.js')).text();
    expect(script.length).toBeLessThan(150_000);
    const page = await (await get('/')).text();
    expect(page).not.toMatch(/(src|href)="(https?:)?\/\//);
  });

  it('sets an override, and asks the function for a pass', async () => {
    const reply = await wish({ environment: 'develop', wish: 'keep-up', until: '23:30', reason: 'release' });
    expect(reply.status).toBe(200);
    expect(await reply.json()).toMatchObject({ said: expect.stringContaining('release') });
    const [value] = await createOverrides(table).all();
    expect(value).toMatchObject({
      state: 'awake',
      until: '2026-11-24T14:30:00.000Z',
      author: 'ana',
      reason: 'release',
    });
    expect(aws.invocations.map((one) => one.function)).toEqual(['nightshift-develop-night-schedule']);

    expect((await wish({ environment: 'develop', wish: 'cancel' })).status).toBe(200);
    expect(await createOverrides(table).all()).toEqual([]);
  });

  it.each([
    [
      'production',
      { environment: 'production', wish: 'sleep', until: '2h', reason: 'x' },
      'which no override can reach',
    ],
    [
      'an unknown environment',
      { environment: 'nowhere', wish: 'wake', until: '2h', reason: 'x' },
      'no environment',
    ],
    ['no reason', { environment: 'develop', wish: 'wake', until: '2h', reason: ' ' }, 'write a reason'],
    ['no end', { environment: 'develop', wish: 'wake', until: '', reason: 'x' }, 'an override must end'],
    ['no time', { environment: 'develop', wish: 'wake', until: 'soon', reason: 'x' }, 'this is no time'],
    ['too long', { environment: 'develop', wish: 'wake', until: '9d', reason: 'x' }, 'more than 7 days'],
    ['no such wish', { environment: 'develop', wish: 'delete', until: '2h', reason: 'x' }, 'no such wish'],
    ['nothing at all', [], 'no environment was named'],
  ])('refuses %s with its reason', async (_, body, why) => {
    const reply = await wish(body);
    expect(reply.status).toBe(400);
    expect(((await reply.json()) as { refused: string }).refused).toContain(why);
    expect(aws.calls.filter((call) => call === 'dynamodb:PutItem')).toEqual([]);
  });

  it('writes nothing for another page', async () => {
    const body = { environment: 'develop', wish: 'sleep', until: '2h', reason: 'x' };
    expect((await wish(body, { origin: 'https://evil.example' })).status).toBe(403);
    expect((await wish(body, { cookie: '' })).status).toBe(401);
    expect((await wish(body, { 'content-type': 'text/plain' })).status).toBe(415);
    expect(await createOverrides(table).all()).toEqual([]);
  });

  it('tells what it sees as it changes, and what it could not ask', async () => {
    const reply = await get('/events');
    const reader = reply.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    const views = () =>
      [...text.matchAll(/^event: environment\ndata: (.*)$/gm)].map(
        (one) => JSON.parse(one[1]!) as EnvironmentView,
      );
    while (views().length < 4) text += (await reader.read()).value ?? '';
    const of = (name: string) => views().findLast((view) => view.name === name);
    expect(of('develop')).toMatchObject({ steerable: true, wanted: { state: 'awake' } });
    expect(of('develop')?.error).toBeUndefined();
    expect(of('overseas')?.error).toContain('the table nightshift-overseas is not there: deploy the stack');
    expect(of('production')).toMatchObject({ steerable: false, production: true });

    await wish({ environment: 'develop', wish: 'sleep', until: '2h', reason: 'quiet' });
    while (!of('develop')?.override) text += (await reader.read()).value ?? '';
    expect(of('develop')).toMatchObject({ override: { reason: 'quiet' }, wanted: { state: 'asleep' } });
    await reader.cancel();
  });
});

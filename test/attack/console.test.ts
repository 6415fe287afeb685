import { request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCloud } from '#cli/cloud.ts';
import { type Console, serveConsole } from '#cli/console/server.ts';
import { createOverrides } from '#functions/adapters/dynamodb/night.ts';
import type { Table } from '#functions/adapters/dynamodb/table.ts';
import { loadConfig } from '#lib/config-file.ts';
import { type FakeAws, startFakeAws } from '#test/cli/fake-aws.ts';

const CONFIG = fileURLToPath(new URL('../cli/fixtures/three.config.ts', import.meta.url));
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

const post = (body: string, headers: Record<string, string> = {}) =>
  fetch(`${origin}/override`, {
    method: 'POST',
    headers: { cookie, origin, 'content-type': 'application/json', ...headers },
    body,
  });
const aRequest = (given: object) => ({
  environment: 'develop',
  command: 'wake',
  until: '2h',
  reason: 'x',
  ...given,
});

describe('the console', () => {
  test('refuses a body of more than 4 KB, announced or not', async () => {
    const long = JSON.stringify(aRequest({ reason: 'x'.repeat(5_000) }));
    expect((await post(long)).status).toBe(413);
    const { hostname, port } = new URL(origin);
    const status = await new Promise((resolve) => {
      const outgoing = request(
        {
          hostname,
          port,
          path: '/override',
          method: 'POST',
          headers: { cookie, origin, 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
        },
        (reply) => resolve(reply.resume().statusCode),
      );
      outgoing.on('error', () => resolve('closed'));
      for (let part = 0; part < 20; part++) outgoing.write('x'.repeat(1_000));
      outgoing.end();
    });
    expect([413, 'closed']).toContain(status);
    expect(await createOverrides(table).all()).toEqual([]);
  });

  test('refuses an address of more than a kilobyte', async () => {
    const path = `/decisions?environment=develop&target=${'x'.repeat(2_000)}`;
    expect((await fetch(origin + path, { headers: { cookie } })).status).toBe(414);
  });

  test.for(['a\u202eb', 'a\u2028b', 'a\u0000b', 'a\u001b[2Jb', 'a\u2066b', 'a\ud800b'])(
    'accepts no reason that holds %j',
    async (reason) => {
      const reply = await post(JSON.stringify(aRequest({ reason })));
      expect(reply.status).toBe(400);
      expect(await reply.json()).toMatchObject({ error: expect.stringContaining('write plain text') });
      expect(await createOverrides(table).all()).toEqual([]);
    },
  );

  test.for(['[]', 'null', '"x"', '{', '{"command":{"toString":1}}', '{"__proto__":{"command":"cancel"}}'])(
    'refuses the body %s',
    async (body) => {
      expect((await post(body)).status).toBe(400);
    },
  );

  test('keeps its token out of the address bar, out of scripts and out of other pages', async () => {
    const opened = await fetch(served.url, { redirect: 'manual' });
    expect(opened.headers.get('location')).toBe('/');
    expect(opened.headers.get('set-cookie')).toMatch(/HttpOnly; SameSite=Strict/);
    expect(opened.headers.get('referrer-policy')).toBe('no-referrer');
    const page = await fetch(origin, { headers: { cookie } });
    const token = new URL(served.url).searchParams.get('token') ?? '';
    expect(token.length).toBeGreaterThanOrEqual(32);
    expect(await page.text()).not.toContain(token);
  });

  test('lets its page load and send nothing elsewhere, and run no script but its own', async () => {
    const { headers } = await fetch(origin, { headers: { cookie } });
    const policy = headers.get('content-security-policy') ?? '';
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "frame-ancestors 'none'",
      "form-action 'none'",
      "base-uri 'none'",
    ])
      expect(policy).toContain(part);
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBeTruthy();
  });
});

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { endpointOffset } from '#cli/endpoint-clock.ts';

const NOW = new Date('2026-11-29T12:00:00Z');
const now = () => NOW;
let date = 'Wed, 10 Feb 2027 08:00:00 GMT';
const server = createServer((_, response) => {
  response.sendDate = false;
  response.setHeader('date', date).writeHead(404).end();
});
let url: string;

beforeAll(
  () =>
    new Promise<void>((resolve) =>
      server.listen(0, '127.0.0.1', () => {
        url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
        resolve();
      }),
    ),
);
afterAll(() => server.close());

describe('the time of a command', () => {
  test('is that of the lab, whose endpoint is on this machine', async () => {
    const offset = await endpointOffset(url, now);
    expect(new Date(NOW.getTime() + offset).toISOString()).toBe('2027-02-10T08:00:00.000Z');
  });

  test('is that of this machine where the endpoint agrees within a second', async () => {
    date = 'Sun, 29 Nov 2026 12:00:01 GMT';
    expect(await endpointOffset(url, now)).toBe(0);
  });

  test('is that of this machine without an endpoint, and where it does not answer', async () => {
    expect(await endpointOffset(undefined, now)).toBe(0);
    expect(await endpointOffset('not a URL', now)).toBe(0);
    expect(await endpointOffset('http://127.0.0.1:1', now)).toBe(0);
  });

  test('is never asked from an endpoint elsewhere: a plan is made offline', async () => {
    const refuse = () => Promise.reject(new Error('a request was sent'));
    let sent = 0;
    const count = ((...args: Parameters<typeof fetch>) => {
      sent++;
      return refuse().finally(() => args);
    }) as typeof fetch;
    for (const endpoint of ['https://vpce.example.com', 'http://10.0.0.1:4566'])
      expect(await endpointOffset(endpoint, now, count)).toBe(0);
    expect(sent).toBe(0);
  });
});

/** A server closes what is idle, and a function that was frozen meanwhile finds out with its next request. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import {
  createHttpHost,
  type HttpHost,
  type HttpRequest,
  UnreachableError,
} from '#functions/adapters/http.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Resets a connection with its second request, and counts requests and connections. */
async function aServerThatForgets(answersOnce = true) {
  const seen = { connections: 0, requests: 0 };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    seen.connections++;
    sockets.add(socket);
    socket.on('error', () => undefined);
    let requests = 0;
    socket.on('data', () => {
      seen.requests++;
      if (++requests > 1 || !answersOnce) socket.resetAndDestroy();
      else socket.write(OK);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const host = createHttpHost({
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
  });
  closing.push(() => {
    host.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { host, seen };
}

const ask = (host: HttpHost, request: Partial<HttpRequest> = {}) =>
  host.request({ method: 'GET', path: '/', timeoutMs: 2_000, ...request });

test('a request that can be repeated is sent once more over a new connection', async () => {
  const { host, seen } = await aServerThatForgets();
  await ask(host);
  expect(await ask(host)).toMatchObject({ status: 200, body: 'ok' });
  expect(seen).toEqual({ connections: 2, requests: 3 });
});

test('however many connections have gone stale', async () => {
  const { host, seen } = await aServerThatForgets();
  await Promise.all(Array.from({ length: 5 }, () => ask(host)));
  expect(seen.connections).toBe(5);
  expect(await ask(host)).toMatchObject({ status: 200 });
});

test.each(['PUT', 'DELETE'] as const)('a %s can be repeated', async (method) => {
  const { host } = await aServerThatForgets();
  await ask(host);
  expect(await ask(host, { method })).toMatchObject({ status: 200 });
});

test.each(['POST', 'PATCH'] as const)(
  'a %s may have taken effect: it is repeated only where the caller says so',
  async (method) => {
    const { host } = await aServerThatForgets();
    await ask(host);
    await expect(ask(host, { method, body: '{}' })).rejects.toBeInstanceOf(UnreachableError);
    await ask(host);
    expect(await ask(host, { method, body: '{}', isRepeatable: true })).toMatchObject({ status: 200 });
  },
);

test('a new connection that is reset is not tried again', async () => {
  const { host, seen } = await aServerThatForgets(false);
  await expect(ask(host)).rejects.toBeInstanceOf(UnreachableError);
  expect(seen).toEqual({ connections: 1, requests: 1 });
});

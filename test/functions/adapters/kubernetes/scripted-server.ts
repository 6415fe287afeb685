/** An HTTPS server on the loopback with a CA of its own that answers as the test says, and remembers what it was asked. */
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { generate } from 'selfsigned';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A string is sent as it is, anything else as JSON. */
  readonly body?: unknown;
  /** The connection is cut instead of answered. */
  readonly cut?: boolean;
  /** No answer at all. */
  readonly silent?: boolean;
}

export interface ScriptedServer {
  readonly url: string;
  readonly ca: string;
  readonly asked: Asked[];
  answer: (asked: Asked) => Answer | Promise<Answer>;
  close(): Promise<void>;
}

export async function startScriptedServer(answer: (asked: Asked) => Answer | Promise<Answer>) {
  const pems = await generate([{ name: 'commonName', value: 'scripted' }], {
    keyType: 'ec',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
    ],
  });
  const asked: Asked[] = [];
  const server = https.createServer({ key: pems.private, cert: pems.cert }, (incoming, reply) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', async () => {
      const url = new URL(incoming.url ?? '/', 'https://server');
      const one: Asked = {
        method: incoming.method ?? '',
        path: url.pathname,
        query: url.searchParams,
        headers: incoming.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      };
      asked.push(one);
      const said = await scripted.answer(one);
      if (said.silent) return;
      if (said.cut) {
        incoming.socket.destroy();
        return;
      }
      const body = said.body ?? {};
      reply.writeHead(said.status ?? 200, { 'content-type': 'application/json', ...said.headers });
      reply.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const scripted: ScriptedServer = {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca: pems.cert,
    asked,
    answer,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return scripted;
}

export function statusBody(
  code: number,
  reason: string,
  details: {
    causes?: readonly { reason?: string; message?: string; field?: string }[];
    retryAfterSeconds?: number;
  } = {},
) {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    message: `the server says ${reason}`,
    reason,
    code,
    details,
  };
}

/** A forge over HTTPS on the loopback, with JSON bodies. */
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Forge } from '../world/forges/forge.ts';
import type { CertificateAuthority } from './tls.ts';

export interface ForgeEndpoint {
  /** `127.0.0.1:<port>` */
  readonly host: string;
  /** How many requests came. */
  readonly requests: () => number;
  /** No request is answered any more. */
  hang(): void;
  close(): Promise<void>;
}

/** `forge` may need the host to which it belongs. */
export async function serveForge(
  forge: (host: string) => Forge,
  ca: CertificateAuthority,
): Promise<ForgeEndpoint> {
  const sockets = new Set<Duplex>();
  let requests = 0;
  let hangs = false;
  let served: Forge | undefined;
  const certificate = await ca.issue(['localhost', '127.0.0.1']);
  const server = https.createServer(certificate, (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      requests++;
      if (hangs || !served) return;
      const [path = '/', query = ''] = (incoming.url ?? '/').split('?');
      const body = bodyOf(Buffer.concat(chunks).toString('utf8'));
      const reply = body
        ? served.answer({
            method: incoming.method ?? 'GET',
            path,
            query: new URLSearchParams(query),
            headers: incoming.headers,
            body,
          })
        : { status: 400, body: { message: 'Problems parsing JSON' } };
      outgoing.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
      outgoing.end(JSON.stringify(reply.body));
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  served = forge(host);
  return {
    host,
    requests: () => requests,
    hang() {
      hangs = true;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function bodyOf(text: string): Readonly<Record<string, unknown>> | undefined {
  if (text === '') return {};
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The functions' network access: an HTTPS proxy that knows the lab's host names only. A function connects to
 * `argocd.develop.example.com:443` and reaches the server for it on the loopback; every other host
 * is unknown, so nothing leaves the machine.
 */
import http from 'node:http';
import { connect, type Socket } from 'node:net';

export interface Proxy {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Sends connections for `host:port` to that port of the loopback from now on. */
  route(authority: string, port: number): void;
  close(): Promise<void>;
}

export async function startProxy(): Promise<Proxy> {
  const routes = new Map<string, number>();
  const open = new Set<Socket>();
  const keep = (socket: Socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => socket.destroy());
  };
  const server = http.createServer((_, response) => {
    response
      .writeHead(405, { 'content-type': 'text/plain' })
      .end('the proxy of the lab takes CONNECT only\n');
  });
  server.on('connection', keep);
  server.on('connect', (request: http.IncomingMessage, client: Socket, head: Buffer) => {
    const authority = (request.url ?? '').toLowerCase();
    const port = routes.get(authority);
    if (port === undefined) {
      client.end(
        `HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nx-lab-error: no route to ${encodeURI(authority)}\r\n\r\n`,
      );
      return;
    }
    const upstream = connect({ host: '127.0.0.1', port, noDelay: true });
    keep(upstream);
    upstream.on('connect', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      if (head.length > 0) upstream.write(head);
      upstream.pipe(client);
      client.pipe(upstream);
    });
    upstream.on('error', () => client.destroy());
    upstream.on('close', () => client.destroy());
    client.on('close', () => upstream.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    route: (authority, port) => void routes.set(authority.toLowerCase(), port),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

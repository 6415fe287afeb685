/** HTTPS before a server that has none, as every endpoint of AWS has it. */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';

export interface TlsFront {
  /** `https://127.0.0.1:<port>` */
  readonly url: string;
  close(): Promise<void>;
}

export async function startTlsFront(
  server: string,
  certificate: { readonly key: string; readonly cert: string },
): Promise<TlsFront> {
  const { hostname, port } = new URL(server);
  const sockets = new Set<net.Socket>();
  const front = tls.createServer({ ...certificate, ALPNProtocols: ['http/1.1'] }, (client) => {
    const upstream = net.connect({ host: hostname, port: Number(port), noDelay: true });
    client.setNoDelay();
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  front.on('tlsClientError', () => undefined);
  front.listen({ port: 0, host: '127.0.0.1', backlog: 1_024 });
  await once(front, 'listening');
  return {
    url: `https://127.0.0.1:${(front.address() as AddressInfo).port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      front.close();
    },
  };
}

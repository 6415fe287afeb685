/** The console: a page on 127.0.0.1 that uses the operator's own credentials. */
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import type { LoadedConfig } from '#lib/config-file.ts';
import type { Io } from '../io.ts';
import { EnvironmentPoller } from './environment-poller.ts';
import { streamEnvironments } from './event-stream.ts';
import { bundlePageScript } from './page-script.ts';
import { addPageRoutes, decisionsRoute, morningsRoute, overrideRoute } from './routes.ts';
import { limitRequests, requireToken, securityHeaders } from './security.ts';

export interface ConsoleOptions {
  /** A config that `loadConfig` has checked. */
  readonly loaded: LoadedConfig;
  /** Access to the clouds, the clock, and the author of overrides. */
  readonly io: Pick<Io, 'cloud' | 'now' | 'user'>;
  /** Default: a free port. */
  readonly port?: number;
  /** Poll interval in ms while the page is open. Default 5,000. */
  readonly every?: number;
  /** A recorded day, which the page says. Default false. */
  readonly demo?: boolean;
}

export interface Console {
  /** The page's address, with its access token. */
  readonly url: string;
  close(): Promise<void>;
}

export async function serveConsole(options: ConsoleOptions): Promise<Console> {
  const { loaded, io } = options;
  const token = randomBytes(24).toString('base64url');
  const poller = new EnvironmentPoller(loaded, io, options.every ?? 5_000);
  const closing = new AbortController();

  const script = await bundlePageScript();
  const app = new Hono();
  const server = createServer({ requestTimeout: 30_000 }, getRequestListener(app.fetch));
  const port = await listen(server, options.port ?? 0);

  app.use(securityHeaders());
  app.use(requireToken({ port, token }));
  app.use(limitRequests());
  addPageRoutes(app, script);
  const announcement = { names: Object.keys(loaded.config.environments), demo: options.demo ?? false };
  app.get('/events', streamEnvironments(poller, announcement, closing.signal));
  app.get('/decisions', decisionsRoute(poller));
  app.get('/mornings', morningsRoute(poller));
  app.post('/override', overrideRoute(loaded, io, poller));

  return {
    url: `http://127.0.0.1:${port}/?token=${token}`,
    async close() {
      poller.close();
      closing.abort();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });
  return (server.address() as AddressInfo).port;
}

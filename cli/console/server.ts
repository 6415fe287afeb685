/** The console: a page on 127.0.0.1 with the operator's own credentials behind it. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { build } from 'esbuild';
import { type Context, Hono } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { secureHeaders } from 'hono/secure-headers';
import { streamSSE } from 'hono/streaming';
import type { LoadedConfig } from '#lib/config-file.ts';
import { DAY_MS } from '#model/duration.ts';
import { parseDuration } from '#model/when.ts';
import { about } from '../explain.ts';
import { CloudError, type Io, RefusedError } from '../io.ts';
import { cancelOverride, setOverride, type Wish } from '../override.ts';
import { isToken, refuse } from './guard.ts';
import { HTML } from './page/html.ts';
import { STYLE } from './page/style.ts';
import type { EnvironmentView } from './view.ts';
import { createWatch } from './watch.ts';

export interface ConsoleOptions {
  /** A config that `loadConfig` has checked. */
  readonly loaded: LoadedConfig;
  /** Where the clouds come from, the time, and the author of overrides. */
  readonly io: Pick<Io, 'cloud' | 'now' | 'user'>;
  /** Default: one that is free. */
  readonly port?: number;
  /** Ms between two looks at an environment, while the page is open. Default 5,000. */
  readonly every?: number;
}

export interface Console {
  /** With the token that opens the page. */
  readonly url: string;
  close(): Promise<void>;
}

const WISHES: readonly Wish[] = ['keep-up', 'wake', 'sleep'];
const TRAIL_DAYS = 7;
const KEEP_ALIVE_MS = 15_000;

export async function serveConsole(options: ConsoleOptions): Promise<Console> {
  const { loaded, io } = options;
  const token = randomBytes(24).toString('base64url');
  const client = await clientScript();
  const watch = createWatch(loaded, io, options.every ?? 5_000);
  const closing = new AbortController();

  const app = new Hono();
  const server = createServer(getRequestListener(app.fetch));
  const own = { port: await listen(server, options.port ?? 0), token };
  const cookie = `nightshift-${own.port}`;

  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        connectSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
      referrerPolicy: 'no-referrer',
      crossOriginResourcePolicy: 'same-origin',
      crossOriginOpenerPolicy: 'same-origin',
      strictTransportSecurity: false,
    }),
  );
  app.use(async (context, next) => {
    context.header('cache-control', 'no-store');
    const given = context.req.path === '/' ? context.req.query('token') : undefined;
    const refused = refuse(askedBy(context, given ?? getCookie(context, cookie)), own);
    if (refused) return context.text(`nightshift console: ${refused.why}\n`, refused.status);
    if (given !== undefined && isToken(given, token)) {
      setCookie(context, cookie, token, { httpOnly: true, sameSite: 'Strict', path: '/' });
      // The key leaves the address bar.
      return context.redirect('/', 303);
    }
    return next();
  });

  app.get('/', (context) => context.html(HTML));
  app.get('/style.css', (context) => context.body(STYLE, 200, { 'content-type': 'text/css; charset=utf-8' }));
  app.get('/client.js', (context) =>
    context.body(client, 200, { 'content-type': 'text/javascript; charset=utf-8' }),
  );
  app.get('/favicon.ico', (context) => context.body(null, 204));

  app.get('/events', (context) =>
    streamSSE(context, async (stream) => {
      const queue: EnvironmentView[] = [];
      let wake: () => void = () => undefined;
      const stop = watch.subscribe((view) => {
        queue.push(view);
        wake();
      });
      const names = JSON.stringify(Object.keys(loaded.config.environments));
      await stream.writeSSE({ event: 'environments', data: names });
      stream.onAbort(() => wake());
      closing.signal.addEventListener('abort', () => wake(), { once: true });
      while (!stream.aborted && !closing.signal.aborted) {
        const view = queue.shift();
        if (view) await stream.writeSSE({ event: 'environment', data: JSON.stringify(view) });
        else {
          const idle = await sleepUntil((call) => {
            wake = call;
          });
          if (idle) await stream.writeSSE({ event: 'alive', data: '' });
        }
      }
      stop();
    }),
  );

  app.get('/decisions', async (context) => {
    const name = context.req.query('environment') ?? '';
    const target = context.req.query('target') ?? '';
    return answered(context, async () => {
      const cloud = await watch.cloudOf(name);
      const since = new Date(cloud.now().getTime() - TRAIL_DAYS * DAY_MS);
      return { decisions: about(target, await cloud.decisions(since)).toReversed() };
    });
  });

  app.post('/override', async (context) => {
    const body: unknown = await context.req.json().catch(() => undefined);
    return answered(context, async () => {
      const asked = wishOf(body);
      const said: string[] = [];
      const voice: Io = {
        ...io,
        out: (text) => said.push(text),
        err: (text) => said.push(text),
        color: false,
        cloud: (name) => watch.cloudOf(name),
      };
      if (asked.wish === 'cancel') await cancelOverride(loaded, asked.environment, {}, voice);
      else await setOverride(loaded, asked.wish, asked.environment, asked, voice);
      await watch.look(asked.environment);
      return {
        said: said
          .join('\n')
          .replace(/^ {2}"nightshift status.*$/m, '')
          .trim(),
      };
    });
  });

  return {
    url: `http://127.0.0.1:${own.port}/?token=${token}`,
    async close() {
      watch.close();
      closing.abort();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function askedBy(context: Context, token: string | undefined) {
  const header = (name: string) => context.req.header(name);
  return {
    method: context.req.method,
    host: header('host'),
    origin: header('origin'),
    fetchSite: header('sec-fetch-site'),
    contentType: header('content-type'),
    token,
  };
}

/** What a person can do something about is an answer; anything else is an error of ours. */
async function answered(context: Context, run: () => Promise<object>) {
  try {
    return context.json(await run());
  } catch (error) {
    if (error instanceof RefusedError) return context.json({ refused: error.message }, 400);
    if (error instanceof CloudError) return context.json({ refused: error.message }, 502);
    throw error;
  }
}

interface Asking {
  readonly wish: Wish | 'cancel';
  readonly environment: string;
  readonly until?: string;
  readonly for?: string;
  readonly reason?: string;
}

/** `until` may be a duration as well: one field is enough for a person. */
function wishOf(body: unknown): Asking {
  const { wish, environment, until, reason } = (
    typeof body === 'object' && body !== null ? body : {}
  ) as Record<string, unknown>;
  if (typeof environment !== 'string') throw new RefusedError('no environment was named');
  if (wish === 'cancel') return { wish, environment };
  const known = WISHES.find((one) => one === wish);
  if (!known) throw new RefusedError('there is no such wish');
  if (typeof reason !== 'string' || reason.trim() === '') {
    throw new RefusedError('write a reason, for the others: they see it wherever the cluster is looked at');
  }
  if (typeof until !== 'string' || until.trim() === '') {
    throw new RefusedError('an override must end: write until when, like 22:00 or 2h');
  }
  const end = 'ms' in parseDuration(until) ? { for: until } : { until };
  return { wish: known, environment, reason: reason.trim(), ...end };
}

/** True after a while in which nothing happened. */
function sleepUntil(onCall: (call: () => void) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), KEEP_ALIVE_MS);
    onCall(() => {
      clearTimeout(timer);
      resolve(false);
    });
  });
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });
  return (server.address() as AddressInfo).port;
}

/** The page's script in one file, from its source here or from the published package. */
async function clientScript(): Promise<string> {
  const folder = join(import.meta.dirname, 'page');
  const entry = ['client.ts', 'client.js'].map((name) => join(folder, name)).find((path) => existsSync(path));
  if (!entry) throw new Error('the script of the console is missing: cli/console/page/client.ts');
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    legalComments: 'none',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}

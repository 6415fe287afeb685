/**
 * One host over HTTP or HTTPS with kept-alive connections: used by the Kubernetes, Argo CD and GitHub adapters.
 * Redirects are answers, never followed: a token must not travel to another host. Proxies are those of the
 * environment (HTTPS_PROXY, NO_PROXY), as in any Node program that honours them. A reply never holds the token that was
 * sent: whoever answers may repeat the request, and replies reach logs, the table and people.
 */
import type { ClientRequest, IncomingMessage } from 'node:http';
import https from 'node:https';
import { createSecureContext, getCACertificates } from 'node:tls';
import { messageOf, NightshiftError } from '#functions/shared/errors.ts';

/** Not by `import`: that reads every getter of the module, and one of them loads undici, 40 ms of a cold start. */
const http = process.getBuiltinModule('node:http');

/** A small function has a fraction of a processor: less failed by its own slowness. */
const CONNECT_MS = 4_000;

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query, beginning with `/`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** From the start of the request to the end of the reply. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** It does no harm twice. Default: GET, PUT and DELETE. */
  readonly isRepeatable?: boolean | undefined;
}

export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface HttpHost {
  request(request: HttpRequest): Promise<HttpReply>;
  close(): void;
}

/** The host was unreachable, or did not answer whole and in time. Whether the request took effect is unknown. */
export class UnreachableError extends NightshiftError {
  override name = 'UnreachableError';
}

export interface HttpHostOptions {
  /** `https://host[:port][/base]`; `http:` is for the caller to allow. */
  readonly url: string;
  /** PEM, trusted beside the public CAs (`additional`), or alone (`only`). */
  readonly ca?: string;
  readonly trust?: 'additional' | 'only';
  readonly maxSockets?: number;
  /** A longer reply is refused. Default 8 MiB. */
  readonly maxBodyBytes?: number;
}

export function createHttpHost(options: HttpHostOptions): HttpHost {
  const url = new URL(options.url);
  const base = url.pathname.replace(/\/$/, '');
  const maxBodyBytes = options.maxBodyBytes ?? 8 * 1024 * 1024;
  const secure = url.protocol === 'https:';
  const ca = options.ca
    ? options.trust === 'only'
      ? [options.ca]
      : [...getCACertificates('default'), options.ca]
    : undefined;
  const agentOptions = {
    keepAlive: true,
    maxSockets: options.maxSockets ?? 64,
    proxyEnv: process.env,
    // Made once: each connection would make its own, and read the certificates again.
    ...(secure ? { secureContext: createSecureContext(ca ? { ca } : {}) } : {}),
  };
  const agent = secure ? new https.Agent(agentOptions) : new http.Agent(agentOptions);
  const connection = {
    agent,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port || (secure ? 443 : 80),
  };

  return {
    close: () => agent.destroy(),
    async request(request) {
      const timeout = AbortSignal.timeout(request.timeoutMs);
      const mask = maskOf(request.headers?.['authorization']);
      for (;;) {
        const outcome = await attempt(
          {
            ...connection,
            signal: request.signal ? AbortSignal.any([request.signal, timeout]) : timeout,
            path: base + request.path,
            method: request.method,
            headers: {
              ...request.headers,
              ...(request.body === undefined ? {} : { 'content-length': Buffer.byteLength(request.body) }),
            },
          },
          {
            send: secure ? https.request : http.request,
            name: url.host,
            body: request.body,
            maxBodyBytes,
            mask,
          },
        );
        if ('reply' in outcome) return outcome.reply;
        // A stale connection is gone from the pool, so this ends.
        if (outcome.isStale && isRepeatable(request) && !timeout.aborted && !request.signal?.aborted)
          continue;
        const { cause } = outcome;
        throw new UnreachableError(
          timeout.aborted
            ? `${url.host} did not answer ${request.method} ${withoutQuery(request.path)} within ${request.timeoutMs} ms`
            : `${url.host} is unreachable: ${mask(messageOf(cause))}`,
          { cause },
        );
      }
    },
  };
}

type Outcome =
  | { readonly reply: HttpReply }
  /** `isStale`: the connection was kept alive, and the server had closed it. */
  | { readonly cause: unknown; readonly isStale: boolean };

interface Sending {
  readonly send: (
    options: https.RequestOptions,
    onReply: (incoming: IncomingMessage) => void,
  ) => ClientRequest;
  /** For messages. */
  readonly name: string;
  readonly body: string | undefined;
  readonly maxBodyBytes: number;
  readonly mask: Mask;
}

function attempt(options: https.RequestOptions, { send, name, body, ...reading }: Sending): Promise<Outcome> {
  return new Promise((resolve) => {
    const outgoing = send(options, (incoming) =>
      readReply(incoming, reading).then(
        (reply) => resolve({ reply }),
        (cause) => resolve({ cause, isStale: false }),
      ),
    );
    limitConnecting(outgoing, name);
    outgoing.on('error', (cause: NodeJS.ErrnoException) => {
      const isReset = cause.code === 'ECONNRESET' || cause.code === 'EPIPE';
      resolve({ cause, isStale: outgoing.reusedSocket && isReset });
    });
    outgoing.end(body);
  });
}

function isRepeatable({ method, isRepeatable: isSaidToBe }: HttpRequest): boolean {
  return isSaidToBe ?? (method === 'GET' || method === 'PUT' || method === 'DELETE');
}

type Mask = (text: string) => string;

function readReply(
  incoming: IncomingMessage,
  { maxBodyBytes, mask }: { readonly maxBodyBytes: number; readonly mask: Mask },
): Promise<HttpReply> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpReply>();
  const chunks: Buffer[] = [];
  let size = 0;
  incoming.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxBodyBytes) {
      incoming.destroy(new Error(`the reply is longer than ${maxBodyBytes} bytes`));
      return;
    }
    chunks.push(chunk);
  });
  incoming.on('error', reject);
  incoming.on('end', () => {
    const headers = Object.entries(incoming.headers).map(([name, value]) => [
      name,
      typeof value === 'string' ? mask(value) : value?.map(mask),
    ]);
    resolve({
      status: incoming.statusCode ?? 0,
      headers: Object.fromEntries(headers),
      body: mask(Buffer.concat(chunks).toString('utf8')),
    });
  });
  return promise;
}

/** A kept-alive connection is there already; a new one must not take the time of the whole request. */
function limitConnecting(outgoing: ClientRequest, host: string): void {
  outgoing.on('socket', (socket) => {
    if (!socket.connecting) return;
    const timer = setTimeout(
      () => outgoing.destroy(new Error(`no connection to ${host} within ${CONNECT_MS} ms`)),
      CONNECT_MS,
    );
    for (const event of ['connect', 'close', 'error']) socket.once(event, () => clearTimeout(timer));
  });
}

/** Replaces the token of the request, also where only its beginning is repeated. */
function maskOf(authorization: string | undefined): Mask {
  const token = authorization?.replace(/^\S+ /, '');
  if (!token) return (text) => text;
  const start = token.slice(0, Math.max(16, token.length >> 2));
  const pattern = new RegExp(`${start.replace(/[^\w]/g, '\\$&')}[\\w.~+/=-]*`, 'g');
  return (text) => (text.includes(start) ? text.replace(pattern, '…') : text);
}

function withoutQuery(path: string): string {
  return path.split('?')[0] ?? path;
}

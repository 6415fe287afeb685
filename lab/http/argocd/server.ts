/**
 * Argo CD's API server over HTTPS: grpc-gateway 1.16 in front of the world's Argo CD. While it has no Ready pod,
 * the load balancer in front of it replies.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { posix } from 'node:path';
import type { Duplex } from 'node:stream';
import { gzipSync } from 'node:zlib';
import {
  type ApplicationObject,
  ArgocdError,
  type ArgocdWorld,
  type AuditEvent,
  type Caller,
  httpStatusOf,
  type ListQuery,
} from '../../world/argocd/index.ts';
import type { CertificateAuthority } from '../tls.ts';
import { type ArgocdFaults, createFaults } from './faults.ts';
import { labelSelector } from './selector.ts';
import { BodyError, readSyncBody } from './sync-body.ts';

export interface ServeArgocdOptions {
  readonly argocd: ArgocdWorld;
  /** Issues the server's certificate. */
  readonly ca: CertificateAuthority;
  /** The name that clients know it by; the certificate also holds for localhost and 127.0.0.1. */
  readonly host: string;
  /** Default: any free one. */
  readonly port?: number;
  /** For the list of requests; default: the machine's clock. */
  readonly now?: () => number;
  /**
   * The reply while Argo CD has no Ready pod: a 503 of the load balancer (default), a reset connection, or none.
   */
  readonly whenAsleep?: 'load-balancer' | 'reset' | 'hang';
}

/** One request with its result. */
export interface ArgocdRequest {
  /** Virtual ms. */
  readonly time: number;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: string;
  /** Of the token; undefined where none was accepted. */
  readonly subject: string | undefined;
  /** Undefined where the connection was cut or nothing was answered. */
  readonly status: number | undefined;
}

export interface ArgocdEndpoint {
  /** `https://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  /** Oldest first. */
  readonly requests: readonly ArgocdRequest[];
  readonly faults: ArgocdFaults;
  close(): Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** The longest body that is read: the limit of a gRPC message in Argo CD. */
const MAX_BODY = 100 * 1024 * 1024;

export async function serveArgocd(options: ServeArgocdOptions): Promise<ArgocdEndpoint> {
  const faults = createFaults();
  const requests: ArgocdRequest[] = [];
  const sockets = new Set<Duplex>();
  const certificate = await options.ca.issue([options.host, 'localhost', '127.0.0.1']);

  const server = https.createServer(certificate, (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    let size = 0;
    incoming.on('error', () => incoming.socket.destroy());
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY) chunks.push(chunk);
    });
    incoming.on('end', () =>
      respond({
        options,
        faults,
        requests,
        incoming,
        outgoing,
        body: Buffer.concat(chunks).toString('utf8'),
      }),
    );
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;

  return {
    url: `https://127.0.0.1:${port}`,
    port,
    requests,
    faults,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

interface Exchange {
  readonly options: ServeArgocdOptions;
  readonly faults: ReturnType<typeof createFaults>;
  readonly requests: ArgocdRequest[];
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly body: string;
}

/** Answers one request, or fails it as the faults and the state of Argo CD's pods require. */
function respond(exchange: Exchange) {
  const { options, faults, requests, incoming, outgoing } = exchange;
  const { argocd } = options;
  const now = options.now ?? Date.now;
  const [rawPath = '/', query = ''] = splitOnce(incoming.url ?? '/', '?');
  const method = incoming.method ?? 'GET';
  const log = (status: number | undefined, subject?: string) =>
    requests.push({ time: now(), method, path: rawPath, query, subject, status });
  const hang = () => {
    log(undefined);
  };
  const cut = () => {
    log(undefined);
    incoming.socket.destroy();
  };
  const send = (reply: Reply, subject?: string) => {
    log(reply.status, subject);
    const zipped = canZip(reply, incoming.headers['accept-encoding']);
    const body = zipped ? gzipSync(reply.body) : reply.body;
    outgoing.writeHead(reply.status, {
      ...reply.headers,
      ...(zipped ? { 'content-encoding': 'gzip' } : {}),
      vary: 'Accept-Encoding',
      'content-length': Buffer.byteLength(body),
    });
    outgoing.end(method === 'HEAD' ? undefined : body);
  };

  const fault = faults.take(method, rawPath);
  if (fault?.kind === 'reset') return cut();
  if (fault?.kind === 'hang') return hang();
  if (!argocd.available()) {
    if (options.whenAsleep === 'reset') return cut();
    if (options.whenAsleep === 'hang') return hang();
    return send(loadBalancerReply());
  }
  const later = (run: () => void) => {
    if (fault?.delayMs) setTimeout(run, fault.delayMs);
    else run();
  };
  if (fault?.kind === 'reply') {
    const reply: Reply = {
      status: fault.status ?? 200,
      headers: { 'content-type': 'text/html', ...fault.headers },
      body: fault.body ?? '',
    };
    return later(() => send(reply));
  }
  const call: Call = {
    argocd,
    method,
    path: rawPath,
    query: new URLSearchParams(query),
    rawQuery: query,
    headers: incoming.headers,
    body: exchange.body,
    subject: undefined,
  };
  const reply = answer(call);
  if (fault?.kind === 'reset-after') return cut();
  return later(() => send(reply, call.subject));
}

export interface Call {
  readonly argocd: ArgocdWorld;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly rawQuery: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  subject: string | undefined;
}

/** One request without HTTP. */
export function answerArgocd(request: Omit<Call, 'query' | 'subject'>): Pick<Reply, 'status' | 'body'> {
  return answer({ ...request, query: new URLSearchParams(request.rawQuery), subject: undefined });
}

/** Go's ServeMux, the content type check, and grpc-gateway's routes, in this order. */
function answer(call: Call): Reply {
  const clean = cleanPath(call.path);
  if (clean !== call.path) {
    const location = call.rawQuery === '' ? clean : `${clean}?${call.rawQuery}`;
    return {
      status: 307,
      headers: { location, 'content-type': 'text/html; charset=utf-8' },
      body: call.method === 'GET' ? `<a href="${location}">Temporary Redirect</a>.\n\n` : '',
    };
  }
  let path: string;
  try {
    path = decodeURIComponent(call.path);
  } catch {
    return text(400, '400 Bad Request');
  }
  if (path === '/healthz') return text(200, 'ok\n');
  if (!path.startsWith('/api/')) {
    return {
      status: 200,
      headers: { 'content-type': 'text/html; charset=utf-8' },
      body: '<!doctype html><title>Argo CD</title>\n',
    };
  }
  if (
    call.method !== 'GET' &&
    String(call.headers['content-type'] ?? '').toLowerCase() !== 'application/json'
  ) {
    return text(415, 'Invalid content type\n');
  }
  try {
    return route(call, path.split('/').slice(2));
  } catch (error) {
    if (error instanceof BodyError) return gatewayError(3, error.message);
    if (error instanceof ArgocdError) return gatewayError(error.code, error.message);
    throw error;
  }
}

function route(call: Call, segments: readonly string[]): Reply {
  const { argocd, method, query } = call;
  const [version, collection, name, verb, ...more] = segments;
  if (version === 'version' && collection === undefined) {
    return method === 'GET' ? json({ Version: argocd.version, ...detailsFor(call) }) : methodNotAllowed();
  }
  const isAction = verb === 'resource' && more.join('/') === 'actions/v2';
  if (version !== 'v1' || collection !== 'applications' || (more.length > 0 && !isAction))
    return text(404, 'Not Found\n');
  if (name === undefined) {
    if (method !== 'GET') return notServed(call);
    const caller = callerOf(call);
    const selector = query.get('selector');
    const list: ListQuery = {
      ...(query.has('name') ? { name: query.get('name') ?? '' } : {}),
      projects: projectsOf(query),
      ...(query.get('repo') ? { repo: query.get('repo') ?? '' } : {}),
      ...(query.get('appNamespace') ? { appNamespace: query.get('appNamespace') ?? '' } : {}),
      ...(selector ? { labels: labelSelector(selector) } : {}),
    };
    const { resourceVersion, items } = argocd.list(caller, list);
    // Go writes `null` for a list without items.
    return json({ metadata: { resourceVersion }, items: items.length > 0 ? items.map(typed) : null });
  }
  const application = {
    name,
    ...(query.get('appNamespace') ? { appNamespace: query.get('appNamespace') ?? '' } : {}),
    ...(query.get('project') ? { project: query.get('project') ?? '' } : {}),
  };
  if (isAction) return method === 'POST' ? runAction(call, name) : methodNotAllowed();
  if (verb === 'resource-tree') {
    if (method !== 'GET') return methodNotAllowed();
    return json({ nodes: argocd.tree(callerOf(call), application) });
  }
  if (verb === 'resource') {
    if (method !== 'GET') return notServed(call);
    const pod = argocd.resource(callerOf(call), { ...application, ...resourceOf((key) => query.get(key)) });
    return json({ manifest: JSON.stringify(pod) });
  }
  if (verb === undefined && method === 'PATCH') return patch(call, name);
  if (verb === undefined) {
    if (method !== 'GET') return notServed(call);
    const caller = callerOf(call);
    const projects = projectsOf(query);
    if (projects.length > 1) {
      throw new ArgocdError(
        'invalidArgument',
        'multiple projects specified - the get endpoint accepts either zero or one project',
      );
    }
    const [project] = projects;
    const refresh = query.has('refresh') ? (query.get('refresh') === 'hard' ? 'hard' : 'normal') : undefined;
    return json(typed(argocd.get(caller, { ...application, ...(project ? { project } : {}) }, refresh)));
  }
  if (verb === 'events') {
    if (method !== 'GET') return methodNotAllowed();
    const events = argocd.events(callerOf(call), application);
    return json({
      metadata: {},
      items: events.map((event) => eventOf(event, application, argocd.namespace)),
    });
  }
  if (verb === 'sync') {
    if (method !== 'POST') return methodNotAllowed();
    const body = readSyncBody(call.body);
    return json(typed(argocd.sync(callerOf(call), { ...body, name })));
  }
  if (verb === 'operation') {
    if (method !== 'DELETE') return methodNotAllowed();
    argocd.terminate(callerOf(call), application);
    return json({});
  }
  return notServed(call);
}

function resourceOf(get: (key: string) => unknown) {
  const text = (key: string) => String(get(key) ?? '');
  return {
    group: text('group'),
    version: text('version'),
    kind: text('kind'),
    namespace: text('namespace'),
    resourceName: text('resourceName'),
  };
}

function scopeOf(body: Readonly<Record<string, unknown>>, name: string) {
  return {
    name,
    ...(typeof body['project'] === 'string' ? { project: body['project'] } : {}),
    ...(typeof body['appNamespace'] === 'string' ? { appNamespace: body['appNamespace'] } : {}),
  };
}

function runAction(call: Call, name: string): Reply {
  const body = bodyOf(call);
  const action = String(body['action'] ?? '');
  call.argocd.runAction(callerOf(call), {
    ...scopeOf(body, name),
    ...resourceOf((key) => body[key]),
    action,
  });
  return json({});
}

function patch(call: Call, name: string): Reply {
  const body = bodyOf(call);
  const change = { type: String(body['patchType'] ?? 'json'), text: String(body['patch'] ?? '') };
  return json(typed(call.argocd.patch(callerOf(call), scopeOf(body, name), change)));
}

function bodyOf(call: Call): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(call.body === '' ? '{}' : call.body);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Refused below.
  }
  throw new BodyError('invalid character in body');
}

function callerOf(call: Call): Caller {
  const token = tokenOf(call.headers);
  if (token === undefined) throw new ArgocdError('unauthenticated', 'no session information');
  const caller = call.argocd.authenticate(token);
  call.subject = caller.sub;
  return caller;
}

function tokenOf(headers: Call['headers']): string | undefined {
  const authorization = String(headers['authorization'] ?? '');
  const bearer = authorization.startsWith('Bearer ') ? authorization.slice('Bearer '.length) : '';
  const cookie = /(?:^|;\s*)argocd\.token=([^;]+)/.exec(String(headers['cookie'] ?? ''))?.[1] ?? '';
  return [bearer, cookie].find((token) => token.split('.').length >= 3);
}

/** Authenticated clients get more than the version. */
function detailsFor(call: Call): Record<string, string> {
  try {
    callerOf(call);
  } catch (error) {
    if (error instanceof ArgocdError) return {};
    throw error;
  }
  return { GitTreeState: 'clean', GoVersion: 'go1.27.0', Compiler: 'gc', Platform: 'linux/arm64' };
}

function projectsOf(query: URLSearchParams): string[] {
  return [...query.getAll('projects'), ...query.getAll('project')].filter((project) => project !== '');
}

/** Objects come through a typed client, which leaves `kind` and `apiVersion` out. */
function typed(object: ApplicationObject): Omit<ApplicationObject, 'kind' | 'apiVersion'> {
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = object;
  return rest;
}

/** As an event of core/v1; without names and versions. */
function eventOf(
  { reason, type, message, component, lastTimestamp }: AuditEvent,
  application: { readonly name: string; readonly appNamespace?: string },
  ownNamespace: string,
): object {
  const namespace = application.appNamespace ?? ownNamespace;
  return {
    metadata: { namespace, creationTimestamp: lastTimestamp },
    involvedObject: {
      kind: 'Application',
      namespace,
      name: application.name,
      apiVersion: 'argoproj.io/v1alpha1',
    },
    reason,
    message,
    source: { component },
    firstTimestamp: lastTimestamp,
    lastTimestamp,
    count: 1,
    type,
    eventTime: null,
  };
}

function json(body: unknown): Reply {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

function gatewayError(code: number, message: string): Reply {
  return {
    status: httpStatusOf(code),
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ error: message, code, message }),
  };
}

function text(status: number, body: string): Reply {
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
    body,
  };
}

const methodNotAllowed = () => text(405, 'Method Not Allowed\n');

const notServed = (call: Call) =>
  gatewayError(12, `the lab's Argo CD does not serve ${call.method} ${call.path}`);

function loadBalancerReply(): Reply {
  const title = '503 Service Temporarily Unavailable';
  return {
    status: 503,
    headers: { server: 'awselb/2.0', 'content-type': 'text/html' },
    body: `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`,
  };
}

function canZip(reply: Reply, accepted: string | string[] | undefined): boolean {
  return reply.headers['content-type'] === 'application/json' && /\bgzip\b/.test(String(accepted ?? ''));
}

/** The path without `.`, `..` and doubled slashes. Go cleans the path before decoding it. */
function cleanPath(path: string): string {
  return posix.normalize(path.startsWith('/') ? path : `/${path}`);
}

function splitOnce(whole: string, separator: string): string[] {
  const at = whole.indexOf(separator);
  return at < 0 ? [whole] : [whole.slice(0, at), whole.slice(at + 1)];
}

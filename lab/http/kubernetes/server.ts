/** The Kubernetes API of one cluster over HTTPS, for kubectl and for the functions alike. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { WorldContext } from '#lab/world/interfaces.ts';
import type { Kubernetes, User } from '#lab/world/kubernetes/index.ts';
import type { KubeObject, ObjectInput } from '#lab/world/kubernetes/objects.ts';
import { groupVersion, resources } from '#lab/world/kubernetes/resources.ts';
import {
  badRequest,
  failure,
  methodNotAllowed,
  notAcceptable,
  StatusError,
  unknownPath,
} from '#lab/world/kubernetes/status.ts';
import { listenOnLoopback } from '../loopback.ts';
import type { CertificateAuthority } from '../tls.ts';
import { type Authentication, checkAccess, identify } from './access.ts';
import { createDiscovery, type Discovery } from './discovery.ts';
import { createFaults, type Faults } from './faults.ts';
import { PROTOBUF, readProtobuf } from './protobuf.ts';
import { fail, ListText, send, sendStatus } from './reply.ts';
import { type ApiRequest, type ResourceRequest, readRequest } from './request.ts';
import { type Answer, createResourceApi } from './resource-api.ts';
import { review } from './reviews.ts';
import { tableOf } from './tables.ts';
import { serveWatch } from './watch.ts';

export { kubeconfig } from './kubeconfig.ts';

export interface ServeOptions extends Authentication {
  readonly kubernetes: Kubernetes;
  readonly context: WorldContext;
  readonly ca: CertificateAuthority;
}

export interface ServedCall {
  /** Virtual, ms. */
  readonly at: number;
  readonly user: string;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly verb: string;
  /** `pods`, `pods/eviction`, `deployments.apps/scale`; empty for other paths. */
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
  /** HTTP status; 0 when a fault gave no answer. */
  status: number;
}

export interface KubernetesEndpoint {
  /** `https://127.0.0.1:port` */
  readonly url: string;
  readonly port: number;
  /** The name of an EKS endpoint; the certificate is good for it too. */
  readonly host: string;
  readonly calls: ServedCall[];
  readonly faults: Faults;
  close(): Promise<void>;
}

const PAGE_NOT_FOUND = {
  status: 404,
  body: '404 page not found\n',
  contentType: 'text/plain; charset=utf-8',
};
const MAX_BODY = 3 * 1024 * 1024;

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
}

export async function serveKubernetes(options: ServeOptions): Promise<KubernetesEndpoint> {
  const { kubernetes, context } = options;
  const id = createHash('sha256').update(`${kubernetes.account}/${kubernetes.cluster}`).digest('hex');
  const host = `${id.slice(0, 32).toUpperCase()}.gr7.${kubernetes.region}.eks.amazonaws.com`;
  const calls: ServedCall[] = [];
  const faults = createFaults();
  const discovery = createDiscovery(kubernetes.gitVersion, kubernetes.serves);
  const serveResource = createResourceApi(kubernetes, context);

  const handle = async (incoming: IncomingMessage, response: ServerResponse) => {
    const method = incoming.method ?? 'GET';
    const path = incoming.url ?? '/';
    const url = new URL(path, 'https://lab');
    const request = readRequest(method, url);
    const call: ServedCall = {
      at: context.clock.now(),
      user: '',
      method,
      path,
      ...describe(request),
      status: 0,
    };
    calls.push(call);
    response.on('finish', () => {
      call.status = response.statusCode;
    });
    const fault = faults.take(method, path);
    if (fault && !fault.afterwards) return fail(fault, incoming, response);
    try {
      const user = await identify(incoming, options, kubernetes);
      (call as { user: string }).user = user.username;
      const answer = await answerTo(request, user, { incoming, response, url });
      if (fault) return fail(fault, incoming, response);
      if (answer) send(response, answer.status, answer.body, answer.contentType);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      sendStatus(response, error);
    }
  };

  const answerTo = async (
    request: ApiRequest,
    user: User,
    { incoming, response, url }: Exchange,
  ): Promise<{ status: number; body: unknown; contentType?: string } | undefined> => {
    checkAccess(kubernetes, user, request);
    if ('path' in request) return answerPath(discovery, request.path, request.verb, incoming);
    if ('unknown' in request) return notThere(request.group);
    if ('resource' in request && !kubernetes.serves(request.resource))
      return notThere(request.resource.group);
    const body = () => readBody(incoming);
    if ('review' in request) {
      if (request.verb !== 'create') throw methodNotAllowed();
      return { status: 201, body: review(kubernetes, user, request, ((await body()) ?? {}) as ObjectInput) };
    }
    const accept = readAccept(incoming);
    if (request.verb === 'watch') {
      serveWatch(
        kubernetes,
        {
          resource: request.resource,
          namespace: request.namespace,
          name: request.name,
          query: url.searchParams,
          asTable: accept.table,
          now: context.clock.now,
        },
        response,
      );
      return undefined;
    }
    const contentType = (incoming.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
    const answer = await serveResource({ request, query: url.searchParams, contentType, body, user });
    return { status: answer.status, body: render(request, answer, accept.table, url.searchParams) };
  };

  /** Throws a Status if the group is known, else a plain 404. */
  const notThere = (group: string) => {
    if (resources.some((one) => one.group === group && kubernetes.serves(one))) throw unknownPath();
    return PAGE_NOT_FOUND;
  };

  const render = (
    { resource, verb, subresource }: ResourceRequest,
    { body, items, listMeta = {} }: Answer,
    asTable: boolean,
    query: URLSearchParams,
  ): unknown => {
    const readable = (verb === 'get' || verb === 'list') && subresource === undefined;
    if (asTable && readable) {
      const objects = items ?? [body as KubeObject];
      const metadata = items ? listMeta : { resourceVersion: objects[0]?.metadata.resourceVersion };
      return tableOf(resource, objects, {
        now: context.clock.now(),
        includeObject: query.get('includeObject'),
        metadata,
      });
    }
    if (!items) return body;
    return new ListText(`${resource.kind}List`, groupVersion(resource), listMeta, items);
  };

  const { key, cert } = await options.ca.issue(['127.0.0.1', 'localhost', host]);
  const server = https.createServer({ key, cert }, (incoming, response) => {
    handle(incoming, response).catch((error: unknown) => {
      // A bug of the lab: shown to the client with its message.
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      sendStatus(response, failure(500, 'InternalError', `Internal error occurred: ${message}`));
    });
  });
  // The idle timeout of kube-apiserver. Whoever comes back later finds the connection closed.
  server.keepAliveTimeout = 90_000;
  const { port, close } = await listenOnLoopback(server);

  return {
    url: `https://127.0.0.1:${port}`,
    port,
    host,
    calls,
    faults,
    close,
  };
}

function describe(request: ApiRequest): Pick<ServedCall, 'verb' | 'resource' | 'namespace' | 'name'> {
  if ('path' in request) return { verb: request.verb, resource: '' };
  if ('review' in request) return { verb: request.verb, resource: `${request.review}.${request.group}` };
  const where = {
    verb: request.verb,
    ...(request.namespace === undefined ? {} : { namespace: request.namespace }),
    ...(request.name === undefined ? {} : { name: request.name }),
  };
  if ('unknown' in request) return { ...where, resource: request.plural };
  const { resource, subresource } = request;
  return { ...where, resource: subresource ? `${resource.key}/${subresource}` : resource.key };
}

function answerPath(
  discovery: Discovery,
  path: string,
  verb: string,
  incoming: IncomingMessage,
): { status: number; body: unknown; contentType?: string } {
  if (verb !== 'get' && verb !== 'head') throw methodNotAllowed();
  const clean = path.replace(/\/$/, '');
  if (['/healthz', '/livez', '/readyz'].includes(clean))
    return { status: 200, body: 'ok', contentType: 'text/plain; charset=utf-8' };
  const found = discovery.at(clean, incoming.headers.accept ?? '', incoming.headers.host ?? '');
  if (!found) {
    const group = /^\/apis\/([^/]+)\/./.exec(clean)?.[1];
    if (group !== undefined && discovery.at(`/apis/${group}`, '', '')) throw unknownPath();
    return PAGE_NOT_FOUND;
  }
  return { status: 200, ...found };
}

/** Throws 406 when the client takes no JSON at all. */
function readAccept(incoming: IncomingMessage): { table: boolean } {
  const types = (incoming.headers.accept || '*/*').split(',').map((one) => one.trim());
  const readable = types.find((one) => /^(application\/json|application\/\*|\*\/\*)(;|$)/.test(one));
  if (readable === undefined) throw notAcceptable(['application/json']);
  return { table: /;as=Table/.test(readable) && /;v=v1(;|$)/.test(`${readable};`) };
}

/** JSON, or the protobuf of the few kinds that are read; undefined when there is no body. */
async function readBody(incoming: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY)
      throw failure(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${MAX_BODY}`);
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  if (incoming.headers['content-type']?.startsWith(PROTOBUF)) return readProtobuf(body);
  const text = body.toString('utf8');
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw badRequest(
      `the object provided is unrecognized (must be of type Object): json parse error: ${why}`,
    );
  }
}

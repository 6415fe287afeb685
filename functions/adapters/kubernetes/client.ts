/**
 * A small Kubernetes client: pooled connections to one API server, its CA and no other, a token that is renewed,
 * a timeout on each request, lists that page. Types of objects come from `kubernetes-types`.
 */

import { createHttpHost, type HttpHost, type HttpReply, UnreachableError } from '#functions/adapters/http.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import { isRecord } from '#model/record-schema.ts';
import { isExpired, KubernetesError, MalformedReplyError, type StatusCause } from './errors.ts';
import type { TokenSource } from './token.ts';

export { KubernetesError } from './errors.ts';

export interface KubernetesRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** `/api/v1/nodes/…`, without a query. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  /** Default `application/merge-patch+json` for PATCH, otherwise `application/json`. */
  readonly contentType?: string;
  /** Default 10 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** It does no harm twice. Default: all but POST; a patch of ours says what is to be there. */
  readonly isRepeatable?: boolean;
}

export interface KubernetesClient {
  /** Fetches what the first request needs: the endpoint and a token. That request reports what fails. */
  prepare(): void;
  /** Throws `KubernetesError` for a status other than 2xx, `MalformedReplyError` for a body that is no JSON, `UnreachableError` where no whole reply came in time. */
  request<T>(request: KubernetesRequest): Promise<{ readonly status: number; readonly body: T }>;
  /** Every item, page by page. A list whose continue token expired starts again. */
  list<T>(
    path: string,
    query?: Readonly<Record<string, string | undefined>>,
    /** For each page. */
    options?: Pick<KubernetesRequest, 'timeoutMs' | 'signal'>,
  ): Promise<T[]>;
  close(): void;
}

export interface KubernetesClientOptions {
  /** The EKS cluster's name, for messages. */
  readonly cluster: string;
  readonly region: string;
  readonly describeCluster: () => Promise<{ readonly endpoint: string; readonly ca: string }>;
  readonly token: TokenSource;
  /** So many requests are under way at once at most. Default 128: every eviction of a full node. */
  readonly maxSockets?: number;
  /** Default 500, what kubectl asks for. */
  readonly pageSize?: number;
}

const TIMEOUT_MS = 10_000;
const LIST_RESTARTS = 3;
/** 500 nodes with the names of all their images take about 8 MiB. */
const LONGEST_REPLY = 64 * 1024 * 1024;

export function createKubernetesClient(options: KubernetesClientOptions): KubernetesClient {
  const hosts = createHosts(options);

  const send = async (request: KubernetesRequest, fresh: boolean): Promise<HttpReply> => {
    const [host, token] = await Promise.all([hosts.current(), options.token({ fresh })]);
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    try {
      return await host.request({
        method: request.method,
        path: request.path + queryOf(request.query),
        headers: {
          accept: 'application/json',
          authorization: `Bearer ${token}`,
          'user-agent': 'eks-nightshift',
          ...(body === undefined ? {} : { 'content-type': contentTypeOf(request) }),
        },
        timeoutMs: request.timeoutMs ?? TIMEOUT_MS,
        isRepeatable: request.isRepeatable ?? request.method !== 'POST',
        ...(body === undefined ? {} : { body }),
        ...(request.signal ? { signal: request.signal } : {}),
      });
    } catch (error) {
      if (error instanceof UnreachableError && !request.signal?.aborted) hosts.doubt();
      throw error;
    }
  };

  const client: KubernetesClient = {
    prepare() {
      Promise.all([hosts.current(), options.token()]).catch(() => undefined);
    },

    async request<T>(request: KubernetesRequest) {
      let reply = await send(request, false);
      if (reply.status === 401) reply = await send(request, true);
      const name = `${request.method} ${request.path}`;
      if (reply.status < 200 || reply.status >= 300) throw refusal(name, reply);
      return { status: reply.status, body: parse<T>(name, reply) };
    },

    async list<T>(
      path: string,
      query: Readonly<Record<string, string | undefined>> = {},
      each: Pick<KubernetesRequest, 'timeoutMs' | 'signal'> = {},
    ) {
      const limit = String(options.pageSize ?? 500);
      for (let restarts = 0; ; restarts++) {
        try {
          return await listPages<T>(client, { ...each, method: 'GET', path, query: { limit, ...query } });
        } catch (error) {
          if (!isExpired(error) || restarts >= LIST_RESTARTS) throw error;
        }
      }
    },

    close: () => hosts.close(),
  };
  return client;
}

/**
 * The cluster's endpoint is looked up once for the life of the process. After a request that reached nobody it is
 * looked up again: a cluster that was created again under its old name has another endpoint and another CA.
 */
function createHosts(options: KubernetesClientOptions) {
  let known: Promise<{ host: HttpHost; endpoint: string; ca: string }> | undefined;
  let doubted = false;

  const open = async (previous: Promise<{ host: HttpHost; endpoint: string; ca: string }> | undefined) => {
    const { endpoint, ca } = await options.describeCluster();
    if (!endpoint.startsWith('https://'))
      throw new NightshiftError(
        `the endpoint of the cluster ${options.cluster} is ${endpoint}: a token is sent over https:// only`,
      );
    const before = await previous?.catch(() => undefined);
    if (before && before.endpoint === endpoint && before.ca === ca) return before;
    return {
      endpoint,
      ca,
      host: createHttpHost({
        url: endpoint,
        ca,
        trust: 'only',
        maxSockets: options.maxSockets ?? 128,
        maxBodyBytes: LONGEST_REPLY,
      }),
    };
  };

  return {
    async current(): Promise<HttpHost> {
      if (!known || doubted) {
        doubted = false;
        const opening = open(known);
        known = opening;
        opening.catch(() => {
          if (known === opening) known = undefined;
        });
      }
      return (await known).host;
    },
    doubt() {
      doubted = true;
    },
    close() {
      known?.then(
        ({ host }) => host.close(),
        () => undefined,
      );
      known = undefined;
    },
  };
}

interface ListBody<T> {
  readonly items: readonly T[] | null;
  readonly metadata?: { readonly continue?: string };
}

function isList<T>(body: unknown): body is ListBody<T> {
  if (!isRecord(body)) return false;
  const { kind, items, metadata } = body;
  if (typeof kind !== 'string' || !kind.endsWith('List')) return false;
  const isPaged = metadata === undefined || isRecord(metadata);
  // Go writes a list without items as null.
  return isPaged && (items === null || (Array.isArray(items) && items.every(isRecord)));
}

async function listPages<T>(client: KubernetesClient, request: KubernetesRequest): Promise<T[]> {
  const items: T[] = [];
  const seen = new Set<string>();
  let from: string | undefined;
  do {
    const { body } = await client.request<ListBody<T>>({
      ...request,
      query: { ...request.query, continue: from },
    });
    const page = isList<T>(body) ? body : undefined;
    if (!page)
      throw new MalformedReplyError(`kubernetes answered GET ${request.path} with something that is no list`);
    items.push(...(page.items ?? []));
    from = page.metadata?.continue || undefined;
    if (from && seen.has(from))
      throw new MalformedReplyError(`kubernetes answered GET ${request.path} with the same page token again`);
    if (from) seen.add(from);
  } while (from);
  return items;
}

function contentTypeOf(request: KubernetesRequest): string {
  return (
    request.contentType ?? (request.method === 'PATCH' ? 'application/merge-patch+json' : 'application/json')
  );
}

function queryOf(query: KubernetesRequest['query']): string {
  const pairs = Object.entries(query ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(value)}`],
  );
  return pairs.length > 0 ? `?${pairs.join('&')}` : '';
}

function parse<T>(name: string, reply: HttpReply): T {
  try {
    return (reply.body === '' ? undefined : JSON.parse(reply.body)) as T;
  } catch (cause) {
    throw new MalformedReplyError(
      `kubernetes answered ${name} with ${reply.status} and a body that is not JSON`,
      {
        cause,
      },
    );
  }
}

function refusal(request: string, reply: HttpReply): KubernetesError {
  const body = statusOf(reply.body);
  const details = isRecord(body['details']) ? body['details'] : {};
  const listed = Array.isArray(details['causes']) ? details['causes'].filter(isRecord) : [];
  const causes: StatusCause[] = listed.map((cause) => ({
    reason: textOf(cause['reason']),
    message: textOf(cause['message']),
    field: textOf(cause['field']),
  }));
  const reason = textOf(body['reason']);
  const header = Number(reply.headers['retry-after']);
  const retryAfterSeconds =
    reply.headers['retry-after'] !== undefined && Number.isFinite(header) && header >= 0
      ? header
      : numberOf(details['retryAfterSeconds']);
  return new KubernetesError({
    request,
    status: reply.status,
    causes,
    ...(reason ? { reason } : {}),
    detail: textOf(body['message']) || reply.body.slice(0, 200).trim(),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

/** A reply may come from a proxy in between: any field may be missing. */
function statusOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const body: unknown = JSON.parse(text);
    return isRecord(body) && body['kind'] === 'Status' ? body : {};
  } catch {
    return {};
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 ? value : undefined;
}

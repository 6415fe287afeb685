/** What invokes the doorbell → a request of a browser, or a press in a chat. Anything else is unknown, with a reason. */
import { type PageRequest, requestOf } from '#functions/self-service/event.ts';
import { APPLICATION_HEADER } from '#model/doorbell.ts';
import { isRecord } from '#model/record-schema.ts';

export interface BrowserRequest extends Pick<PageRequest, 'method' | 'parameters' | 'form' | 'language'> {
  readonly kind: 'browser';
  /** The host that the browser named, in lower case and without a port. */
  readonly host: string;
  /** Path and query as they were sent. */
  readonly target: string;
  /** The address of the application whose origin failed, by CloudFront. */
  readonly application?: string;
  /** The function's own host where it has a public address. */
  readonly ownHost?: string;
  /** Where the form was: `null`, or absent where the browser sends none. */
  readonly origin?: string;
  readonly isCrossSite: boolean;
  /** How the reply is to be written. */
  readonly replyTo: 'load-balancer' | 'load-balancer-multi-value' | 'address';
}

export interface ChatPress {
  readonly kind: 'chat';
  readonly environment: string;
  readonly stop: string;
}

export interface UnknownEvent {
  readonly kind: 'unknown';
  readonly reason: string;
}

const LONGEST_TARGET = 2_000;

export function eventOf(event: unknown): BrowserRequest | ChatPress | UnknownEvent {
  if (!isRecord(event)) return { kind: 'unknown', reason: 'the event is no object' };
  const context = event['requestContext'];
  if (isRecord(context) && 'elb' in context) return ofLoadBalancer(event);
  if (event['version'] === '2.0') return ofAddress(event);
  if (isRecord(event['chat'])) return ofChat(event['chat']);
  return { kind: 'unknown', reason: 'the event is none of a load balancer, an address or a chat' };
}

function ofChat(chat: Readonly<Record<string, unknown>>): ChatPress | UnknownEvent {
  const { environment, stop } = chat;
  // A variable that the notification does not have stays as it is written, or is empty.
  if (typeof environment !== 'string' || typeof stop !== 'string')
    return { kind: 'unknown', reason: 'the button has no environment and no stop' };
  return { kind: 'chat', environment, stop };
}

function ofAddress(event: Readonly<Record<string, unknown>>): BrowserRequest | UnknownEvent {
  const request = requestOf(event);
  if (!request) return { kind: 'unknown', reason: 'the request is not complete, or its form is too long' };
  const headers = headersIn(event['headers']);
  const query = textOf(event['rawQueryString']);
  const context = event['requestContext'];
  const ownHost = isRecord(context) ? textOf(context['domainName']).toLowerCase() : '';
  return browser(request, headers, {
    target: `${textOf(event['rawPath']) || '/'}${query && `?${query}`}`,
    replyTo: 'address',
    ...(ownHost ? { ownHost } : {}),
  });
}

/** Elastic Load Balancing leaves the query encoded, and sends forms in base64. */
function ofLoadBalancer(event: Readonly<Record<string, unknown>>): BrowserRequest | UnknownEvent {
  const multi = isRecord(event['multiValueHeaders']) ? event['multiValueHeaders'] : undefined;
  const headers = headersIn(multi ?? event['headers']);
  const pairs = Object.entries(
    recordIn(event['multiValueQueryStringParameters'] ?? event['queryStringParameters']),
  ).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) => `${name}=${String(one)}`),
  );
  const query = pairs.join('&');
  const path = textOf(event['path']) || '/';
  const request = requestOf({
    version: '2.0',
    rawPath: path,
    rawQueryString: query,
    headers: { 'accept-language': headers.get('accept-language') },
    requestContext: { http: { method: event['httpMethod'] } },
    body: event['body'],
    isBase64Encoded: event['isBase64Encoded'],
  });
  if (!request) return { kind: 'unknown', reason: 'the request is not complete, or its form is too long' };
  return browser(request, headers, {
    target: `${path}${query && `?${query}`}`,
    replyTo: multi ? 'load-balancer-multi-value' : 'load-balancer',
  });
}

function browser(
  request: PageRequest,
  headers: ReadonlyMap<string, string>,
  rest: Pick<BrowserRequest, 'target' | 'replyTo'> & { readonly ownHost?: string },
): BrowserRequest {
  const origin = headers.get('origin');
  const application = headers.get(APPLICATION_HEADER);
  const { method, parameters, form, language } = request;
  return {
    method,
    parameters,
    form,
    language,
    ...rest,
    kind: 'browser',
    target: isPath(rest.target) ? rest.target : '/',
    host: (headers.get('host') ?? '').toLowerCase().replace(/:\d+$/, ''),
    ...(application ? { application } : {}),
    ...(origin ? { origin } : {}),
    isCrossSite: headers.get('sec-fetch-site') === 'cross-site',
  };
}

/** `//host` and `/\\host` are addresses of another host to a browser that is sent there. */
function isPath(target: string): boolean {
  return target.length <= LONGEST_TARGET && /^\/(?![/\\])[\x21-\x7e]*$/.test(target);
}

/** Names in lower case; the last of several values counts, as Elastic Load Balancing sends it without multi-value headers. */
function headersIn(given: unknown): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(recordIn(given)).flatMap(([name, value]): [string, string][] => {
      const one: unknown = Array.isArray(value) ? value.at(-1) : value;
      return typeof one === 'string' ? [[name.toLowerCase(), one]] : [];
    }),
  );
}

function recordIn(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

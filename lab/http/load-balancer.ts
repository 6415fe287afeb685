/**
 * One listener of an Application Load Balancer on a port of the loopback: each request goes where its rules say, to a
 * Lambda function or to the application. The event and the reply of a function:
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
 */
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AssemblyRun } from '#lab/assembly/run.ts';
import type { AwsWorld } from '#lab/world/aws/index.ts';
import type { TargetGroup } from '#lab/world/aws/load-balancers.ts';
import type { WorldContext } from '#lab/world/interfaces.ts';
import { type LoopbackServer, listenOnLoopback } from './loopback.ts';

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface ListenerOptions {
  readonly aws: AwsWorld;
  readonly context: WorldContext;
  readonly run: Pick<AssemblyRun, 'find'>;
  /** ARN. */
  readonly listener: string;
  /** What the application answers once a target of it is healthy. */
  readonly application: (request: { readonly host: string; readonly path: string }) => Answer;
  /** `lambda.multi_value_headers.enabled`. Default false. */
  readonly multiValueHeaders?: boolean;
}

/** Of a request to a function, and of its reply. */
const LIMIT_BYTES = 1024 * 1024;

export async function serveListener(options: ListenerOptions): Promise<LoopbackServer> {
  const server = http.createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error(String(error)));
    });
  });
  return listenOnLoopback(server);
}

async function answer(
  options: ListenerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { aws, listener } = options;
  const body = await bodyOf(request);
  const host = (request.headers.host ?? '').replace(/:\d+$/, '');
  const path = (request.url ?? '/').split('?')[0] ?? '/';
  const rule = aws.loadBalancers.route(listener, { host, path });
  if (!rule) return void request.socket.destroy();
  const [arn] = rule.targetGroups;
  if (arn === undefined) return send(response, { status: 404, body: '' });
  const [, , , region = '', account = ''] = arn.split(':');
  const group = aws.loadBalancers.targetGroup({ account, region }, arn);
  if (group.type === 'lambda') return invoke(options, group, { request, response, body });
  const targets = group.health().filter(({ state }) => state !== 'unused' && state !== 'draining');
  // No registered target: 503. None of them healthy: the group fails open, and the connection is refused.
  if (targets.length === 0) return send(response, { status: 503, body: HTML_503 });
  if (targets.every(({ state }) => state !== 'healthy'))
    return send(response, { status: 502, body: HTML_502 });
  send(response, options.application({ host, path }));
}

const HTML_503 = '<html><head><title>503 Service Temporarily Unavailable</title></head><body></body></html>';
const HTML_502 = '<html><head><title>502 Bad Gateway</title></head><body></body></html>';

function send(response: ServerResponse, { status, headers = {}, body }: Answer): void {
  response.writeHead(status, { server: 'awselb/2.0', 'content-type': 'text/html', ...headers }).end(body);
}

async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= LIMIT_BYTES) chunks.push(chunk);
  }
  return size > LIMIT_BYTES ? undefined : Buffer.concat(chunks);
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Buffer | undefined;
}

async function invoke(
  options: ListenerOptions,
  group: TargetGroup & { readonly type: 'lambda' },
  { request, response, body }: Exchange,
): Promise<void> {
  if (body === undefined) return send(response, { status: 413, body: '' });
  const { account, region, functionArn } = group;
  const runner = options.run.find({ account, region, function: functionArn });
  // A throttled function is a bad gateway to the browser.
  if (!runner || runner.saturated()) return send(response, { status: 502, body: HTML_502 });
  const event = loadBalancerEvent(request, body, {
    targetGroup: group.arn,
    isMultiValue: options.multiValueHeaders,
  });
  const outcome = await runner.invoke(JSON.stringify(event), options.context.uuid());
  const reply = outcome.ok ? replyIn(outcome.payload, options.multiValueHeaders ?? false) : undefined;
  if (!reply) return send(response, { status: 502, body: HTML_502 });
  response.writeHead(reply.status, { server: 'awselb/2.0', ...reply.headers }).end(reply.body);
}

/** Exported for tests that need no port. */
export function loadBalancerEvent(
  request: Pick<IncomingMessage, 'headers' | 'method' | 'url'>,
  body: Buffer,
  {
    targetGroup,
    isMultiValue = false,
  }: { readonly targetGroup: string; readonly isMultiValue?: boolean | undefined },
): object {
  const [path = '/', query = ''] = (request.url ?? '/').split(/\?(.*)/s);
  const type = request.headers['content-type'] ?? '';
  const isText =
    /^(text\/|application\/(json|javascript|xml)\b)/.test(type) && !request.headers['content-encoding'];
  const headers: Record<string, string[]> = {
    'x-forwarded-for': ['127.0.0.1'],
    'x-forwarded-port': ['443'],
    'x-forwarded-proto': ['https'],
  };
  for (const [name, value] of Object.entries(request.headers))
    if (value !== undefined) headers[name] = [value].flat();
  // Not decoded: as the browser sent it.
  const parameters: Record<string, string[]> = {};
  for (const pair of query === '' ? [] : query.split('&')) {
    const cut = pair.indexOf('=');
    const name = cut < 0 ? pair : pair.slice(0, cut);
    parameters[name] = [...(parameters[name] ?? []), cut < 0 ? '' : pair.slice(cut + 1)];
  }
  const last = (many: Record<string, string[]>) =>
    Object.fromEntries(Object.entries(many).map(([name, values]) => [name, values.at(-1) ?? '']));
  return {
    requestContext: { elb: { targetGroupArn: targetGroup } },
    httpMethod: request.method,
    path,
    ...(isMultiValue
      ? { multiValueQueryStringParameters: parameters, multiValueHeaders: headers }
      : { queryStringParameters: last(parameters), headers: last(headers) }),
    body: body.length === 0 ? '' : body.toString(isText ? 'utf8' : 'base64'),
    isBase64Encoded: body.length > 0 && !isText,
  };
}

/** Undefined for what the load balancer takes for no reply. */
export function replyIn(payload: string, isMultiValue: boolean) {
  const value: unknown = JSON.parse(payload === '' ? 'null' : payload);
  if (typeof value !== 'object' || value === null) return undefined;
  const {
    statusCode,
    headers,
    multiValueHeaders,
    body = '',
    isBase64Encoded,
  } = value as Record<string, unknown>;
  const given = (isMultiValue ? multiValueHeaders : headers) ?? {};
  if (!Number.isInteger(statusCode) || typeof body !== 'string' || typeof given !== 'object')
    return undefined;
  const isRight = (one: unknown) =>
    isMultiValue
      ? Array.isArray(one) && one.every((text) => typeof text === 'string')
      : typeof one === 'string';
  if (!Object.values(given as object).every(isRight)) return undefined;
  if (Buffer.byteLength(payload) > LIMIT_BYTES) return undefined;
  return {
    status: statusCode as number,
    headers: given as Record<string, string | string[]>,
    body: Buffer.from(body, isBase64Encoded === true ? 'base64' : 'utf8'),
  };
}

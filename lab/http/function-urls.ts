/**
 * Function URLs of an assembly, over TLS on one port: the host name selects the function. The request becomes an event of
 * payload format 2.0, and what the function returns becomes the reply, by the rules of
 * https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { FunctionUrlSpec } from '#lab/assembly/deployment.ts';
import type { AssemblyRun } from '#lab/assembly/run.ts';
import type { WorldContext } from '#lab/world/interfaces.ts';
import { listenOnLoopback } from './loopback.ts';
import type { CertificateAuthority } from './tls.ts';

export interface FunctionUrls {
  /** `https://<id>.lambda-url.<region>.on.aws/`, by name of the function. */
  readonly urls: ReadonlyMap<string, string>;
  readonly port: number;
  close(): Promise<void>;
}

/** Lambda takes 6 MB of a buffered request, and returns as much. */
const LIMIT_BYTES = 6 * 1024 * 1024;
const FORBIDDEN =
  'Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html';

export async function serveFunctionUrls(options: {
  readonly run: Pick<AssemblyRun, 'deployments' | 'find'>;
  readonly context: WorldContext;
  readonly ca: CertificateAuthority;
}): Promise<FunctionUrls> {
  const specs = options.run.deployments.flatMap((deployment) => deployment.functionUrls);
  const byHost = new Map(specs.map((spec) => [new URL(spec.url).hostname, spec]));
  const hosts = [...byHost.keys()];
  const certificate = await options.ca.issue(hosts.length > 0 ? hosts : ['localhost']);
  const server = https.createServer(certificate, (request, response) => {
    const spec = byHost.get((request.headers.host ?? '').toLowerCase().replace(/:443$/, ''));
    answer(options, spec, request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error(String(error)));
    });
  });
  const { port, close } = await listenOnLoopback(server);
  return { urls: new Map(specs.map((spec) => [spec.functionName, spec.url])), port, close };
}

async function answer(
  { run, context }: { readonly run: Pick<AssemblyRun, 'find'>; readonly context: WorldContext },
  spec: FunctionUrlSpec | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await bodyOf(request);
  if (!spec) return send(response, 403, 'Forbidden');
  // Signed requests (AWS_IAM) are not implemented: whoever has no signature is refused, as on AWS.
  if (spec.authType !== 'NONE' || !spec.isPublic) return send(response, 403, FORBIDDEN);
  if (body === undefined) return send(response, 413, 'Request Too Long');
  const runner = run.find({ account: spec.account, region: spec.region, function: spec.functionName });
  if (!runner) return send(response, 403, FORBIDDEN);
  if (runner.saturated()) return send(response, 429, 'Rate Exceeded.');
  const requestId = context.uuid();
  const outcome = await runner.invoke(
    JSON.stringify(eventOf(request, body, spec, requestId, context)),
    requestId,
  );
  if (!outcome.ok) return send(response, 502, 'Internal Server Error');
  reply(response, outcome.payload);
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

function eventOf(
  request: IncomingMessage,
  body: Buffer,
  spec: FunctionUrlSpec,
  requestId: string,
  context: WorldContext,
): object {
  const target = request.url ?? '/';
  const cut = target.indexOf('?');
  const rawPath = cut < 0 ? target : target.slice(0, cut);
  const rawQueryString = cut < 0 ? '' : target.slice(cut + 1);
  const domainName = new URL(spec.url).hostname;
  const sourceIp = request.socket.remoteAddress ?? '127.0.0.1';
  const { cookie, ...others } = request.headers;
  const query: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(rawQueryString))
    query[name] = query[name] === undefined ? value : `${query[name]},${value}`;
  const at = new Date(context.clock.now());
  const isText = /^(text\/|application\/(json|javascript|xml)\b)/.test(request.headers['content-type'] ?? '');
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString,
    ...(cookie ? { cookies: cookie.split(/;\s*/) } : {}),
    headers: {
      ...joined(others),
      'x-forwarded-for': sourceIp,
      'x-forwarded-proto': 'https',
      'x-forwarded-port': '443',
    },
    ...(Object.keys(query).length > 0 ? { queryStringParameters: query } : {}),
    requestContext: {
      accountId: 'anonymous',
      apiId: domainName.split('.')[0],
      domainName,
      domainPrefix: domainName.split('.')[0],
      http: {
        method: request.method,
        path: rawPath,
        protocol: 'HTTP/1.1',
        sourceIp,
        userAgent: request.headers['user-agent'] ?? '',
      },
      requestId,
      routeKey: '$default',
      stage: '$default',
      time: at.toISOString(),
      timeEpoch: at.getTime(),
    },
    ...(body.length > 0 ? { body: body.toString(isText ? 'utf8' : 'base64') } : {}),
    isBase64Encoded: body.length > 0 && !isText,
  };
}

function joined(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(',') : value]],
    ),
  );
}

/** A payload without `statusCode` is itself the body. One that cannot be a reply is an error of the function. */
function reply(response: ServerResponse, payload: string): void {
  const value: unknown = JSON.parse(payload === '' ? 'null' : payload);
  const fields = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  if (!('statusCode' in fields)) {
    const body = typeof value === 'string' ? value : payload;
    response.writeHead(200, { 'content-type': 'application/json' }).end(body);
    return;
  }
  const { statusCode, headers = {}, body = '', isBase64Encoded, cookies } = fields;
  if (
    !Number.isInteger(statusCode) ||
    typeof body !== 'string' ||
    typeof headers !== 'object' ||
    headers === null ||
    Object.values(headers).some((header) => typeof header !== 'string')
  ) {
    send(response, 502, 'Internal Server Error');
    return;
  }
  const bytes = Buffer.from(body, isBase64Encoded === true ? 'base64' : 'utf8');
  if (bytes.length > LIMIT_BYTES) {
    send(response, 413, 'Response Too Long');
    return;
  }
  response.writeHead(Number(statusCode), {
    'content-type': 'application/json',
    ...(headers as Record<string, string>),
    ...(Array.isArray(cookies) ? { 'set-cookie': cookies.map(String) } : {}),
    'content-length': String(bytes.length),
  });
  response.end(bytes);
}

function send(response: ServerResponse, status: number, message: string): void {
  response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(JSON.stringify({ Message: message }));
}

/**
 * An Application Load Balancer with one rule: `authenticate-oidc`, then `forward` to a group whose target is a function.
 * Whoever has no session is sent to the identity provider; what it would come back with is `signIn`.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TargetGroupSpec } from '#lab/assembly/deployment.ts';
import type { AssemblyRun } from '#lab/assembly/run.ts';
import type { WorldContext } from '#lab/world/interfaces.ts';
import { serveAlbSignIn } from './alb-sign-in.ts';
import type { CertificateAuthority } from './tls.ts';

export interface LoadBalancer {
  /** Of the listener. */
  readonly port: number;
  /** The host of the public keys, `public-keys.auth.elb.<region>.amazonaws.com`. */
  readonly keys: { readonly host: string; readonly port: number };
  /** Signs a browser in, with what the user-info endpoint says of it. Returns the cookie of its session. */
  signIn(claims: Readonly<Record<string, unknown>>): string;
  close(): Promise<void>;
}

export interface LoadBalancerOptions {
  readonly run: Pick<AssemblyRun, 'find'>;
  readonly context: WorldContext;
  readonly ca: CertificateAuthority;
  readonly targetGroup: TargetGroupSpec;
  /** ARN of the load balancer. */
  readonly arn: string;
  /** The host of the rule's condition. */
  readonly host: string;
  readonly issuer: string;
  readonly clientId: string;
}

type Claims = Readonly<Record<string, unknown>>;

/** Of a request to a function, and of its reply. */
const LIMIT_BYTES = 1024 * 1024;
const COOKIE = 'AWSELBAuthSessionCookie-0';

export async function serveLoadBalancer(options: LoadBalancerOptions): Promise<LoadBalancer> {
  const { arn, issuer, clientId, context, ca, host, targetGroup } = options;
  const signIn = await serveAlbSignIn({
    arn,
    targetGroup: targetGroup.arn,
    issuer,
    clientId,
    now: () => context.clock.date(),
  });
  const sessions = new Map<string, Claims>();
  const keysHost = `public-keys.auth.elb.${targetGroup.region}.amazonaws.com`;
  const listener = https.createServer(await ca.issue([host]), (request, response) => {
    if ((request.headers.host ?? '').toLowerCase().replace(/:443$/, '') !== host)
      return refuse(response, 404, 'Not Found');
    const claims = sessions.get(sessionIn(request.headers.cookie ?? ''));
    if (!claims) return redirect(response, options);
    forward(options, { request, event: (given) => signIn.eventOf(given, claims) }, response).catch(
      (error: unknown) => response.destroy(error instanceof Error ? error : new Error(String(error))),
    );
  });
  const keys = https.createServer(await ca.issue([keysHost]), signIn.keyListener);
  for (const server of [listener, keys])
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: portOf(listener),
    keys: { host: keysHost, port: portOf(keys) },
    signIn(claims) {
      const session = randomUUID();
      sessions.set(session, claims);
      return `${COOKIE}=${session}`;
    },
    async close() {
      await Promise.all([closed(listener), closed(keys), signIn.close()]);
    },
  };
}

type EventOf = Awaited<ReturnType<typeof serveAlbSignIn>>['eventOf'];

async function forward(
  { run, context, targetGroup }: LoadBalancerOptions,
  {
    request,
    event,
  }: { readonly request: IncomingMessage; readonly event: (given: Parameters<EventOf>[0]) => object },
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  if (body.length > LIMIT_BYTES) return refuse(response, 413, 'Request Entity Too Large');
  const { account, region, functionName } = targetGroup;
  const runner = run.find({ account, region, function: functionName });
  if (!runner || runner.saturated()) return refuse(response, 502, 'Bad Gateway');
  const [path = '/', query = ''] = (request.url ?? '/').split(/\?(.*)/s);
  const given = {
    method: request.method ?? 'GET',
    path,
    query,
    headers: Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, [value ?? ''].flat().join(',')]),
    ),
    ...(body.length > 0 ? { body: body.toString('utf8') } : {}),
  };
  const outcome = await runner.invoke(JSON.stringify(event(given)), context.uuid());
  if (!outcome.ok) return refuse(response, 502, 'Bad Gateway');
  reply(response, outcome.payload);
}

/** Unlike a function URL it makes nothing up: what lacks a field of a reply is an error of the function. */
function reply(response: ServerResponse, payload: string): void {
  const value: unknown = JSON.parse(payload === '' ? 'null' : payload);
  const fields = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  const { statusCode, statusDescription, headers = {}, body = '', isBase64Encoded } = fields;
  const isReply =
    Number.isInteger(statusCode) &&
    typeof body === 'string' &&
    typeof isBase64Encoded === 'boolean' &&
    typeof statusDescription === 'string' &&
    statusDescription.startsWith(`${String(statusCode)} `) &&
    typeof headers === 'object' &&
    headers !== null &&
    Object.values(headers).every((header) => typeof header === 'string');
  const bytes = isReply ? Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8') : undefined;
  if (!bytes || bytes.length > LIMIT_BYTES) return refuse(response, 502, 'Bad Gateway');
  response.writeHead(Number(statusCode), {
    ...(headers as Record<string, string>),
    server: 'awselb/2.0',
    'content-length': String(bytes.length),
  });
  response.end(bytes);
}

function redirect(response: ServerResponse, { issuer, clientId, host }: LoadBalancerOptions): void {
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: `https://${host}/oauth2/idpresponse`,
    response_type: 'code',
    scope: 'openid email',
    state: randomUUID(),
  });
  response.writeHead(302, { location: `${issuer}/authorize?${query.toString()}`, server: 'awselb/2.0' });
  response.end();
}

function sessionIn(cookies: string): string {
  const prefix = `${COOKIE}=`;
  const own = cookies.split(/;\s*/).find((one) => one.startsWith(prefix));
  return own?.slice(prefix.length) ?? '';
}

function refuse(response: ServerResponse, status: number, words: string): void {
  response.writeHead(status, { 'content-type': 'text/html', server: 'awselb/2.0' });
  response.end(`<html><head><title>${status} ${words}</title></head></html>`);
}

function portOf(server: https.Server): number {
  return (server.address() as AddressInfo).port;
}

function closed(server: https.Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

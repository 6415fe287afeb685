/**
 * The HTTPS listener of an Application Load Balancer with one rule: `authenticate-oidc`, then `forward` to a group whose
 * target is a function. Whoever has no session is sent to the identity provider; what it would come back with is `signIn`.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AssemblyRun } from '#lab/assembly/run.ts';
import type { TargetGroupSpec } from '#lab/assembly/target-groups.ts';
import type { WorldContext } from '#lab/world/interfaces.ts';
import { serveAlbSignIn } from './alb-sign-in.ts';
import { replyIn } from './load-balancer.ts';
import { listenOnLoopback } from './loopback.ts';
import type { CertificateAuthority } from './tls.ts';

export interface SignInListener {
  /** Of the listener. */
  readonly port: number;
  /** The host of the public keys, `public-keys.auth.elb.<region>.amazonaws.com`. */
  readonly keys: { readonly host: string; readonly port: number };
  /** Signs a browser in, with what the user-info endpoint says of it. Returns the cookie of its session. */
  signIn(claims: Readonly<Record<string, unknown>>): string;
  close(): Promise<void>;
}

export interface SignInListenerOptions {
  readonly run: Pick<AssemblyRun, 'find'>;
  readonly context: WorldContext;
  readonly ca: CertificateAuthority;
  readonly region: string;
  readonly account: string;
  readonly targetGroup: TargetGroupSpec & { readonly arn: string };
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

export async function serveSignInListener(options: SignInListenerOptions): Promise<SignInListener> {
  const { arn, issuer, clientId, context, ca, host, region, targetGroup } = options;
  if (!targetGroup.isPermitted)
    throw new Error(`${targetGroup.arn} may not invoke ${targetGroup.functionArn}`);
  const signIn = await serveAlbSignIn({
    arn,
    targetGroup: targetGroup.arn,
    issuer,
    clientId,
    now: () => context.clock.date(),
  });
  const sessions = new Map<string, Claims>();
  const keysHost = `public-keys.auth.elb.${region}.amazonaws.com`;
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
  const [own, ofKeys] = await Promise.all([listenOnLoopback(listener), listenOnLoopback(keys)]);
  return {
    port: own.port,
    keys: { host: keysHost, port: ofKeys.port },
    signIn(claims) {
      const session = randomUUID();
      sessions.set(session, claims);
      return `${COOKIE}=${session}`;
    },
    async close() {
      await Promise.all([own.close(), ofKeys.close(), signIn.close()]);
    },
  };
}

type EventOf = Awaited<ReturnType<typeof serveAlbSignIn>>['eventOf'];

async function forward(
  { run, context, account, region, targetGroup }: SignInListenerOptions,
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
  const runner = run.find({ account, region, function: targetGroup.functionArn });
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
  const reply = outcome.ok ? replyIn(outcome.payload, false) : undefined;
  if (!reply) return refuse(response, 502, 'Bad Gateway');
  response.writeHead(reply.status, { ...reply.headers, server: 'awselb/2.0' }).end(reply.body);
}

function redirect(response: ServerResponse, { issuer, clientId, host }: SignInListenerOptions): void {
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

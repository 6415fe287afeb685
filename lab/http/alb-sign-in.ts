/**
 * An Application Load Balancer with an authenticate-oidc action, as far as a Lambda target sees it: the event, the headers
 * x-amzn-oidc-* with a JWT that it signs, and the public key by its id. Whatever a client sends in such a header is dropped.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html
 */
import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import http, { type RequestListener } from 'node:http';
import { listenOnLoopback } from './loopback.ts';

export interface AlbSignInOptions {
  /** The ARN of the load balancer. */
  readonly arn: string;
  readonly targetGroup: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly now: () => Date;
}

export interface AlbRequest {
  readonly method: string;
  readonly path?: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface AlbSignIn {
  /** Where the public keys are: `<url>/<kid>`. */
  readonly keysUrl: string;
  readonly keyRequests: readonly string[];
  /** Answers for a key, as the host of the public keys does. */
  readonly keyListener: RequestListener;
  /** What the target gets for a request of somebody with these claims of the user-info endpoint; without: nobody signed in. */
  eventOf(request: AlbRequest, claims?: Readonly<Record<string, unknown>>): object;
  /** The JWT alone. `header` replaces fields of its header. */
  tokenOf(claims: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): string;
  close(): Promise<void>;
}

/** A load balancer renews the JWT with each request. */
const VALID_SECONDS = 120;

export async function serveAlbSignIn(options: AlbSignInOptions): Promise<AlbSignIn> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const kid = randomUUID();
  const keyRequests: string[] = [];
  const keyListener: RequestListener = (request, response) => {
    keyRequests.push(request.url ?? '');
    if (request.url !== `/${kid}`) {
      // As S3 behind that host answers for what it does not list.
      response
        .writeHead(403, { 'content-type': 'application/xml' })
        .end('<Error><Code>AccessDenied</Code></Error>');
      return;
    }
    response.end(publicKey.export({ type: 'spki', format: 'pem' }));
  };
  const server = http.createServer(keyListener);
  const { port, close } = await listenOnLoopback(server);

  const tokenOf: AlbSignIn['tokenOf'] = (claims, header = {}) => {
    const exp = Math.floor(options.now().getTime() / 1000) + VALID_SECONDS;
    const { arn: signer, issuer: iss, clientId: client } = options;
    const head = { typ: 'JWT', kid, alg: 'ES256', iss, client, signer, exp, ...header };
    return signed(head, { exp, iss, ...claims }, privateKey);
  };

  return {
    keysUrl: `http://127.0.0.1:${port}`,
    keyRequests,
    keyListener,
    tokenOf,
    eventOf({ method, path = '/', query = '', headers = {}, body }, claims) {
      const own = Object.entries(headers).filter(([name]) => !name.toLowerCase().startsWith('x-amzn-oidc-'));
      const isText = /^(text\/|application\/(json|javascript|xml)\b)/.test(headers['content-type'] ?? '');
      return {
        requestContext: { elb: { targetGroupArn: options.targetGroup } },
        httpMethod: method,
        path,
        // As they were sent: a load balancer decodes nothing.
        queryStringParameters: Object.fromEntries(
          query
            .split('&')
            .filter(Boolean)
            .map((pair) => [pair.split('=')[0] ?? '', pair.slice(pair.indexOf('=') + 1)]),
        ),
        headers: {
          ...Object.fromEntries(own),
          'x-forwarded-proto': 'https',
          'x-forwarded-port': '443',
          ...(claims
            ? { 'x-amzn-oidc-identity': String(claims['sub'] ?? ''), 'x-amzn-oidc-data': tokenOf(claims) }
            : {}),
        },
        body: body === undefined ? '' : isText ? body : Buffer.from(body, 'utf8').toString('base64'),
        isBase64Encoded: body !== undefined && !isText,
      };
    },
    close,
  };
}

function signed(header: object, claims: object, key: KeyObject): string {
  const text = `${padded(Buffer.from(JSON.stringify(header)))}.${padded(Buffer.from(JSON.stringify(claims)))}`;
  return `${text}.${padded(sign('sha256', Buffer.from(text, 'ascii'), { key, dsaEncoding: 'ieee-p1363' }))}`;
}

/** Unlike other JWTs. */
function padded(bytes: Buffer): string {
  const text = bytes.toString('base64url');
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=');
}

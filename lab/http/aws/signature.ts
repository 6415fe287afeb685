/**
 * Verifies Signature Version 4: who signed a request, and whether the request is unchanged.
 * Written from the documented algorithm, not with the SDK's signer, so that a mistake there cannot hide here.
 */
import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';
import type { AwsWorld } from '../../world/aws/index.ts';
import type { KnownPrincipal } from '../../world/aws/principals.ts';

export interface SignedRequest {
  readonly method: string;
  /** As it arrived, still percent-encoded, without the query. */
  readonly path: string;
  /** As it arrived, without `?`. */
  readonly query: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface Signer {
  readonly principal: KnownPrincipal;
  readonly region: string;
  readonly service: string;
}

/** The signature parameters of a request, not yet verified. */
export interface Claim {
  readonly accessKeyId: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** `20261122T100000Z` */
  readonly timestamp: string;
  readonly sessionToken: string | undefined;
  /** Set for a presigned URL. */
  readonly expiresSeconds: number | undefined;
}

export type SignatureProblem = 'missing' | 'incomplete' | 'unknown-key' | 'mismatch' | 'skewed';

export class SignatureError extends Error {
  override name = 'SignatureError';
  readonly problem: SignatureProblem;

  constructor(problem: SignatureProblem, message: string) {
    super(message);
    this.problem = problem;
  }
}

/** Allowed difference between the request's time and the server's clock. */
const SKEW = 15 * 60_000;

/** From the `Authorization` header or, for presigned URLs, the query. */
export function claimOf(request: SignedRequest): Claim {
  const authorization = headerOf(request, 'authorization');
  if (authorization === undefined) return claimOfQuery(request);
  const match = /^AWS4-HMAC-SHA256\s+(.*)$/.exec(authorization);
  if (!match) throw new SignatureError('missing', 'Request is missing Authentication Token');
  const parts = new Map(
    (match[1] ?? '').split(',').map((part) => {
      const [name = '', ...rest] = part.trim().split('=');
      return [name, rest.join('=')] as const;
    }),
  );
  return claim({
    credential: parts.get('Credential'),
    signedHeaders: parts.get('SignedHeaders'),
    signature: parts.get('Signature'),
    timestamp: headerOf(request, 'x-amz-date'),
    sessionToken: headerOf(request, 'x-amz-security-token'),
    expiresSeconds: undefined,
  });
}

function claimOfQuery(request: SignedRequest): Claim {
  const query = new Map(pairsOf(request.query).map(([name, value]) => [name.toLowerCase(), value]));
  if (query.get('x-amz-algorithm') !== 'AWS4-HMAC-SHA256') {
    throw new SignatureError('missing', 'Request is missing Authentication Token');
  }
  return claim({
    credential: query.get('x-amz-credential'),
    signedHeaders: query.get('x-amz-signedheaders'),
    signature: query.get('x-amz-signature'),
    timestamp: query.get('x-amz-date'),
    sessionToken: query.get('x-amz-security-token'),
    expiresSeconds: Number(query.get('x-amz-expires') ?? 900),
  });
}

function claim(parts: {
  credential: string | undefined;
  signedHeaders: string | undefined;
  signature: string | undefined;
  timestamp: string | undefined;
  sessionToken: string | undefined;
  expiresSeconds: number | undefined;
}): Claim {
  const scope = (parts.credential ?? '').split('/');
  const [accessKeyId, date, region, service, terminator] = scope;
  if (
    scope.length !== 5 ||
    terminator !== 'aws4_request' ||
    !accessKeyId ||
    !date ||
    !region ||
    !service ||
    !parts.signedHeaders ||
    !parts.signature ||
    !/^\d{8}T\d{6}Z$/.test(parts.timestamp ?? '')
  ) {
    throw new SignatureError(
      'incomplete',
      "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
    );
  }
  return {
    accessKeyId,
    date,
    region,
    service,
    signedHeaders: parts.signedHeaders.split(';'),
    signature: parts.signature,
    timestamp: parts.timestamp ?? '',
    sessionToken: parts.sessionToken,
    expiresSeconds: parts.expiresSeconds,
  };
}

/** Throws a `SignatureError` unless a known principal signed exactly this request recently. */
export function verify(aws: AwsWorld, request: SignedRequest, claimed: Claim): Signer {
  const principal = aws.principals.byAccessKey(claimed.accessKeyId);
  if (!principal || principal.sessionToken !== claimed.sessionToken) {
    throw new SignatureError('unknown-key', 'The security token included in the request is invalid.');
  }
  if (!claimed.timestamp.startsWith(claimed.date)) {
    throw new SignatureError('mismatch', 'Credential should be scoped to the date of the request.');
  }
  if (!principal.anyTime) checkTime(claimed, aws.context.clock.now());
  if (!claimed.signedHeaders.includes('host')) {
    throw new SignatureError(
      'mismatch',
      "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
    );
  }
  if (signatureOf(request, claimed, principal.secretAccessKey) !== claimed.signature) {
    throw new SignatureError(
      'mismatch',
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
    );
  }
  return { principal, region: claimed.region, service: claimed.service };
}

function checkTime(claimed: Claim, now: number): void {
  const signedAt = timeOf(claimed.timestamp);
  if (signedAt < now - SKEW) {
    throw new SignatureError(
      'skewed',
      `Signature expired: ${claimed.timestamp} is now earlier than ${basic(now - SKEW)} (${basic(now)} - 15 min.)`,
    );
  }
  if (signedAt > now + SKEW) {
    throw new SignatureError(
      'skewed',
      `Signature not yet current: ${claimed.timestamp} is still later than ${basic(now + SKEW)} (${basic(now)} + 15 min.)`,
    );
  }
}

export function signatureOf(request: SignedRequest, claimed: Claim, secret: string): string {
  const { date, region, service } = claimed;
  const canonical = [
    request.method,
    canonicalPath(request.path),
    canonicalQuery(request.query),
    ...claimed.signedHeaders.map((name) => `${name}:${canonicalHeader(request, name)}`),
    '',
    claimed.signedHeaders.join(';'),
    payloadHash(request, claimed),
  ].join('\n');
  const toSign = [
    'AWS4-HMAC-SHA256',
    claimed.timestamp,
    `${date}/${region}/${service}/aws4_request`,
    hash('sha256', canonical),
  ].join('\n');
  return createHmac('sha256', signingKey(secret, date, region, service))
    .update(toSign)
    .digest('hex');
}

/** As key objects: from a buffer, Node makes one for each signature, which takes longer than the signature. */
const keys = new Map<string, KeyObject>();

function signingKey(secret: string, date: string, region: string, service: string): KeyObject {
  const name = `${secret}/${date}/${region}/${service}`;
  const known = keys.get(name);
  if (known) return known;
  const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();
  const key = createSecretKey(hmac(hmac(hmac(hmac(`AWS4${secret}`, date), region), service), 'aws4_request'));
  if (keys.size > 1_000) keys.clear();
  keys.set(name, key);
  return key;
}

/** A presigned URL and every service but S3 sign the hash of the body; a header with another hash does not match. */
function payloadHash(request: SignedRequest, claimed: Claim): string {
  const stated = headerOf(request, 'x-amz-content-sha256');
  if (claimed.expiresSeconds === undefined && stated === 'UNSIGNED-PAYLOAD') return stated;
  return hash('sha256', request.body);
}

/** Encoded a second time, as every service but S3 wants it. */
function canonicalPath(path: string): string {
  return path === '' ? '/' : path.split('/').map(encode).join('/');
}

function canonicalQuery(query: string): string {
  if (query === '') return '';
  return pairsOf(query)
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([nameA, valueA], [nameB, valueB]) => order(nameA, nameB) || order(valueA, valueB))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

function canonicalHeader(request: SignedRequest, name: string): string {
  const value = request.headers[name];
  const text = Array.isArray(value) ? value.join(',') : (value ?? '');
  return text.trim().replace(/ {2,}/g, ' ');
}

function headerOf(request: SignedRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

export function pairsOf(query: string): readonly (readonly [string, string])[] {
  if (query === '') return [];
  return query.split('&').map((pair) => {
    const at = pair.indexOf('=');
    const name = at < 0 ? pair : pair.slice(0, at);
    const value = at < 0 ? '' : pair.slice(at + 1);
    return [decode(name), decode(value)] as const;
  });
}

/** An invalid escape is left as it is; it does not match the signed request. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** RFC 3986: everything but letters, digits and `-._~`. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `20261122T100000Z` as virtual ms. */
export function timeOf(timestamp: string): number {
  return Date.parse(
    timestamp.replace(/^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/, '$1-$2-$3T$4:$5:$6Z'),
  );
}

function basic(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}

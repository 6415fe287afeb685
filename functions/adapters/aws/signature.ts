/**
 * AWS Signature Version 4 of small requests. The SDK's signer is 58 KB with what it imports, a third of what a start of spot-drain
 * would load. The tests hold each signature against that signer.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHash, createHmac } from 'node:crypto';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface Signing {
  /** The name in the signature: `states`. */
  readonly service: string;
  readonly region: string;
  readonly credentials: AwsCredentials;
  readonly date: Date;
}

export interface RequestToSign {
  readonly method: string;
  /** As it is sent, without a query and without `.` and `..`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** All of them are signed; their names are lowercase. `host` is among them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';

/** The headers of the request, with those that sign it. */
export function signedHeaders(request: RequestToSign, signing: Signing): Readonly<Record<string, string>> {
  const { sessionToken } = signing.credentials;
  const headers = {
    ...request.headers,
    'x-amz-date': timestamp(signing.date),
    'x-amz-content-sha256': sha256(request.body ?? ''),
    ...(sessionToken ? { 'x-amz-security-token': sessionToken } : {}),
  };
  const credential = `${signing.credentials.accessKeyId}/${scopeOf(signing)}`;
  const signature = signatureOf({ ...request, headers }, signing);
  return {
    ...headers,
    authorization: `${ALGORITHM} Credential=${credential}, SignedHeaders=${namesOf(headers)}, Signature=${signature}`,
  };
}

/** The query of the request, with what signs it: whoever has the URL may send it until it expires. */
export function presignedQuery(
  request: RequestToSign,
  signing: Signing & { readonly expiresSeconds: number },
): Readonly<Record<string, string>> {
  const { accessKeyId, sessionToken } = signing.credentials;
  const query = {
    ...request.query,
    ...(sessionToken ? { 'X-Amz-Security-Token': sessionToken } : {}),
    'X-Amz-Algorithm': ALGORITHM,
    'X-Amz-Credential': `${accessKeyId}/${scopeOf(signing)}`,
    'X-Amz-Date': timestamp(signing.date),
    'X-Amz-SignedHeaders': namesOf(request.headers),
    'X-Amz-Expires': String(signing.expiresSeconds),
  };
  return { ...query, 'X-Amz-Signature': signatureOf({ ...request, query }, signing) };
}

function signatureOf(
  { method, path, query = {}, headers, body = '' }: RequestToSign,
  signing: Signing,
): string {
  const canonical = [
    method,
    // The path as it is sent is encoded once more; only S3 leaves it.
    path.split('/').map(encoded).join('/'),
    byName(query)
      .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
      .join('&'),
    ...byName(headers).map(([name, value]) => `${name}:${value.trim().replace(/\s+/g, ' ')}`),
    '',
    namesOf(headers),
    sha256(body),
  ].join('\n');
  const text = [ALGORITHM, timestamp(signing.date), scopeOf(signing), sha256(canonical)].join('\n');
  const secret: string | Buffer = `AWS4${signing.credentials.secretAccessKey}`;
  const key = scopeOf(signing)
    .split('/')
    .reduce<string | Buffer>((parent, part) => hmac(parent, part).digest(), secret);
  return hmac(key, text).digest('hex');
}

function scopeOf({ date, region, service }: Signing): string {
  return `${timestamp(date).slice(0, 8)}/${region}/${service}/aws4_request`;
}

function namesOf(headers: RequestToSign['headers']): string {
  return byName(headers)
    .map(([name]) => name)
    .join(';');
}

function byName(fields: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(fields).sort(([one], [other]) => (one < other ? -1 : 1));
}

/** `20261124T013000Z` */
function timestamp(date: Date): string {
  return date.toISOString().replace(/\.\d+|[-:]/g, '');
}

/** RFC 3986, which leaves fewer characters than `encodeURIComponent`. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string) {
  return createHmac('sha256', key).update(text);
}

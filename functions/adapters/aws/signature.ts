/**
 * AWS Signature Version 4 of small requests. The SDK's own signer is 58 KB with what it imports, a third of what a start of
 * spot-drain would load; the tests hold each signature of this one against it.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import aws4 from 'aws4';

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
  /** All of them are signed; their names are lowercase. `host` is among them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The headers of the request, with those that sign it. */
export function signedHeaders(request: RequestToSign, signing: Signing): Readonly<Record<string, string>> {
  const { credentials, date, ...scope } = signing;
  const headers = { ...request.headers, 'x-amz-date': timestamp(date) };
  const { headers: signed = {} } = aws4.sign({ ...request, ...scope, headers }, { ...credentials });
  return Object.fromEntries(
    Object.entries(signed).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
}

/** The path of the request with its query, and with what signs it: whoever has the URL may send it until it expires. */
export function presignedPath(
  { path, query, ...request }: RequestToSign & { readonly query: Readonly<Record<string, string>> },
  { credentials, date, expiresSeconds, ...scope }: Signing & { readonly expiresSeconds: number },
): string {
  const all = { ...query, 'X-Amz-Date': timestamp(date), 'X-Amz-Expires': String(expiresSeconds) };
  const pairs = Object.entries(all).map((pair) => pair.map(encodeURIComponent).join('='));
  const whole = { ...request, ...scope, path: `${path}?${pairs.join('&')}`, signQuery: true };
  return aws4.sign({ ...whole, headers: { ...request.headers } }, { ...credentials }).path ?? path;
}

/** `20261124T013000Z` */
function timestamp(date: Date): string {
  return date.toISOString().replace(/\.\d+|[-:]/g, '');
}

/** The presigned GetCallerIdentity URL inside a Kubernetes token, checked as aws-iam-authenticator checks it. */
import type { AwsWorld } from '../../world/aws/index.ts';
import { claimOf, pairsOf, SignatureError, type SignedRequest, timeOf, verify } from './signature.ts';

export interface PresignedIdentity {
  readonly account: string;
  /** As STS gives it: `arn:aws:sts::111111111111:assumed-role/name/session`. */
  readonly callerArn: string;
  /** Of the role or user: `arn:aws:iam::111111111111:role/name`. This is what access entries name. */
  readonly principalArn: string;
  readonly userId: string;
  readonly sessionName: string | undefined;
  readonly accessKeyId: string;
  /** Virtual ms: the URL says so until then. */
  readonly expiresAt: number;
}

export class PresignedUrlError extends Error {
  override name = 'PresignedUrlError';
}

/** The only query parameters that the authenticator allows, in lower case. */
const allowed = new Set([
  'action',
  'version',
  'x-amz-algorithm',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-expires',
  'x-amz-security-token',
  'x-amz-signature',
  'x-amz-signedheaders',
  'x-amz-user-agent',
]);

const LIFETIME = 15 * 60_000;

/**
 * Throws a `PresignedUrlError` that says what is wrong. `headers` are those that the authenticator sends with the URL:
 * `{ 'x-k8s-aws-id': <the cluster's name> }`. X-Amz-Expires is checked for its form only: STS honours such a URL for 15
 * minutes whatever it says. `endpoint` is where the lab's own STS answers: `aws eks get-token` signs for it where
 * AWS_ENDPOINT_URL says so.
 */
export function verifyPresigned(
  aws: AwsWorld,
  url: string,
  headers: Readonly<Record<string, string>>,
  endpoint?: string,
): PresignedIdentity {
  const match = /^(https?:\/\/([^/?#]+))\/(?:\?([^#]*))?$/.exec(url);
  const isOwn = match !== null && match[1] === endpoint;
  if (!match || !(isOwn || url.startsWith('https:')))
    throw refused(`unexpected scheme or path in the pre-signed URL`);
  const [, , host = '', query = ''] = match;
  const region = regionOf(host);
  if (region === undefined && !isOwn) throw refused(`unexpected hostname ${host} in the pre-signed URL`);
  const parameters = checkedParameters(query);
  if (parameters.get('action') !== 'GetCallerIdentity')
    throw refused('unexpected action parameter in the pre-signed URL');
  const signed = (parameters.get('x-amz-signedheaders') ?? '').split(';');
  if (!signed.includes('x-k8s-aws-id'))
    throw refused('client did not sign the x-k8s-aws-id header in the pre-signed URL');
  const expires = Number(parameters.get('x-amz-expires') ?? Number.NaN);
  if (!Number.isInteger(expires) || expires < 0 || expires > 900) {
    throw refused(
      `invalid X-Amz-Expires parameter in the pre-signed URL: ${parameters.get('x-amz-expires')}`,
    );
  }
  const request: SignedRequest = {
    method: 'GET',
    path: '/',
    query,
    headers: { ...lowerCased(headers), host },
    body: Buffer.alloc(0),
  };
  try {
    const claimed = claimOf(request);
    if (claimed.service !== 'sts' || (!isOwn && claimed.region !== region)) {
      throw refused(`credential should be scoped to ${region}/sts, not ${claimed.region}/${claimed.service}`);
    }
    const { principal } = verify(aws, request, claimed);
    const now = aws.context.clock.now();
    const expiresAt = principal.anyTime ? Number.POSITIVE_INFINITY : timeOf(claimed.timestamp) + LIFETIME;
    if (expiresAt < now) {
      throw refused(`X-Amz-Date parameter is expired (15 minute expiration) ${claimed.timestamp}`);
    }
    return {
      account: principal.account,
      callerArn: principal.callerArn,
      principalArn: principal.arn,
      userId: principal.userId,
      sessionName: principal.sessionName,
      accessKeyId: principal.accessKeyId,
      expiresAt,
    };
  } catch (error) {
    if (error instanceof SignatureError) throw refused(error.message);
    throw error;
  }
}

function checkedParameters(query: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const [name, value] of pairsOf(query)) {
    const key = name.toLowerCase();
    if (!allowed.has(key)) throw refused(`non-whitelisted query parameter "${name}"`);
    if (parameters.has(key)) throw refused(`query parameter "${name}" with multiple values is not supported`);
    parameters.set(key, value);
  }
  return parameters;
}

/** `sts.amazonaws.com` is the global endpoint, which signs for us-east-1. */
function regionOf(host: string): string | undefined {
  if (host === 'sts.amazonaws.com') return 'us-east-1';
  return /^sts\.([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?$/.exec(host)?.[1];
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function refused(message: string): PresignedUrlError {
  return new PresignedUrlError(`input token was not properly formatted: ${message}`);
}

/**
 * The bearer token of an EKS cluster: a presigned STS GetCallerIdentity URL that the cluster's authenticator calls.
 * The host is always the real regional one: the URL is data that the authenticator checks, not a call of ours.
 * The authenticator accepts a fixed set of query parameters, so nothing else may stand in the URL.
 */
import { type AwsCredentials, presignedPath } from '#functions/adapters/aws/signature.ts';
import { domainOf } from '#model/region.ts';

export interface TokenSourceOptions {
  /** The EKS cluster's name: it is signed into the token, so that no other cluster accepts it. */
  readonly cluster: string;
  readonly region: string;
  readonly credentials: () => Promise<AwsCredentials>;
  readonly now: () => Date;
}

/** A token that is good for at least a minute; `fresh` mints one although the saved one should still be valid. */
export type TokenSource = (options?: { readonly fresh?: boolean }) => Promise<string>;

const PREFIX = 'k8s-aws-v1.';
/** What the URL asks for. The authenticator honours a token for about 15 minutes from its date whatever stands here. */
const EXPIRES_SECONDS = 60;
const REUSED_MS = 14 * 60_000;

export function createTokenSource(options: TokenSourceOptions): TokenSource {
  let saved: { token: Promise<string>; mintedAt: number } | undefined;
  return ({ fresh = false } = {}) => {
    const now = options.now().getTime();
    if (!saved || fresh || now - saved.mintedAt >= REUSED_MS || now < saved.mintedAt) {
      const minted = { token: mint(options), mintedAt: now };
      saved = minted;
      minted.token.catch(() => {
        if (saved === minted) saved = undefined;
      });
    }
    return saved.token;
  };
}

async function mint({ cluster, region, credentials, now }: TokenSourceOptions): Promise<string> {
  const host = stsHost(region);
  const request = {
    method: 'GET',
    path: '/',
    query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
    headers: { host, 'x-k8s-aws-id': cluster },
  };
  const path = presignedPath(request, {
    service: 'sts',
    region,
    credentials: await credentials(),
    date: now(),
    expiresSeconds: EXPIRES_SECONDS,
  });
  return PREFIX + Buffer.from(`https://${host}${path}`).toString('base64url');
}

function stsHost(region: string): string {
  return `sts.${region}.${domainOf(region)}`;
}

/**
 * Signed requests to one AWS service without its SDK client, where a function needs one small operation of it: a client is
 * 50 KB and more, which a cold process would load before a cordon.
 */
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import { createHttpHost, type HttpHost, type HttpReply } from '#functions/adapters/http.ts';
import type { TokenCredentials } from '#functions/adapters/kubernetes/token.ts';
import { domainOf } from '#model/region.ts';

export interface SignedRequestsOptions {
  /** The name in the signature and in its host: `states`. */
  readonly service: string;
  readonly region: string;
  readonly credentials: () => Promise<TokenCredentials>;
  readonly now: () => Date;
  /** Instead of its own host: `AWS_ENDPOINT_URL`. What follows the port is not used. */
  readonly endpoint?: string | undefined;
  /** So many requests at once at most. Default 8. */
  readonly maxSockets?: number;
}

export interface SignedRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
}

export type SendSigned = (request: SignedRequest) => Promise<HttpReply>;

/** Throws `UnreachableError` where no whole reply came in time. */
export function createSignedRequests({
  endpoint,
  maxSockets = 8,
  ...options
}: SignedRequestsOptions): SendSigned {
  const { service, region } = options;
  const url = new URL(endpoint ?? `https://${service}.${region}.${domainOf(region)}`);
  const { origin, protocol, hostname, host: authority } = url;
  const signer = new SignatureV4({ ...options, sha256: Sha256 });
  let host: HttpHost | undefined;
  return async ({ timeoutMs, headers, ...request }) => {
    host ??= createHttpHost({ url: origin, maxSockets });
    const signed = await signer.sign(
      { ...request, protocol, hostname, headers: { ...headers, host: authority } },
      { signingDate: options.now() },
    );
    return host.request({ ...request, headers: signed.headers, timeoutMs });
  };
}

/** A call of AWS's JSON protocol: `target` is like `AWSEvents.PutEvents`, `version` that of the protocol. */
export function jsonRequest(
  target: string,
  input: object,
  { version, timeoutMs }: { readonly version: '1.0' | '1.1'; readonly timeoutMs: number },
): SignedRequest {
  return {
    method: 'POST',
    path: '/',
    headers: { 'content-type': `application/x-amz-json-${version}`, 'x-amz-target': target },
    body: JSON.stringify(input),
    timeoutMs,
  };
}

/**
 * Signed requests to one AWS service without its SDK client, where a function needs one small operation of it: a client is
 * 50 KB and more, which a cold process would load before a cordon.
 */
import { createHttpHost, type HttpHost, type HttpReply } from '#functions/adapters/http.ts';
import { domainOf } from '#model/region.ts';
import { type AwsCredentials, signedHeaders } from './signature.ts';

export interface SignedRequestsOptions {
  /** The name in the signature and in its host: `states`. */
  readonly service: string;
  readonly region: string;
  readonly credentials: () => Promise<AwsCredentials>;
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
  service,
  region,
  credentials,
  now,
}: SignedRequestsOptions): SendSigned {
  const url = new URL(endpoint ?? `https://${service}.${region}.${domainOf(region)}`);
  let host: HttpHost | undefined;
  return async ({ timeoutMs, headers, ...request }) => {
    host ??= createHttpHost({ url: url.origin, maxSockets });
    const signed = signedHeaders(
      { ...request, headers: { ...headers, host: url.host } },
      { service, region, credentials: await credentials(), date: now() },
    );
    return host.request({ ...request, headers: signed, timeoutMs });
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

/**
 * Signed requests to one AWS service without its SDK client, where a function needs one small operation of it: a client is
 * 50 KB and more, which a cold process would load before a cordon.
 */
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import { createHttpHost, type HttpHost, type HttpReply } from '#functions/adapters/http.ts';
import type { TokenCredentials } from '#functions/adapters/kubernetes/token.ts';

export interface SignedRequestsOptions {
  /** The name that the signature uses: `states`. */
  readonly service: string;
  readonly region: string;
  readonly credentials: () => Promise<TokenCredentials>;
  readonly now: () => Date;
  /** `https://host[:port]`. What follows is not used. */
  readonly url: string;
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
export function createSignedRequests({ url, ...options }: SignedRequestsOptions): SendSigned {
  const { origin, protocol, hostname, host: authority } = new URL(url);
  const signer = new SignatureV4({ ...options, sha256: Sha256 });
  let host: HttpHost | undefined;
  return async ({ timeoutMs, headers, ...request }) => {
    host ??= createHttpHost({ url: origin, maxSockets: 8 });
    const signed = await signer.sign(
      { ...request, protocol, hostname, headers: { ...headers, host: authority } },
      { signingDate: options.now() },
    );
    return host.request({ ...request, headers: signed.headers, timeoutMs });
  };
}

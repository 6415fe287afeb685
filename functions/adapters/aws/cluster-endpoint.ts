/** Where a cluster's Kubernetes API answers, and which CA it answers with: `eks:DescribeCluster`, for the functions. */
import { setTimeout as wait } from 'node:timers/promises';
import { type HttpReply, UnreachableError } from '#functions/adapters/http.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import { backoffMs } from '#functions/shared/retry.ts';
import { isRecord } from '#model/record-schema.ts';
import { isTransientAwsError } from './errors.ts';
import type { AwsCredentials } from './signature.ts';
import { createSignedRequests } from './signed-requests.ts';

export interface ClusterEndpoint {
  /** `https://…` */
  readonly endpoint: string;
  /** PEM. */
  readonly ca: string;
}

/** What EKS says of a cluster, as far as it is needed here. */
export interface DescribedCluster {
  readonly endpoint?: string | undefined;
  readonly status?: string | undefined;
  readonly certificateAuthority?: { readonly data?: string | undefined } | undefined;
  readonly accessConfig?: { readonly authenticationMode?: string | undefined } | undefined;
}

export interface ClusterEndpointOptions {
  readonly cluster: string;
  readonly region: string;
  readonly credentials: () => Promise<AwsCredentials>;
  readonly now: () => Date;
  /** Instead of EKS's own host: `AWS_ENDPOINT_URL`. */
  readonly endpoint?: string | undefined;
}

/** EKS refused the request: `name` is its code, like `AccessDeniedException`. */
class EksError extends NightshiftError {
  readonly $metadata: { readonly httpStatusCode: number };

  constructor(name: string, message: string, status: number) {
    super(message);
    this.name = name;
    this.$metadata = { httpStatusCode: status };
  }
}

const TIMEOUT_MS = 5_000;
const MOST_ATTEMPTS = 4;
const BACKOFF = { firstMs: 100, longestMs: 2_000 };

/** Throws `NightshiftError` for a cluster without an endpoint or access entries, and what EKS answered otherwise. */
export function createClusterEndpoint(options: ClusterEndpointOptions): () => Promise<ClusterEndpoint> {
  const { cluster, region } = options;
  const request = createSignedRequests({
    service: 'eks',
    region,
    credentials: options.credentials,
    now: options.now,
    endpoint: options.endpoint,
  });
  const path = `/clusters/${encodeURIComponent(cluster)}`;
  return async () => {
    for (let attempts = 1; ; attempts++) {
      try {
        const reply = await request({ method: 'GET', path, timeoutMs: TIMEOUT_MS });
        return endpointOf(cluster, clusterIn(cluster, reply));
      } catch (error) {
        const isTransient = error instanceof UnreachableError || isTransientAwsError(error);
        if (!isTransient || attempts >= MOST_ATTEMPTS) throw error;
        await wait(backoffMs(attempts, Math.random(), BACKOFF));
      }
    }
  };
}

export function endpointOf(name: string, cluster: DescribedCluster | undefined): ClusterEndpoint {
  const endpoint = cluster?.endpoint;
  const ca = cluster?.certificateAuthority?.data;
  if (!endpoint || !ca) {
    throw new NightshiftError(
      `the cluster ${name} is ${cluster?.status ?? 'unknown'} and has no endpoint: wait until it is ACTIVE`,
      { facts: { cluster: name } },
    );
  }
  if (cluster.accessConfig?.authenticationMode === 'CONFIG_MAP') {
    throw new NightshiftError(
      `the cluster ${name} knows no access entries (authentication mode CONFIG_MAP), so it lets no function in: change the mode to API_AND_CONFIG_MAP`,
      { facts: { cluster: name } },
    );
  }
  return { endpoint, ca: Buffer.from(ca, 'base64').toString('utf8') };
}

/** A reply of another form is one of a proxy in between: asking again may succeed. */
function clusterIn(name: string, { status, headers, body }: HttpReply): DescribedCluster {
  const fields = fieldsOf(body);
  if (status === 200 && isRecord(fields['cluster'])) return fields['cluster'];
  const type = headers['x-amzn-errortype'] ?? fields['__type'] ?? fields['code'];
  // `ResourceNotFoundException:http://internal.amazon.com/…`, or with a namespace before a #.
  const code = typeof type === 'string' ? (type.split(':')[0]?.split('#').at(-1) ?? '') : '';
  const message = fields['message'] ?? fields['Message'];
  const detail = typeof message === 'string' ? message : body.slice(0, 200).trim();
  throw new EksError(
    code || 'TimeoutError',
    `eks answered ${status} to DescribeCluster of ${name}: ${detail}`,
    status,
  );
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const body: unknown = JSON.parse(text);
    return isRecord(body) ? body : {};
  } catch {
    return {};
  }
}

/** The Kubernetes API of the function's own EKS cluster. */
import { awsClientDefaults } from '#functions/adapters/aws/clients.ts';
import type { ClusterEndpoint } from '#functions/adapters/aws/cluster-endpoint.ts';
import type { CommonSettings } from '#model/settings.ts';
import { createKubernetesClient, type KubernetesClient } from './client.ts';
import { createTokenSource } from './token.ts';

export function connectCluster(
  { cluster, region }: Pick<CommonSettings, 'cluster' | 'region'>,
  now: () => Date,
): KubernetesClient {
  const { credentials } = awsClientDefaults();
  return createKubernetesClient({
    cluster,
    region,
    describeCluster: lazyClusterEndpoint({ cluster, region }, now),
    token: createTokenSource({ cluster, region, credentials, now }),
  });
}

/** Few invocations ask for the endpoint: what asks is loaded with the first call. */
export function lazyClusterEndpoint(
  { cluster, region }: Pick<CommonSettings, 'cluster' | 'region'>,
  now: () => Date,
): () => Promise<ClusterEndpoint> {
  let loading: Promise<() => Promise<ClusterEndpoint>> | undefined;
  const load = async () => {
    const { createClusterEndpoint } = await import('#functions/adapters/aws/cluster-endpoint.ts');
    const { AWS_ENDPOINT_URL_EKS: own, AWS_ENDPOINT_URL: all } = process.env;
    const { credentials } = awsClientDefaults();
    return createClusterEndpoint({ cluster, region, credentials, now, endpoint: own ?? all });
  };
  return async () => {
    loading ??= load();
    return (await loading)();
  };
}

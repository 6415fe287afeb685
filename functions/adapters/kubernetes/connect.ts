/** The Kubernetes API of the function's own EKS cluster. */
import { awsClientDefaults } from '#functions/adapters/aws/clients.ts';
import type { ClusterEndpoint } from '#functions/adapters/aws/eks-cluster.ts';
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
    describeCluster: lazyClusterEndpoint(cluster),
    token: createTokenSource({ cluster, region, credentials, now }),
  });
}

/** Few invocations ask for the endpoint: the EKS client is loaded with the first call. */
export function lazyClusterEndpoint(cluster: string): () => Promise<ClusterEndpoint> {
  let loading: Promise<() => Promise<ClusterEndpoint>> | undefined;
  const load = async () => {
    const { createEksClient, describeCluster } = await import('#functions/adapters/aws/eks-cluster.ts');
    const client = createEksClient();
    return () => describeCluster(client, cluster);
  };
  return async () => {
    loading ??= load();
    return (await loading)();
  };
}

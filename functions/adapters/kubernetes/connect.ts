/** The Kubernetes API of an EKS cluster: the function's own, or the one that Argo CD's applications live in. */
import { type ClusterEndpoint, createClusterEndpoint } from '#functions/adapters/aws/cluster-endpoint.ts';
import { environmentCredentials } from '#functions/adapters/aws/environment-credentials.ts';
import type { CommonSettings } from '#model/settings.ts';
import { createKubernetesClient, type KubernetesClient } from './client.ts';
import { createTokenSource } from './token.ts';

export interface ClusterToReach extends Pick<CommonSettings, 'cluster' | 'region'> {
  /** Of a cluster in another account, which EKS does not describe to us. */
  readonly endpoint?: string;
  readonly ca?: string;
}

export function connectCluster(
  { cluster, region, endpoint, ca }: ClusterToReach,
  now: () => Date,
): KubernetesClient {
  const credentials = environmentCredentials(process.env);
  return createKubernetesClient({
    cluster,
    region,
    describeCluster:
      endpoint && ca ? async () => ({ endpoint, ca }) : clusterEndpointOf({ cluster, region }, now),
    token: createTokenSource({ cluster, region, credentials, now }),
  });
}

export function clusterEndpointOf(
  { cluster, region }: Pick<CommonSettings, 'cluster' | 'region'>,
  now: () => Date,
): () => Promise<ClusterEndpoint> {
  const { AWS_ENDPOINT_URL_EKS: own, AWS_ENDPOINT_URL: all } = process.env;
  const credentials = environmentCredentials(process.env);
  return createClusterEndpoint({ cluster, region, credentials, now, endpoint: own ?? all });
}

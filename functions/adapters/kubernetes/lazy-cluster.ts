/** The cluster of a function that most invocations do not reach: its client is loaded with the first request. */
import type { KubernetesClient } from './client.ts';
import type { ClusterToReach } from './connect.ts';

export function lazyCluster(settings: ClusterToReach, now: () => Date): KubernetesClient {
  let loading: Promise<KubernetesClient> | undefined;
  const client = () => {
    loading ??= import('./connect.ts').then(({ connectCluster }) => connectCluster(settings, now));
    return loading;
  };
  return {
    prepare: () => void client().then((cluster) => cluster.prepare()),
    request: async (request) => (await client()).request(request),
    list: async (...what) => (await client()).list(...what),
    close: () => void loading?.then((cluster) => cluster.close()),
  };
}

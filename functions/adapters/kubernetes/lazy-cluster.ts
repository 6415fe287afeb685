/** The cluster of a function that most invocations do not reach: its client is loaded with the first request. */
import type { CommonSettings } from '#model/settings.ts';
import type { KubernetesClient } from './client.ts';

export function lazyCluster(
  settings: Pick<CommonSettings, 'cluster' | 'region'>,
  now: () => Date,
): KubernetesClient {
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

/**
 * A module that is imported lazily becomes a chunk of its own in every bundle that holds the `import()`, called or not:
 * so each file `lazy-*` imports one.
 */
import type { ClusterEndpoint } from './eks-cluster.ts';

/** The endpoint of the function's cluster. Few invocations ask for it: the EKS client is loaded with the first call. */
export function lazyClusterEndpoint(cluster: string): () => Promise<ClusterEndpoint> {
  let loading: Promise<() => Promise<ClusterEndpoint>> | undefined;
  const load = async () => {
    const { createEksClient, describeCluster } = await import('./eks-cluster.ts');
    const client = createEksClient();
    return () => describeCluster(client, cluster);
  };
  return async () => {
    loading ??= load();
    const describe = await loading;
    return describe();
  };
}

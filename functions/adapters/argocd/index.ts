/** The way in to Argo CD that the settings name. */

import { awsClientDefaults } from '#functions/adapters/aws/clients.ts';
import { lazyClusterEndpoint } from '#functions/adapters/aws/lazy-cluster.ts';
import type { Secret } from '#functions/adapters/aws/secret.ts';
import { createKubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import { createTokenSource } from '#functions/adapters/kubernetes/token.ts';
import type { Argocd } from '#functions/branch-deploy/ports.ts';
import type { BranchDeploySettings } from '#model/settings.ts';
import { createArgocdObjects } from './kubernetes.ts';
import { createArgocdServer } from './server.ts';

export function createArgocd(
  settings: Pick<BranchDeploySettings, 'argocd' | 'cluster' | 'region'>,
  options: { readonly token: Secret; readonly now: () => Date },
): Argocd {
  const { argocd, cluster, region } = settings;
  if (argocd.through === 'server') return createArgocdServer({ argocd, token: options.token });
  return createArgocdObjects(
    createKubernetesClient({
      cluster,
      region,
      describeCluster: lazyClusterEndpoint(cluster),
      token: createTokenSource({
        cluster,
        region,
        credentials: awsClientDefaults().credentials,
        now: options.now,
      }),
    }),
  );
}

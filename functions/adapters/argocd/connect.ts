/** The way to Argo CD that the settings name: its server, the one of an EKS capability, or its objects in a cluster. */
import { lazySecret } from '#functions/adapters/aws/lazy-clients.ts';
import { lazyCluster } from '#functions/adapters/kubernetes/lazy-cluster.ts';
import type { Argocd } from '#functions/branch-deploy/ports.ts';
import { SettingsError } from '#functions/shared/errors.ts';
import type { BranchDeploySettings } from '#model/settings.ts';
import { createArgocdObjects } from './kubernetes.ts';
import { createArgocdServer } from './server.ts';

export function connectArgocdOf(settings: BranchDeploySettings, now: () => Date): Argocd {
  const { argocd, cluster, region } = settings;
  const { hub, url, tokenSecret, capability, ca } = argocd;
  if (argocd.through === 'kubernetes')
    return createArgocdObjects(lazyCluster({ cluster, region, ...hub }, now));
  if (!tokenSecret) throw new SettingsError('argocd.tokenSecret is missing: it is needed for the server');
  const token = lazySecret(tokenSecret);
  if (url) return createArgocdServer({ argocd: { ...argocd, url }, token });
  if (!capability) throw new SettingsError('argocd has neither url nor capability: write one of them');
  return lazyArgocd(async () => {
    const { createArgocdCapability } = await import('./capability.ts');
    const place = { cluster: hub?.cluster ?? cluster, capability };
    return createArgocdCapability({ ...place, token, ...(ca ? { ca } : {}) });
  });
}

function lazyArgocd(create: () => Promise<Argocd>): Argocd {
  let loading: Promise<Argocd> | undefined;
  const load = () => {
    loading ??= create();
    return loading;
  };
  return {
    read: async (...request) => (await load()).read(...request),
    sync: async (...request) => (await load()).sync(...request),
    pods: async (...request) => (await load()).pods(...request),
    restart: async (...request) => (await load()).restart(...request),
    setImages: async (...request) => (await load()).setImages(...request),
  };
}

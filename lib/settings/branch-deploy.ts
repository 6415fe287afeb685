/** The settings of branch-deploy. */
import type {
  ApplicationConfig,
  DeployConfig,
  DevelopmentEnvironmentConfig,
  ForgeConfig,
} from '#model/config.ts';
import type { Schedule } from '#model/schedule.ts';
import type { ApplicationSettings, BranchDeploySettings, CommonSettings } from '#model/settings.ts';
import { limitsOf } from './self-service.ts';

/** The longest acceptable drift of an application. */
export const DEFAULT_DRIFT_MINUTES = 60;
const DEFAULT_IMAGE_MINUTES = 15;

export function branchDeployOf(
  common: CommonSettings,
  { deploy, readyBy, selfService }: DevelopmentEnvironmentConfig & { readonly deploy: DeployConfig },
  schedule: Schedule | undefined,
): BranchDeploySettings {
  const { url, tokenSecret, ca, insecureLoopback, capability, cluster } = deploy.argocd;
  const through = deploy.argocd.through ?? (capability ? 'kubernetes' : 'server');
  return {
    ...common,
    production: false,
    argocd: {
      ...(url ? { url } : {}),
      ...(tokenSecret ? { tokenSecret } : {}),
      ...(ca ? { ca } : {}),
      through,
      ...(insecureLoopback ? { insecureLoopback } : {}),
      ...(capability ? { capability } : {}),
      ...(cluster ? { hub: hubOf(cluster) } : {}),
    },
    builds: deploy.builds.map(({ project, announced, repository, branch, applications }) => ({
      project,
      ...(announced ? { announced } : {}),
      repository,
      branch,
      // The managed Argo CD knows applications as `namespace/name` only.
      applications: applications.map((one) => applicationOf(one, capability ? 'argocd' : undefined)),
    })),
    whenAsleep: deploy.whenAsleep ?? 'defer',
    imageMinutes: deploy.imageMinutes ?? DEFAULT_IMAGE_MINUTES,
    driftMinutes: deploy.driftMinutes ?? DEFAULT_DRIFT_MINUTES,
    ...(deploy.status ? { status: statusOf(deploy.status) } : {}),
    ...(schedule ? { schedule } : {}),
    ...(schedule && readyBy ? { startsEarly: true } : {}),
    ...(schedule && readyBy === 'applications' ? { recordsHealthy: true } : {}),
    ...(schedule && selfService?.links && !common.dryRun ? { links: limitsOf(selfService) } : {}),
  };
}

function statusOf({
  github,
  gitlab,
  bitbucket,
}: NonNullable<DeployConfig['status']>): NonNullable<BranchDeploySettings['status']> {
  return {
    ...(github && {
      github: {
        ...forgeOf(github, 'github.com'),
        ...(github.deployments ? { deployments: true } : {}),
      },
    }),
    ...(gitlab && { gitlab: forgeOf(gitlab, 'gitlab.com') }),
    ...(bitbucket && { bitbucket: { tokenSecret: bitbucket.tokenSecret } }),
  };
}

function forgeOf({ tokenSecret, host, ca }: ForgeConfig & { readonly host?: string }, usual: string) {
  return { tokenSecret, host: host ?? usual, ...(ca ? { ca } : {}) };
}

function hubOf(cluster: NonNullable<DeployConfig['argocd']['cluster']>) {
  if (typeof cluster === 'string') return { cluster };
  return { cluster: cluster.name, endpoint: cluster.endpoint.replace(/\/+$/, ''), ca: cluster.ca };
}

export function applicationOf(
  application: ApplicationConfig,
  usualNamespace: string | undefined,
): ApplicationSettings {
  const written = typeof application === 'string' ? { name: application } : application;
  const namespace = written.namespace ?? usualNamespace;
  return {
    name: written.name,
    project: written.project ?? 'default',
    ...(namespace ? { namespace } : {}),
    ...(written.prune === undefined ? {} : { prune: written.prune }),
    syncOptions: written.syncOptions ?? [],
    ...(written.url ? { url: written.url } : {}),
    ...(written.images ? { images: written.images } : {}),
    ...(written.bring && written.bring !== 'manifest' ? { bring: written.bring } : {}),
    ...(written.revision === 'built' ? { revision: written.revision } : {}),
  };
}

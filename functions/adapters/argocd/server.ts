/** Argo CD through its API server. */
import type { ApplicationView, Argocd, Result } from '#functions/branch-deploy/ports.ts';
import { OF_BUILDS } from '#functions/branch-deploy/reasons.ts';
import { isApplicationName } from '#functions/branch-deploy/record.ts';
import type { ApplicationSettings } from '#model/settings.ts';
import { DEPLOY_INFO, isApplication, viewOf } from './application.ts';
import { type ArgocdServerOptions, connectArgocd } from './connection.ts';
import type { createServerImages } from './server-images.ts';

/** etcd keeps objects of 1.5 MB: more is no Application. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

const APPLICATION = { name: 'an Application', is: isApplication } as const;

/** Throws `SettingsError` for a URL that a token must not be sent to. */
export function createArgocdServer(options: ArgocdServerOptions): Argocd & { close(): void } {
  const connection = connectArgocd({ ...options, maxBodyBytes: MAX_BODY_BYTES });
  const answer = async (
    request: Omit<Parameters<typeof connection.ask>[0], 'as'>,
  ): Promise<Result<ApplicationView>> => {
    const reply = await connection.ask({ ...request, as: APPLICATION });
    return reply.ok ? { ok: true, value: viewOf(reply.value) } : reply;
  };

  let loaded: Promise<ReturnType<typeof createServerImages>> | undefined;
  const images = () => {
    loaded ??= import('./server-images.ts').then((module) => module.createServerImages(connection, pathOf));
    return loaded;
  };

  return {
    async read(application, { refresh = false } = {}) {
      if (!isApplicationName(application.name)) return invalidName(application);
      const query = new URLSearchParams({
        project: application.project,
        ...(application.namespace ? { appNamespace: application.namespace } : {}),
        ...(refresh ? { refresh: 'normal' } : {}),
      });
      return answer({ method: 'GET', path: `${pathOf(application)}?${query}` });
    },

    async sync(application, deployId, { revision, revisions = [], prune = false } = {}) {
      if (!isApplicationName(application.name)) return invalidName(application);
      return answer({
        method: 'POST',
        path: `${pathOf(application)}/sync`,
        body: {
          name: application.name,
          project: application.project,
          ...(application.namespace ? { appNamespace: application.namespace } : {}),
          ...(revision ? { revision } : {}),
          ...(revisions.length > 0
            ? {
                revisions: revisions.map((one) => one.revision),
                sourcePositions: revisions.map(({ position }) => position),
              }
            : {}),
          prune: application.prune ?? prune,
          // An empty list would take the application's own options away.
          ...(application.syncOptions.length > 0 ? { syncOptions: { items: application.syncOptions } } : {}),
          infos: [{ name: DEPLOY_INFO, value: deployId }],
        },
      });
    },

    pods: async (application) => (await images()).pods(application),
    restart: async (application, workload, at) => (await images()).restart(application, workload, at),
    setImages: async (application, built, source) => (await images()).setImages(application, built, source),

    close: () => connection.close(),
  };
}

export function pathOf(application: Pick<ApplicationSettings, 'name'>): string {
  return `/api/v1/applications/${encodeURIComponent(application.name)}`;
}

export function invalidName(application: ApplicationSettings): Result<never> {
  return { ok: false, error: { kind: 'permanent', detail: OF_BUILDS.invalidName(application.name) } };
}

import { copyOf } from '../copy.ts';
import { instant } from './application.ts';
import type { ApplicationObject, ApplicationSeed, ApplicationSource } from './types.ts';

/** The Application object as created. */
export function objectOf(
  seed: ApplicationSeed,
  created: {
    readonly where: string;
    readonly uid: string;
    readonly now: number;
    readonly controllerNamespace: string;
  },
): ApplicationObject {
  const { where, uid, now, controllerNamespace } = created;
  const source: ApplicationSource = {
    repoURL: seed.repoURL,
    path: seed.path ?? 'deploy',
    targetRevision: seed.targetRevision ?? 'HEAD',
  };
  const syncPolicy: ApplicationObject['spec']['syncPolicy'] = {
    ...(seed.autoSync ? { automated: { ...seed.autoSync } } : {}),
    ...(seed.syncOptions ? { syncOptions: [...seed.syncOptions] } : {}),
    ...(seed.retry ? { retry: copyOf(seed.retry) } : {}),
  };
  const destination = {
    server: 'https://kubernetes.default.svc',
    namespace: seed.deployments[0]?.namespace ?? 'default',
  };
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: {
      name: seed.name,
      namespace: where,
      uid,
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: instant(now),
      ...(seed.labels ? { labels: { ...seed.labels } } : {}),
      ...(seed.applicationSet
        ? {
            ownerReferences: [
              { apiVersion: 'argoproj.io/v1alpha1', kind: 'ApplicationSet', name: seed.applicationSet, uid },
            ],
          }
        : {}),
    },
    spec: {
      project: seed.project ?? 'default',
      ...(seed.sources ? { sources: copyOf([...seed.sources]) } : { source }),
      destination,
      ...(Object.keys(syncPolicy).length > 0 ? { syncPolicy } : {}),
    },
    status: {
      sync: { status: 'Unknown', comparedTo: { destination } },
      health: { status: 'Missing', lastTransitionTime: instant(now) },
      sourceType: 'Kustomize',
      resourceHealthSource: 'appTree',
      controllerNamespace,
    },
  };
}

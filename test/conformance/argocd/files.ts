/** The files of an application's branch. */
import { stringify } from 'yaml';
import { DEPLOYMENT_REPLICAS, DESTINATION, imageRepositoryOf, type NewApplication } from './stage.ts';

export const SOURCE_PATH = 'deploy';
/** Objects with this label are for the webhook that nobody answers. */
export const WEBHOOK_LABEL = 'conformance/admitted-by-webhook';

/** `version` is that of the image. */
export function filesOf(application: NewApplication, version: number): Record<string, string> {
  if (application.helm) return chartOf(application, version);
  const objects = {
    'deployment.yaml': deploymentOf(application, version),
    ...(application.extra
      ? { 'extra.yaml': deploymentOf({ ...application, name: `${application.name}-extra` }, 1) }
      : {}),
    ...(application.kustomize ? { 'kustomization.yaml': { resources: ['deployment.yaml'] } } : {}),
    ...(application.hook ? { 'hook.yaml': hookOf(application) } : {}),
  };
  return written(objects);
}

function chartOf(application: NewApplication, version: number): Record<string, string> {
  return written({
    'Chart.yaml': { apiVersion: 'v2', name: application.name, version: '1.0.0' },
    'values.yaml': { image: { tag: String(version) } },
    'templates/deployment.yaml': deploymentOf(application, '{{ .Values.image.tag }}'),
  });
}

/** Those of the second source. */
export function moreFilesOf(application: NewApplication, version: number): Record<string, string> {
  return written({
    'configmap.yaml': {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: `${application.name}-settings`, namespace: DESTINATION },
      data: { version: String(version) },
    },
  });
}

function written(objects: Readonly<Record<string, object>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(objects).map(([file, object]) => [`${SOURCE_PATH}/${file}`, stringify(object)]),
  );
}

function deploymentOf({ name, webhook, paused }: NewApplication, version: number | string) {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: DESTINATION, ...(webhook ? { labels: { [WEBHOOK_LABEL]: 'true' } } : {}) },
    spec: {
      replicas: DEPLOYMENT_REPLICAS,
      ...(paused ? { paused } : {}),
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'main', image: `${imageRepositoryOf(name)}:${version}` }] },
      },
    },
  };
}

function hookOf({ name }: NewApplication) {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: `${name}-before`,
      namespace: DESTINATION,
      annotations: { 'argocd.argoproj.io/hook': 'PreSync' },
    },
    spec: {
      template: {
        spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'example/migrate:1' }] },
      },
    },
  };
}

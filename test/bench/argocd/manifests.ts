/** The objects of the bench's applications. */
import { stringify } from 'yaml';
import type { ApiObject } from '#test/conformance/servers/argo-cd-objects.ts';

export const PROJECT = 'bench';
export const ROLE = 'nightshift';
export const DESTINATION = 'app';
/** Objects with this label have to be admitted by the webhook. */
const WEBHOOK_LABEL = 'bench/admitted-by-webhook';
const HERE = 'https://kubernetes.default.svc';
const SOURCE_PATH = 'deploy';

export type NodeName = 'day' | 'night';

export interface NewApplication {
  readonly name: string;
  /** Argo CD syncs it by itself. */
  readonly autoSync: boolean;
  readonly node: NodeName;
  /** A Job has to end before anything is applied. */
  readonly hook?: boolean;
  /** A webhook has to admit its Deployment. */
  readonly webhook?: boolean;
}

export function filesOf(application: NewApplication, tag: string): Record<string, string> {
  const objects = {
    'deployment.yaml': deploymentOf(application, tag),
    ...(application.hook ? { 'hook.yaml': hookOf(application) } : {}),
  };
  return Object.fromEntries(
    Object.entries(objects).map(([file, object]) => [`${SOURCE_PATH}/${file}`, stringify(object)]),
  );
}

function deploymentOf({ name, node, webhook }: NewApplication, tag: string) {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: DESTINATION, ...(webhook ? { labels: { [WEBHOOK_LABEL]: 'true' } } : {}) },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          nodeSelector: { bench: node },
          containers: [{ name: 'main', image: `example/${name}:${tag}` }],
        },
      },
    },
  };
}

function hookOf({ name, node }: NewApplication) {
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
        metadata: { annotations: { 'lab.nightshift/run-seconds': '0' } },
        spec: {
          restartPolicy: 'Never',
          nodeSelector: { bench: node },
          containers: [{ name: 'main', image: 'migrate:1' }],
        },
      },
    },
  };
}

export function applicationOf(application: NewApplication, namespace: string, repoURL: string): ApiObject {
  const { name, autoSync } = application;
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name, namespace },
    spec: {
      project: PROJECT,
      destination: { server: HERE, namespace: DESTINATION },
      source: { repoURL, targetRevision: name, path: SOURCE_PATH },
      ...(autoSync ? { syncPolicy: { automated: { prune: true } } } : {}),
    },
  };
}

export function projectOf(namespace: string): ApiObject {
  const policies = ['get', 'sync'].map(
    (action) => `p, proj:${PROJECT}:${ROLE}, applications, ${action}, ${PROJECT}/*, allow`,
  );
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata: { name: PROJECT, namespace },
    spec: {
      sourceRepos: ['*'],
      destinations: [{ server: HERE, namespace: '*' }],
      roles: [{ name: ROLE, policies }],
    },
  };
}

/** A webhook that is called where nobody listens: as at night, when its pods have no node. */
export function noWebhookPods(ca: string): ApiObject {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'bench' },
    webhooks: [
      {
        name: 'webhook.example.com',
        clientConfig: { url: 'https://127.0.0.1:9/', caBundle: Buffer.from(ca).toString('base64') },
        objectSelector: { matchLabels: { [WEBHOOK_LABEL]: 'true' } },
        rules: [
          {
            apiGroups: ['apps'],
            apiVersions: ['v1'],
            resources: ['deployments'],
            operations: ['CREATE', 'UPDATE'],
          },
        ],
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  };
}

/** What both beds are given before anything is looked at. */
import type { HttpHost } from '#functions/adapters/http.ts';
import { manifestsOf } from '#test/functions/adapters/kubernetes/a-lab-cluster.ts';
import type { Bed, Reply, Who } from './bed.ts';
import { type Json, must } from './objects.ts';

/** A long eviction: the API server repeats itself for ten seconds when budgets conflict. */
const TIMEOUT_MS = 30_000;

export function askingOf(host: HttpHost, tokenOf: (who: Who) => string): Bed['ask'] {
  return async (who, { method, path, body, contentType = 'application/json', token = tokenOf(who) }) => {
    const reply = await host.request({
      method,
      path,
      headers: {
        accept: 'application/json',
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': contentType }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      timeoutMs: TIMEOUT_MS,
    });
    return { status: reply.status, headers: reply.headers, body: parsed(reply.body) } satisfies Reply;
  };
}

/** As `kubectl apply -k manifests`, `-k manifests/cronjobs`, `-k manifests/self-service` and `-k manifests/argocd` would, without the sample of an AppProject. */
export async function applyManifests(bed: Pick<Bed, 'ask'>): Promise<void> {
  const { ask } = bed;
  await ask('admin', {
    method: 'POST',
    path: '/api/v1/namespaces',
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } },
  });
  for (const object of await grants()) await must(bed as Bed, 'POST', collectionOf(object), object);
}

/**
 * The API of Karpenter's and Argo CD's objects, without their schemas: what is looked at is how the API server treats
 * any custom resource.
 */
export async function addCustomResources(bed: Bed): Promise<void> {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  for (const [group, version, scope, kind, status] of [
    ['karpenter.sh', 'v1', 'Cluster', 'NodePool', true],
    ['karpenter.sh', 'v1', 'Cluster', 'NodeClaim', true],
    ['argoproj.io', 'v1alpha1', 'Namespaced', 'Application', false],
  ] as const) {
    const plural = `${kind.toLowerCase()}s`;
    const subresources = status ? { subresources: { status: {} } } : {};
    const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    await must(bed, 'POST', definitions, {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.${group}` },
      spec: {
        group,
        scope,
        names: { kind, plural },
        versions: [{ name: version, served: true, storage: true, schema, ...subresources }],
      },
    });
    await bed.until(`${plural} are served`, async () => {
      const { status } = await bed.ask('admin', {
        method: 'GET',
        path: `/apis/${group}/${version}/${plural}`,
      });
      return status === 200;
    });
  }
}

/** A priority level of `nobody` alone, without a seat that is its own: one request at a time. */
export async function addNarrowPriority(bed: Bed): Promise<void> {
  const api = '/apis/flowcontrol.apiserver.k8s.io/v1';
  const name = 'narrow';
  await must(bed, 'POST', `${api}/prioritylevelconfigurations`, {
    metadata: { name },
    spec: {
      type: 'Limited',
      limited: {
        nominalConcurrencyShares: 0,
        lendablePercent: 0,
        borrowingLimitPercent: 0,
        limitResponse: { type: 'Reject' },
      },
    },
  });
  const everything = {
    verbs: ['*'],
    apiGroups: ['*'],
    resources: ['*'],
    namespaces: ['*'],
    clusterScope: true,
  };
  await must(bed, 'POST', `${api}/flowschemas`, {
    metadata: { name },
    spec: {
      matchingPrecedence: 2,
      priorityLevelConfiguration: { name },
      rules: [{ subjects: [{ kind: 'User', user: { name: 'nobody' } }], resourceRules: [everything] }],
    },
  });
  await bed.until('nobody has that priority', async () => {
    const { headers } = await bed.ask('nobody', { method: 'GET', path: '/api/v1/namespaces' });
    const { metadata } = await must(bed, 'GET', `${api}/flowschemas/${name}`);
    return headers['x-kubernetes-pf-flowschema-uid'] === metadata.uid;
  });
}

/** The roles, bindings and policies of manifests/, and the ConfigMap that they name. */
export async function grants(): Promise<readonly Json[]> {
  const files = [
    'spot-drain/rbac',
    'night-schedule/rbac',
    'cronjobs/night-schedule',
    'self-service/keep-up',
    'argocd/branch-deploy',
    'argocd/application-policy',
  ];
  return (await Promise.all(files.map(manifestsOf))).flat();
}

export function collectionOf({ apiVersion, kind, metadata }: Json): string {
  const where = metadata.namespace ? `/namespaces/${metadata.namespace}` : '';
  const api = apiVersion.includes('/') ? 'apis' : 'api';
  return `/${api}/${apiVersion}${where}/${kind.toLowerCase().replace(/y$/, 'ie')}s`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

import { serveKubernetes } from '@nightshift/lab/http/kubernetes/server.ts';
import { createCertificateAuthority } from '@nightshift/lab/http/tls.ts';
import { type ApplicationObject, serveApplications } from '@nightshift/lab/world/argocd/index.ts';
import { createKubernetes } from '@nightshift/lab/world/kubernetes/index.ts';
import type { ObjectInput } from '@nightshift/lab/world/kubernetes/objects.ts';
import { describe, expect, test } from 'vitest';
import { createArgocdObjects } from '#functions/adapters/argocd/kubernetes.ts';
import { UnreachableError } from '#functions/adapters/http.ts';
import { createKubernetesClient, KubernetesError } from '#functions/adapters/kubernetes/client.ts';
import { INSTANCE, manifestsOf } from '../kubernetes/a-lab-cluster.ts';
import { type ArgocdLab, anApplication, anArgocdLab, argocdContract, type Subject } from './contract.ts';

const certificates = createCertificateAuthority();
const PATH = /^\/apis\/argoproj\.io\/v1alpha1\/namespaces\/([^/]+)\/applications\/([^/]+)$/;

argocdContract('the Kubernetes API', async (lab): Promise<Subject> => {
  const { cluster, account, region } = INSTANCE;
  const kubernetes = createKubernetes(lab.context, { cluster, account, region });
  // `kubectl apply -k manifests/argocd`, and once more for the namespace of a team.
  const rbac = await manifestsOf('argocd/branch-deploy');
  const inTeams = rbac.map((object) => ({ ...object, metadata: { ...object.metadata, namespace: 'teams' } }));
  kubernetes.addNamespace('argocd');
  kubernetes.addNamespace('teams');
  kubernetes.applyObjects([
    ...rbac,
    ...inTeams,
    ...(await manifestsOf('argocd/application-policy')),
  ] as ObjectInput[]);
  serveApplications(lab.context, lab.argocd, kubernetes.api);
  const endpoint = await serveKubernetes({
    kubernetes,
    context: lab.context,
    ca: await certificates,
    authenticate: (token) =>
      token === 'branch-deploy'
        ? { username: 'branch-deploy', groups: ['nightshift:branch-deploy'] }
        : undefined,
    operatorToken: 'operator',
  });
  const client = createKubernetesClient({
    cluster,
    region,
    describeCluster: async () => ({ endpoint: endpoint.url, ca: (await certificates).pem }),
    token: async () => 'branch-deploy',
  });
  let requests = 0;
  return {
    argocd: createArgocdObjects({
      request: (request) => {
        requests++;
        return client.request(request);
      },
    }),
    readOnly: () => {
      kubernetes.api.modify(
        'roles.rbac.authorization.k8s.io',
        'argocd',
        'nightshift-branch-deploy',
        (draft) => {
          draft['rules'] = [{ apiGroups: ['argoproj.io'], resources: ['applications'], verbs: ['get'] }];
        },
      );
    },
    requests: () => requests,
    close: async () => {
      client.close();
      await endpoint.close();
    },
  };
});

/** The API server in front of the Application objects: merge patches over the version that is named, or any. */
function answer(
  lab: ArgocdLab,
  request: { method: string; path: string; body?: unknown },
  readOnly: boolean,
) {
  const [, namespace = '', name = ''] = PATH.exec(request.path) ?? [];
  const refuse = (status: number, reason: string, detail: string) =>
    new KubernetesError({ request: `${request.method} ${request.path}`, status, reason, detail });
  const object = lab.argocd.application(name, namespace);
  if (request.method === 'PATCH' && readOnly) {
    throw refuse(403, 'Forbidden', `applications.argoproj.io "${name}" is forbidden`);
  }
  if (!object) throw refuse(404, 'NotFound', `applications.argoproj.io "${name}" not found`);
  if (request.method === 'GET') return object;
  const patch = JSON.parse(JSON.stringify(request.body)) as { metadata?: { resourceVersion?: string } };
  const version = patch.metadata?.resourceVersion;
  if (version !== undefined && version !== object.metadata.resourceVersion) {
    throw refuse(409, 'Conflict', 'the object has been modified');
  }
  lab.argocd.adopt(merged(object, patch) as ApplicationObject);
  return lab.argocd.application(name, namespace);
}

/** RFC 7386. */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}

describe('the Kubernetes API: on the wire', () => {
  test('an operation that came in between is not overwritten', async () => {
    const lab = anArgocdLab();
    let foreign = true;
    const argocd = createArgocdObjects({
      async request<T>(request: { method: string; path: string; body?: unknown }) {
        const body = structuredClone(answer(lab, request, false)) as T;
        if (request.method === 'GET' && foreign) {
          foreign = false;
          lab.argocd.startForeignSync('api', { username: 'alice' });
        }
        return { status: 200, body };
      },
    });
    expect(await argocd.sync(anApplication(), 'd')).toMatchObject({ ok: false, error: { kind: 'busy' } });
    expect(lab.argocd.application('api')?.operation?.initiatedBy).toEqual({ username: 'alice' });
  });

  /** The API, with something done to the object after each of the first reads. */
  function interrupted(lab: ArgocdLab, times: number, act: () => void) {
    let reads = 0;
    return createArgocdObjects({
      async request<T>(request: { method: string; path: string; body?: unknown }) {
        const body = structuredClone(answer(lab, request, false)) as T;
        if (request.method === 'GET' && reads++ < times) act();
        return { status: 200, body };
      },
    });
  }

  test('an object that the controller wrote in between is read again, and the operation set', async () => {
    const lab = anArgocdLab();
    const argocd = interrupted(lab, 2, () => lab.argocd.changeApplication('api', {}));
    expect(await argocd.sync(anApplication(), 'deploy-1')).toMatchObject({
      ok: true,
      value: { pendingOperation: { deployIds: ['deploy-1'] } },
    });
  });

  test('an object that is written again and again is busy', async () => {
    const lab = anArgocdLab();
    const argocd = interrupted(lab, 99, () => lab.argocd.changeApplication('api', {}));
    expect(await argocd.sync(anApplication(), 'd')).toMatchObject({ ok: false, error: { kind: 'busy' } });
    expect(lab.argocd.application('api')?.operation).toBeUndefined();
  });

  test('the operation is set and the state of the last one is cleared in one write', async () => {
    const lab = anArgocdLab();
    const patches: unknown[] = [];
    const argocd = createArgocdObjects({
      async request<T>(request: { method: string; path: string; body?: unknown }) {
        if (request.method === 'PATCH') patches.push(request.body);
        return { status: 200, body: answer(lab, request, false) as T };
      },
    });
    await argocd.sync(anApplication(), 'deploy-1');
    expect(patches).toEqual([
      {
        metadata: { resourceVersion: expect.any(String) },
        operation: {
          initiatedBy: { username: 'nightshift' },
          info: [{ name: 'nightshift-deploy', value: 'deploy-1' }],
          sync: { prune: false },
        },
        status: { operationState: null },
      },
    ]);
  });

  test.each([
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [404, 'missing'],
    [409, 'busy'],
    [422, 'permanent'],
    [429, 'transient'],
    [500, 'transient'],
    [503, 'transient'],
  ])('%i is %s', async (status, kind) => {
    const argocd = createArgocdObjects({
      request: async () => {
        throw new KubernetesError({ request: 'GET x', status });
      },
    });
    expect(await argocd.read(anApplication())).toMatchObject({ ok: false, error: { kind } });
  });

  test('an API server out of reach passes, and what was asked may have happened', async () => {
    const argocd = createArgocdObjects({
      request: async () => {
        throw new UnreachableError('no answer');
      },
    });
    expect(await argocd.sync(anApplication(), 'd')).toMatchObject({
      ok: false,
      error: { kind: 'transient', outcomeUnknown: true },
    });
  });

  test('what is no refusal of the API server escapes', async () => {
    const argocd = createArgocdObjects({
      request: async () => {
        throw new TypeError('a bug');
      },
    });
    await expect(argocd.read(anApplication())).rejects.toThrow('a bug');
  });
});

/**
 * A running Argo CD reads the app of apps of `examples/platform/gitops`: from a repository on the loopback, with nightshift's
 * manifests beside it, as docs/platform.md says. Charts are of repositories that are not reached: those applications are listed.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import { type ArgoCd, startArgoCd } from '#test/conformance/servers/argo-cd.ts';
import { serveGit } from '#test/conformance/servers/argo-cd-git.ts';
import { type ApiObject, createObject, pathsOf } from '#test/conformance/servers/argo-cd-objects.ts';
import { startControlPlane } from '#test/conformance/servers/control-plane.ts';
import { isOnPath } from '#test/conformance/servers/parts.ts';
import { untilSeen } from '#test/conformance/servers/until-seen.ts';
import { checkedOn, note } from '../checked-on.ts';
import { buildOverlays, findOverlay, GITOPS, type Manifest, type Overlay } from '../platform/overlays.ts';

const { env } = process;
const REPOSITORY = 'example/platform.git';
/** The address in the manifests. */
const EXAMPLE = 'https://github.com/example/platform';
const HERE = 'https://kubernetes.default.svc';
const STAND_IN = 'stand-in/cluster-autoscaler';
const ROOT = path.resolve(GITOPS, '../../..');

interface Application {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly source: { readonly chart?: string; readonly repoURL: string };
    readonly syncPolicy?: { readonly automated?: object };
  };
  readonly status?: {
    readonly sync?: { readonly status: string; readonly revision?: string };
    readonly conditions?: readonly { readonly type: string; readonly message: string }[];
    readonly operationState?: { readonly phase: string; readonly message?: string };
    readonly resources?: readonly {
      readonly kind: string;
      readonly name: string;
      readonly status?: string;
    }[];
  };
}

const open: { close(): unknown }[] = [];
const closing = <T extends { close(): unknown }>(one: T): T => {
  open.push(one);
  return one;
};
let argo: ArgoCd;
let admin: KubernetesClient;
let repository = '';
let overlays: readonly Overlay[];
let software = 'Argo CD';

const isRunnable =
  env['ARGOCD_ASSETS'] !== undefined && env['KUSTOMIZE_ASSETS'] !== undefined && isOnPath('kustomize', env);

/** `gitops/` and `manifests/` side by side, and a chart's Deployment in the place of the chart. */
async function filesOf(repoURL: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const [folder, name] of [
    [GITOPS, 'gitops'],
    [path.join(ROOT, 'manifests'), 'manifests'],
  ] as const)
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
      if (entry.isFile()) {
        const file = path.join(entry.parentPath, entry.name);
        const text = await readFile(file, 'utf8');
        files[path.join(name, path.relative(folder, file))] = text
          .replaceAll(EXAMPLE, repoURL)
          .replaceAll('../../../../../manifests', '../../../manifests');
      }
  files[`${STAND_IN}/deployment.yaml`] = JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'cluster-autoscaler', namespace: 'kube-system' },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'cluster-autoscaler' } },
      template: {
        metadata: { labels: { app: 'cluster-autoscaler' } },
        spec: { containers: [{ name: 'cluster-autoscaler', image: 'cluster-autoscaler' }] },
      },
    },
  });
  return files;
}

/** The capability of EKS knows the cluster by its ARN; this Argo CD runs in the cluster, as that of the sandbox does. */
function hereInstead(manifest: Manifest): Manifest {
  const text = JSON.stringify(manifest).replaceAll(EXAMPLE, repository);
  const object = JSON.parse(text) as Manifest;
  return object.kind === 'Secret' && object.metadata.name === 'cluster'
    ? {
        ...object,
        stringData: {
          ...object['stringData'],
          server: HERE,
          config: '{"tlsClientConfig": {"insecure": false}}',
        },
      }
    : object;
}

/** What `kubectl apply -k gitops/overlays/<environment>/bootstrap` applies; the namespace is there. */
async function bootstrap(environment: 'develop' | 'production'): Promise<void> {
  for (const manifest of findOverlay(overlays, environment, 'bootstrap').manifests)
    if (manifest.kind !== 'Namespace') await createObject(admin, hereInstead(manifest) as ApiObject);
}

const pathOf = (name: string) =>
  `/apis/argoproj.io/v1alpha1/namespaces/${argo.namespace}/applications/${name}`;
const read = async (name: string) =>
  (await admin.request<Application>({ method: 'GET', path: pathOf(name) })).body;
const applications = () =>
  admin.list<Application>(`/apis/argoproj.io/v1alpha1/namespaces/${argo.namespace}/applications`);

const until = <T>(what: string, look: () => Promise<T | undefined | false>) =>
  untilSeen(what, look, { patienceMs: 90_000, everyMs: 500 });

const synced = (name: string) =>
  until(`${name} is Synced`, async () => {
    const one = await read(name);
    return one.status?.sync?.status === 'Synced' && one.status.operationState?.phase === 'Succeeded' && one;
  });

const children = (environment: 'develop' | 'production') =>
  findOverlay(overlays, environment, 'applications').manifests.filter(({ kind }) => kind === 'Application');

async function removeAll(environment: 'develop' | 'production'): Promise<void> {
  for (const { metadata } of await applications())
    await admin.request({ method: 'DELETE', path: pathOf(metadata.name) });
  for (const manifest of findOverlay(overlays, environment, 'bootstrap').manifests)
    if (manifest.kind !== 'Namespace' && manifest.kind !== 'Application')
      await admin.request({ method: 'DELETE', path: pathsOf(manifest as ApiObject).item });
}

describe.runIf(isRunnable)('the app of apps', () => {
  beforeAll(async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'platform-git-'));
    closing({ close: () => rm(folder, { recursive: true, force: true }) });
    overlays = await buildOverlays(env['KUSTOMIZE_ASSETS'] ?? '');
    const git = closing(await serveGit(folder));
    repository = await git.addRepository(REPOSITORY);
    await git.commit(REPOSITORY, 'main', await filesOf(repository));
    const plane = closing(
      await startControlPlane({ assets: env['KUBEBUILDER_ASSETS'] ?? '', controllers: false }),
    );
    argo = closing(await startArgoCd({ assets: env['ARGOCD_ASSETS'] ?? '', plane }));
    admin = closing(plane.clientFor('admin'));
    software = `Argo CD ${argo.version} on Kubernetes ${plane.version}`;
  });
  afterAll(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });
  checkedOn(() => software);

  test('of production creates nothing by itself, and its applications do not sync after a person has synced it', async () => {
    await bootstrap('production');
    const before = await until('platform is compared', async () => {
      const one = await read('platform');
      return one.status?.sync?.status === 'OutOfSync' && one;
    });
    expect(before.status?.operationState).toBeUndefined();
    expect((await applications()).map(({ metadata }) => metadata.name)).toEqual(['platform']);

    await argo.cli('app', 'sync', 'platform', '--async');
    await synced('platform');
    const cluster = await until('cluster is compared', async () => {
      const one = await read('cluster');
      return one.status?.sync?.status === 'OutOfSync' && one;
    });
    await wait(5_000);
    for (const one of await applications())
      if (one.metadata.name !== 'platform') expect(one.status?.operationState).toBeUndefined();
    // What a person would sync: spot-drain's rights, and none to stop anything.
    const names = (cluster.status?.resources ?? []).map(({ name }) => name);
    expect(names).toContain('nightshift-spot-drain');
    expect(names.filter((name) => name.includes('night-schedule'))).toEqual([]);
    await removeAll('production');
  });

  test('of develop is synced before what it creates, and creates each application', async (context) => {
    await bootstrap('develop');
    const platform = await synced('platform');
    const expected = children('develop').map(({ metadata }) => metadata.name);
    expect(
      platform.status?.resources?.filter(({ kind }) => kind === 'Application').map(({ name }) => name),
    ).toEqual([...expected].sort());
    const charts = children('develop').filter(({ spec }) => spec.source.chart !== undefined);
    note(
      context,
      `Not rendered, because their charts are in repositories that the run does not reach: ${charts.map(({ metadata }) => metadata.name).join(', ')}. Argo CD admits them to the project and reports that it cannot read the chart.`,
    );
    for (const { metadata } of charts) {
      const conditions = await until(`${metadata.name} is compared`, async () => {
        const { status } = await read(metadata.name);
        return status?.conditions && status.conditions.length > 0 && status.conditions;
      });
      // Not `InvalidSpecError`: project, destination and source are allowed.
      expect(conditions.map(({ type }) => type)).not.toContain('InvalidSpecError');
    }
  });

  test('of develop syncs nightshift’s rights by itself, and leaves the service to nightshift', async () => {
    const cluster = await synced('cluster');
    expect(cluster.status?.resources?.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['nightshift-night-schedule', 'nightshift-spot-drain', 'nightshift-dashboard']),
    );
    const api = await until('api is compared', async () => {
      const one = await read('api');
      return one.status?.sync?.status === 'OutOfSync' && one;
    });
    expect(api.spec.syncPolicy?.automated).toBeUndefined();
    expect(api.status?.operationState).toBeUndefined();
    await argo.cli('app', 'sync', 'api', '--async');
    await synced('api');
  });

  test('leaves a paused autoscaler at zero, also when it syncs', async () => {
    // The application as it is, with a Deployment in the place of the chart.
    const manifest = hereInstead(
      children('develop').find(({ metadata }) => metadata.name === 'cluster-autoscaler') as Manifest,
    );
    const name = 'stand-in';
    await createObject(admin, {
      ...manifest,
      metadata: { name, namespace: argo.namespace },
      spec: {
        ...manifest['spec'],
        source: { repoURL: repository, targetRevision: 'main', path: STAND_IN },
      },
    } as ApiObject);
    await synced(name);
    const deployment = '/apis/apps/v1/namespaces/kube-system/deployments/cluster-autoscaler';
    const replicas = async () =>
      (await admin.request<{ spec: { replicas: number } }>({ method: 'GET', path: deployment })).body.spec
        .replicas;
    expect(await replicas()).toBe(1);
    await admin.request({
      method: 'PATCH',
      path: deployment,
      contentType: 'application/merge-patch+json',
      body: { spec: { replicas: 0 } },
    });
    await argo.cli('app', 'get', name, '--refresh');
    expect((await read(name)).status?.sync?.status).toBe('Synced');
    await argo.cli('app', 'sync', name, '--async');
    await wait(2_000);
    await synced(name);
    expect(await replicas()).toBe(0);
  });
});

/** A real Argo CD that reads the app of apps of the sandbox, which hosts its own, from a Git repository on the loopback. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import { type ArgoCd, startArgoCd } from '#test/conformance/servers/argo-cd.ts';
import { serveGit } from '#test/conformance/servers/argo-cd-git.ts';
import { createObject } from '#test/conformance/servers/argo-cd-objects.ts';
import { startControlPlane } from '#test/conformance/servers/control-plane.ts';
import { checkedOn } from '../checked-on.ts';
import { buildOverlays, findOverlay, GITOPS } from './overlays.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const ARGOCD = process.env['ARGOCD_ASSETS'];
const SAMPLE = 'https://github.com/example/platform';
const NAME = 'example/platform.git';
const PATIENCE_MS = 150_000;

interface ApplicationJson {
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly sync?: { readonly status?: string };
    readonly conditions?: readonly { readonly type: string; readonly message: string }[];
    readonly resources?: readonly {
      readonly kind: string;
      readonly name: string;
      readonly status?: string;
    }[];
  };
}

const open: { close(): unknown }[] = [];
let argocd: ArgoCd;
let admin: KubernetesClient;
let software = 'Argo CD';

/** The files of an adopter's repository: `gitops/`, and nightshift's manifests beside it. */
async function filesOf(url: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const [folder, at] of [
    [GITOPS, 'gitops'],
    [path.join(ROOT, 'manifests'), 'manifests'],
  ] as const)
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = path.join(entry.parentPath, entry.name);
      const text = await readFile(file, 'utf8');
      files[path.join(at, path.relative(folder, file))] = text
        .replaceAll(SAMPLE, url)
        .replaceAll('../../../../../manifests', '../../../manifests');
    }
  return files;
}

beforeAll(async () => {
  if (!ARGOCD) return;
  const folder = await mkdtemp(path.join(tmpdir(), 'nightshift-platform-git-'));
  open.push({ close: () => rm(folder, { recursive: true, force: true }) });
  const git = await serveGit(folder);
  open.push(git);
  const url = await git.addRepository(NAME);
  await git.commit(NAME, 'main', await filesOf(url));
  const plane = await startControlPlane({
    assets: process.env['KUBEBUILDER_ASSETS'] ?? '',
    controllers: false,
  });
  open.push(plane);
  argocd = await startArgoCd({ assets: ARGOCD, plane });
  open.push(argocd);
  software = `Argo CD ${argocd.version}`;
  admin = plane.clientFor('admin');
  open.push(admin);
  const { manifests } = findOverlay(
    await buildOverlays(process.env['KUSTOMIZE_ASSETS'] ?? ''),
    'sandbox',
    'bootstrap',
  );
  for (const manifest of manifests)
    if (manifest.kind !== 'Namespace')
      await createObject(admin, JSON.parse(JSON.stringify(manifest).replaceAll(SAMPLE, url)));
});
afterAll(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});
checkedOn(() => software);

const applications = '/apis/argoproj.io/v1alpha1/namespaces/argocd/applications';

/** What Argo CD says last, where it is never so. */
async function until(
  name: string,
  isSo: (application: ApplicationJson) => boolean,
): Promise<ApplicationJson> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const { status, body } = await admin
      .request<ApplicationJson>({ method: 'GET', path: `${applications}/${name}` })
      .catch(() => ({ status: 404, body: undefined }));
    if (status === 200 && body && isSo(body)) return body;
    if (performance.now() > end) throw new Error(`${name} is ${JSON.stringify(body?.status)}`);
    await wait(500);
  }
}

describe.skipIf(!ARGOCD)('Argo CD', () => {
  test('reads the app of apps, and makes every application of the sandbox', async () => {
    const { status } = await until('platform', ({ status }) => status?.sync?.status === 'Synced');
    expect(status?.resources?.map(({ name }) => name).sort()).toEqual([
      'api',
      'argocd',
      'aws-load-balancer-controller',
      'cluster',
      'cluster-autoscaler',
      'headlamp',
      'kube-prometheus-stack',
    ]);
  });

  test("applies nightshift's permissions, dashboard and storage by itself", async () => {
    const { status } = await until('cluster', ({ status }) => status?.sync?.status === 'Synced');
    const names = status?.resources?.map(({ kind, name }) => `${kind} ${name}`);
    expect(names).toEqual(
      expect.arrayContaining([
        'ClusterRole nightshift-night-schedule',
        'ConfigMap nightshift-dashboard',
        'StorageClass gp3',
        'CronJob reset',
      ]),
    );
    const role = '/apis/rbac.authorization.k8s.io/v1/clusterroles/nightshift-spot-drain';
    expect((await admin.request({ method: 'GET', path: role })).status).toBe(200);
  });

  test('leaves the service to nightshift: it is read, compared and not synced', async () => {
    const { status } = await until('api', ({ status }) => status?.sync?.status === 'OutOfSync');
    expect(status?.conditions ?? []).toEqual([]);
    expect(status?.resources?.map(({ kind }) => kind).sort()).toEqual([
      'Deployment',
      'HorizontalPodAutoscaler',
      'Ingress',
      'Namespace',
      'PodDisruptionBudget',
      'Service',
    ]);
  });

  test('takes the applications of charts as they are written: only their repositories are out of reach', async () => {
    for (const name of [
      'cluster-autoscaler',
      'aws-load-balancer-controller',
      'kube-prometheus-stack',
      'headlamp',
    ]) {
      const { status } = await until(
        name,
        ({ status }) => (status?.conditions?.length ?? 0) > 0 || status?.sync?.status === 'Synced',
      );
      for (const { type, message } of status?.conditions ?? []) {
        expect(type).toBe('ComparisonError');
        expect(message).toMatch(/fetch|index|dial|lookup|connect|proxy|helm/i);
      }
    }
  });
});

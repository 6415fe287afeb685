/**
 * The real Argo CD on a real control plane, with a Git repository for each application, a registry that has an image once its
 * build has pushed it, and two nodes: one of them can be taken away at night.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createArgocdServer } from '#functions/adapters/argocd/server.ts';
import { createHttpHost } from '#functions/adapters/http.ts';
import type { KubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import { isNotFound } from '#functions/adapters/kubernetes/errors.ts';
import type { Argocd } from '#functions/branch-deploy/ports.ts';
import type { Json } from '#test/conformance/kubernetes/objects.ts';
import { type ArgoCd, startArgoCd } from '#test/conformance/servers/argo-cd.ts';
import { type GitServer, serveGit } from '#test/conformance/servers/argo-cd-git.ts';
import { createObject, pathsOf } from '#test/conformance/servers/argo-cd-objects.ts';
import { startControlPlane } from '#test/conformance/servers/control-plane.ts';
import { startKubelets } from '#test/conformance/servers/control-plane-kubelet.ts';
import {
  applicationOf,
  DESTINATION,
  filesOf,
  type NewApplication,
  type NodeName,
  noWebhookPods,
  PROJECT,
  projectOf,
  ROLE,
} from './manifests.ts';
import { nothingSeen, type Seen, seeApplication, seePods } from './seen.ts';

export interface Bed {
  readonly software: string;
  readonly argocd: Argocd;
  /** With its first image, `v0`. Not synced yet. */
  addApplication(application: NewApplication): Promise<void>;
  /** Of its repository. */
  urlOf(application: NewApplication): string;
  /** Commits a manifest that names this tag; returns the commit. */
  commit(application: NewApplication, tag: string): Promise<string>;
  /** What GitHub sends for that commit. False: nobody answered. */
  sendWebhook(application: NewApplication, revision: string): Promise<boolean>;
  pushImage(image: string): void;
  /** Pulls of images that the registry did not have. */
  failedPulls(application: NewApplication): number;
  seen(application: NewApplication): Seen;
  /** Throws when it is not so after so many seconds. */
  until(what: string, holds: () => boolean, seconds: number): Promise<void>;
  /** With every pod that ran there; the admission webhook of the bed has no pod meanwhile. */
  removeNode(name: NodeName): Promise<void>;
  addNode(name: NodeName): Promise<void>;
  stopArgocd(): Promise<void>;
  /** As after a night of ten hours: what it compared last, it compared so long ago. */
  startArgocd(): Promise<void>;
  close(): Promise<void>;
}

const LOOK_MS = 400;
const WEBHOOK_TIMEOUT_MS = 10_000;
const LONG_NIGHT_MS = 36_000_000;

export async function openBed(env: Readonly<Record<string, string | undefined>>): Promise<Bed> {
  const open: { close(): unknown }[] = [];
  const closing = <T extends { close(): unknown }>(one: T): T => {
    open.push(one);
    return one;
  };
  const close = async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  };
  try {
    return await openOn(env, closing, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function openOn(
  env: Readonly<Record<string, string | undefined>>,
  closing: <T extends { close(): unknown }>(one: T) => T,
  close: () => Promise<void>,
): Promise<Bed> {
  const folder = await mkdtemp(path.join(tmpdir(), 'nightshift-git-'));
  closing({ close: () => rm(folder, { recursive: true, force: true }) });
  const git = closing(await serveGit(folder));
  const plane = closing(await startControlPlane({ assets: env['KUBEBUILDER_ASSETS'] ?? '' }));
  const registry = aRegistry();
  const kubelets = closing(await startKubelets(plane, { hasImage: registry.has }));
  const addNode = (name: NodeName) =>
    kubelets.add({ name, instanceId: `i-${name.padStart(17, '0')}`, labels: { bench: name } });
  await addNode('day');
  await addNode('night');
  const argo = closing(await startArgoCd({ assets: env['ARGOCD_ASSETS'] ?? '', plane }));
  const admin = closing(plane.clientFor('admin'));
  await createObject(admin, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: DESTINATION } });
  await createObject(admin, projectOf(argo.namespace));
  const token = (await argo.cli('proj', 'role', 'create-token', PROJECT, ROLE, '--token-only')).trim();
  const host = closing(createHttpHost({ url: argo.url, ca: argo.ca }));
  const argocd = closing(
    createArgocdServer({
      argocd: { url: argo.url, ca: argo.ca },
      token: { read: async () => token, readAgain: async () => token },
    }),
  );
  const applications = new Map<string, Seen>();
  const watching = closing(watch(admin, argo, applications));
  const urlOf = ({ name }: NewApplication) => `${git.url}/${repositoryOf(name)}`;
  const commit = (application: NewApplication, tag: string) =>
    git.commit(repositoryOf(application.name), application.name, filesOf(application, tag));

  return {
    software: `Argo CD ${argo.version} on Kubernetes ${plane.version}`,
    argocd,
    async addApplication(application) {
      await addRepository(git, application);
      registry.push(imageOf(application, 'v0'));
      await commit(application, 'v0');
      applications.set(application.name, nothingSeen());
      await createObject(admin, applicationOf(application, argo.namespace, urlOf(application)));
    },
    urlOf,
    commit,
    async sendWebhook(application, revision) {
      const body = JSON.stringify(pushOf(application, urlOf(application), revision));
      const headers = { 'content-type': 'application/json', 'x-github-event': 'push' };
      try {
        const { status } = await host.request({
          ...{ method: 'POST', path: '/api/webhook', headers, body },
          timeoutMs: WEBHOOK_TIMEOUT_MS,
        });
        return status === 200;
      } catch {
        return false;
      }
    },
    pushImage: registry.push,
    failedPulls: ({ name }) => registry.failedPulls(`example/${name}:`),
    seen: ({ name }) => applications.get(name) ?? nothingSeen(),
    async until(what, holds, seconds) {
      const end = performance.now() + seconds * 1_000;
      while (!holds()) {
        watching.mustRun();
        if (performance.now() > end) throw new Error(`${what}: not after ${seconds} s`);
        await wait(LOOK_MS);
      }
    },
    async removeNode(name) {
      await kubelets.remove(name);
      const pods = `/api/v1/namespaces/${DESTINATION}/pods`;
      const { body } = await admin.request<{ items: readonly Json[] }>({ method: 'GET', path: pods });
      for (const { metadata, spec } of body.items)
        if (spec.nodeName === name)
          await admin
            .request({
              ...{ method: 'DELETE', path: `${pods}/${metadata.name}` },
              body: { gracePeriodSeconds: 0 },
            })
            .catch(unlessGone);
      await createObject(admin, noWebhookPods(plane.ca));
    },
    async addNode(name) {
      await addNode(name);
      await admin.request({ method: 'DELETE', path: pathsOf(noWebhookPods(plane.ca)).item });
    },
    stopArgocd: () => argo.stop(),
    async startArgocd() {
      const reconciledAt = `${new Date(Date.now() - LONG_NIGHT_MS).toISOString().slice(0, 19)}Z`;
      for (const name of applications.keys())
        await admin.request({
          ...{ method: 'PATCH', contentType: 'application/merge-patch+json' },
          path: `/apis/argoproj.io/v1alpha1/namespaces/${argo.namespace}/applications/${name}`,
          body: { status: { reconciledAt } },
        });
      await argo.startAgain();
    },
    close,
  };
}

export const imageOf = ({ name }: NewApplication, tag: string) => `example/${name}:${tag}`;

const repositoryOf = (name: string) => `example/${name}.git`;

async function addRepository(git: GitServer, { name }: NewApplication): Promise<void> {
  await git.addRepository(repositoryOf(name));
  // Argo CD resolves HEAD before it admits a change of an Application.
  await git.commit(repositoryOf(name), 'main', { 'README.md': 'An example.\n' });
}

function aRegistry() {
  const images = new Set<string>();
  const failed: string[] = [];
  return {
    push: (image: string) => void images.add(image),
    has(image: string) {
      // Images that no build of the bench makes.
      const isThere = !image.startsWith('example/') || images.has(image);
      if (!isThere) failed.push(image);
      return isThere;
    },
    failedPulls: (prefix: string) => failed.filter((image) => image.startsWith(prefix)).length,
  };
}

/** As far as Argo CD reads it. */
function pushOf({ name }: NewApplication, url: string, revision: string) {
  return {
    ref: `refs/heads/${name}`,
    after: revision,
    repository: { html_url: url.replace(/\.git$/, ''), default_branch: 'main' },
    commits: [{ added: [], removed: [], modified: ['deploy/deployment.yaml'] }],
  };
}

function unlessGone(error: unknown): void {
  if (!isNotFound(error)) throw error;
}

/** Lists the applications, their pods and their Deployments again and again. */
function watch(admin: KubernetesClient, argo: ArgoCd, applications: ReadonlyMap<string, Seen>) {
  const ending = new AbortController();
  let failure: unknown;
  const list = (path: string) => admin.list<Json>(path);
  const look = async () => {
    const [found, pods, deployments] = await Promise.all([
      list(`/apis/argoproj.io/v1alpha1/namespaces/${argo.namespace}/applications`),
      list(`/api/v1/namespaces/${DESTINATION}/pods`),
      list(`/apis/apps/v1/namespaces/${DESTINATION}/deployments`),
    ]);
    const at = Date.now();
    for (const application of found) {
      const { name } = application.metadata;
      const seen = applications.get(name);
      if (!seen) continue;
      seeApplication(seen, application, at);
      const own = pods.filter(({ metadata }) => metadata.labels?.app === name);
      seePods(
        seen,
        own,
        deployments.find(({ metadata }) => metadata.name === name),
        at,
      );
    }
  };
  const looking = (async () => {
    while (!ending.signal.aborted) {
      await look();
      await wait(LOOK_MS, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  })();
  looking.catch((error: unknown) => {
    failure = error;
  });
  return {
    mustRun() {
      if (failure) throw failure;
    },
    async close() {
      ending.abort();
      await looking.catch(() => undefined);
    },
  };
}

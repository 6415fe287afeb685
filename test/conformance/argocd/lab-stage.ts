/** The lab's Argo CD behind its own servers, in virtual time. */

import { serveArgocd } from '@nightshift/lab/http/argocd/server.ts';
import { serveKubernetes } from '@nightshift/lab/http/kubernetes/server.ts';
import { createCertificateAuthority } from '@nightshift/lab/http/tls.ts';
import { type ArgocdWorld, createArgocd, serveApplications } from '@nightshift/lab/world/argocd/index.ts';
import type { Clock } from '@nightshift/lab/world/clock.ts';
import { createGit } from '@nightshift/lab/world/codebuild/git.ts';
import { createContext } from '@nightshift/lab/world/context.ts';
import type { Workloads } from '@nightshift/lab/world/interfaces.ts';
import { createKubernetes } from '@nightshift/lab/world/kubernetes/index.ts';
import type { ObjectInput } from '@nightshift/lab/world/kubernetes/objects.ts';
import { createArgocdOverview } from '#cli/argocd-overview.ts';
import { createArgocdObjects } from '#functions/adapters/argocd/kubernetes.ts';
import { createArgocdServer } from '#functions/adapters/argocd/server.ts';
import { createHttpHost } from '#functions/adapters/http.ts';
import { createKubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import { INSTANCE } from '../../functions/adapters/kubernetes/a-lab-cluster.ts';
import { askOn } from './ask.ts';
import { livePodsObjects, rbacObjects, sampleProject } from './manifests.ts';
import {
  type ApplicationJson,
  DESTINATION,
  imageRepositoryOf,
  POLICIES,
  type Stage,
  TEAMS,
} from './stage.ts';

const REPOSITORY = 'https://github.com/example/api';
const ROLLOUT_MS = 2_000;
const NODE_READY_MS = 120_000;

/** With `pods` the lab's Kubernetes runs what is deployed; else Deployments are only said to roll. */
export async function openLabStage({ pods = false }: { readonly pods?: boolean } = {}): Promise<Stage> {
  const context = createContext({ start: new Date('2026-11-25T05:00:00Z'), seed: 3 });
  const { clock } = context;
  const git = createGit(context);
  git.addRepository(REPOSITORY);
  const rollouts = new Map<string, 'soon' | 'never' | 'fails'>();
  /** Argo CD watches what it deployed; reading has it look. */
  const seen = () => void argocd.applications();
  const ca = await createCertificateAuthority();
  const kubernetes = createKubernetes(context, INSTANCE);
  kubernetes.addNamespace('argocd');
  kubernetes.addNamespace(TEAMS);
  kubernetes.addNamespace(DESTINATION);
  const objects = [...(await rbacObjects()), ...(pods ? await livePodsObjects() : [])];
  kubernetes.applyObjects(objects as unknown as ObjectInput[]);
  if (pods) {
    context.signals.emit('instance-running', INSTANCE);
    clock.runUntil(clock.now() + NODE_READY_MS);
  }
  const argocd: ArgocdWorld = createArgocd(context, {
    workloads: pods ? kubernetes : aCluster(clock, rollouts, seen),
    revisionOf: (repository, revision, at) => git.revisionOf(repository, revision, at),
    applicationNamespaces: [TEAMS],
    runsPods: () => pods,
  });
  serveApplications(context, argocd, kubernetes.api);
  const api = await serveKubernetes({
    kubernetes,
    context,
    ca,
    authenticate: (token) => ({ username: token, groups: [`nightshift:${token}`] }),
    operatorToken: 'operator',
  });
  const endpoint = await serveArgocd({ argocd, ca, host: 'argocd.develop.example.com', now: clock.now });
  const host = createHttpHost({ url: endpoint.url, ca: ca.pem });
  const open: { close(): unknown }[] = [host, api, endpoint];
  const closing = <T extends { close(): unknown }>(one: T): T => {
    open.push(one);
    return one;
  };

  const project = await sampleProject();
  argocd.addProject({
    name: project.metadata.name,
    roles: project.spec.roles.map(({ name, policies }) => ({ name, policies })),
  });
  const rolesOf = new Map<string, readonly string[]>(
    project.spec.roles.map(({ name, policies }) => [`${project.metadata.name}/${name}`, policies]),
  );
  const tokens = new Map<string, string>();
  const namespaces = new Map<string, string>();
  const pause = async (ms: number) => clock.runUntil(clock.now() + ms);
  const push = (branch: string) => git.push({ repository: REPOSITORY, ref: `refs/heads/${branch}` }).sha;

  return {
    software: `the lab's Argo CD ${argocd.version}`,
    repository: REPOSITORY,
    async addProject({ name, roles, syncWindows = [] }) {
      argocd.addProject({ name, syncWindows });
      for (const [role, actions] of Object.entries(roles))
        rolesOf.set(
          `${name}/${role}`,
          actions.map((action) => `p, proj:${name}:${role}, applications, ${action}, ${name}/*, allow`),
        );
    },
    addSyncWindow: async (name, window) => void argocd.addSyncWindow(name, window),
    async dropExtra(name) {
      const sha = push(name);
      argocd.changeApplication(name, { deployments: [deploymentOf(name)] });
      return sha;
    },
    async addApplication(application) {
      const { name, branch = name, namespace } = application;
      push(branch);
      if (application.secondSource) push(`${branch}-2`);
      namespaces.set(name, namespace ?? argocd.namespace);
      argocd.addApplication({
        name,
        project: application.project ?? project.metadata.name,
        ...(namespace === undefined ? {} : { namespace }),
        repoURL: REPOSITORY,
        targetRevision: branch,
        ...(application.secondSource
          ? {
              sources: [branch, `${branch}-2`].map((targetRevision) => ({
                repoURL: REPOSITORY,
                targetRevision,
              })),
            }
          : {}),
        ...(application.autoSync ? { autoSync: application.autoSync } : {}),
        ...(application.syncOptions ? { syncOptions: application.syncOptions } : {}),
        ...(application.retry ? { retry: application.retry } : {}),
        ...(application.hook
          ? { hooks: [{ phase: 'PreSync', name: `${name}-before`, namespace: DESTINATION, seconds: 60 }] }
          : {}),
        ...(application.webhook ? { admission: { namespace: DESTINATION, deployment: 'webhook' } } : {}),
        deployed: false,
        syncSeconds: 1,
        deployments: [
          deploymentOf(name, application.helm ? 'helm:image.tag' : 'revision'),
          ...(application.extra ? [deploymentOf(`${name}-extra`)] : []),
        ],
      });
      if (application.paused) argocd.changeApplication(name, { suspended: true });
    },
    editApplication: async (name, { branch }) =>
      argocd.changeApplication(name, branch === undefined ? {} : { targetRevision: branch }),
    deleteApplication: async (name) => argocd.deleteApplication(name, { seconds: 1e6 }),
    push: async (branch) => push(branch),
    head: async (branch) => git.revisionOf(REPOSITORY, branch) ?? '',
    tagOf: async (branch) => git.revisionOf(REPOSITORY, branch) ?? '',
    async rollout(application, how) {
      rollouts.set(application, how);
      seen();
    },

    async projectToken(name, role, expiresIn) {
      const key = `${name}/${role}`;
      const known = expiresIn === undefined ? tokens.get(key) : undefined;
      if (known !== undefined) return known;
      const token = argocd.addToken({
        project: name,
        role,
        policies: rolesOf.get(key) ?? [],
        ...(expiresIn === undefined ? {} : { expires: new Date(clock.now() + expiresIn * 1000) }),
      });
      if (expiresIn === undefined) tokens.set(key, token);
      return token;
    },
    accountToken: async (account) =>
      argocd.addAccountToken({
        account,
        policies: POLICIES.filter((line) => line.startsWith(`p, ${account},`)),
      }),
    revoke: async (_project, _role, token) => argocd.revokeToken(token),
    syncAsAdmin: async (name) => argocd.startForeignSync(name),
    terminateAsAdmin: async (name) => argocd.terminateForeign(name),

    endpoint: { url: endpoint.url, ca: ca.pem },
    server: (token) =>
      closing(
        createArgocdServer({
          argocd: { url: endpoint.url, ca: ca.pem },
          token: { read: async () => token, readAgain: async () => token },
        }),
      ),
    overview: (token) =>
      closing(
        createArgocdOverview({
          argocd: { url: endpoint.url, ca: ca.pem },
          token: { read: async () => token, readAgain: async () => token },
        }),
      ),
    objects: (as = 'branch-deploy') =>
      createArgocdObjects(
        closing(
          createKubernetesClient({
            cluster: INSTANCE.cluster,
            region: INSTANCE.region,
            describeCluster: async () => ({ endpoint: api.url, ca: ca.pem }),
            token: async () => as,
          }),
        ),
      ),
    ask: (request) => askOn(host, request),
    async object(name) {
      const found = argocd.application(name, namespaces.get(name));
      if (!found) throw new Error(`no application ${name}`);
      return found as unknown as ApplicationJson;
    },

    async patchObject(name, patch) {
      const namespace = namespaces.get(name) ?? argocd.namespace;
      kubernetes.api.patch('applications.argoproj.io', namespace, name, patch, { type: 'merge' });
    },

    now: () => clock.date(),
    pause,
    async until(what, look, seconds = 60) {
      const end = clock.now() + seconds * 1000;
      for (;;) {
        const found = await look();
        if (found !== undefined && found !== false) return found;
        if (clock.now() >= end) throw new Error(`${what}: not after ${seconds} s`);
        await pause(500);
      }
    },
    stopServer: () => endpoint.close(),
    async close() {
      for (const one of open.reverse()) await one.close();
    },
  };
}

function deploymentOf(name: string, tag = 'revision') {
  return { namespace: DESTINATION, name, image: `${imageRepositoryOf(name)}:{${tag}}`, replicas: 1 };
}

/** Deployments that take two seconds to roll, unless something else was asked for. */
function aCluster(
  clock: Clock,
  rollouts: ReadonlyMap<string, 'soon' | 'never' | 'fails'>,
  changed: () => void,
): Workloads {
  const applied = new Map<string, { readonly image: string; readonly at: number }>();
  const key = (namespace: string, name: string) => `${namespace}/${name}`;
  return {
    apply({ namespace, name, image }) {
      const before = applied.get(key(namespace, name));
      if (before?.image === image) return;
      applied.set(key(namespace, name), { image, at: clock.now() });
      clock.after(ROLLOUT_MS, changed);
    },
    health(namespace, name) {
      const found = applied.get(key(namespace, name));
      if (!found) return 'Missing';
      const how = rollouts.get(name) ?? 'soon';
      if (how === 'fails') return 'Degraded';
      return how === 'soon' && clock.now() - found.at >= ROLLOUT_MS ? 'Healthy' : 'Progressing';
    },
    available: () => false,
  };
}

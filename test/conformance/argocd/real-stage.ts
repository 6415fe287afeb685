/** A real Argo CD on a real kube-apiserver, whose pods are written by this file: there is no node. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createArgocdOverview } from '#cli/argocd-overview.ts';
import { createArgocdObjects } from '#functions/adapters/argocd/kubernetes.ts';
import { createArgocdServer } from '#functions/adapters/argocd/server.ts';
import { createHttpHost } from '#functions/adapters/http.ts';
import type { KubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import { startArgoCd } from '#test/conformance/servers/argo-cd.ts';
import { serveGit } from '#test/conformance/servers/argo-cd-git.ts';
import { type ApiObject, createObject } from '#test/conformance/servers/argo-cd-objects.ts';
import {
  type AuditEntry,
  type ControlPlane,
  startControlPlane,
} from '#test/conformance/servers/control-plane.ts';
import { type Kubelets, startKubelets } from '#test/conformance/servers/control-plane-kubelet.ts';
import { startProgram } from '#test/conformance/servers/control-plane-program.ts';
import { askOn } from './ask.ts';
import { filesOf, moreFilesOf, SOURCE_PATH, WEBHOOK_LABEL } from './files.ts';
import { livePodsObjects, rbacObjects, sampleProject } from './manifests.ts';
import {
  ACCOUNTS,
  type ApplicationJson,
  DESTINATION,
  type NewApplication,
  type NewProject,
  POLICIES,
  type Stage,
  TEAMS,
} from './stage.ts';

const NAME = 'example/api.git';
const FINALIZER = 'resources-finalizer.argocd.argoproj.io';

export interface RealStage extends Stage {
  /** What one of the users of the Kubernetes API asked for. */
  /** A second API server without TLS and below a path, as behind a proxy; its URL. */
  startBelow(path: string): Promise<string>;
  requestsOf(user: 'branch-deploy' | 'reader'): Promise<readonly AuditEntry[]>;
}

export interface StageOptions {
  /** True: Kubernetes' own controllers make pods, and a scripted kubelet runs them. Else Deployments are only said to roll. */
  readonly pods?: boolean;
}

export async function openRealStage(
  env: Readonly<Record<string, string | undefined>>,
  options: StageOptions = {},
): Promise<RealStage> {
  const open: { close(): unknown }[] = [];
  const closing = <T extends { close(): unknown }>(one: T): T => {
    open.push(one);
    return one;
  };
  const close = async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  };
  try {
    return await openStage({ ...options, env }, closing, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function openStage(
  { env, pods = false }: StageOptions & { readonly env: Readonly<Record<string, string | undefined>> },
  closing: <T extends { close(): unknown }>(one: T) => T,
  close: () => Promise<void>,
): Promise<RealStage> {
  const assets = env['KUBEBUILDER_ASSETS'] ?? '';
  const folder = await mkdtemp(path.join(tmpdir(), 'nightshift-git-'));
  closing({ close: () => rm(folder, { recursive: true, force: true }) });
  const git = closing(await serveGit(folder));
  const repository = await git.addRepository(NAME);
  // Argo CD resolves HEAD before it admits a change of an Application.
  await git.commit(NAME, 'main', { 'README.md': 'An example.\n' });
  const plane = closing(
    await startControlPlane({
      assets,
      users: { 'branch-deploy': ['nightshift:branch-deploy'], reader: ['nightshift:reader'] },
      controllers: pods,
      // A webhook is called at its endpoints, as on EKS.
      flags: ['--enable-aggregator-routing'],
    }),
  );
  closing(pods ? await kubeletsOn(plane) : garbageCollectorOf(assets, await plane.kubeconfigFor('admin')));
  const argo = await startArgoCd({
    assets: env['ARGOCD_ASSETS'] ?? '',
    plane,
    applicationNamespaces: [TEAMS],
    accounts: ACCOUNTS,
    policies: POLICIES,
  });
  closing(argo);
  const admin = closing(plane.clientFor('admin'));
  for (const object of [...(await rbacObjects()), ...(await unansweredWebhook(plane.ca))])
    await createObject(admin, object);
  const project = await sampleProject();
  await createObject(admin, { ...project, spec: { ...project.spec, sourceRepos: [repository] } });

  const rollouts = new Map<string, 'soon' | 'never' | 'fails'>();
  if (pods) for (const object of await livePodsObjects()) await createObject(admin, object);
  else closing(rollingDeployments(admin, rollouts));
  const host = closing(createHttpHost({ url: argo.url, ca: argo.ca }));
  const applications = new Map<string, NewApplication>();
  const versions = new Map<string, number>();
  const heads = new Map<string, string>();
  const tokens = new Map<string, string>();

  const pathOf = (name: string, namespace = applications.get(name)?.namespace ?? argo.namespace) =>
    `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/applications/${name}`;
  const patch = (name: string, body: object) =>
    admin.request({
      method: 'PATCH',
      path: pathOf(name),
      contentType: 'application/merge-patch+json',
      body,
    });
  const commit = async (branch: string, files: (version: number) => Record<string, string>) => {
    const version = (versions.get(branch) ?? 0) + 1;
    versions.set(branch, version);
    const sha = await git.commit(NAME, branch, files(version));
    heads.set(branch, sha);
    return sha;
  };
  const push = (branch: string) => {
    const application = [...applications.values()].find(({ name, branch: own = name }) => own === branch);
    if (!application) throw new Error(`no application has the branch ${branch}`);
    return commit(branch, (version) => filesOf(application, version));
  };
  const cached = async (key: string, make: () => Promise<string>) => {
    const known = tokens.get(key);
    if (known !== undefined) return known;
    const token = (await make()).trim();
    tokens.set(key, token);
    return token;
  };

  return {
    software: `Argo CD ${argo.version} on Kubernetes ${plane.version}`,
    repository,
    addProject: (added) => createObject(admin, projectOf(added, argo.namespace, repository)),
    async addApplication(application) {
      applications.set(application.name, application);
      await push(application.branch ?? application.name);
      if (application.secondSource)
        await commit(`${application.name}-2`, (version) => moreFilesOf(application, version));
      await createObject(
        admin,
        applicationOf(application, argo.namespace, repository, project.metadata.name),
      );
    },
    async dropExtra(name) {
      const application = applications.get(name);
      if (!application) throw new Error(`no application ${name}`);
      applications.set(name, { ...application, extra: false });
      return push(name);
    },
    async addSyncWindow(name, window) {
      const path = `/apis/argoproj.io/v1alpha1/namespaces/${argo.namespace}/appprojects/${name}`;
      const contentType = 'application/merge-patch+json';
      await admin.request({ method: 'PATCH', path, contentType, body: { spec: { syncWindows: [window] } } });
    },
    async editApplication(name, { branch }) {
      if (branch !== undefined) await patch(name, { spec: { source: { targetRevision: branch } } });
    },
    async deleteApplication(name) {
      await patch(name, { metadata: { finalizers: [FINALIZER, 'conformance/stays'] } });
      await admin.request({ method: 'DELETE', path: pathOf(name) });
      // The API server of Argo CD reads from a cache.
      await wait(1_000);
    },
    push,
    head: async (branch) => heads.get(branch) ?? '',
    tagOf: async (branch) => String(versions.get(branch) ?? 0),
    rollout: async (application, how) => void rollouts.set(application, how),

    projectToken: (name, role, expiresIn) =>
      expiresIn === undefined
        ? cached(`${name}/${role}`, () =>
            argo.cli('proj', 'role', 'create-token', name, role, '--token-only'),
          )
        : argo
            .cli('proj', 'role', 'create-token', name, role, '--token-only', '--expires-in', `${expiresIn}s`)
            .then((token) => token.trim()),
    accountToken: (account) =>
      cached(account, () => argo.cli('account', 'generate-token', '--account', account)),
    async revoke(name, role, token) {
      await argo.cli('proj', 'role', 'delete-token', name, role, String(issuedAt(token)));
    },
    syncAsAdmin: (name) => argo.cli('app', 'sync', name, '--async').then(() => undefined),
    terminateAsAdmin: (name) => argo.cli('app', 'terminate-op', name).then(() => undefined),

    endpoint: { url: argo.url, ca: argo.ca },
    server: (token) =>
      closing(
        createArgocdServer({
          argocd: { url: argo.url, ca: argo.ca },
          token: { read: async () => token, readAgain: async () => token },
        }),
      ),
    overview: (token) =>
      closing(
        createArgocdOverview({
          argocd: { url: argo.url, ca: argo.ca },
          token: { read: async () => token, readAgain: async () => token },
        }),
      ),
    objects: (as = 'branch-deploy') => createArgocdObjects(closing(plane.clientFor(as))),
    ask: (request) => askOn(host, request),
    object: async (name) =>
      (await admin.request<ApplicationJson>({ method: 'GET', path: pathOf(name) })).body,

    patchObject: async (name, body) => void (await patch(name, body)),

    now: () => new Date(),
    pause: (ms) => wait(ms),
    async until(what, look, seconds = 60) {
      const end = performance.now() + seconds * 1000;
      for (;;) {
        const found = await look();
        if (found !== undefined && found !== false) return found;
        if (performance.now() >= end) throw new Error(`${what}: not after ${seconds} s`);
        await wait(300);
      }
    },
    startBelow: (path) => argo.startBelow(path),
    requestsOf: async (user) => (await plane.audit()).filter((entry) => entry.user === user),
    stopServer: () => argo.close(),
    close,
  };
}

function applicationOf(
  application: NewApplication,
  argocdNamespace: string,
  repoURL: string,
  sampleName: string,
): ApiObject {
  const { name, namespace = argocdNamespace, project = sampleName, branch = name } = application;
  const source = (targetRevision: string) => ({ repoURL, targetRevision, path: SOURCE_PATH });
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name, namespace },
    spec: {
      project,
      destination: { server: 'https://kubernetes.default.svc', namespace: DESTINATION },
      ...(application.secondSource
        ? { sources: [source(branch), source(`${branch}-2`)] }
        : { source: source(branch) }),
      syncPolicy: {
        ...(application.autoSync ? { automated: application.autoSync } : {}),
        ...(application.syncOptions ? { syncOptions: application.syncOptions } : {}),
        ...(application.retry ? { retry: application.retry } : {}),
      },
    },
  };
}

function projectOf(added: NewProject, namespace: string, repository: string): ApiObject {
  const { name, roles, syncWindows = [], sourceNamespaces = [] } = added;
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata: { name, namespace },
    spec: {
      sourceRepos: [repository],
      destinations: [{ server: 'https://kubernetes.default.svc', namespace: '*' }],
      sourceNamespaces,
      syncWindows,
      roles: Object.entries(roles).map(([role, actions]) => ({
        name: role,
        policies: actions.map(
          (action) => `p, proj:${name}:${role}, applications, ${action}, ${name}/*, allow`,
        ),
      })),
    },
  };
}

async function kubeletsOn(plane: ControlPlane): Promise<Kubelets> {
  const kubelets = await startKubelets(plane);
  await kubelets.add({
    name: 'ip-10-0-0-1.ap-northeast-1.compute.internal',
    instanceId: 'i-00000000000000001',
  });
  return kubelets;
}

/** What is deleted in the foreground, as Argo CD does it, is gone when the garbage collector has seen it. */
function garbageCollectorOf(assets: string, kubeconfig: string): { close(): Promise<void> } {
  const collector = startProgram(assets, 'kube-controller-manager', [
    `--kubeconfig=${kubeconfig}`,
    '--controllers=garbage-collector-controller',
    '--leader-elect=false',
    '--secure-port=0',
  ]);
  return { close: () => collector.end() };
}

/** A webhook that has to admit some Deployments, and its Service, behind which there is no pod. */
async function unansweredWebhook(ca: string): Promise<readonly ApiObject[]> {
  const service = { name: 'webhook', namespace: DESTINATION };
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: DESTINATION } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: service,
      spec: { selector: { app: 'webhook' }, ports: [{ port: 443 }] },
    },
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'webhook' },
      webhooks: [
        {
          name: 'webhook.example.com',
          clientConfig: { service, caBundle: Buffer.from(ca).toString('base64') },
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
    },
  ];
}

interface DeploymentJson {
  readonly metadata: { readonly name: string; readonly generation: number };
  readonly spec: { readonly replicas: number; readonly paused?: boolean };
  readonly status?: Readonly<Record<string, unknown>>;
}

/** So many rounds in a row may fail. */
const MOST_FAILURES = 20;

/** Stands for the controllers and the kubelets: says of each Deployment how far it is. */
function rollingDeployments(
  admin: KubernetesClient,
  rollouts: ReadonlyMap<string, 'soon' | 'never' | 'fails'>,
): { close(): Promise<void> } {
  const ending = new AbortController();
  const deployments = `/apis/apps/v1/namespaces/${DESTINATION}/deployments`;
  const written = new Map<string, string>();
  const round = async () => {
    for (const deployment of await admin.list<DeploymentJson>(deployments)) {
      const { name } = deployment.metadata;
      const status = statusOf(deployment, rollouts.get(name) ?? 'soon');
      const digest = createHash('sha256').update(JSON.stringify(status)).digest('hex');
      if (written.get(name) === digest) continue;
      await admin.request({
        method: 'PATCH',
        path: `${deployments}/${name}/status`,
        contentType: 'application/merge-patch+json',
        body: { status },
      });
      written.set(name, digest);
    }
  };
  const work = (async () => {
    for (let failures = 0; !ending.signal.aborted; ) {
      try {
        await round();
        failures = 0;
      } catch (error) {
        // A Deployment that is gone since the list, a server that is busy: the next round makes up for it.
        if (++failures >= MOST_FAILURES) throw error;
      }
      await wait(300, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  })();
  // An error is thrown by `close`, not in the middle of nowhere.
  work.catch(() => undefined);
  return {
    async close() {
      ending.abort();
      await work;
    },
  };
}

function statusOf({ metadata, spec }: DeploymentJson, how: 'soon' | 'never' | 'fails') {
  const { replicas } = spec;
  const ready = how === 'soon' ? replicas : 0;
  const condition = (type: string, status: string, reason: string) => ({
    type,
    status,
    reason,
    message: reason,
    lastUpdateTime: '2026-01-01T00:00:00Z',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  });
  return {
    observedGeneration: metadata.generation,
    replicas,
    updatedReplicas: replicas,
    readyReplicas: ready,
    availableReplicas: ready,
    unavailableReplicas: replicas - ready,
    conditions: [
      condition('Available', ready > 0 ? 'True' : 'False', 'MinimumReplicas'),
      ...(spec.paused
        ? [condition('Progressing', 'Unknown', 'DeploymentPaused')]
        : [
            how === 'fails'
              ? condition('Progressing', 'False', 'ProgressDeadlineExceeded')
              : condition('Progressing', 'True', 'NewReplicaSetAvailable'),
          ]),
    ],
  };
}

/** Seconds since the epoch. */
function issuedAt(token: string): number {
  const [, body = ''] = token.split('.');
  return (JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as { iat: number }).iat;
}

/** The real kube-apiserver with nodes and pods, and the processes of the deployed function in front of it. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type FunctionProcess, startFunctionProcess } from '@nightshift/lab/assembly/function-process.ts';
import type { FunctionSpec } from '@nightshift/lab/assembly/function-runner.ts';
import pMap from 'p-map';
import { UnreachableError } from '#functions/adapters/http.ts';
import type { KubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import { type AuditEntry, startControlPlane } from '#test/conformance/servers/control-plane.ts';
import { type Kubelets, startKubelets } from '#test/conformance/servers/control-plane-kubelet.ts';
import { manifestsOf } from '#test/functions/adapters/kubernetes/a-lab-cluster.ts';
import { type Account, CREDENTIALS } from './account.ts';

/** Users of the API server; the audit log has what they asked. */
export const [OURS, KUBECTL] = ['spot-drain', 'kubectl'] as const;
export const PODS_A_NODE = 5;

export interface Ground {
  readonly version: string;
  kubeconfig(): Promise<string>;
  /** So many nodes with pods that end 2 s after they are asked to: their names and instances. */
  addNodes(prefix: string, count: number, pods?: number): Promise<readonly BenchNode[]>;
  /** A node with a Deployment whose budget lets one pod go at a time, and a second node that takes the pods. */
  addGuarded(prefix: string): Promise<BenchNode>;
  isCordoned(node: BenchNode): Promise<boolean>;
  /** Requests of one user since then. */
  asked(user: string, since: number): Promise<readonly AuditEntry[]>;
  podsLeft(nodes: readonly BenchNode[]): Promise<number>;
  /** Nodes and what is left on them. */
  clear(nodes: readonly BenchNode[]): Promise<void>;
  /** A process of the function. */
  start(spec: FunctionSpec): FunctionProcess;
  close(): Promise<void>;
}

export interface BenchNode {
  readonly name: string;
  readonly instanceId: string;
}

const NAMESPACE = 'storm';
const GROUP = 'nightshift:spot-drain';

export async function raiseGround(assets: string, account: Account): Promise<Ground> {
  const authenticator = await startAuthenticator();
  const plane = await startControlPlane({
    assets,
    users: { [OURS]: [GROUP], [KUBECTL]: ['system:masters'] },
    flags: [`--authentication-token-webhook-config-file=${authenticator.config}`],
  });
  const kubelets = await startKubelets(plane);
  const admin = plane.clientFor('admin');
  account.serve({ endpoint: plane.url, ca: plane.ca });
  for (const object of await manifestsOf('spot-drain')) {
    const { namespace } = object.metadata ?? {};
    const within = namespace === undefined ? '' : `/namespaces/${namespace}`;
    const path = `/apis/rbac.authorization.k8s.io/v1${within}/${String(object.kind).toLowerCase()}s`;
    await admin.request({ method: 'POST', path, body: object });
  }
  await addNamespace(admin);
  const processes: FunctionProcess[] = [];
  let instances = 0;
  const nodeOf = (name: string): BenchNode => ({
    name: `${name}.ap-northeast-1.compute.internal`,
    instanceId: `i-${(++instances).toString(16).padStart(17, '0')}`,
  });
  return {
    version: plane.version,
    kubeconfig: () => plane.kubeconfigFor(KUBECTL),
    async addNodes(prefix, count, pods = PODS_A_NODE) {
      const nodes = Array.from({ length: count }, (_, index) => nodeOf(`${prefix}-${index}`));
      await pMap(nodes, (node) => addNode({ admin, kubelets }, node, pods), { concurrency: 10 });
      await untilRunning(admin, nodes, count * pods);
      return nodes;
    },
    async addGuarded(prefix) {
      const [node, spare] = [nodeOf(`${prefix}-0`), nodeOf(`spare${prefix}-0`)];
      await kubelets.add({ ...node, labels: { storm: prefix, pool: prefix } });
      for (const [path, body] of guarded(prefix)) await admin.request({ method: 'POST', path, body });
      await untilRunning(admin, [node], PODS_A_NODE);
      await kubelets.add({ ...spare, labels: { pool: prefix } });
      return node;
    },
    isCordoned: async ({ name }) => {
      const path = `/api/v1/nodes/${name}`;
      const { body } = await admin.request<ListedNode>({ method: 'GET', path });
      return body.spec?.unschedulable === true;
    },
    asked: async (user, since) =>
      (await plane.audit()).filter((entry) => entry.user === user && entry.at >= since),
    podsLeft: async (nodes) => (await podsOn(admin, nodes)).length,
    async clear(nodes) {
      const path = `/api/v1/namespaces/${NAMESPACE}/pods`;
      await admin.request({ method: 'DELETE', path, body: { gracePeriodSeconds: 0 } });
      for (const { name } of nodes) await kubelets.remove(name);
    },
    start(spec) {
      const one = startFunctionProcess({
        taskRoot: spec.taskRoot,
        handler: spec.handler,
        memoryMb: spec.memoryMb,
        environment: variablesOf(spec, account),
        offset: () => 0,
        wait,
        log: () => undefined,
      });
      processes.push(one);
      return one;
    },
    async close() {
      await Promise.all(processes.map((one) => one.kill()));
      admin.close();
      // A storm resets connections: whether its pods ended was observed before.
      await kubelets.close().catch(unlessUnreachable);
      await plane.close();
      authenticator.close();
    },
  };
}

function variablesOf(spec: FunctionSpec, account: Account): Readonly<Record<string, string>> {
  return {
    ...spec.environment,
    AWS_REGION: spec.region,
    AWS_DEFAULT_REGION: spec.region,
    AWS_LAMBDA_FUNCTION_NAME: spec.name,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(spec.memoryMb),
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_SESSION_TOKEN: 'session',
    AWS_ENDPOINT_URL: account.url,
    TZ: 'UTC',
  };
}

function unlessUnreachable(error: unknown): void {
  if (!(error instanceof UnreachableError)) throw error;
}

/** EKS has aws-iam-authenticator here; that our tokens are right is for test/conformance/kubernetes/token.test.ts. */
async function startAuthenticator() {
  const server = http.createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      const review = JSON.parse(text) as { apiVersion: string; kind: string; spec: { token: string } };
      const authenticated = review.spec.token.startsWith('k8s-aws-v1.');
      const status = { authenticated, user: { username: OURS, groups: [GROUP] } };
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ ...review, status }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const config = path.join(tmpdir(), `nightshift-authenticator-${process.pid}.json`);
  await writeFile(
    config,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'tokens', cluster: { server: `http://127.0.0.1:${port}` } }],
      users: [{ name: 'apiserver', user: {} }],
      contexts: [{ name: 'tokens', context: { cluster: 'tokens', user: 'apiserver' } }],
      'current-context': 'tokens',
    }),
  );
  return { config, close: () => server.close() };
}

async function addNamespace(admin: KubernetesClient): Promise<void> {
  await admin.request({
    method: 'POST',
    path: '/api/v1/namespaces',
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
  });
  const path = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/default`;
  while (
    !(await admin.request({ method: 'GET', path }).then(
      () => true,
      () => false,
    ))
  )
    await wait(200);
}

async function addNode(
  { admin, kubelets }: { readonly admin: KubernetesClient; readonly kubelets: Kubelets },
  node: BenchNode,
  pods: number,
): Promise<void> {
  await kubelets.add({ ...node, labels: { storm: node.name.split('-')[0] ?? '' }, pods: pods + 1 });
  for (let index = 0; index < pods; index++)
    await admin.request({
      method: 'POST',
      path: `/api/v1/namespaces/${NAMESPACE}/pods`,
      body: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: `${node.name.split('.')[0]}-${index}`, annotations: BEHAVIOUR },
        spec: {
          nodeName: node.name,
          terminationGracePeriodSeconds: 30,
          containers: [{ name: 'app', image: 'registry.example.com/app:1' }],
        },
      },
    });
}

const BEHAVIOUR = {
  'lab.nightshift/start-seconds': '0',
  'lab.nightshift/ready-seconds': '0',
  'lab.nightshift/exit-seconds': '2',
};

interface ListedNode {
  readonly spec?: { readonly unschedulable?: boolean };
}

interface ListedPod {
  readonly spec: { readonly nodeName?: string };
  readonly status?: { readonly phase?: string };
}

async function podsOn(admin: KubernetesClient, nodes: readonly BenchNode[]): Promise<readonly ListedPod[]> {
  const names = new Set(nodes.map(({ name }) => name));
  const pods = await admin.list<ListedPod>(`/api/v1/namespaces/${NAMESPACE}/pods`);
  return pods.filter(({ spec }) => names.has(spec.nodeName ?? ''));
}

/** The objects by their paths. */
function guarded(prefix: string): readonly (readonly [string, unknown])[] {
  const metadata = { name: prefix };
  const labels = { app: prefix };
  return [
    [
      `/apis/policy/v1/namespaces/${NAMESPACE}/poddisruptionbudgets`,
      {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata,
        spec: { maxUnavailable: 1, selector: { matchLabels: labels } },
      },
    ],
    [
      `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`,
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata,
        spec: {
          replicas: PODS_A_NODE,
          selector: { matchLabels: labels },
          template: {
            metadata: { labels, annotations: BEHAVIOUR },
            spec: {
              nodeSelector: { pool: prefix },
              containers: [{ name: 'app', image: 'registry.example.com/app:1' }],
            },
          },
        },
      },
    ],
  ];
}

async function untilRunning(
  admin: KubernetesClient,
  nodes: readonly BenchNode[],
  count: number,
): Promise<void> {
  for (;;) {
    const pods = await podsOn(admin, nodes);
    const running = pods.filter(({ status }) => status?.phase === 'Running').length;
    if (running === count) return;
    await wait(500);
  }
}

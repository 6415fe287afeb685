/**
 * Nodes for a control plane that has none: they register, keep their leases, and run every pod that is bound to them
 * as a kubelet would, without any containers. The annotations of lab/world/kubernetes/controllers/kubelet.ts decide
 * here too how a pod behaves; what is not said takes no time at all.
 */
import { createHash } from 'node:crypto';
import https from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';
import type { ContainerState, Node, Pod } from 'kubernetes-types/core/v1.d.ts';
import type { KubernetesClient } from '#functions/adapters/kubernetes/client.ts';
import { isNotFound, KubernetesError } from '#functions/adapters/kubernetes/errors.ts';
import type { ControlPlane } from './control-plane.ts';
import { untilAnswered } from './until-answered.ts';

export interface NodeToRun {
  readonly name: string;
  readonly instanceId: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Default `ap-northeast-1a`. */
  readonly zone?: string;
  /** How many pods it takes. Default 110. */
  readonly pods?: number;
}

export interface Kubelets {
  /** Returns when the node is Ready and takes pods. */
  add(node: NodeToRun): Promise<void>;
  /** A Node that somebody else made gets a kubelet and becomes Ready. */
  adopt(name: string): Promise<void>;
  /** The Node is gone, and its kubelet with it. */
  forget(name: string): void;
  /** The machine is gone, and its Node object with it; pods that ran there are left behind. */
  remove(name: string): Promise<void>;
  /** Throws the first thing that went wrong, if any did. */
  close(): Promise<void>;
}

export interface KubeletOptions {
  /** Whether the registry has an image. A pod waits for its images, and tries again as a kubelet does. Default: it has all. */
  readonly hasImage?: (image: string) => boolean;
  /** May do everything, and is whom the audit log names. Default `admin`. */
  readonly user?: string;
}

/** One pod on its way. */
interface Course {
  started: boolean;
  /** When it ends, on the clock of `performance`; set once it terminates. */
  goesAt?: number;
  timer?: NodeJS.Timeout;
}

const LEASE_SECONDS = 40;
const RENEW_MS = 10_000;
/** Of a kubelet between two pulls of an image: doubled each time. */
const PULL_AGAIN_MS = 10_000;
const PULL_AGAIN_AT_MOST_MS = 300_000;

export async function startKubelets(
  plane: ControlPlane,
  { hasImage = () => true, user = 'admin' }: KubeletOptions = {},
): Promise<Kubelets> {
  const client = plane.clientFor(user);
  const nodes = new Set<string>();
  const known = new Map<string, Course>();
  const stop = new AbortController();
  let failure: { error: unknown } | undefined;
  const inBackground = (work: Promise<unknown>) =>
    void work.catch((error: unknown) => {
      // The pod or the node went away meanwhile, or we do.
      if (!stop.signal.aborted && !isNotFound(error) && !isPreconditionFailed(error)) failure ??= { error };
    });

  const see = (type: string, pod: Pod) => {
    const uid = pod.metadata?.uid ?? '';
    if (!nodes.has(pod.spec?.nodeName ?? '')) return;
    if (type === 'DELETED') {
      known.delete(uid);
      return;
    }
    const state = known.get(uid) ?? { started: false };
    known.set(uid, state);
    if (pod.metadata?.deletionTimestamp !== undefined) {
      // A second deletion can only shorten the wait of the first.
      const goesAt = Math.min(state.goesAt ?? Number.POSITIVE_INFINITY, performance.now() + exitMs(pod));
      if (goesAt === state.goesAt) return;
      state.goesAt = goesAt;
      clearTimeout(state.timer);
      const go = () => inBackground(untilAnswered(() => end(client, pod), stop.signal));
      state.timer = setTimeout(go, Math.max(0, goesAt - performance.now()));
    } else if (!state.started && !isFinished(pod)) {
      state.started = true;
      const hasEnded = () => state.goesAt !== undefined || stop.signal.aborted;
      inBackground(
        pulled(pod, hasImage, hasEnded, stop.signal).then(() => run(client, pod, hasEnded, stop.signal)),
      );
    }
  };

  const look = async () => {
    const { version, pods } = await listPods(client);
    for (const pod of pods) see('ADDED', pod);
    return version;
  };
  let version = await look();
  const watching = (async () => {
    while (!stop.signal.aborted) {
      await watchPods({ plane, user, version }, see, stop.signal);
      if (!stop.signal.aborted) version = await look();
    }
  })();
  inBackground(watching);
  const renewing = setInterval(() => {
    for (const name of nodes) inBackground(untilAnswered(() => renew(client, name), stop.signal));
  }, RENEW_MS);

  return {
    async add(node) {
      nodes.add(node.name);
      await register(client, node);
      await look();
      await untilUntainted(client, node.name);
    },
    async adopt(name) {
      nodes.add(name);
      await setReady(client, name);
      await createLease(client, name);
      await look();
    },
    forget: (name) => void nodes.delete(name),
    async remove(name) {
      nodes.delete(name);
      await client.request({ method: 'DELETE', path: `/api/v1/nodes/${name}` });
      await client.request({ method: 'DELETE', path: `${LEASES}/${name}` });
    },
    async close() {
      stop.abort();
      clearInterval(renewing);
      for (const { timer } of known.values()) clearTimeout(timer);
      await watching.catch(() => undefined);
      client.close();
      if (failure) throw failure.error;
    },
  };
}

async function register(client: KubernetesClient, node: NodeToRun): Promise<void> {
  const { name, instanceId, labels = {}, zone = 'ap-northeast-1a', pods = 110 } = node;
  const room = { cpu: '32', memory: '64Gi', 'ephemeral-storage': '100Gi', pods: String(pods) };
  const body: Node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'arm64',
        'node.kubernetes.io/instance-type': 'm7g.large',
        'topology.kubernetes.io/zone': zone,
        ...labels,
      },
    },
    spec: { providerID: `aws:///${zone}/${instanceId}` },
    status: {
      capacity: room,
      allocatable: room,
      addresses: [
        { type: 'InternalIP', address: '127.0.0.1' },
        { type: 'Hostname', address: name },
      ],
      conditions: readyConditions(),
    },
  };
  await client.request({ method: 'POST', path: '/api/v1/nodes', body });
  await createLease(client, name);
}

async function setReady(client: KubernetesClient, name: string): Promise<void> {
  await client.request({
    method: 'PATCH',
    path: `/api/v1/nodes/${name}/status`,
    contentType: 'application/strategic-merge-patch+json',
    body: { status: { conditions: readyConditions() } },
  });
}

function readyConditions() {
  const now = timestamp();
  return ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'].map((type) => ({
    type,
    status: type === 'Ready' ? 'True' : 'False',
    reason: type === 'Ready' ? 'KubeletReady' : `KubeletHasNo${type}`,
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  }));
}

async function createLease(client: KubernetesClient, name: string): Promise<void> {
  await client.request({
    method: 'POST',
    path: LEASES,
    body: {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, namespace: 'kube-node-lease' },
      spec: { holderIdentity: name, leaseDurationSeconds: LEASE_SECONDS, renewTime: microTimestamp() },
    },
  });
}

/** The API server lets a node in with a taint, which the node lifecycle controller takes off when it is Ready. */
async function untilUntainted(client: KubernetesClient, name: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const { body } = await client.request<Node>({ method: 'GET', path: `/api/v1/nodes/${name}` });
    if (!body.spec?.taints?.some(({ key }) => key === 'node.kubernetes.io/not-ready')) return;
    await wait(100);
  }
  throw new Error(`the node ${name} still has the taint of a node that is not ready`);
}

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';

async function renew(client: KubernetesClient, name: string): Promise<void> {
  await client.request({
    method: 'PATCH',
    path: `${LEASES}/${name}`,
    body: { spec: { renewTime: microTimestamp() } },
  });
}

async function pulled(
  pod: Pod,
  hasImage: (image: string) => boolean,
  hasEnded: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  const images = (pod.spec?.containers ?? []).map(({ image = '' }) => image);
  for (let ms = PULL_AGAIN_MS; !hasEnded() && !images.every(hasImage); ms *= 2)
    await wait(Math.min(ms, PULL_AGAIN_AT_MOST_MS), undefined, { signal });
}

async function run(
  client: KubernetesClient,
  pod: Pod,
  hasEnded: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  await wait(secondsOf(pod, 'start-seconds', 0) * 1_000, undefined, { signal });
  if (hasEnded()) return;
  const running: ContainerState = { running: { startedAt: timestamp() } };
  const readyAfter = pod.metadata?.annotations?.[`${ANNOTATION}/ready-seconds`];
  const isReady = readyAfter === undefined || Number(readyAfter) === 0;
  await untilAnswered(() => setStatus(client, pod, 'Running', running, isReady), signal);
  if (!isReady && readyAfter !== 'never') {
    await wait(secondsOf(pod, 'ready-seconds', 0) * 1_000, undefined, { signal });
    if (!hasEnded()) await setStatus(client, pod, 'Running', running, true);
  }
  const runs = secondsOf(pod, 'run-seconds', Number.POSITIVE_INFINITY);
  if (!Number.isFinite(runs)) return;
  await wait(runs * 1_000, undefined, { signal });
  if (!hasEnded()) await setStatus(client, pod, 'Succeeded', ended(0), false);
}

/** From now: when it ends by itself, or its grace period is over. */
function exitMs(pod: Pod): number {
  const grace = pod.metadata?.deletionGracePeriodSeconds ?? 0;
  return Math.min(grace, secondsOf(pod, 'exit-seconds', 0)) * 1_000;
}

async function end(client: KubernetesClient, pod: Pod): Promise<void> {
  const killed = secondsOf(pod, 'exit-seconds', 0) > (pod.metadata?.deletionGracePeriodSeconds ?? 0);
  if (!isFinished(pod))
    await setStatus(client, pod, killed ? 'Failed' : 'Succeeded', ended(killed ? 137 : 0), false);
  await client.request({
    method: 'DELETE',
    path: pathOf(pod),
    body: { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata?.uid } },
  });
}

async function setStatus(
  client: KubernetesClient,
  pod: Pod,
  phase: string,
  state: ContainerState,
  isReady: boolean,
): Promise<void> {
  const now = timestamp();
  const conditions = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady'].map((type) => ({
    type,
    status: type === 'Initialized' || isReady || (type.startsWith('Pod') && state.running) ? 'True' : 'False',
    lastTransitionTime: now,
  }));
  await client.request({
    method: 'PATCH',
    path: `${pathOf(pod)}/status`,
    contentType: 'application/strategic-merge-patch+json',
    body: {
      // Another pod of the same name is not this one.
      metadata: { uid: pod.metadata?.uid },
      status: {
        phase,
        conditions,
        hostIP: '127.0.0.1',
        podIP: '127.0.0.1',
        podIPs: [{ ip: '127.0.0.1' }],
        startTime: now,
        containerStatuses: (pod.spec?.containers ?? []).map(({ name, image = '' }) => ({
          name,
          image,
          imageID: imageId(image),
          ready: isReady,
          started: state.running !== undefined,
          restartCount: 0,
          state,
        })),
      },
    },
  });
}

async function listPods(client: KubernetesClient): Promise<{ version: string; pods: readonly Pod[] }> {
  const { body } = await client.request<{ metadata: { resourceVersion: string }; items: readonly Pod[] }>({
    method: 'GET',
    path: '/api/v1/pods',
  });
  return { version: body.metadata.resourceVersion, pods: body.items };
}

/** Resolves when the server ends the watch, as it does now and then, or `signal` is aborted. */
function watchPods(
  { plane, user, version }: { readonly plane: ControlPlane; readonly user: string; readonly version: string },
  see: (type: string, pod: Pod) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (error: Error) => (signal.aborted ? resolve() : reject(error));
    const request = https.get(
      `${plane.url}/api/v1/pods?watch=true&resourceVersion=${version}`,
      { ca: plane.ca, agent: false, signal, headers: { authorization: `Bearer ${plane.tokenOf(user)}` } },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          const lines = (text + part).split('\n');
          text = lines.pop() ?? '';
          for (const line of lines) {
            const { type, object } = JSON.parse(line) as { type: string; object: Pod };
            if (type !== 'ERROR') see(type, object);
          }
        });
        response.on('end', resolve);
        response.on('error', finish);
      },
    );
    request.on('error', finish);
  });
}

/** The repository by a digest, as containerd reports it; one for each tag. */
function imageId(image: string): string {
  const [name = '', digest = `sha256:${createHash('sha256').update(image).digest('hex')}`] = image.split('@');
  return `${name.replace(/:[^:/]*$/, '')}@${digest}`;
}

const ANNOTATION = 'lab.nightshift';

function secondsOf(pod: Pod, name: string, otherwise: number): number {
  const text = pod.metadata?.annotations?.[`${ANNOTATION}/${name}`];
  return text === undefined ? otherwise : Number(text);
}

function isFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Another pod of that name is there by now: 409 to a deletion, 422 to a patch. */
function isPreconditionFailed(error: unknown): boolean {
  if (!(error instanceof KubernetesError)) return false;
  return error.status === 409 || (error.status === 422 && error.detail.includes('metadata.uid'));
}

function ended(exitCode: number): ContainerState {
  return {
    terminated: { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', finishedAt: timestamp() },
  };
}

function pathOf(pod: Pod): string {
  return `/api/v1/namespaces/${pod.metadata?.namespace}/pods/${pod.metadata?.name}`;
}

function timestamp(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}

function microTimestamp(): string {
  return new Date().toISOString().replace(/Z$/, '000Z');
}

/** Objects of the behaviours, as an admin makes them through the API. */
import type { Pod } from '#functions/spot-drain/ports.ts';
import type { Bed, BedNode } from './bed.ts';

/** What is needed of a bed to make objects. */
export type Server = Pick<Bed, 'ask' | 'until'>;

// biome-ignore lint/suspicious/noExplicitAny: objects of any kind, as JSON
export type Json = any;

export interface PodSeed {
  readonly namespace: string;
  readonly name: string;
  readonly node?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** `lab.nightshift/…`: how the pod behaves. Without any it starts, is ready and ends at once. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly graceSeconds?: number;
  readonly ownerReferences?: readonly Json[];
  readonly priorityClassName?: string;
  /** Its request, `1500m`. */
  readonly cpu?: string;
}

const BEHAVIOUR = 'lab.nightshift';
export const AT_ONCE = {
  [`${BEHAVIOUR}/start-seconds`]: '0',
  [`${BEHAVIOUR}/ready-seconds`]: '0',
  [`${BEHAVIOUR}/exit-seconds`]: '0',
};
export const NEVER_READY = { [`${BEHAVIOUR}/ready-seconds`]: 'never' };
export const NEVER_STARTED = { [`${BEHAVIOUR}/start-seconds`]: '86400' };
export const SLOW = { [`${BEHAVIOUR}/start-seconds`]: '3' };
export const SOON_FINISHED = { [`${BEHAVIOUR}/run-seconds`]: '0' };
/** Takes all of its grace period. */
export const STUBBORN = { [`${BEHAVIOUR}/exit-seconds`]: '86400' };

export const podPath = (namespace: string, name: string) => `/api/v1/namespaces/${namespace}/pods/${name}`;
export const budgetPath = (namespace: string, name = '') =>
  `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets${name ? `/${name}` : ''}`;
export const deploymentPath = (namespace: string, name = '') =>
  `/apis/apps/v1/namespaces/${namespace}/deployments${name ? `/${name}` : ''}`;

export async function must(
  bed: Pick<Bed, 'ask'>,
  method: 'GET' | 'POST' | 'PATCH',
  path: string,
  body?: unknown,
) {
  const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const reply = await bed.ask('admin', {
    method,
    path,
    contentType,
    ...(body === undefined ? {} : { body }),
  });
  if (reply.status >= 300)
    throw new Error(`${method} ${path} was answered with ${reply.status}: ${JSON.stringify(reply.body)}`);
  return reply.body as Json;
}

export async function addPod(bed: Server, seed: PodSeed): Promise<Json> {
  const { namespace, name, labels = { app: name }, annotations, ownerReferences, node } = seed;
  return must(bed, 'POST', `/api/v1/namespaces/${namespace}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      labels,
      annotations: { ...AT_ONCE, ...annotations },
      ...(ownerReferences ? { ownerReferences } : {}),
    },
    spec: podSpec(seed, node),
  });
}

/** Made, and as far as its annotations let it come: Ready, unless they say otherwise. */
export async function addReadyPod(bed: Server, seed: PodSeed & { readonly node: string }): Promise<Pod> {
  await addPod(bed, seed);
  return bed.until(`the pod ${seed.name} is ready`, async () => {
    const pod = await must(bed, 'GET', podPath(seed.namespace, seed.name));
    return isReady(pod) && asPod(pod);
  });
}

export interface DeploymentSeed extends Omit<PodSeed, 'ownerReferences' | 'node'> {
  readonly replicas: number;
  readonly nodeSelector?: Readonly<Record<string, string>>;
}

/** Its pods are not waited for. */
export async function addDeployment(bed: Server, seed: DeploymentSeed): Promise<void> {
  const { namespace, name, replicas, nodeSelector, labels = { app: name }, annotations } = seed;
  await must(bed, 'POST', deploymentPath(namespace), {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels, annotations: { ...AT_ONCE, ...annotations } },
        spec: {
          ...podSpec(seed),
          ...(nodeSelector ? { nodeSelector } : {}),
        },
      },
    },
  });
}

export const on = (node: string) => ({ 'kubernetes.io/hostname': node });

/** Ready pods of these labels. */
export async function readyPods(
  bed: Server,
  namespace: string,
  labels: string,
  count: number,
): Promise<Pod[]> {
  const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(labels)}`;
  return bed.until(`${count} pods ${labels} are ready`, async () => {
    const { items } = await must(bed, 'GET', path);
    const ready = items.filter(isReady);
    return ready.length >= count && ready.map(asPod);
  });
}

export interface BudgetSeed {
  readonly namespace: string;
  readonly name: string;
  /** Default: the label `app` with this name. */
  readonly selector?: Json;
  readonly minAvailable?: number | string;
  readonly maxUnavailable?: number | string;
  readonly unhealthyPodEvictionPolicy?: 'AlwaysAllow' | 'IfHealthyBudget';
}

export async function addUnseenBudget(bed: Server, seed: BudgetSeed): Promise<Json> {
  const { namespace, name, selector = { matchLabels: { app: name } }, ...rest } = seed;
  return must(bed, 'POST', budgetPath(namespace), {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name },
    spec: { selector, ...rest },
  });
}

/** Made, and reckoned up by its controller. */
export async function addBudget(bed: Server, seed: BudgetSeed): Promise<Json> {
  await addUnseenBudget(bed, seed);
  return bed.until(`the budget ${seed.name} is reckoned up`, async () => {
    const budget = await must(bed, 'GET', budgetPath(seed.namespace, seed.name));
    return budget.status?.observedGeneration === budget.metadata.generation && budget;
  });
}

export function evictionOf(name: string, deleteOptions?: Json) {
  return {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name },
    ...(deleteOptions ? { deleteOptions } : {}),
  };
}

export function isReady(pod: Json): boolean {
  return pod.status?.conditions?.some((one: Json) => one.type === 'Ready' && one.status === 'True') ?? false;
}

/** As the drain's port has it, as far as an eviction needs it. */
export function asPod(pod: Json): Pod {
  return {
    namespace: pod.metadata.namespace,
    name: pod.metadata.name,
    uid: pod.metadata.uid,
    phase: pod.status?.phase ?? '',
    terminating: pod.metadata.deletionTimestamp !== undefined,
    graceSeconds: pod.spec.terminationGracePeriodSeconds,
    priority: pod.spec.priority ?? 0,
    priorityClass: pod.spec.priorityClassName ?? '',
    mirror: false,
  };
}

/** The kubelet's picture of a static pod. */
export function addMirrorPod(bed: Server, node: BedNode & { readonly uid: string }, namespace: string) {
  return addReadyPod(bed, {
    namespace,
    name: `kube-proxy-${node.name}`,
    node: node.name,
    annotations: {
      'kubernetes.io/config.mirror': 'a-hash',
      'kubernetes.io/config.hash': 'a-hash',
      'kubernetes.io/config.source': 'file',
    },
    ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: node.name, uid: node.uid, controller: true }],
  });
}

function podSpec(
  { graceSeconds, priorityClassName, cpu }: Omit<PodSeed, 'name' | 'namespace'>,
  node?: string,
) {
  return {
    ...(node === undefined ? {} : { nodeName: node }),
    ...(graceSeconds === undefined ? {} : { terminationGracePeriodSeconds: graceSeconds }),
    ...(priorityClassName === undefined ? {} : { priorityClassName }),
    containers: [
      {
        name: 'main',
        image: 'registry.example.com/app:1.0.0',
        ...(cpu === undefined ? {} : { resources: { requests: { cpu } } }),
      },
    ],
  };
}

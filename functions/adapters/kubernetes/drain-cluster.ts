/** The cluster as a drain needs it, through the Kubernetes API. */
import type { DaemonSet } from 'kubernetes-types/apps/v1.d.ts';
import type { Event, Toleration, Node as V1Node, Pod as V1Pod } from 'kubernetes-types/core/v1.d.ts';
import type { OwnerReference } from 'kubernetes-types/meta/v1.d.ts';
import type { Eviction } from 'kubernetes-types/policy/v1.d.ts';
import type { VolumeAttachment } from 'kubernetes-types/storage/v1.d.ts';
import { isTransientAwsError } from '#functions/adapters/aws/errors.ts';
import { UnreachableError } from '#functions/adapters/http.ts';
import { isAdmissionDenial } from '#functions/shared/admission.ts';
import {
  AccessRefusedError,
  type Cluster,
  ClusterUnavailableError,
  type Marks,
  type Node,
  type NodeEvent,
  type Place,
  type Pod,
  type Reply,
  type Taint,
} from '#functions/spot-drain/ports.ts';
import type { KubernetesClient } from './client.ts';
import { isConflict, isDenied, isNotFound, KubernetesError, MalformedReplyError } from './errors.ts';

/** Under it stands what we did to the node, so that we undo that and nothing else. */
export const MARKS_ANNOTATION = 'nightshift/drain';
export const TAINT_KEY = 'nightshift/draining';
/** Takes a node out of the load balancers that reach it by instance. */
export const NO_BALANCER_LABEL = 'node.kubernetes.io/exclude-from-external-load-balancers';

/** Kubernetes sets it on a node that is unschedulable. */
const CORDON_TAINT = 'node.kubernetes.io/unschedulable';
const STRATEGIC = 'application/strategic-merge-patch+json';
/** The API server itself tries an eviction 20 times at 500 ms when budgets conflict. */
const EVICTION_TIMEOUT_MS = 12_000;
const LIST_OPTIONS = { timeoutMs: 8_000 };
/** Its kubelet and the controllers write to a node too, though seldom twice in a second. */
const MOST_CONFLICTS = 5;

/** What the annotation holds: which marks were ours to set. */
interface OurMarks {
  readonly cause: string;
  readonly since: string;
  /** The node was schedulable before. */
  readonly cordoned: boolean;
  /** The label was not there before. */
  readonly labelled: boolean;
}

export function createDrainCluster(client: KubernetesClient): Cluster {
  return {
    prepare: () => client.prepare(),
    ...createNodeReader(client),
    ...createNodeMarker(client),
    ...createPodRequests(client),
    recordEvent: (node, event) => recordEvent(client, node, event),
  };
}

function createNodeReader(client: KubernetesClient): Pick<Cluster, 'findNode' | 'nodeNamed' | 'nodeNames'> {
  /** An instance keeps its node's name: a warm function asks for the one node instead of for all. */
  const names = new Map<string, string>();

  /** Learns the names of all that it lists. */
  const findAmong = async (instanceId: string | undefined, labelSelector?: string) => {
    const nodes = await guarded(client.list<V1Node>('/api/v1/nodes', { labelSelector }));
    let found: Node | undefined;
    for (const node of nodes) {
      const id = instanceOf(node);
      if (!id) continue;
      names.set(id, node.metadata?.name ?? '');
      if (id === instanceId) found = nodeOf(node, id);
    }
    return found;
  };

  return {
    async findNode(instanceId, place) {
      const name = names.get(instanceId);
      if (name) {
        const node = await readNode(client, name, instanceId);
        if (node) return node;
        names.delete(instanceId);
      }
      const selector = place && selectorOf(place);
      return (selector && (await findAmong(instanceId, selector))) || findAmong(instanceId);
    },

    async nodeNamed(name, instanceId) {
      const node = await readNode(client, name, instanceId);
      if (node) names.set(instanceId, name);
      return node;
    },

    async nodeNames() {
      names.clear();
      await findAmong(undefined);
      return new Map(names);
    },
  };
}

function createNodeMarker(client: KubernetesClient): Pick<Cluster, 'mark' | 'unmark'> {
  const patchNode = (name: string, body: unknown) =>
    objectOf('Node', client.request({ method: 'PATCH', path: nodePath(name), contentType: STRATEGIC, body }));

  return {
    async mark(node, marks) {
      let seen: Node | undefined = node;
      for (let conflicts = 0; seen; conflicts++) {
        try {
          const body = markPatch(seen, marks);
          return await orGone('marked', patchNode(node.name, body));
        } catch (error) {
          if (!isConflict(error)) throw error;
          if (conflicts >= MOST_CONFLICTS) {
            throw new ClusterUnavailableError(
              `the node ${node.name} was written by others ${conflicts} times while it was being marked`,
              { cause: error },
            );
          }
          seen = await readNode(client, node.name, node.instanceId);
        }
      }
      return 'gone';
    },

    async unmark(node) {
      const ours = marksOf(node);
      if (!ours) return 'not-ours';
      try {
        return await orGone('unmarked', patchNode(node.name, unmarkPatch(node, ours)));
      } catch (error) {
        if (isConflict(error)) return 'changed';
        throw error;
      }
    },
  };
}

function createPodRequests(
  client: KubernetesClient,
): Pick<Cluster, 'podsOn' | 'volumesOn' | 'daemonSetExists' | 'evict' | 'remove'> {
  return {
    async podsOn(nodeName) {
      const query = { fieldSelector: `spec.nodeName=${nodeName}` };
      const list = client.list<V1Pod>('/api/v1/pods', query, LIST_OPTIONS);
      // The selector is the API server's business: what it lists besides is on another node.
      const isHere = ({ spec }: V1Pod) => spec?.nodeName === nodeName;
      return guarded(list.then((pods) => pods.filter(isHere).map(podOf)));
    },

    async volumesOn(nodeName) {
      try {
        const path = '/apis/storage.k8s.io/v1/volumeattachments';
        const attachments = await guarded(client.list<VolumeAttachment>(path, {}, LIST_OPTIONS));
        return attachments
          .filter(({ spec }) => spec?.nodeName === nodeName)
          .map(({ spec, metadata }) => spec?.source?.persistentVolumeName ?? metadata?.name ?? '');
      } catch (error) {
        if (error instanceof AccessRefusedError || isNotFound(error)) return undefined;
        throw error;
      }
    },

    async daemonSetExists(namespace, name, uid) {
      try {
        const path = `/apis/apps/v1/namespaces/${encodeURIComponent(namespace)}/daemonsets/${encodeURIComponent(name)}`;
        const daemonSet = await guarded(
          objectOf<DaemonSet>('DaemonSet', client.request({ method: 'GET', path })),
        );
        return daemonSet.metadata?.uid === uid;
      } catch (error) {
        if (isNotFound(error)) return false;
        throw error;
      }
    },

    evict(pod, graceSeconds) {
      const body: Eviction = {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: pod.name, namespace: pod.namespace },
        deleteOptions: {
          preconditions: { uid: pod.uid },
          ...(graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds }),
        },
      };
      const path = `${podPath(pod)}/eviction`;
      // Of this pod and no other, so it can be repeated.
      const request = {
        method: 'POST',
        path,
        body,
        timeoutMs: EVICTION_TIMEOUT_MS,
        isRepeatable: true,
      } as const;
      return replyOf(client.request(request));
    },

    remove(pod, graceSeconds) {
      const body = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        gracePeriodSeconds: graceSeconds,
        preconditions: { uid: pod.uid },
      };
      return replyOf(client.request({ method: 'DELETE', path: podPath(pod), body }));
    },
  };
}

async function recordEvent(
  client: KubernetesClient,
  node: Pick<Node, 'name' | 'uid'>,
  event: NodeEvent,
): Promise<void> {
  const at = event.at.toISOString().replace(/\.\d+Z$/, 'Z');
  const body: Event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { generateName: `${node.name}.`, namespace: 'default' },
    involvedObject: { apiVersion: 'v1', kind: 'Node', name: node.name, uid: node.uid },
    type: event.type,
    reason: event.reason,
    message: event.message,
    firstTimestamp: at,
    lastTimestamp: at,
    count: 1,
    source: { component: 'eks-nightshift' },
    reportingComponent: 'eks-nightshift',
    reportingInstance: 'spot-drain',
  };
  await guarded(client.request({ method: 'POST', path: '/api/v1/namespaces/default/events', body }));
}

/** A name can pass to another instance. */
async function readNode(
  client: KubernetesClient,
  name: string,
  instanceId: string,
): Promise<Node | undefined> {
  try {
    const request = client.request({ method: 'GET', path: nodePath(name) });
    const node = await guarded(objectOf<V1Node>('Node', request));
    return instanceOf(node) === instanceId ? nodeOf(node, instanceId) : undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Labels that every node has from its cloud provider. Of a storm of notices each then reads a part of the nodes only. */
function selectorOf(place: Place): string | undefined {
  const labels = [
    ['topology.kubernetes.io/zone', place.zone],
    ['node.kubernetes.io/instance-type', place.instanceType],
  ].filter(([, value]) => value);
  return labels.map(([label, value]) => `${label}=${value}`).join(',') || undefined;
}

/**
 * A node's taints are one value: whatever the kind of patch, it replaces all of them. So those of others are written
 * back as they were read, and only over the version that was read.
 */
function markPatch(node: Node, marks: Marks) {
  const known = marksOf(node);
  const isDrain = marks.task === 'drain';
  const ours: OurMarks = {
    cause: marks.cause,
    since: marks.since.toISOString(),
    cordoned: known ? known.cordoned : !node.unschedulable,
    labelled: known?.labelled === true || (isDrain && !(NO_BALANCER_LABEL in node.labels)),
  };
  return {
    metadata: {
      resourceVersion: node.version,
      annotations: { [MARKS_ANNOTATION]: JSON.stringify(ours) },
      ...(isDrain ? { labels: { [NO_BALANCER_LABEL]: 'true' } } : {}),
    },
    spec: {
      unschedulable: true,
      taints: withOurs(node, { key: TAINT_KEY, value: marks.cause, effect: 'NoSchedule' }),
    },
  };
}

function unmarkPatch(node: Node, ours: OurMarks) {
  const others = othersOf(node);
  return {
    metadata: {
      resourceVersion: node.version,
      annotations: { [MARKS_ANNOTATION]: null },
      ...(ours.labelled ? { labels: { [NO_BALANCER_LABEL]: null } } : {}),
    },
    spec: {
      ...(ours.cordoned ? { unschedulable: null } : {}),
      taints: others.length > 0 ? others : null,
    },
  };
}

/** In its place, if it is there already: the same marks again are no change. */
function withOurs({ taints }: Node, ours: Taint): readonly Taint[] {
  const others = taints.filter(({ key }) => key !== TAINT_KEY);
  const index = taints.findIndex(({ key }) => key === TAINT_KEY);
  return index < 0 ? [...others, ours] : others.toSpliced(index, 0, ours);
}

function othersOf({ taints }: Node): readonly Taint[] {
  return taints.filter(({ key }) => key !== TAINT_KEY);
}

function marksOf(node: Node): OurMarks | undefined {
  const text = node.annotations[MARKS_ANNOTATION];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as OurMarks;
  } catch {
    // Somebody wrote something else there: what was ours is not known any more, and nothing is taken away.
    return undefined;
  }
}

/** `aws:///ap-northeast-1a/i-0123456789abcdef0` */
function instanceOf(node: V1Node): string | undefined {
  return /\/(i-[0-9a-f]+)$/.exec(node.spec?.providerID ?? '')?.[1];
}

function nodeOf(node: V1Node, instanceId: string): Node {
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready');
  return {
    name: node.metadata?.name ?? '',
    uid: node.metadata?.uid ?? '',
    instanceId,
    labels: node.metadata?.labels ?? {},
    annotations: node.metadata?.annotations ?? {},
    unschedulable: node.spec?.unschedulable ?? false,
    taints: node.spec?.taints ?? [],
    version: node.metadata?.resourceVersion ?? '',
    ...(ready?.status === 'True' ? { readySince: new Date(ready.lastTransitionTime ?? 0) } : {}),
  };
}

/** Throws `MalformedReplyError` for a pod that could not be recognised in the next list. */
function podOf(pod: V1Pod): Pod {
  const { metadata, spec, status } = pod;
  if (!metadata?.uid || !metadata.name || !metadata.namespace)
    throw new MalformedReplyError(
      'kubernetes answered GET /api/v1/pods with a pod that has no name or no UID',
    );
  const owner = metadata.ownerReferences?.find(isController);
  const boundAt = status?.conditions?.find(({ type }) => type === 'PodScheduled')?.lastTransitionTime;
  const plain = {
    namespace: metadata.namespace,
    name: metadata.name,
    uid: metadata.uid,
    phase: status?.phase ?? 'Unknown',
    terminating: typeof metadata.deletionTimestamp === 'string',
    graceSeconds: spec?.terminationGracePeriodSeconds ?? 30,
    priority: spec?.priority ?? 0,
    priorityClass: spec?.priorityClassName ?? '',
    mirror: metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined,
    endsAt: timeOf(metadata.deletionTimestamp),
    boundAt: timeOf(boundAt ?? status?.startTime),
    finalizers: metadata.finalizers ?? [],
    volumeClaims: (spec?.volumes ?? []).filter((one) => one.persistentVolumeClaim ?? one.ephemeral).length,
    tolerates: toleratedCordon(spec?.tolerations ?? []),
  };
  if (!owner) return plain;
  const { apiVersion, kind, name, uid } = owner;
  // The core group has no name.
  const group = apiVersion.slice(0, Math.max(0, apiVersion.indexOf('/')));
  return { ...plain, controller: { kind, group, name, uid } };
}

function timeOf(text: string | null | undefined): Date | undefined {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? undefined : new Date(time);
}

/** The toleration that lets a pod be bound to a cordoned node. */
function toleratedCordon(tolerations: readonly Toleration[]): string | undefined {
  const admitted = tolerations.find(
    ({ key, effect }) => (!key || key === CORDON_TAINT) && (!effect || effect === 'NoSchedule'),
  );
  return admitted && (admitted.key || 'everything');
}

function isController({ controller }: OwnerReference): boolean {
  return controller === true;
}

async function orGone<T>(done: T, sent: Promise<unknown>): Promise<T | 'gone'> {
  try {
    await guarded(sent);
    return done;
  } catch (error) {
    if (isNotFound(error)) return 'gone';
    throw error;
  }
}

/** A refusal by RBAC and a transient failure become the errors that the drain knows. */
async function guarded<T>(sent: Promise<T>): Promise<T> {
  try {
    return await sent;
  } catch (error) {
    if (isDenied(error)) {
      throw new AccessRefusedError(
        `${(error as Error).message}: apply manifests/ to the cluster, and check the access entry of this function`,
        { cause: error },
      );
    }
    // Before the first request the cluster itself is described, and many functions that start at once are throttled.
    if (isTransient(error) || isTransientAwsError(error)) {
      throw new ClusterUnavailableError((error as Error).message, { cause: error });
    }
    throw error;
  }
}

/**
 * All that may be different a moment later: no reply, one in another form than that of Kubernetes, a busy or broken
 * server, a token that its authenticator cannot check for now, what an admission webhook or policy denies.
 */
function isTransient(error: unknown): boolean {
  if (error instanceof UnreachableError || error instanceof MalformedReplyError) return true;
  if (!(error instanceof KubernetesError)) return false;
  const { status, reason } = error;
  return (
    status >= 500 || [401, 403, 429].includes(status) || reason === '' || isAdmissionDenial(error.detail)
  );
}

/** The object that was asked for. Throws `MalformedReplyError` for a reply that is something else. */
async function objectOf<T>(kind: string, sent: Promise<{ readonly body: unknown }>): Promise<T> {
  const { body } = await sent;
  if ((body as { readonly kind?: unknown } | undefined)?.kind !== kind)
    throw new MalformedReplyError(`kubernetes answered with something that is no ${kind}`);
  return body as T;
}

/** An eviction is answered with a Status, a deletion with the pod or a Status. */
async function replyOf(sent: Promise<{ readonly status: number; readonly body: unknown }>): Promise<Reply> {
  try {
    const { status, body } = await sent;
    const { kind, status: result } = (body ?? {}) as { readonly kind?: unknown; readonly status?: unknown };
    const isFailure = kind === 'Status' && result === 'Failure';
    if (isFailure || (kind !== 'Status' && kind !== 'Pod' && kind !== 'Eviction'))
      throw new MalformedReplyError(`the reply ${status} has not the form that Kubernetes gives it`);
    return { status, reason: '', causes: [], detail: '' };
  } catch (error) {
    if (error instanceof KubernetesError) {
      const { status, reason, causes, detail, retryAfterSeconds } = error;
      return {
        status,
        reason,
        causes,
        detail,
        isRefusedByRbac: isDenied(error),
        ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
      };
    }
    if (isTransient(error) || isTransientAwsError(error))
      return { status: 0, reason: '', causes: [], detail: (error as Error).message };
    throw error;
  }
}

function nodePath(name: string): string {
  return `/api/v1/nodes/${encodeURIComponent(name)}`;
}

function podPath(pod: Pod): string {
  return `/api/v1/namespaces/${encodeURIComponent(pod.namespace)}/pods/${encodeURIComponent(pod.name)}`;
}

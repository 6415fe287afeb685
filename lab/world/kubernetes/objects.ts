/** Kubernetes objects as the API holds them: a stored object always has its name, uid, version and creation time. */
import type { DaemonSet, Deployment, ReplicaSet } from 'kubernetes-types/apps/v1.d.ts';
import type { Lease } from 'kubernetes-types/coordination/v1.d.ts';
import type {
  ConfigMap,
  Event,
  Namespace,
  Node,
  Pod,
  Secret,
  Service,
  ServiceAccount,
} from 'kubernetes-types/core/v1.d.ts';
import type { OwnerReference } from 'kubernetes-types/meta/v1.d.ts';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.d.ts';
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from 'kubernetes-types/rbac/v1.d.ts';
import type { PriorityClass } from 'kubernetes-types/scheduling/v1.d.ts';

export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  /** RFC 3339 in UTC with whole seconds, as all of Kubernetes' times. */
  creationTimestamp: string;
  generation?: number;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  generateName?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
}

/** Any stored object. Objects in the store are never changed in place: a write replaces them. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  // biome-ignore lint/suspicious/noExplicitAny: an object of any kind, as JSON
  [field: string]: any;
}

/** Input of a write: JSON with partial metadata. */
export interface ObjectInput {
  apiVersion?: string;
  kind?: string;
  metadata?: Partial<ObjectMeta>;
  // biome-ignore lint/suspicious/noExplicitAny: not yet checked
  [field: string]: any;
}

type Stored<T> = { -readonly [K in keyof T as Exclude<K, 'apiVersion' | 'kind' | 'metadata'>]: T[K] } & {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
};

export type NodeObject = Stored<Node>;
export type PodObject = Stored<Pod>;
export type DeploymentObject = Stored<Deployment>;
export type ReplicaSetObject = Stored<ReplicaSet>;
export type DaemonSetObject = Stored<DaemonSet>;
export type BudgetObject = Stored<PodDisruptionBudget>;

/** The kinds that the lab itself works with, by resource: `plural` or `plural.group`. */
export interface Kinds {
  namespaces: Stored<Namespace>;
  nodes: NodeObject;
  pods: PodObject;
  events: Stored<Event>;
  configmaps: Stored<ConfigMap>;
  secrets: Stored<Secret>;
  services: Stored<Service>;
  serviceaccounts: Stored<ServiceAccount>;
  'deployments.apps': DeploymentObject;
  'replicasets.apps': ReplicaSetObject;
  'daemonsets.apps': DaemonSetObject;
  'poddisruptionbudgets.policy': BudgetObject;
  'leases.coordination.k8s.io': Stored<Lease>;
  'priorityclasses.scheduling.k8s.io': Stored<PriorityClass>;
  'clusterroles.rbac.authorization.k8s.io': Stored<ClusterRole>;
  'clusterrolebindings.rbac.authorization.k8s.io': Stored<ClusterRoleBinding>;
  'roles.rbac.authorization.k8s.io': Stored<Role>;
  'rolebindings.rbac.authorization.k8s.io': Stored<RoleBinding>;
}

/** `pods`, `deployments.apps`, `applications.argoproj.io`: see resources.ts for all of them. */
export type ResourceKey = keyof Kinds | (string & {});

export type KindOf<K extends ResourceKey> = K extends keyof Kinds ? Kinds[K] : KubeObject;

/** RFC 3339 with whole seconds. */
export function timestamp(ms: number): string {
  return secondOf(ms).stamp;
}

/** RFC 3339 with microseconds, as in events and leases. */
export function microTimestamp(ms: number): string {
  const whole = Math.floor(ms);
  return `${secondOf(ms).text}.${String(whole - Math.floor(whole / 1_000) * 1_000).padStart(3, '0')}000Z`;
}

const last = { minute: Number.NaN, upToMinute: '', second: Number.NaN, text: '', stamp: '' };

/** Cache of formatted seconds: many calls fall into the same minute. */
function secondOf(ms: number): { readonly text: string; readonly stamp: string } {
  const second = Math.floor(ms / 1_000);
  if (second === last.second) return last;
  const minute = Math.floor(second / 60);
  if (minute !== last.minute) {
    last.upToMinute = new Date(minute * 60_000).toISOString().slice(0, 17);
    last.minute = minute;
  }
  const rest = second - minute * 60;
  last.text = rest < 10 ? `${last.upToMinute}0${rest}` : `${last.upToMinute}${rest}`;
  last.stamp = `${last.text}Z`;
  last.second = second;
  return last;
}

export function controllerOf(object: { metadata: ObjectMeta }): OwnerReference | undefined {
  const { ownerReferences } = object.metadata;
  if (ownerReferences) for (const owner of ownerReferences) if (owner.controller) return owner;
  return undefined;
}

export function controlledBy(owner: KubeObject): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

export interface ConditionLike {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

export function condition(
  object: { status?: { conditions?: readonly ConditionLike[] } },
  type: string,
): ConditionLike | undefined {
  const conditions = object.status?.conditions;
  if (conditions) for (const one of conditions) if (one.type === type) return one;
  return undefined;
}

/** The transition time moves only when the status does. An equal condition is returned unchanged. */
export function withCondition<T extends ConditionLike>(
  conditions: readonly T[] | undefined,
  next: Omit<T, 'lastTransitionTime'>,
  now: number,
): T[] {
  const index = conditions?.findIndex((one) => one.type === next.type) ?? -1;
  const before = conditions?.[index];
  if (!conditions || !before) {
    const added = { ...next, lastTransitionTime: timestamp(now) } as T;
    return conditions ? [...conditions, added] : [added];
  }
  if (hasFields(before, next)) return conditions as T[];
  const list = conditions.slice();
  list[index] = {
    ...before,
    ...next,
    lastTransitionTime: before.status === next.status ? before.lastTransitionTime : timestamp(now),
  };
  return list;
}

/** The condition without reason and message: they belong to the previous status. */
export function withoutReason<T extends ConditionLike>(one: T): T {
  if (one.reason === undefined && one.message === undefined) return one;
  const { reason: _, message: __, ...bare } = one;
  return bare as T;
}

function hasFields(condition: ConditionLike, wanted: object): boolean {
  const actual = condition as unknown as Record<string, unknown>;
  const expected = wanted as Record<string, unknown>;
  for (const key in expected) if (actual[key] !== expected[key]) return false;
  return true;
}

export function isPodReady(pod: PodObject): boolean {
  return condition(pod, 'Ready')?.status === 'True';
}

export function isPodFinished(pod: PodObject): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

export function isPodTerminating(pod: PodObject): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}

/** As the controllers count it: neither finished nor terminating. */
export function isPodActive(pod: PodObject): boolean {
  return !isPodFinished(pod) && !isPodTerminating(pod);
}

export function isMirrorPod(pod: PodObject): boolean {
  return pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined;
}

export function isNodeReady(node: NodeObject): boolean {
  return condition(node, 'Ready')?.status === 'True';
}

/** Whether a pod may run on a node, without resources: selectors, affinity, taints. For scheduler and DaemonSets. */
import type { NodeSelectorTerm, PodSpec, Taint, Toleration } from 'kubernetes-types/core/v1.d.ts';
import { isPodFinished, type NodeObject, type PodObject } from './objects.ts';
import { parseQuantity } from './quantity.ts';

export function tolerates(tolerations: readonly Toleration[] | undefined, taint: Taint): boolean {
  return tolerations?.some((one) => isFor(one, taint)) ?? false;
}

/** Whether the toleration tolerates the taint. */
export function isFor(toleration: Toleration, taint: Taint): boolean {
  const { effect, key, operator, value = '' } = toleration;
  if ((effect && effect !== taint.effect) || (key && key !== taint.key)) return false;
  return operator === 'Exists' || (!!key && value === (taint.value ?? ''));
}

export function untolerated(
  spec: PodSpec | undefined,
  node: NodeObject,
  effects: readonly string[],
): Taint | undefined {
  return node.spec?.taints?.find(
    (taint) => effects.includes(taint.effect) && !tolerates(spec?.tolerations, taint),
  );
}

export function matchesNode(spec: PodSpec | undefined, node: NodeObject): boolean {
  const labels = node.metadata.labels ?? {};
  const selector = spec?.nodeSelector;
  for (const key in selector) if (labels[key] !== selector[key]) return false;
  const terms =
    spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return !terms || terms.some((term) => matchesTerm(term, node));
}

function matches(value: string | undefined, operator: string, values: readonly string[]): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      throw new Error(`unknown node selector operator "${operator}"`);
  }
}

function matchesTerm(term: NodeSelectorTerm, node: NodeObject): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  return (
    expressions.length + fields.length > 0 &&
    expressions.every((one) => matches(node.metadata.labels?.[one.key], one.operator, one.values ?? [])) &&
    fields.every((one) => matches(node.metadata.name, one.operator, one.values ?? []))
  );
}

export interface Room {
  cpu: number;
  memory: number;
  pods: number;
}

/** Resource requests of a pod: cores, bytes, one pod. */
export function requestsOf(spec: PodSpec | undefined): Room {
  const room = { cpu: 0, memory: 0, pods: 1 };
  for (const container of spec?.containers ?? []) {
    room.cpu += parseQuantity(container.resources?.requests?.['cpu']);
    room.memory += parseQuantity(container.resources?.requests?.['memory']);
  }
  return room;
}

export function allocatableOf(node: NodeObject): Room {
  const { cpu, memory, pods } = node.status?.allocatable ?? {};
  return { cpu: parseQuantity(cpu), memory: parseQuantity(memory), pods: parseQuantity(pods) };
}

/** A real or planned node with its free resources. */
export interface Bin {
  readonly node: NodeObject;
  readonly free: Room;
}

/** A node with the pods that are on it. */
export function binOf(node: NodeObject, pods: readonly PodObject[]): Bin {
  const free = allocatableOf(node);
  for (const pod of pods) if (!isPodFinished(pod)) take(free, requestsOf(pod.spec));
  return { node, free };
}

/** Reserves the pod's resources if it may run there and fits. */
export function put(pod: PodObject, { node, free }: Bin): boolean {
  const wanted = requestsOf(pod.spec);
  if (wanted.cpu > free.cpu + ROUNDING || wanted.memory > free.memory || wanted.pods > free.pods)
    return false;
  if (node.spec?.unschedulable || !matchesNode(pod.spec, node)) return false;
  if (untolerated(pod.spec, node, ['NoSchedule', 'NoExecute'])) return false;
  take(free, wanted);
  return true;
}

export function take(free: Room, used: Room): void {
  free.cpu -= used.cpu;
  free.memory -= used.memory;
  free.pods -= used.pods;
}

/** Tolerance for floating-point sums. */
export const ROUNDING = 1e-9;

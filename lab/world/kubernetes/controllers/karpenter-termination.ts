/**
 * How Karpenter takes a node away: it deletes and taints the node, evicts its pods within the budgets for as long as that
 * takes, terminates the instance, and lets go of node and claim once it is gone. A time in the annotation of the claim
 * bounds that: pods that are left are deleted so early that each has as much of its grace period as fits.
 */
import { evict, runAtOnce } from '../eviction.ts';
import {
  condition,
  isMirrorPod,
  isPodFinished,
  type KubeObject,
  type NodeObject,
  type PodObject,
  timestamp,
} from '../objects.ts';
import { tolerates } from '../placement.ts';
import { isStatus } from '../status.ts';
import type { Fleet } from '../types.ts';
import { type ControllerContext, createQueue } from './controller.ts';
import { NODE_CLAIMS, setClaimCondition, TERMINATION } from './karpenter-claims.ts';
import type { Machines } from './machines.ts';

const DISRUPTED = { key: 'karpenter.sh/disrupted', effect: 'NoSchedule' };
const DRAINING = { type: 'Drained', status: 'Unknown', reason: 'Draining', message: 'Draining' };
const TERMINATION_TIME = 'karpenter.sh/nodeclaim-termination-timestamp';
/** Refused evictions are repeated ever more slowly, at last every 10 s. */
const POLL_MS = { first: 1_000, later: 10_000, after: 60_000 };
/** A node without pods is kept so long: one may have been bound to it before the scheduler saw the taint. */
const MIN_DRAIN_MS = 5_000;
/** A pod that is so much later than its grace period is not waited for. */
const STUCK_MS = 60_000;
/** The same event about a node is published once in this time. */
const EVENT_MS = 120_000;

export interface Termination {
  /** A claim has changed, or Karpenter has come back. */
  reconcile(claim: KubeObject): void;
  /** The node was deleted: its claim is deleted too. */
  nodeDeleted(node: NodeObject): void;
}

export function createTermination(
  context: ControllerContext,
  machines: Machines,
  fleet: Fleet,
  runs: () => boolean,
  claimOf: (node: NodeObject) => KubeObject | undefined,
): Termination {
  const { registry } = context;
  const terminated = new Set<string>();
  const drain = createDrain(context);

  const queue = createQueue(context, 100, (name) => {
    const deleted = registry.find(NODE_CLAIMS, undefined, name);
    if (!deleted?.metadata.deletionTimestamp || !runs()) return;
    const claim = withTerminationTime(context, deleted);
    const instanceId =
      String(claim['status']?.providerID ?? '')
        .split('/')
        .at(-1) ?? '';
    const nodeName: string | undefined = claim['status']?.nodeName;
    const node = nodeName === undefined ? undefined : registry.find('nodes', undefined, nodeName);
    const alive = nodeName !== undefined && machines.isAlive(nodeName);
    if (node && alive) {
      if (!node.metadata.deletionTimestamp) registry.delete('nodes', undefined, node.metadata.name);
      const again = drain(node.metadata.name, claim);
      if (again === 'stands still') return;
      if (again !== 'drained') {
        queue.add(name, again);
        return;
      }
    }
    if (instanceId !== '' && !terminated.has(instanceId)) {
      terminated.add(instanceId);
      fleet.terminate(instanceId);
      queue.add(name, POLL_MS.first);
      return;
    }
    // Until the instance is gone the finalizers stay.
    if (alive || fleet.isGone?.(instanceId) === false) queue.add(name, POLL_MS.first);
    else letGo(claim, node);
  });

  const letGo = (claim: KubeObject, node: NodeObject | undefined) => {
    const without = (draft: KubeObject) => {
      draft.metadata.finalizers = (draft.metadata.finalizers ?? []).filter((one) => one !== TERMINATION);
    };
    if (node) {
      registry.modify('nodes', undefined, node.metadata.name, (draft) => without(draft as KubeObject));
      if (!node.metadata.deletionTimestamp) registry.delete('nodes', undefined, node.metadata.name);
    }
    registry.modify(NODE_CLAIMS, undefined, claim.metadata.name, without);
  };

  return {
    reconcile(claim) {
      if (claim.metadata.deletionTimestamp) queue.add(claim.metadata.name);
    },
    nodeDeleted(node) {
      const claim = claimOf(node);
      if (claim && !claim.metadata.deletionTimestamp && runs())
        registry.delete(NODE_CLAIMS, undefined, claim.metadata.name);
    },
  };
}

/** A `terminationGracePeriod` becomes a time when the claim is deleted, unless one is there. */
function withTerminationTime({ registry }: ControllerContext, claim: KubeObject): KubeObject {
  const grace: unknown = claim['spec']?.terminationGracePeriod;
  if (typeof grace !== 'string' || claim.metadata.annotations?.[TERMINATION_TIME] !== undefined) return claim;
  const at = Date.parse(claim.metadata.deletionTimestamp ?? '') + durationMs(grace);
  return registry.modify(NODE_CLAIMS, undefined, claim.metadata.name, (draft) => {
    draft.metadata.annotations = { ...draft.metadata.annotations, [TERMINATION_TIME]: timestamp(at) };
  });
}

/** One step of a drain: milliseconds until the next one is due, or how it ended. */
type DrainStep = number | 'drained' | 'stands still';

function createDrain(context: ControllerContext): (nodeName: string, claim: KubeObject) => DrainStep {
  const { registry, clock, recordEvent } = context;
  const published = new Map<string, number>();

  const publishFailure = (nodeName: string, count: number) => {
    if (clock.now() - (published.get(nodeName) ?? Number.NEGATIVE_INFINITY) < EVENT_MS) return;
    published.set(nodeName, clock.now());
    const node = registry.get('nodes', undefined, nodeName) as KubeObject;
    const message = `Failed to drain node, ${count} pods are waiting to be evicted`;
    recordEvent('karpenter', node, 'Warning', 'FailedDraining', message);
  };
  const podsOn = (nodeName: string) =>
    registry.store.podsOn(nodeName).filter((pod) => isWaitedFor(pod, clock.now()));

  return (nodeName, claim) => {
    const deadline = terminationTimeOf(claim);
    if (Number.isNaN(deadline)) return 'stands still';
    taint(context, nodeName);
    if (deadline !== undefined)
      for (const pod of podsOn(nodeName))
        if (isExpiring(pod, deadline, clock.now())) removePod(context, pod, deadline);
    const left = podsOn(nodeName);
    const isDrained = condition(claim as NodeObject, 'Drained')?.status === 'True';
    const since = isDrained
      ? Number.NEGATIVE_INFINITY
      : setClaimCondition(context, claim.metadata.name, DRAINING);
    if (left.length > 0) {
      for (const pod of firstGroup(left)) if (isEvictable(pod)) tryEvict(context, pod);
      publishFailure(nodeName, left.length);
      return untilNextStep(left, deadline, clock.now() - since, clock.now());
    }
    if (clock.now() - since < MIN_DRAIN_MS) return POLL_MS.first;
    if (!isDrained) setClaimCondition(context, claim.metadata.name, { type: 'Drained', status: 'True' });
    published.delete(nodeName);
    return 'drained';
  };
}

function taint({ registry }: ControllerContext, nodeName: string): void {
  const node = registry.get('nodes', undefined, nodeName);
  if (node.spec?.taints?.some((one) => one.key === DISRUPTED.key)) return;
  registry.modify('nodes', undefined, nodeName, (draft) => {
    draft.spec = { ...draft.spec, taints: [...(draft.spec?.taints ?? []), { ...DISRUPTED }] };
    draft.metadata.labels = {
      ...draft.metadata.labels,
      'node.kubernetes.io/exclude-from-external-load-balancers': 'karpenter',
    };
  });
}

/** What refuses it is not named: the event about the node only counts the pods. */
function tryEvict(context: ControllerContext, pod: PodObject): void {
  const { namespace = '', name, uid } = pod.metadata;
  const body = { metadata: { name, namespace }, deleteOptions: { preconditions: { uid } } };
  try {
    runAtOnce(evict(context.registry, context, { namespace, name, body, dryRun: false }));
  } catch (error) {
    if (!isStatus(error)) throw error;
  }
}

/** Past its budget, with the seconds that are left as its grace period. */
function removePod(
  { registry, recordEvent, clock }: ControllerContext,
  pod: PodObject,
  deadline: number,
): void {
  const seconds = Math.max(1, Math.floor((deadline - clock.now()) / 1_000));
  const { namespace, name } = pod.metadata;
  recordEvent(
    'karpenter',
    pod as KubeObject,
    'Normal',
    'Disrupted',
    `Deleting the pod to accommodate the terminationTime ${timestamp(deadline)} of the node. The pod was granted ${seconds} seconds of grace-period of its ${graceSecondsOf(pod)} terminationGracePeriodSeconds. This bypasses the PDB of the pod and the do-not-disrupt annotation.`,
  );
  registry.delete('pods', namespace, name, { gracePeriodSeconds: seconds });
}

function untilNextStep(
  left: readonly PodObject[],
  deadline: number | undefined,
  sinceMs: number,
  now: number,
): number {
  const isEnding = left.some((pod) => pod.metadata.deletionTimestamp);
  const poll = sinceMs < POLL_MS.after || isEnding ? POLL_MS.first : POLL_MS.later;
  const due = left.map((pod) => (deadline ?? Number.POSITIVE_INFINITY) - graceSecondsOf(pod) * 1_000 - now);
  return Math.min(poll, ...due.map((ms) => Math.max(POLL_MS.first, ms)));
}

/** The time for the pod's whole grace period has come, or what it was given reaches past the end. */
function isExpiring(pod: PodObject, deadline: number, now: number): boolean {
  if (now <= deadline - graceSecondsOf(pod) * 1_000) return false;
  const { deletionTimestamp } = pod.metadata;
  return deletionTimestamp === undefined || Date.parse(deletionTimestamp) > deadline;
}

/** Ordinary pods go first, then those of DaemonSets; critical ones after them, in the same order. */
function firstGroup(pods: readonly PodObject[]): readonly PodObject[] {
  const rank = (pod: PodObject) =>
    (pod.spec?.priorityClassName?.startsWith('system-') ? 2 : 0) +
    (pod.metadata.ownerReferences?.some(({ kind }) => kind === 'DaemonSet') ? 1 : 0);
  const first = Math.min(...pods.map(rank));
  return pods.filter((pod) => rank(pod) === first);
}

function isEvictable(pod: PodObject): boolean {
  return (
    pod.metadata.deletionTimestamp === undefined &&
    pod.metadata.annotations?.['karpenter.sh/do-not-disrupt'] !== 'true'
  );
}

/** DaemonSet pods tolerate the taint: nobody waits for them. */
function isWaitedFor(pod: PodObject, now: number): boolean {
  const { deletionTimestamp } = pod.metadata;
  const isStuck = deletionTimestamp !== undefined && now - Date.parse(deletionTimestamp) > STUCK_MS;
  return !isStuck && !isPodFinished(pod) && !isMirrorPod(pod) && !tolerates(pod.spec?.tolerations, DISRUPTED);
}

function graceSecondsOf(pod: PodObject): number {
  return pod.spec?.terminationGracePeriodSeconds ?? 30;
}

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** Virtual ms; undefined when the claim waits as long as it takes, NaN when the annotation is not a time. */
function terminationTimeOf(claim: KubeObject): number | undefined {
  const text = claim.metadata.annotations?.[TERMINATION_TIME];
  if (text === undefined) return undefined;
  return RFC_3339.test(text) ? Date.parse(text) : Number.NaN;
}

function durationMs(text: string): number {
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000 };
  let ms = 0;
  for (const [, value, unit = 's'] of text.matchAll(/(\d+)([hms])/g))
    ms += Number(value) * (units[unit] ?? 0);
  return ms;
}

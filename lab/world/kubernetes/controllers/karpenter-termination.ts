/**
 * Karpenter's node termination: taints the node, evicts its pods within the budgets without a deadline (or until
 * the claim's `terminationGracePeriod`), terminates the instance, and then removes the finalizers of node and claim.
 */
import { evict, runAtOnce } from '../eviction.ts';
import { isMirrorPod, isPodFinished, type KubeObject, type NodeObject, type PodObject } from '../objects.ts';
import { tolerates } from '../placement.ts';
import { isStatus } from '../status.ts';
import type { Fleet } from '../types.ts';
import { type ControllerContext, createQueue } from './controller.ts';
import type { Machines } from './machines.ts';

export const NODE_CLAIMS = 'nodeclaims.karpenter.sh';
/** The finalizer on claims and nodes. */
export const TERMINATION = 'karpenter.sh/termination';
const DISRUPTED = { key: 'karpenter.sh/disrupted', effect: 'NoSchedule' };
/** Refused evictions are retried with backoff, up to 10 s. */
const POLL_MS = { first: 1_000, later: 10_000, after: 60_000 };

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
  const { registry, clock, recordEvent } = context;
  const terminated = new Set<string>();

  const queue = createQueue(context, 100, (name) => {
    const claim = registry.find(NODE_CLAIMS, undefined, name);
    if (!claim?.metadata.deletionTimestamp || !runs()) return;
    const instanceId =
      String(claim['status']?.providerID ?? '')
        .split('/')
        .at(-1) ?? '';
    const nodeName: string | undefined = claim['status']?.nodeName;
    const node = nodeName === undefined ? undefined : registry.find('nodes', undefined, nodeName);
    const alive = nodeName !== undefined && machines.isAlive(nodeName);
    if (node && alive && !drained(node, claim)) {
      const since = clock.now() - Date.parse(claim.metadata.deletionTimestamp);
      queue.add(name, since < POLL_MS.after ? POLL_MS.first : POLL_MS.later);
      return;
    }
    if (instanceId !== '' && !terminated.has(instanceId)) {
      terminated.add(instanceId);
      fleet.terminate(instanceId);
      queue.add(name, POLL_MS.first);
      return;
    }
    // Until the instance is gone the finalizers stay.
    if (alive) queue.add(name, POLL_MS.first);
    else letGo(claim, node);
  });

  const drained = (node: NodeObject, claim: KubeObject): boolean => {
    taint(node);
    const deadline = deadlineOf(claim);
    const left = registry.store.podsOn(node.metadata.name).filter(isWaitedFor);
    for (const pod of left) {
      if (pod.metadata.deletionTimestamp) continue;
      if (deadline !== undefined && clock.now() >= deadline) force(pod);
      else if (pod.metadata.annotations?.['karpenter.sh/do-not-disrupt'] !== 'true') tryEvict(pod);
    }
    return left.length === 0 || (deadline !== undefined && clock.now() >= deadline);
  };

  const taint = (node: NodeObject) => {
    if (node.spec?.taints?.some((one) => one.key === DISRUPTED.key)) return;
    registry.modify('nodes', undefined, node.metadata.name, (draft) => {
      draft.spec = { ...draft.spec, taints: [...(draft.spec?.taints ?? []), { ...DISRUPTED }] };
    });
  };

  const tryEvict = (pod: PodObject) => {
    const { namespace = '', name, uid } = pod.metadata;
    const body = { metadata: { name, namespace }, deleteOptions: { preconditions: { uid } } };
    try {
      runAtOnce(evict(registry, context, { namespace, name, body, dryRun: false }));
    } catch (error) {
      if (!isStatus(error)) throw error;
      if (isStatus(error, 429) || isStatus(error, 500))
        recordEvent(
          'karpenter',
          pod as KubeObject,
          'Warning',
          'FailedDraining',
          `Failed to drain node, ${error.message}`,
        );
    }
  };

  const force = (pod: PodObject) =>
    void registry.delete('pods', pod.metadata.namespace, pod.metadata.name, { gracePeriodSeconds: 1 });

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

/** DaemonSet pods tolerate the taint and are not drained. */
function isWaitedFor(pod: PodObject): boolean {
  return !isPodFinished(pod) && !isMirrorPod(pod) && !tolerates(pod.spec?.tolerations, DISRUPTED);
}

/** Virtual ms; undefined when the claim waits as long as it takes. */
function deadlineOf(claim: KubeObject): number | undefined {
  const text: unknown = claim['spec']?.terminationGracePeriod;
  if (typeof text !== 'string') return undefined;
  const units: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1_000 };
  let ms = 0;
  for (const [, value, unit = 's'] of text.matchAll(/(\d+)([hms])/g))
    ms += Number(value) * (units[unit] ?? 0);
  return Date.parse(claim.metadata.deletionTimestamp ?? '') + ms;
}

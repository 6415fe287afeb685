/** Which pods of a node a drain touches, and how. Pure. */
import type { Pod, PodOwner } from './ports.ts';

export type Treatment =
  /** Not ours to move. */
  | { readonly do: 'leave'; readonly reason: string }
  /** It goes already: only wait until it is gone. */
  | { readonly do: 'wait' }
  | { readonly do: 'evict'; readonly finished: boolean; readonly wave: 'ordinary' | 'critical' };

/** From this priority on Kubernetes calls a pod system-critical. */
const SYSTEM_CRITICAL = 2_000_000_000;

export function treat(pod: Pod, isLive: (daemonSet: PodOwner, namespace: string) => boolean): Treatment {
  if (pod.mirror) return { do: 'leave', reason: 'a static pod of the node itself' };
  const daemonSet = daemonSetOf(pod);
  if (daemonSet && isLive(daemonSet, pod.namespace)) {
    return { do: 'leave', reason: `a pod of the DaemonSet ${daemonSet.name}` };
  }
  if (pod.terminating) return { do: 'wait' };
  return {
    do: 'evict',
    finished: pod.phase === 'Succeeded' || pod.phase === 'Failed',
    wave: isCritical(pod) ? 'critical' : 'ordinary',
  };
}

/** A custom resource that calls itself DaemonSet is none: its pods do not come back to a cordoned node. */
export function daemonSetOf(pod: Pod): PodOwner | undefined {
  return pod.controller?.kind === 'DaemonSet' && pod.controller.group === 'apps' ? pod.controller : undefined;
}

function isCritical(pod: Pod): boolean {
  return (
    pod.priority >= SYSTEM_CRITICAL ||
    pod.priorityClass === 'system-cluster-critical' ||
    pod.priorityClass === 'system-node-critical'
  );
}

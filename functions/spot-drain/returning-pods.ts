/**
 * Pods that come back to a cordoned node: they tolerate the cordon, or their controller binds them by itself, and each
 * eviction makes another. Of one owner two are moved after the cordon, and the rest are left. Pure.
 */
import { ownValue } from '#model/own-value.ts';
import type { PodState } from './pod-state.ts';
import type { Pod } from './ports.ts';

/** Pods that were bound after the cordon and moved all the same, by owner: their UIDs. */
export type Returned = Readonly<Record<string, readonly string[]>>;

const MOST_RETURNS = 2;

export function admitReturned(
  state: PodState,
  returned: Returned,
  isReturned: boolean,
): { readonly state: PodState; readonly returned: Returned } {
  const { pod } = state;
  if (!isReturned || state.phase !== 'waiting') return { state, returned };
  const owner = ownerOf(pod);
  const moved = ownValue(returned, owner) ?? [];
  if (moved.includes(pod.uid)) return { state, returned };
  if (moved.length < MOST_RETURNS) return { state, returned: { ...returned, [owner]: [...moved, pod.uid] } };
  return { state: { ...state, phase: 'left', reason: reasonOf(pod) }, returned };
}

/** Pods without a controller are made by somebody all the same, and each has another name. */
function ownerOf({ controller, namespace }: Pod): string {
  return controller?.uid ?? `${namespace}/`;
}

function reasonOf({ tolerates, controller }: Pod): string {
  const cause = tolerates
    ? `it tolerates ${tolerates}`
    : controller
      ? `the ${controller.kind} ${controller.name} binds it there`
      : 'it was bound there again';
  return `it comes back to the cordoned node as often as it is evicted: ${cause}`;
}

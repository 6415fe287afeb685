/**
 * A declared on-demand group that fills in while spot capacity is short in the morning. It rests at zero and belongs
 * to this tool: its size is never saved, only set. Pure.
 */
import type { ClusterState } from '#model/cluster-state.ts';
import { MINUTE_MS } from '#model/duration.ts';
import type { GroupStep } from './decide-group.ts';
import type { Group } from './ports.ts';

/** A group gets this long before its scaling activities are read for the reason why nodes are missing. */
export const PATIENCE_MS = 3 * MINUTE_MS;

/** Whether a scaling activity's message means that AWS has no such instance to give now. Codes and texts of the field. */
export function isCapacityShort(message: string | undefined): boolean {
  return SHORTAGES.test(message ?? '');
}

const SHORTAGES = new RegExp(
  [
    'UnfulfillableCapacity',
    'Insufficient[a-z]*Capacity',
    'SpotMaxPriceTooLow',
    'price-too-low',
    'lower than the (minimum required|current) Spot',
    'Max[ -]?Spot[ -]?Instance[ -]?Count[ -]?Exceeded',
    'ReservationCapacityExceeded',
    'no ((available|spot|on-demand|instance) )*capacity',
    'capacity[ -](is )?(currently )?(not[ -]available|unavailable|oversubscribed)',
    'unable to fulfill .*capacity',
    '(not|no) (currently )?(have )?(sufficient|enough) .*capacity',
    'insufficient .*capacity',
  ].join('|'),
  'i',
);

/** Groups whose sizes were restored a while ago and that still lack instances. */
export function lacking(
  groups: readonly Group[],
  startedAt: (group: string) => string | undefined,
  now: Date,
) {
  return groups.filter((group) => {
    const since = startedAt(group.name);
    return (
      since !== undefined &&
      now.getTime() - Date.parse(since) >= PATIENCE_MS &&
      group.instances.length < group.size.desired
    );
  });
}

export function decideFallback(
  fallback: Group,
  phase: ClusterState['phase'],
  short: readonly { readonly group: string; readonly missing: number }[],
): GroupStep {
  const rest = { min: 0, desired: 0, max: fallback.size.max };
  const to = (desired: number) => ({ ...rest, desired });
  const target = fallback.name;
  if (phase === 'stopping' || phase === 'asleep')
    return fallback.size.desired === 0
      ? { target, action: 'none', reason: 'at rest' }
      : { target, action: 'stop', reason: 'the fallback sleeps with the cluster', resize: rest };
  if (phase === 'awake')
    return fallback.size.desired === 0
      ? { target, action: 'none', reason: 'at rest' }
      : {
          target,
          action: 'stop',
          reason: 'every other group has its nodes: the fallback is not needed any more',
          resize: rest,
        };
  const missing = short.reduce((sum, one) => sum + one.missing, 0);
  const needed = Math.min(missing, fallback.size.max);
  if (needed <= fallback.size.desired)
    return { target, action: 'none', reason: 'enough for what is missing' };
  return {
    target,
    action: 'start',
    reason: `no capacity for ${short.map((one) => `${one.missing} of ${one.group}`).join(', ')}: ${needed} fill in`,
    resize: to(needed),
  };
}

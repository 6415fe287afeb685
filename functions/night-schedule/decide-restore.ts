/** What gives one group its saved sizes back, whatever the schedule says. Pure. */
import type { Versioned } from '#functions/shared/versioned.ts';
import { isSameGroup, isSettled, restoredSize, sameSize, sizeText } from './decide-group.ts';
import { isPoolOff, poolText } from './decide-warm-pool.ts';
import type { Group } from './ports.ts';
import type { SavedSize, Size, WarmPool } from './records.ts';

export type RestoreStep = {
  /** The sleep that has ended, and is not in the ledger yet. */
  readonly slept?: Sleep | undefined;
} & Change;

export interface Sleep {
  readonly from: string;
  /** ISO 8601. */
  readonly to: string;
  readonly nodes: number;
}

type Change =
  /** Written first; then the group is resized, where it does not have the size. */
  | {
      readonly kind: 'restore';
      readonly reason: string;
      readonly group: Group;
      readonly next: SavedSize;
      readonly size?: Size;
    }
  /** The sizes are restored; its warm pool follows. */
  | { readonly kind: 'restore-pool'; readonly reason: string; readonly group: Group; readonly pool: WarmPool }
  | { readonly kind: 'await'; readonly reason: string }
  /** The sizes were observed: the record is cleared. */
  | { readonly kind: 'confirm'; readonly reason: string }
  /** There is nothing that could get the sizes. */
  | { readonly kind: 'gone'; readonly reason: string };

/** `group` is the group of that name as it was observed now, if there is one. */
export function decideRestore(saved: Versioned<SavedSize>, group: Group | undefined, now: Date): RestoreStep {
  const { phase, since, asleepSince: from, size } = saved.value;
  const isOver = phase === 'restoring' || phase === 'restored';
  const slept = from && { from, to: isOver ? since : now.toISOString(), nodes: size.desired };
  return { ...decideChange(saved, group, now), slept: slept || undefined };
}

function decideChange({ value }: Versioned<SavedSize>, group: Group | undefined, now: Date): Change {
  const saved = sizeText(value.size);
  if (!group) return { kind: 'gone', reason: `there is no such group any more; its sizes were ${saved}` };
  if (!isSameGroup(value, group))
    return {
      kind: 'gone',
      reason: `the group was created again (${group.arn ?? group.autoScalingGroup}): the sizes ${saved} were those of its predecessor`,
    };
  const size = restoredSize(value.size, group);
  const isComplete = sameSize(size, group.size);
  const isRequested = value.phase === 'restoring';
  // From this phase on a size that differs was set by somebody.
  if (value.phase === 'restored' || (isRequested && isComplete)) {
    if (!isSettled(value, now))
      return {
        kind: 'await',
        reason: `an update of ${group.name} that is still in progress would show within 90 seconds`,
      };
    const { warmPool: pool } = value;
    return pool !== undefined && isPoolOff(group.warmPool)
      ? { kind: 'restore-pool', reason: `its warm pool (${poolText(pool)}) is restored`, group, pool }
      : { kind: 'confirm', reason: `its sizes are ${sizeText(group.size)}` };
  }
  const { asleepSince: _ended, ...rest } = value;
  const since = isRequested ? value.since : now.toISOString();
  return {
    kind: 'restore',
    reason: `sizes ${sizeText(size)} are restored`,
    group,
    next: { ...rest, phase: 'restoring', since },
    ...(isComplete ? {} : { size }),
  };
}

/** What a dry run leaves for people to read: how the cluster is, how it would be, and which sizes it would have saved. Pure. */
import type { Desired } from '#model/schedule.ts';
import type { Plan } from './decide-cluster.ts';
import { isAsleepSize } from './decide-group.ts';
import type { Group } from './ports.ts';
import type { DryRunNote } from './records.ts';

export interface Rehearsal {
  readonly now: Date;
  readonly desired: Desired;
  readonly plan: Plan;
  readonly groups: readonly Group[];
}

/** The note before, where nothing has changed since. */
export function rehearse(
  before: DryRunNote | undefined,
  { now, desired, plan, groups }: Rehearsal,
): DryRunNote {
  const phase = groups.length > 0 && groups.every(isAsleepSize) ? 'asleep' : 'awake';
  const isSamePhase = before?.phase === phase && before.desired === desired.state;
  const note: DryRunNote = {
    phase,
    desired: desired.state,
    reason: desired.reason,
    since: isSamePhase ? before.since : now.toISOString(),
    wouldSave: plan.stages.flat().flatMap(({ record }) => {
      const next = record?.next;
      return typeof next === 'object' && next.phase === 'stopping'
        ? [{ group: next.group, size: next.size }]
        : [];
    }),
  };
  return before && JSON.stringify(before) === JSON.stringify(note) ? before : note;
}

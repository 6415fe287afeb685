/**
 * What the warm pool of a group needs now. A pool holds what may be prepared minus the group's desired size, so it would grow
 * to max while its group sleeps: it is switched off before the group is set to zero, and restored when the nodes are Ready.
 * Pure. Loaded only where a group has a warm pool, or one is saved.
 */
import type { GroupSituation, GroupStep } from './decide-group.ts';
import type { Group } from './ports.ts';
import type { SavedSize, WarmPool } from './records.ts';

/** Changes the step that was decided for the sizes of the group. */
export function decideWarmPool(s: GroupSituation, step: GroupStep): GroupStep {
  if (s.desired.state === 'awake') return restorePool(s, step);
  const pool = s.group.warmPool;
  return pool === undefined || isPoolOff(pool) || s.warmPools === 'keep' ? step : stopPool(s, pool, step);
}

/** There is none, or it may hold nothing. */
export function isPoolOff(pool: WarmPool | undefined): boolean {
  return pool === undefined || (pool.min === 0 && pool.maxPrepared === 0);
}

export function poolText({ min, maxPrepared, state }: WarmPool): string {
  return `${state}, min ${min}, ${maxPrepared === undefined ? 'as many as the max of the group' : `at most ${maxPrepared} with the group`}`;
}

/** Instances of a pool that is kept do not count; a pool that was switched off is still restored. */
export function withoutKeptInstances({ warmInstances: _kept, ...group }: Group): Group {
  return group;
}

/** Only the pool in this pass: EKS takes one update at a time, and each change has its own decision. */
function stopPool(s: GroupSituation, pool: WarmPool, step: GroupStep): GroupStep {
  const record = s.saved?.value;
  const isRespected = s.onManualChange === 'respect' && !s.autoscalerRuns;
  if (step.action === 'warn' || step.action === 'ignore') return step;
  if (record?.phase === 'manual' && step.record === undefined) return step;
  const isSleeping = record ? record.phase === 'asleep' && record.warmPool !== undefined : s.settled;
  if (isSleeping && isRespected)
    return {
      target: step.target,
      action: 'warn',
      reason: `somebody switched its warm pool on while it sleeps (${poolText(pool)}): left alone until the next transition`,
      once: `pool#${s.group.name}`,
    };
  const { action, slept, readConfiguredSize } = step;
  const next = { ...(recordOf(step) ?? record ?? firstRecord(s)), warmPool: record?.warmPool ?? pool };
  const isSaved = recordOf(step) === undefined && record?.warmPool !== undefined;
  return {
    target: step.target,
    action: 'stop',
    reason: `${step.reason}; its warm pool (${poolText(pool)}) is switched off`,
    ...(isSaved ? {} : { record: { next, over: step.record?.over ?? s.saved?.version } }),
    warmPool: 'off',
    ...(slept ? { slept } : {}),
    ...(readConfiguredSize ? { readConfiguredSize } : {}),
    ...(action === 'fail' ? { late: step.reason } : {}),
  };
}

function recordOf({ record }: GroupStep): SavedSize | undefined {
  return record === undefined || record.next === 'clear' ? undefined : record.next;
}

/** Of a group that was at zero before the stop: only its pool is stopped. */
function firstRecord({ group, now }: GroupSituation): SavedSize {
  const { name, autoScalingGroup, arn, size } = group;
  const since = now.toISOString();
  return { group: name, autoScalingGroup, ...(arn ? { arn } : {}), size, phase: 'stopping', since };
}

/** When the nodes are Ready, or are late: before, the pool would compete with its group for instances. */
function restorePool(s: GroupSituation, step: GroupStep): GroupStep {
  const saved = s.saved?.value.warmPool;
  // One that is on was restored, or somebody switched it on: it is theirs.
  if (saved === undefined || !isPoolOff(s.group.warmPool)) return step;
  if (step.action !== 'confirm-start' && step.action !== 'fail') return step;
  return {
    target: step.target,
    action: 'start',
    reason: `${step.reason}; its warm pool is restored (${poolText(saved)})`,
    warmPool: saved,
    ...(step.action === 'fail' ? { late: step.reason } : {}),
  };
}

/**
 * Gives a cluster everything back that was saved: the sizes of its groups, then its autoscaler. Level-triggered like a
 * pass: called again until nothing is left. It waits for the sizes, not for Ready nodes.
 */
import { messageOf } from '#functions/shared/errors.ts';
import type { Versioned } from '#functions/shared/versioned.ts';
import type { Action } from '#model/decision.ts';
import { isObserved, isResumed } from './decide-autoscaler.ts';
import { decideResumption } from './decide-cron-jobs.ts';
import { isSettled } from './decide-group.ts';
import { decideRestore, type RestoreStep } from './decide-restore.ts';
import { ledgerEntries, seen } from './ledger.ts';
import type { Autoscaler, AutoscalerView, CronJobs, Groups, Memory, SavedObjects, Store } from './ports.ts';
import { cronJobObject, objectOf, type SavedAutoscaler } from './records.ts';

export interface RestorePorts {
  readonly groups: Pick<Groups, 'list' | 'resize' | 'setWarmPool'>;
  readonly store: Pick<
    Store,
    'load' | 'writeSaved' | 'clearSaved' | 'clearAutoscaler' | 'clearCronJob' | 'writeLedger'
  >;
  readonly cronJobs: Pick<CronJobs, 'resume'>;
  readonly autoscalersOf: (saved: readonly SavedAutoscaler[]) => readonly SavedObjects[];
  readonly now: () => Date;
  /** Whose dates the ledger has: that of the schedule. */
  readonly timeZone: string;
  readonly record: (entry: {
    readonly target: string;
    readonly action: Action;
    readonly reason: string;
  }) => void;
}

export interface RestoreProgress {
  /** What is not back yet, and why. */
  readonly waiting: readonly { readonly target: string; readonly reason: string }[];
  /** What only a person can restore: its record cannot be read. */
  readonly failed: readonly { readonly target: string; readonly reason: string }[];
  /** Groups that do not exist any more. Their records stay. */
  readonly gone: readonly { readonly target: string; readonly reason: string }[];
}

/** Asks AWS for the groups only where sizes are saved, and the cluster only where an autoscaler is. */
export async function restore(ports: RestorePorts): Promise<RestoreProgress> {
  const memory = await ports.store.load();
  const failed = memory.corrupt
    .filter(({ kind }) => kind === 'saved' || kind === 'autoscaler' || kind === 'cronjob')
    .map(({ item, name }) => ({
      target: name,
      reason: `the item ${item} of the table cannot be read: correct it, or restore ${name} by hand and delete the item`,
    }));
  const { waiting, gone } = await restoreSizes(ports, memory);
  const isRequested = waiting.every(({ isRequested }) => isRequested);
  const paused =
    memory.autoscaler.size === 0
      ? []
      : isRequested
        ? await resumeAutoscalers(ports, memory)
        : [{ target: 'autoscaler', reason: 'the sizes are restored first' }];
  const suspended =
    memory.cronJobs.size === 0
      ? []
      : isRequested
        ? await resumeCronJobs(ports, memory)
        : [{ target: 'cronjobs', reason: 'the sizes are restored first' }];
  return {
    waiting: [...waiting, ...paused, ...suspended].map(({ target, reason }) => ({ target, reason })),
    failed,
    gone,
  };
}

async function restoreSizes(ports: RestorePorts, memory: Memory) {
  const { saved } = memory;
  const waiting: { target: string; reason: string; isRequested: boolean }[] = [];
  const gone: { target: string; reason: string }[] = [];
  if (saved.size === 0) return { waiting, gone };
  const now = ports.now();
  const groups = new Map((await ports.groups.list()).map((group) => [group.name, group]));
  for (const [target, record] of saved) {
    const step = decideRestore(record, groups.get(target), now);
    if (step.kind === 'gone') {
      gone.push({ target, reason: step.reason });
      continue;
    }
    try {
      const isInLedger = await addToLedger(ports, memory, target, step);
      const wait = await apply(ports, target, isInLedger ? step : keepingSleep(step), record.version);
      if (wait) waiting.push({ target, ...wait });
    } catch (error) {
      waiting.push({ target, reason: messageOf(error), isRequested: false });
    }
  }
  return { waiting, gone };
}

/**
 * Sizes are worth more than figures: a ledger that cannot be written does not keep the group asleep. Its record keeps the
 * sleep then, until it is confirmed; what the ledger lacks in the end is recorded.
 */
async function addToLedger(
  { store, timeZone, record }: RestorePorts,
  { notes, saved }: Memory,
  target: string,
  { kind, slept }: RestoreStep,
): Promise<boolean> {
  if (!slept) return true;
  const { from, nodes } = slept;
  const to = new Date(slept.to);
  // Since the last pass nobody has observed that it slept.
  const { gaps } = seen(notes.seen?.value ?? { at: from, gaps: [] }, to, saved.size);
  const problem = await store
    .writeLedger(ledgerEntries({ group: target, nodes, from, to }, gaps, timeZone))
    .then((corrupt) => corrupt.map((item) => `the item ${item} cannot be read`).join(', '), messageOf);
  if (problem !== '' && kind === 'confirm')
    record({
      target,
      action: 'fail',
      reason: `the sleep of ${nodes} nodes from ${from} to ${slept.to} is not in the ledger: ${problem}`,
    });
  return problem === '';
}

function keepingSleep<S extends RestoreStep>(step: S): S {
  return step.kind === 'restore' && step.slept
    ? { ...step, next: { ...step.next, asleepSince: step.slept.from } }
    : step;
}

/** Undefined where nothing is left to do for the group. */
async function apply(
  { groups, store, record }: RestorePorts,
  target: string,
  step: Exclude<RestoreStep, { kind: 'gone' }>,
  version: number,
): Promise<{ readonly reason: string; readonly isRequested: boolean } | undefined> {
  switch (step.kind) {
    case 'await':
      return { reason: step.reason, isRequested: true };
    case 'confirm':
      if (!(await store.clearSaved(target, version))) return { reason: CHANGED, isRequested: false };
      record({ target, action: 'restore', reason: step.reason });
      return undefined;
    case 'restore-pool': {
      const intent = JSON.stringify([step.group.autoScalingGroup, step.pool, version]);
      const outcome = await groups.setWarmPool(step.group, step.pool, intent);
      if (outcome === 'busy') return { reason: BUSY, isRequested: true };
      if (outcome === 'accepted') record({ target, action: 'start', reason: step.reason });
      return { reason: step.reason, isRequested: true };
    }
    case 'restore': {
      if (!(await store.writeSaved(step.next, version))) return { reason: CHANGED, isRequested: false };
      const intent = JSON.stringify([step.group.autoScalingGroup, step.size, step.next.since, version]);
      const outcome = step.size ? await groups.resize(step.group, step.size, intent) : 'accepted';
      if (outcome === 'busy') return { reason: BUSY, isRequested: false };
      if (outcome === 'accepted') record({ target, action: 'start', reason: step.reason });
      return { reason: step.reason, isRequested: true };
    }
  }
}

/** A few at a time, as in the morning; the others wait for the next call. */
async function resumeCronJobs({ cronJobs, store, record }: RestorePorts, memory: Memory) {
  const waiting: { target: string; reason: string }[] = [];
  const batch = decideResumption(memory);
  for (const { value, version } of batch) {
    const target = `cronjob#${cronJobObject(value)}`;
    try {
      const outcome = await cronJobs.resume(value);
      if (!(await store.clearCronJob(cronJobObject(value), version)))
        waiting.push({ target, reason: CHANGED });
      else if (outcome === 'resumed')
        record({ target, action: 'resume', reason: 'it is not suspended any more' });
      else
        record({
          target,
          action: 'ignore',
          reason: 'it was deleted, or created again: its record is dropped',
        });
    } catch (error) {
      waiting.push({ target, reason: messageOf(error) });
    }
  }
  const left = memory.cronJobs.size - batch.length;
  return left > 0 ? [...waiting, { target: 'cronjobs', reason: `${left} more follow` }] : waiting;
}

const BUSY = 'another update of the group is in progress';
const CHANGED = 'its record was changed meanwhile';

async function resumeAutoscalers(ports: RestorePorts, { autoscaler: records }: Memory) {
  const waiting: { target: string; reason: string }[] = [];
  const values = [...records.values()].map(({ value }) => value);
  for (const { autoscaler, saved } of ports.autoscalersOf(values)) {
    // What cannot be observed can still be resumed from its record, or is gone.
    const view = await autoscaler.observe().catch((_unobserved: unknown) => undefined);
    for (const one of saved) {
      const target = objectOf(one);
      const wait = await resumeObject(ports, autoscaler, view, {
        value: one,
        version: records.get(target)?.version ?? 0,
      }).catch(messageOf);
      if (wait !== undefined) waiting.push({ target, reason: wait });
    }
  }
  return waiting;
}

/** Undefined where nothing is left to do for the object. */
async function resumeObject(
  { store, record, now }: RestorePorts,
  autoscaler: Autoscaler,
  view: AutoscalerView | undefined,
  { value, version }: Versioned<SavedAutoscaler>,
): Promise<string | undefined> {
  const target = objectOf(value);
  // A pass that has just saved it may pause it next.
  const isBack = view !== undefined && isResumed(view, value) && isSettled(value, now());
  const outcome = isBack ? 'resumed' : await autoscaler.resume(value);
  if (outcome === 'busy') return 'another update of the cluster is in progress';
  // What could be observed, and is not readable now, ends with the request that was accepted.
  const isUnreadable = view !== undefined && !isObserved(view, value);
  if (!isBack && outcome === 'resumed' && !isUnreadable) return 'it is resumed';
  if (!(await store.clearAutoscaler(target, version))) return CHANGED;
  if (outcome === 'resumed')
    record({
      target,
      action: 'resume',
      reason: isBack ? 'it is as before the stop' : 'its saved setting is restored, and cannot be read',
    });
  else
    record({
      target,
      action: 'ignore',
      reason: 'it does not exist any more: its saved setting is dropped',
    });
  return undefined;
}

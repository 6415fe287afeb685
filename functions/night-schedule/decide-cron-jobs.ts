/**
 * Which CronJobs are suspended with the stop, and which are resumed after the start. Pure.
 *
 * A CronJob that is resumed starts one Job at once for the newest time that it missed, however many it missed, unless its
 * `startingDeadlineSeconds` excludes that: all of them together would be the stampede.
 */
import type { Expected, Versioned } from '#functions/shared/versioned.ts';
import type { CronJobView, Memory } from './ports.ts';
import { cronJobObject, type SavedCronJob } from './records.ts';

export interface CronJobStep {
  readonly next: SavedCronJob;
  readonly over: Expected;
  /** Written first; then it is suspended. */
  readonly suspend?: CronJobView;
}

export interface Suspension {
  readonly steps: readonly CronJobStep[];
  /** Somebody resumed them while the cluster sleeps: they are left alone. */
  readonly resumedBySomebody: readonly string[];
}

/** What somebody suspended himself has no record, and stays as it is. */
export function decideSuspension(listed: readonly CronJobView[], memory: Memory, now: Date): Suspension {
  const steps: CronJobStep[] = [];
  const resumedBySomebody: string[] = [];
  for (const job of listed) {
    const object = cronJobObject(job);
    if (memory.corrupt.some(({ kind, name }) => kind === 'cronjob' && name === object)) continue;
    const record = memory.cronJobs.get(object);
    const isSame = record?.value.uid === job.uid;
    if (record && isSame && record.value.phase === 'suspended') {
      if (!job.isSuspended) resumedBySomebody.push(object);
    } else if (record && isSame && job.isSuspended) {
      steps.push({ next: { ...record.value, phase: 'suspended' }, over: record.version });
    } else if (!job.isSuspended) {
      const { namespace, name, uid } = job;
      const next: SavedCronJob = { namespace, name, uid, phase: 'suspending', since: now.toISOString() };
      steps.push({ next, over: record?.version ?? 'absent', suspend: job });
    }
  }
  return { steps, resumedBySomebody };
}

/** So many at once at least; of many a fifth. */
const FEWEST_AT_ONCE = 5;

/** The ones that are resumed in this pass. The others follow, minute by minute. */
export function decideResumption({ cronJobs }: Pick<Memory, 'cronJobs'>): readonly Versioned<SavedCronJob>[] {
  const count = Math.max(FEWEST_AT_ONCE, Math.ceil(cronJobs.size / 5));
  return [...cronJobs.values()].slice(0, count);
}

/** CronJobs whose Jobs accumulate while no node can run them. */
import { Cron } from 'croner';
import type { CronJob } from 'kubernetes-types/batch/v1.js';
import { transitions } from '#model/desired.ts';
import type { Schedule } from '#model/schedule.ts';
import { type Check, type CheckResult, whenObserved } from '../finding.ts';

const HORIZON_MS = 14 * 86_400_000;
/** One or two Jobs that wait for the morning do no harm. */
const WARN_FROM = 3;
const MAX_COUNTED = 1_000;

export const cronJobs: Check = {
  name: 'cron-jobs',
  why: 'the control plane stays up and creates Jobs all night; in the morning all of them need a node at once',
  evaluate(facts) {
    const { schedule } = facts;
    if (!schedule) return [];
    return whenObserved([facts.kubernetes.cronJobs], (jobs) => {
      const night = nextNight(schedule, facts.now);
      if (!night) return [{ severity: 'ok', found: 'the schedule has no stop in the next two weeks' }];
      const accumulating = jobs.flatMap((job): CheckResult[] => {
        const target = `${job.metadata?.namespace}/${job.metadata?.name}`;
        if (job.spec?.suspend || (job.spec?.concurrencyPolicy ?? 'Allow') !== 'Allow') return [];
        const count = runsWithin(job, night);
        if (count === undefined) {
          return [
            {
              severity: 'unknown',
              target,
              found: `its schedule "${job.spec?.schedule}" is not a valid cron expression`,
              advice: 'check it manually',
            },
          ];
        }
        if (count < WARN_FROM) return [];
        return [
          {
            severity: 'warning',
            target,
            found: `${count >= MAX_COUNTED ? `at least ${MAX_COUNTED}` : count} Jobs of the next night (${job.spec?.schedule}) wait for the morning`,
            advice: 'set concurrencyPolicy: Forbid and startingDeadlineSeconds, or suspend it at night',
          },
        ];
      });
      return accumulating.length > 0
        ? accumulating
        : [
            {
              severity: 'ok',
              found: `none of the ${jobs.length} CronJobs accumulates Jobs in the next night`,
            },
          ];
    });
  },
};

interface Interval {
  readonly from: Date;
  readonly to: Date;
}

function nextNight(schedule: Schedule, now: Date): Interval | undefined {
  const upcoming = transitions(schedule, now, new Date(now.getTime() + HORIZON_MS));
  const stop = upcoming.findIndex(({ to }) => to === 'asleep');
  const from = upcoming[stop]?.at;
  const to = upcoming[stop + 1]?.at;
  return stop >= 0 && from && to ? { from, to } : undefined;
}

/** Undefined when the expression is invalid. The control plane uses UTC unless the CronJob sets a time zone. */
function runsWithin(job: CronJob, { from, to }: Interval): number | undefined {
  const spec = job.spec as (NonNullable<CronJob['spec']> & { readonly timeZone?: string }) | undefined;
  try {
    const cron = new Cron(spec?.schedule ?? '', { timezone: spec?.timeZone ?? 'UTC', paused: true });
    let count = 0;
    for (let at = cron.nextRun(from); at && at < to && count < MAX_COUNTED; at = cron.nextRun(at)) count++;
    return count;
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

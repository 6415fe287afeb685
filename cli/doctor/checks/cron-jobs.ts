/** CronJobs whose Jobs pile up while no node is there to run them. */
import { Cron } from 'croner';
import type { CronJob } from 'kubernetes-types/batch/v1.js';
import { transitions } from '#model/desired.ts';
import { DAY_MS } from '#model/duration.ts';
import type { Schedule } from '#model/schedule.ts';
import { type Check, needing, type Verdict } from '../finding.ts';

const HORIZON_MS = 14 * DAY_MS;
/** A Job or two that wait for the morning do no harm. */
const FEW = 3;
const COUNTED = 1_000;

export const cronJobs: Check = {
  name: 'cron-jobs',
  why: 'the control plane never sleeps: it goes on making Jobs all night, and in the morning all of them want a node at once',
  judge(site) {
    const { schedule } = site;
    if (!schedule) return [];
    return needing([site.kubernetes.cronJobs], (jobs) => {
      const night = nextNight(schedule, site.now);
      if (!night) return [{ severity: 'ok', found: 'no night is ahead in the next two weeks' }];
      const piles = jobs.flatMap((job): Verdict[] => {
        const target = `${job.metadata?.namespace}/${job.metadata?.name}`;
        if (job.spec?.suspend || (job.spec?.concurrencyPolicy ?? 'Allow') !== 'Allow') return [];
        const count = runsWithin(job, night);
        if (count === undefined) {
          return [
            {
              severity: 'unknown',
              target,
              found: `its schedule "${job.spec?.schedule}" could not be read`,
              advice: 'look at it by hand',
            },
          ];
        }
        if (count < FEW) return [];
        return [
          {
            severity: 'warning',
            target,
            found: `${count >= COUNTED ? `at least ${COUNTED}` : count} Jobs of the next night (${job.spec?.schedule}) wait for the morning`,
            advice: 'set concurrencyPolicy: Forbid and startingDeadlineSeconds, or suspend it at night',
          },
        ];
      });
      return piles.length > 0
        ? piles
        : [{ severity: 'ok', found: `none of the ${jobs.length} CronJobs piles up in the next night` }];
    });
  },
};

interface Span {
  readonly from: Date;
  readonly to: Date;
}

function nextNight(schedule: Schedule, now: Date): Span | undefined {
  const coming = transitions(schedule, now, new Date(now.getTime() + HORIZON_MS));
  const stop = coming.findIndex(({ to }) => to === 'asleep');
  const from = coming[stop]?.at;
  const to = coming[stop + 1]?.at;
  return stop >= 0 && from && to ? { from, to } : undefined;
}

/** Undefined where the expression cannot be read. The control plane reads it in UTC unless it names a zone. */
function runsWithin(job: CronJob, { from, to }: Span): number | undefined {
  const spec = job.spec as (NonNullable<CronJob['spec']> & { readonly timeZone?: string }) | undefined;
  try {
    const cron = new Cron(spec?.schedule ?? '', { timezone: spec?.timeZone ?? 'UTC', paused: true });
    let count = 0;
    for (let at = cron.nextRun(from); at && at < to && count < COUNTED; at = cron.nextRun(at)) count++;
    return count;
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

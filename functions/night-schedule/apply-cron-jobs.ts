/** Suspends the CronJobs with the stop, and resumes them after the start. Loaded only where the config or a record names some. */
import pMap from 'p-map';
import { MINUTE_MS } from '#model/duration.ts';
import type { SleepState } from '#model/schedule.ts';
import { decideResumption, decideSuspension } from './decide-cron-jobs.ts';
import type { NightScheduleDeps, Pass } from './pass.ts';
import type { CronJobs } from './ports.ts';
import { cronJobObject, type SavedCronJob } from './records.ts';

const CONCURRENCY = 10;
/** While asleep CronJobs that are new are looked for every so many minutes. */
const OBSERVE_MINUTES = 5;
const TARGET = 'cronjobs';

/** `isOverdue`: the start is past its deadline. Then they are resumed all the same. */
export async function applyCronJobs(
  deps: NightScheduleDeps,
  pass: Pass,
  desired: SleepState,
  isOverdue: boolean,
): Promise<void> {
  const { cronJobs, settings } = deps;
  const { memory, now, recorder } = pass;
  if (!cronJobs) return;
  const phase = memory.state?.value.phase;
  if (desired === 'asleep') {
    const isDue = phase !== 'asleep' || Math.floor(now.getTime() / MINUTE_MS) % OBSERVE_MINUTES === 0;
    if (settings.suspendCronJobs && isDue) await recorder.guard(TARGET, () => suspend(deps, pass, cronJobs));
  } else if (memory.cronJobs.size > 0 && !settings.dryRun && (phase === 'awake' || isOverdue))
    await resume(deps, pass, cronJobs);
}

async function suspend({ settings, store }: NightScheduleDeps, pass: Pass, cronJobs: CronJobs) {
  const { memory, now, recorder } = pass;
  const { steps, resumedBySomebody } = decideSuspension(await cronJobs.list(), memory, now);
  const toSuspend = steps.flatMap(({ suspend: job }) => (job ? [cronJobObject(job)] : []));
  const suspended: string[] = [];
  if (!settings.dryRun)
    await pMap(
      steps,
      ({ next, over, suspend: job }) =>
        recorder.guard(cronJobObject(next), async () => {
          if (!(await store.writeCronJob(next, over)) || !job) return;
          if (await cronJobs.suspend(job)) suspended.push(cronJobObject(job));
        }),
      { concurrency: CONCURRENCY },
    );
  const named = settings.dryRun ? (recorder.isNews('cronjobs') ? toSuspend : []) : suspended;
  if (named.length > 0)
    recorder.record({ target: TARGET, action: 'pause', reason: `suspended with the stop: ${listOf(named)}` });
  for (const object of resumedBySomebody)
    if (recorder.isNews(`cronjob#${object}`))
      recorder.record({
        target: object,
        action: 'warn',
        reason: 'somebody resumed the CronJob while the cluster sleeps: left alone until the next transition',
      });
}

async function resume({ store }: NightScheduleDeps, { memory, recorder }: Pass, cronJobs: CronJobs) {
  const batch = decideResumption(memory);
  const resumed: string[] = [];
  await pMap(
    batch,
    ({ value, version }) => {
      const object = cronJobObject(value);
      return recorder.guard(object, async () => {
        // A reply that is lost must not look like a person's resumption when the cluster stops again soon.
        const next: SavedCronJob = { ...value, phase: 'suspending' };
        const isConfirmed = value.phase === 'suspended';
        if (isConfirmed && !(await store.writeCronJob(next, version))) return;
        const outcome = await cronJobs.resume(value);
        if (outcome === 'resumed') resumed.push(object);
        else recorder.record({ target: object, action: 'ignore', reason: GONE });
        await store.clearCronJob(object, isConfirmed ? version + 1 : version);
      });
    },
    { concurrency: CONCURRENCY },
  );
  if (resumed.length === 0) return;
  const left = memory.cronJobs.size - batch.length;
  const rest = left > 0 ? `; ${left} follow, so that their missed runs do not all begin at once` : '';
  recorder.record({
    target: TARGET,
    action: 'resume',
    reason: `resumed after the start: ${listOf(resumed)}${rest}`,
  });
}

const GONE = 'the CronJob was deleted, or created again: its record is dropped';

/** In a fixed order, whichever request ended first. */
function listOf(objects: readonly string[]): string {
  const sorted = [...objects].sort();
  const more = sorted.length > 10 ? ` and ${sorted.length - 10} more` : '';
  return sorted.slice(0, 10).join(', ') + more;
}

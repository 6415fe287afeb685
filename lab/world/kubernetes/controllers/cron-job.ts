/**
 * CronJobs, as the controller manager treats them: one Job for the newest time that has passed since the last one, however
 * many were missed, unless `startingDeadlineSeconds` excludes it. The Jobs have no pods and do not end.
 */
import { Cron } from 'croner';
import { copyOf } from '../../copy.ts';
import { controlledBy, type KubeObject, timestamp } from '../objects.ts';
import { isStatus } from '../status.ts';
import { type ControllerContext, createQueue, keyOf, splitKey } from './controller.ts';

const KEY = 'cronjobs.batch';
const JOBS = 'jobs.batch';
const SOURCE = 'cronjob-controller';
/** The controller wakes up that much after the time of the schedule. */
const NEXT_DELTA_MS = 100;
const TOO_MANY = 100;

export function createCronJobController(context: ControllerContext): void {
  const { registry, recordEvent, clock } = context;

  const queue = createQueue(context, 50, (key) => {
    const [namespace, name] = splitKey(key);
    const cronJob = registry.find(KEY, namespace, name);
    if (!cronJob || cronJob.metadata.deletionTimestamp || cronJob['spec']?.suspend === true) return;
    const schedule = scheduleOf(cronJob);
    if (!schedule)
      return recordEvent(SOURCE, cronJob, 'Warning', 'UnparseableSchedule', 'unparseable schedule');
    const now = clock.now();
    const { time, missed } = newestTime(cronJob, schedule, now);
    if (missed > TOO_MANY && time !== undefined)
      recordEvent(SOURCE, cronJob, 'Warning', 'TooManyMissedTimes', TOO_MANY_MISSED);
    if (time !== undefined) startJob(cronJob, time, now);
    const next = schedule.nextRun(new Date(now));
    if (next) queue.add(key, next.getTime() - now + NEXT_DELTA_MS);
  });

  const startJob = (cronJob: KubeObject, time: number, now: number) => {
    const { spec, status } = cronJob as KubeObject & { spec: CronJobSpec; status?: CronJobStatus };
    const deadline = spec.startingDeadlineSeconds;
    if (deadline !== undefined && time + deadline * 1_000 < now)
      return recordEvent(
        SOURCE,
        cronJob,
        'Warning',
        'MissSchedule',
        `Missed scheduled time to start a job: ${new Date(time).toUTCString()}`,
      );
    if (status?.lastScheduleTime && Date.parse(status.lastScheduleTime) === time) return;
    if (spec.concurrencyPolicy === 'Forbid' && (status?.active ?? []).length > 0)
      return recordEvent(SOURCE, cronJob, 'Normal', 'JobAlreadyActive', 'prior execution is running');
    const { namespace, name } = cronJob.metadata;
    const job = createJob(cronJob, spec, `${name}-${Math.floor(time / 60_000)}`, time);
    if (!job) return;
    recordEvent(SOURCE, cronJob, 'Normal', 'SuccessfulCreate', `Created job ${job.metadata.name}`);
    registry.modify(KEY, namespace, name, (draft) => {
      const { uid, resourceVersion } = job.metadata;
      const reference = { apiVersion: 'batch/v1', kind: 'Job', namespace, name: job.metadata.name };
      draft['status'] = {
        ...draft['status'],
        lastScheduleTime: timestamp(time),
        active: [...(draft['status']?.active ?? []), { ...reference, uid, resourceVersion }],
      };
    });
  };

  /** Undefined where there is one of its name already. */
  const createJob = (cronJob: KubeObject, spec: CronJobSpec, name: string, time: number) => {
    const { metadata = {}, spec: jobSpec } = spec.jobTemplate;
    try {
      return registry.create(JOBS, cronJob.metadata.namespace, {
        metadata: {
          name,
          labels: { ...metadata.labels },
          annotations: {
            ...metadata.annotations,
            'batch.kubernetes.io/cronjob-scheduled-timestamp': timestamp(time),
          },
          ownerReferences: [controlledBy(cronJob)],
        },
        spec: copyOf(jobSpec ?? {}),
      });
    } catch (error) {
      if (!isStatus(error, 409)) throw error;
      return undefined;
    }
  };

  registry.subscribe(({ resource, object, type }) => {
    if (resource.key === KEY && type !== 'DELETED') queue.add(keyOf(object));
  });
}

const TOO_MANY_MISSED =
  'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew';

interface CronJobSpec {
  readonly schedule: string;
  readonly timeZone?: string;
  readonly startingDeadlineSeconds?: number;
  readonly concurrencyPolicy?: string;
  readonly jobTemplate: {
    readonly metadata?: {
      readonly labels?: Record<string, string>;
      readonly annotations?: Record<string, string>;
    };
    readonly spec?: Record<string, unknown>;
  };
}

interface CronJobStatus {
  readonly lastScheduleTime?: string;
  readonly active?: readonly unknown[];
}

function scheduleOf({ spec }: KubeObject): Cron | undefined {
  try {
    return new Cron(spec?.schedule ?? '', { paused: true, timezone: spec?.timeZone ?? 'UTC' });
  } catch {
    return undefined;
  }
}

/** Virtual ms; undefined where no time has passed since the last Job, or within the starting deadline. */
function newestTime(
  cronJob: KubeObject,
  schedule: Cron,
  now: number,
): { readonly time: number | undefined; readonly missed: number } {
  const { lastScheduleTime } = (cronJob['status'] ?? {}) as CronJobStatus;
  const deadline = (cronJob['spec'] as CronJobSpec).startingDeadlineSeconds;
  const since = Date.parse(lastScheduleTime ?? cronJob.metadata.creationTimestamp);
  const earliest = deadline === undefined ? since : Math.max(since, now - deadline * 1_000);
  const after = (ms: number) => schedule.nextRun(new Date(ms))?.getTime() ?? Number.POSITIVE_INFINITY;
  const first = after(earliest);
  if (first > now) return { time: undefined, missed: 0 };
  const between = after(first) - first;
  const missed = Math.floor((now - first) / between) + 1;
  // An approximation, as the controller makes it: a schedule may be irregular.
  let time = after(first + (missed - 2) * between);
  for (let next = after(time); next <= now; next = after(time)) time = next;
  return { time: time <= now ? time : first, missed };
}

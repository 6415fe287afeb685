/** CronJobs through the Kubernetes API: found by a label selector, suspended and resumed by merge patches. */
import type { CronJobs, CronJobView } from '#functions/night-schedule/ports.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import { isRecord } from '#model/record-schema.ts';
import type { KubernetesClient } from './client.ts';
import { isNotFound, isOfAnotherObject } from './errors.ts';

const CRON_JOBS = '/apis/batch/v1/cronjobs';

/** Without a selector it can only resume what was suspended before. */
export function createCronJobs(
  client: Pick<KubernetesClient, 'request' | 'list'>,
  selector: string | undefined,
): CronJobs {
  /** False where it is gone, or is another one of its name: the API server refuses a patch with another uid. */
  const patch = async ({ namespace, name, uid }: Omit<CronJobView, 'isSuspended'>, suspend: boolean) => {
    const path = `/apis/batch/v1/namespaces/${encodeURIComponent(namespace)}/cronjobs/${encodeURIComponent(name)}`;
    try {
      await client.request({ method: 'PATCH', path, body: { metadata: { uid }, spec: { suspend } } });
      return true;
    } catch (error) {
      if (isNotFound(error) || isOfAnotherObject(error)) return false;
      throw error;
    }
  };
  return {
    async list() {
      if (selector === undefined)
        throw new NightshiftError('the config names no selector of CronJobs: they can only be resumed');
      const listed = await client.list<unknown>(CRON_JOBS, { labelSelector: selector });
      return listed.flatMap((one) => viewOf(one) ?? []);
    },
    suspend: (job) => patch(job, true),
    resume: async (saved) => ((await patch(saved, false)) ? 'resumed' : 'gone'),
  };
}

/** One that is malformed cannot be addressed, and hides none of the others. */
function viewOf(object: unknown): CronJobView | undefined {
  if (!isRecord(object) || !isRecord(object['metadata']) || !isRecord(object['spec'])) return undefined;
  const { namespace, name, uid } = object['metadata'];
  if (typeof namespace !== 'string' || typeof name !== 'string' || typeof uid !== 'string') return undefined;
  return { namespace, name, uid, isSuspended: object['spec']['suspend'] === true };
}

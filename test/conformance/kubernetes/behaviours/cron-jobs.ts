import { describe, expect, test } from 'vitest';
import { createCronJobs } from '#functions/adapters/kubernetes/cron-jobs.ts';
import type { SavedCronJob } from '#functions/night-schedule/records.ts';
import type { Bed } from '../bed.ts';
import { type Json, must } from '../objects.ts';

const HOUR_MS = 3_600_000;
const API = '/apis/batch/v1';
const SELECTOR = 'nightshift/night=suspend';

export function describeCronJobs(bed: () => Bed): void {
  describe('CronJobs', () => {
    const pathOf = (namespace: string, name: string) => `${API}/namespaces/${namespace}/cronjobs/${name}`;
    const cronJobs = () => createCronJobs(bed().clientFor('night-schedule'), SELECTOR);
    const jobsIn = async (namespace: string): Promise<readonly Json[]> =>
      (await must(bed(), 'GET', `${API}/namespaces/${namespace}/jobs`)).items;

    /** Suspended, and last scheduled some hours ago. */
    async function aCronJob(
      namespace: string,
      name: string,
      spec: Json,
      labels: Json = { 'nightshift/night': 'suspend' },
    ) {
      const container = { name: 'main', image: 'report:1' };
      await must(bed(), 'POST', `${API}/namespaces/${namespace}/cronjobs`, {
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        metadata: { name, namespace, labels },
        spec: {
          suspend: true,
          jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers: [container] } } } },
          ...spec,
        },
      });
      const lastScheduleTime = new Date(bed().clock.now().getTime() - 3 * HOUR_MS).toISOString().slice(0, 19);
      return must(bed(), 'PATCH', `${pathOf(namespace, name)}/status`, {
        status: { lastScheduleTime: `${lastScheduleTime}Z` },
      });
    }
    const savedOf = ({ metadata }: Json): SavedCronJob => ({
      namespace: metadata.namespace,
      name: metadata.name,
      uid: metadata.uid,
      phase: 'suspended',
      since: '2026-11-24T13:00:00Z',
    });
    /** Half an hour from now on, so that no time of it passes during the test. */
    const hourly = () => `${(bed().clock.now().getUTCMinutes() + 30) % 60} * * * *`;

    test('are found by a label selector in every namespace, and suspended and resumed by merge patches', async () => {
      const [one, two] = [await bed().addNamespace(), await bed().addNamespace()];
      const created = await aCronJob(one, 'selected', { schedule: hourly(), suspend: false });
      await aCronJob(two, 'selected', { schedule: hourly() });
      await aCronJob(two, 'another', { schedule: hourly() }, {});
      const listed = async () =>
        (await cronJobs().list())
          .filter(({ namespace }) => namespace === one || namespace === two)
          .map(({ namespace, name, isSuspended }) => [namespace, name, isSuspended]);
      expect(await listed()).toEqual([
        [one, 'selected', false],
        [two, 'selected', true],
      ]);
      expect(await cronJobs().suspend({ ...savedOf(created), isSuspended: false })).toBe(true);
      const { spec } = await must(bed(), 'GET', pathOf(one, 'selected'));
      expect(spec).toEqual({ ...created.spec, suspend: true });
    });

    test('start one Job at once when they are resumed, for the newest of the times that they missed, even after hundreds', async () => {
      const namespace = await bed().addNamespace();
      const cronJob = await aCronJob(namespace, 'report', { schedule: '* * * * *' });
      expect(await jobsIn(namespace)).toEqual([]);
      expect(await cronJobs().resume(savedOf(cronJob))).toBe('resumed');
      const [job] = await bed().until('a Job is started', async () => {
        const jobs = await jobsIn(namespace);
        return jobs.length > 0 && jobs;
      });
      const name = `report-${Math.floor(bed().clock.now().getTime() / 60_000)}`;
      expect([name, `report-${Number(name.slice(7)) - 1}`]).toContain(job.metadata.name);
      expect((await jobsIn(namespace)).length).toBeLessThanOrEqual(2);
    });

    test('with a starting deadline that has passed start none of what they missed', async () => {
      const namespace = await bed().addNamespace();
      const strict = await aCronJob(namespace, 'strict', { schedule: hourly(), startingDeadlineSeconds: 60 });
      const lenient = await aCronJob(namespace, 'lenient', { schedule: hourly() });
      await cronJobs().resume(savedOf(strict));
      await cronJobs().resume(savedOf(lenient));
      await bed().until('the lenient one has started', async () => (await jobsIn(namespace)).length > 0);
      const owners = (await jobsIn(namespace)).map(({ metadata }) => metadata.ownerReferences[0].name);
      expect(owners).toEqual(['lenient']);
    });

    test('that were created again, or are gone, are left alone', async () => {
      const namespace = await bed().addNamespace();
      const cronJob = await aCronJob(namespace, 'again', { schedule: hourly() });
      const another = { ...savedOf(cronJob), uid: '00000000-0000-4000-8000-000000000000' };
      expect(await cronJobs().resume(another)).toBe('gone');
      expect((await must(bed(), 'GET', pathOf(namespace, 'again'))).spec.suspend).toBe(true);
      expect(await cronJobs().resume({ ...another, name: 'nobody' })).toBe('gone');
    });
  });
}

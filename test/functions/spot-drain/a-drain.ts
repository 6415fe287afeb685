/** A drain of one node in memory, by itself: without a claim and without an event. */
import { type DrainPorts, drainPods } from '#functions/spot-drain/drain.ts';
import type { DrainOrder } from '#functions/spot-drain/drain-state.ts';
import type { DrainReport } from '#functions/spot-drain/pod-state.ts';
import type { Pod } from '#functions/spot-drain/ports.ts';
import { aClock, START, type TestClock } from './a-clock.ts';
import { aCluster, INSTANCE, NODE, type TestCluster } from './a-cluster.ts';

export const NOTICE_MS = 115_000;

export const FORBIDDEN = {
  status: 403,
  reason: 'Forbidden',
  detail: 'pods "web" is forbidden: User "nightshift" cannot create resource "pods/eviction" in API group ""',
  isRefusedByRbac: true,
};

export function at(ms: number): Date {
  return new Date(START.getTime() + ms);
}

export function outcomes(report: DrainReport): Record<string, string> {
  return Object.fromEntries(report.pods.map((one) => [one.pod.name, one.outcome]));
}

export async function drained(
  pods: readonly Pod[],
  { isStillOurs = async () => true, ...order }: Partial<DrainOrder & Pick<DrainPorts, 'isStillOurs'>> = {},
  prepare: (cluster: TestCluster, clock: TestClock) => void = () => undefined,
) {
  const clock = aClock();
  const cluster = aCluster(clock, pods);
  prepare(cluster, clock);
  const report = await clock.run(
    drainPods(
      { node: NODE, instanceId: INSTANCE, noticeTime: START, until: at(NOTICE_MS), force: false, ...order },
      { cluster, clock, isStillOurs },
    ),
  );
  return { report, cluster, clock };
}

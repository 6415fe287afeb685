import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isStatus } from '#lab/world/kubernetes/status.ts';
import { aRunningCluster } from './cluster.ts';

test('no order of evictions brings the ready pods below their budget', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        replicas: fc.integer({ min: 1, max: 8 }),
        budget: fc.oneof(
          fc.record({ minAvailable: fc.oneof(fc.nat(9), fc.constantFrom('25%', '50%', '100%')) }),
          fc.record({ maxUnavailable: fc.oneof(fc.nat(4), fc.constantFrom('0%', '30%', '60%')) }),
        ),
        steps: fc.array(
          fc.oneof(
            fc.record({ evict: fc.nat(20) }),
            fc.record({ pass: fc.double({ min: 0.01, max: 15, noNaN: true }) }),
          ),
          { maxLength: 30 },
        ),
      }),
      async ({ replicas, budget, steps }) => {
        const cluster = await aRunningCluster(2);
        const { kubernetes } = cluster;
        kubernetes.addDeployment({ name: 'api', replicas });
        kubernetes.addPdb({ name: 'api', matchLabels: { app: 'api' }, ...budget });
        await cluster.run(60);
        const { desiredHealthy = 0 } =
          kubernetes.api.get('poddisruptionbudgets.policy', 'default', 'api').status ?? {};
        const healthy = () =>
          cluster.readyPods({ app: 'api' }).filter((pod) => !pod.metadata.deletionTimestamp).length;
        const least = Math.min(desiredHealthy, healthy());
        for (const step of steps) {
          if ('pass' in step) await cluster.run(step.pass);
          else {
            const pods = cluster.pods({ app: 'api' });
            const name = pods[step.evict % pods.length]?.metadata.name ?? '';
            try {
              kubernetes.evictPod('default', name);
            } catch (error) {
              expect(isStatus(error, 429)).toBe(true);
            }
          }
          expect(healthy()).toBeGreaterThanOrEqual(least);
        }
        await cluster.run(120);
        expect(healthy()).toBe(replicas);
      },
    ),
    { numRuns: 40 },
  );
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ArgocdError } from '#lab/world/argocd/index.ts';
import { aBench, anApplication } from './builders.ts';

const actions = fc.array(
  fc.oneof(
    fc.constantFrom('push', 'sync', 'foreign', 'terminate', 'sleep', 'wake', 'fail', 'refresh'),
    fc.integer({ min: 1, max: 900 }),
  ),
  { minLength: 5, maxLength: 30 },
);
const shapes = fc.record({
  auto: fc.boolean(),
  retry: fc.integer({ min: 0, max: 3 }),
  before: fc.boolean(),
  after: fc.boolean(),
});

test('whatever is done to an application, no operation is left over once the nodes are back', async () => {
  await fc.assert(
    fc.asyncProperty(shapes, actions, async ({ auto, retry, before, after }, steps) => {
      const bench = aBench();
      const { argocd, workloads } = bench;
      argocd.addApplication(
        anApplication({
          retry: { limit: retry },
          ...(auto ? { autoSync: { selfHeal: true } } : {}),
          hooks: [
            ...(before ? [{ phase: 'PreSync', name: 'before', namespace: 'api', seconds: 30 } as const] : []),
            ...(after ? [{ phase: 'PostSync', name: 'after', namespace: 'api', seconds: 30 } as const] : []),
          ],
        }),
      );
      const caller = argocd.authenticate(argocd.addToken({ project: 'develop', role: 'deployer' }));
      let pushes = 0;
      const attempt = (run: () => unknown) => {
        try {
          run();
        } catch (error) {
          if (!(error instanceof ArgocdError) || ![3, 9].includes(error.code)) throw error;
        }
      };
      for (const step of steps) {
        if (typeof step === 'number') await bench.pass(step);
        else if (step === 'push') bench.push(`${++pushes}`.padStart(40, '0'));
        else if (step === 'sync') attempt(() => argocd.sync(caller, { name: 'api' }));
        else if (step === 'foreign') attempt(() => argocd.startForeignSync('api'));
        else if (step === 'terminate') attempt(() => argocd.terminate(caller, { name: 'api' }));
        else if (step === 'sleep') workloads.awake = false;
        else if (step === 'wake') workloads.awake = true;
        else if (step === 'fail') argocd.failNextSync('api', { phase: 'Failed', message: 'no' });
        else argocd.get(caller, { name: 'api' }, 'normal');
        const { operation, status } = argocd.application('api') ?? {};
        const phase = status?.operationState?.phase;
        if (phase === 'Running' || phase === 'Terminating') expect(operation).toBeDefined();
      }
      workloads.awake = true;
      await bench.pass(3600);
      const { operation, status } = argocd.get(caller, { name: 'api' }, 'normal');
      expect(operation).toBeUndefined();
      expect(status.operationState?.phase ?? 'Succeeded').toMatch(/Succeeded|Failed|Error/);
      expect(status.health.status).toBe('Healthy');
      if (status.operationState?.phase === 'Succeeded' && status.sync.status === 'Synced') {
        expect(status.sync.revision).toBe(bench.git.revisionOf('https://github.com/example/api', 'develop'));
      }
    }),
    { numRuns: 60, seed: 5 },
  );
});

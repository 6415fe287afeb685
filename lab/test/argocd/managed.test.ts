/** The Argo CD that EKS runs: the same controller, with times that nobody can change. */
import { expect, test } from 'vitest';
import { aBench, anApplication, FIRST, SECOND } from './builders.ts';

test('looks into the repository every 6 minutes', async () => {
  const bench = aBench({ managed: true });
  bench.argocd.addApplication(anApplication());
  await bench.pass(30);
  bench.push(SECOND);
  const seen: (string | undefined)[] = [];
  for (let minute = 0; minute < 7; minute++) {
    seen.push(bench.argocd.application('api')?.status.sync.revision);
    await bench.pass(60);
  }
  expect(seen[0]).toBe(FIRST);
  expect(bench.argocd.application('api')?.status.sync.revision).toBe(SECOND);
});

test.each([
  [true, 'Failed', 'Operation terminated, triggered by controller sync timeout'],
  [false, 'Succeeded', undefined],
])('ends a sync after 120 s, managed: %j', async (managed, phase, message) => {
  const bench = aBench({ managed });
  bench.argocd.addApplication(anApplication({ syncSeconds: 300 }));
  await bench.pass(30);
  bench.push(SECOND);
  bench.argocd.startForeignSync('api');
  await bench.pass(115);
  expect(bench.argocd.application('api')?.status.operationState?.phase).toBe('Running');
  await bench.pass(managed ? 10 : 240);
  const state = bench.argocd.application('api')?.status.operationState;
  expect(state?.phase).toBe(phase);
  if (message) expect(state?.message).toBe(message);
  expect(bench.argocd.application('api')?.operation).toBeUndefined();
});

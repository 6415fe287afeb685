import { expect, test } from 'vitest';
import { table } from './bench.ts';
import { withServers } from './servers.ts';

const options = { runs: 1, log: () => undefined };

test('a bench without its servers does not run, and says what is missing and how to build it', async () => {
  const bench = withServers('karpenter', 'karpenter', () => Promise.reject(new Error('it ran')), {});
  const result = await bench(options);
  expect(result.figures).toEqual([]);
  expect(table(result)).toMatch(
    /^karpenter: not measured: KARPENTER_ASSETS is not set\. .*karpenter\/build\.sh.*KUBEBUILDER_ASSETS$/,
  );
});

test('a folder without the programs is named', async () => {
  const bench = withServers('argocd', 'argocd', () => Promise.reject(new Error('it ran')), {
    ARGOCD_ASSETS: `${import.meta.dirname}/argocd`,
    // A server of somebody is not what a bench needs.
    ARGOCD_SERVER: 'argocd.example.com',
    ARGOCD_AUTH_TOKEN: 'token',
  });
  expect((await bench(options)).missing).toMatch(/^ARGOCD_ASSETS has no argocd, /);
});

import { expect, test } from 'vitest';
import { checkedOn } from '../checked-on.ts';
import { argocdBehaviours } from './behaviours/index.ts';
import { givenServer, isGiven } from './given-server.ts';
import { openRealStage, type RealStage } from './real-stage.ts';

const { env } = process;
// Both are possible: a server of somebody, on which nothing is changed, and one that is started here.
if (isGiven(env)) givenServer(env);
if (env['ARGOCD_ASSETS']) {
  const { stage } = argocdBehaviours<RealStage>(() => openRealStage(env));
  checkedOn(() => stage()?.software ?? 'not reached');

  test('the Role of manifests/argocd is all that was needed through the Kubernetes API, and nothing is left over', async () => {
    const asked = (await stage()?.requestsOf('branch-deploy')) ?? [];
    expect(asked.filter(({ status }) => status === 403)).toEqual([]);
    const rights = asked.map(({ verb, group, resource }) => `${verb} ${resource}.${group}`);
    expect([...new Set(rights)].sort()).toEqual([
      'get applications.argoproj.io',
      'patch applications.argoproj.io',
    ]);
  });
}

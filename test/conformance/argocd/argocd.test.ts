import { expect, test } from 'vitest';
import { createArgocdServer } from '#functions/adapters/argocd/server.ts';
import { checkedOn } from '../checked-on.ts';
import { argocdBehaviours } from './behaviours/index.ts';
import { givenServer, isGiven } from './given-server.ts';
import { openRealStage, type RealStage } from './real-stage.ts';
import { PROJECT, ROLE, settingsOf } from './stage.ts';

const { env } = process;
// Both are possible: a server of somebody, on which nothing is changed, and one that is started here.
if (isGiven(env)) givenServer(env);
if (env['ARGOCD_ASSETS']) startedHere();

function startedHere(): void {
  let stage: () => RealStage | undefined = () => undefined;
  const opened = () => {
    const open = stage();
    if (!open) throw new Error('the stage is not open');
    return open;
  };
  checkedOn(() => stage()?.software ?? 'not reached');

  test('an API server below a path, without TLS on the loopback, is asked there', async () => {
    await opened().addApplication({ name: 'x-below' });
    const url = await opened().startBelow('/argocd');
    const token = await opened().projectToken(PROJECT, ROLE);
    const argocd = createArgocdServer({
      argocd: { url, insecureLoopback: true },
      token: { read: async () => token, readAgain: async () => token },
    });
    expect(await argocd.read(settingsOf({ name: 'x-below' }), { refresh: true })).toMatchObject({ ok: true });
    expect(await argocd.sync(settingsOf({ name: 'x-below' }), 'deploy-1')).toMatchObject({
      ok: true,
      value: { pendingOperation: { deployIds: ['deploy-1'] } },
    });
    argocd.close();
  });

  ({ stage } = argocdBehaviours(() => openRealStage(env)));

  test('the Role of manifests/argocd is all that was needed through the Kubernetes API, and nothing is left over', async () => {
    const asked = await opened().requestsOf('branch-deploy');
    expect(asked.filter(({ status }) => status === 403)).toEqual([]);
    const rights = asked.map(({ verb, group, resource }) => `${verb} ${resource}.${group}`);
    expect([...new Set(rights)].sort()).toEqual([
      'get applications.argoproj.io',
      'patch applications.argoproj.io',
    ]);
  });
}

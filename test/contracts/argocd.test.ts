/**
 * One Argo CD once more: as the simulation shows it to branch-deploy. The same contract holds for its server behind
 * HTTPS and for its objects behind the Kubernetes API, in test/functions/adapters/argocd/.
 */

import { argocdContract, type Subject } from '#test/functions/adapters/argocd/contract.ts';
import { createArgocdServerWire } from '#test/simulation/deploy/argocd-server.ts';

argocdContract('the Argo CD of the simulation', async ({ argocd }): Promise<Subject> => {
  let token = argocd.addToken({ project: 'default', role: 'nightshift', policies: ['get', 'sync'] });
  let requests = 0;
  const ignore = () => undefined;
  return {
    argocd: createArgocdServerWire({
      argocd,
      token: { cached: () => token, readAgain: async () => token },
      isDown: () => false,
      observer: { read: ignore, sync: ignore, synced: ignore, shown: ignore },
      around: async <T>(_call: string, act: () => T): Promise<Awaited<T>> => {
        requests++;
        return await act();
      },
    }),
    readOnly() {
      token = argocd.addToken({ project: 'default', role: 'reader', policies: ['get'] });
    },
    requests: () => requests,
    close: async () => undefined,
  };
});

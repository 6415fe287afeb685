/** On a real Argo CD whose applications run real pods: Kubernetes' controllers make them, a scripted kubelet runs them. */
import { describe, expect, test } from 'vitest';
import { isOnPath } from '#test/conformance/servers/parts.ts';
import { checkedOn } from '../checked-on.ts';
import { imageBehaviours } from './behaviours/index.ts';
import { SOURCE_PATH } from './files.ts';
import { openRealStage } from './real-stage.ts';
import { settingsOf } from './stage.ts';

const { env } = process;
if (env['ARGOCD_ASSETS']) {
  const { stage } = imageBehaviours(() => openRealStage(env, { pods: true }), {
    kustomize: isOnPath('kustomize', env),
    helm: isOnPath('helm', env),
  });
  checkedOn(() => stage()?.software ?? 'not reached');

  describe('an Application with a source hydrator', () => {
    const name = 'x-hydrated';

    test('is admitted by the definitions of the release, and its dry source is what is read', async () => {
      const opened = stage();
      if (!opened) throw new Error('the stage is not open');
      await opened.addApplication({ name, project: 'images' });
      const drySource = { repoURL: opened.repository, targetRevision: name, path: SOURCE_PATH };
      const syncSource = { targetBranch: `${name}-hydrated`, path: SOURCE_PATH };
      await opened.patchObject(name, { spec: { source: null, sourceHydrator: { drySource, syncSource } } });
      const read = await opened.objects().read(settingsOf({ name, project: 'images' }));
      expect(read).toMatchObject({
        ok: true,
        value: {
          sources: [{ repository: opened.repository, targetRevision: name }],
          hydration: expect.any(Object),
        },
      });
    });

    test('keeps the commits of its last operation where they are looked for', async () => {
      const opened = stage();
      if (!opened) throw new Error('the stage is not open');
      const dry = await opened.head(name);
      const hydrated = 'b'.repeat(40);
      const operation = {
        drySHA: dry,
        hydratedSHA: hydrated,
        sourceHydrator: (await opened.object(name)).spec?.sourceHydrator,
      };
      await opened.patchObject(name, { status: { sourceHydrator: { lastSuccessfulOperation: operation } } });
      const read = await opened.objects().read(settingsOf({ name, project: 'images' }));
      expect(read).toMatchObject({ ok: true, value: { hydration: { dry, hydrated } } });
    });
  });
}

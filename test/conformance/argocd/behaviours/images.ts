/** What runs: live pods, restarts, images that are set on the Application, and named revisions. */
import { describe, expect, test } from 'vitest';
import type { Argocd, LivePod } from '#functions/branch-deploy/ports.ts';
import type { ApplicationSettings } from '#model/settings.ts';
import { aDesk } from '../desk.ts';
import { imageRepositoryOf, ROLE, type Stage, settingsOf } from '../stage.ts';

const PROJECT = 'images';
const DIGEST = expect.stringMatching(/^sha256:[0-9a-f]{64}$/);

export interface ImageOptions {
  /** False where Argo CD has no kustomize to render with. */
  readonly kustomize: boolean;
  /** The same for Helm. */
  readonly helm: boolean;
}

export function images(stage: () => Stage, { kustomize, helm }: ImageOptions): void {
  const settings = (name: string) => settingsOf({ name, project: PROJECT });
  const server = async (role = ROLE) => stage().server(await stage().projectToken(PROJECT, role));
  const ways = { server, kubernetes: async () => stage().objects() };

  const podsOf = async (argocd: Argocd, name: string) => {
    const reply = await argocd.pods(settings(name));
    if (!reply.ok) throw new Error(`${reply.error.kind}: ${reply.error.detail}`);
    return reply.value;
  };
  const started = (pods: readonly LivePod[]) =>
    pods.length > 0 && pods.every(({ containers }) => containers.every((one) => one.started)) && pods;
  /** It is Synced and Healthy, and its pods have started. */
  const synced = async (argocd: Argocd, name: string, deploy: string) => {
    const reply = await argocd.sync(settings(name), deploy);
    if (!reply.ok) throw new Error(`${reply.error.kind}: ${reply.error.detail}`);
    await stage().until(`${name} is Healthy after ${deploy}`, async () => {
      const read = await argocd.read(settings(name), { refresh: true });
      if (!read.ok) return false;
      const { operation, sync, health } = read.value;
      return (
        operation?.phase === 'Succeeded' &&
        operation.deployIds.includes(deploy) &&
        sync === 'Synced' &&
        health === 'Healthy'
      );
    });
    return stage().until(`the pods of ${name}`, async () => started(await podsOf(argocd, name)));
  };
  const imagesOf = (pods: readonly LivePod[]) =>
    pods.flatMap(({ containers }) => containers.map(({ image }) => image));

  describe('live pods', () => {
    test.each(['server', 'kubernetes'] as const)(
      'are shown with their image, its digest and their workload, through the %s; after a rollout only the new ones',
      async (way) => {
        const name = `i-pods-${way}`;
        await stage().addApplication({ name, project: PROJECT });
        const argocd = await ways[way]();
        const before = await synced(argocd, name, 'deploy-1');
        expect(before).toEqual([
          {
            name: expect.stringContaining(name),
            workload: { group: 'apps', version: 'v1', kind: 'Deployment', namespace: 'app', name },
            containers: [
              {
                image: expect.stringMatching(new RegExp(`^${imageRepositoryOf(name)}:`)),
                started: true,
                digests: [DIGEST],
              },
            ],
          },
        ]);
        await stage().push(name);
        const after = await synced(argocd, name, 'deploy-2');
        await stage().until('the new pod alone', async () => (await podsOf(argocd, name)).length === 1);
        expect(imagesOf(after)).not.toEqual(imagesOf(before));
      },
    );
  });

  describe('a restart', () => {
    test.each(['server', 'kubernetes'] as const)(
      'replaces the pods and leaves their image, through the %s',
      async (way) => {
        const name = `i-restart-${way}`;
        await stage().addApplication({ name, project: PROJECT });
        const argocd = await ways[way]();
        const [before] = await synced(argocd, name, 'deploy-1');
        if (!before?.workload) throw new Error('no workload');
        expect(await argocd.restart(settings(name), before.workload, stage().now())).toMatchObject({
          ok: true,
        });
        const after = await stage().until('the new pod', async () => {
          const pods = started(await podsOf(argocd, name));
          return pods !== false && pods.every(({ name: own }) => own !== before.name) && pods;
        });
        expect(imagesOf(after)).toEqual(imagesOf([before]));
      },
    );

    test('leaves the application Synced', async () => {
      const name = 'i-restart-server';
      const read = await (await server()).read(settings(name), { refresh: true });
      expect(read).toMatchObject({ ok: true, value: { sync: 'Synced' } });
    });

    test('is refused without the right to the action', async () => {
      const name = 'i-restart-server';
      const [pod] = await podsOf(await server(), name);
      if (!pod?.workload) throw new Error('no workload');
      const reply = await (await server('sync-only')).restart(settings(name), pod.workload, stage().now());
      expect(reply).toMatchObject({ ok: false, error: { kind: 'forbidden' } });
    });

    test('of an object that the application does not have is refused', async () => {
      const workload = { group: 'apps', version: 'v1', kind: 'Deployment', namespace: 'app', name: 'other' };
      const reply = await (await server()).restart(settings('i-restart-server'), workload, stage().now());
      expect(reply).toMatchObject({ ok: false, error: { kind: 'permanent' } });
    });
  });

  describe.runIf(kustomize)('an image that is set on the Application', () => {
    test('runs after the next sync', async () => {
      const name = 'i-parameter-server';
      await stage().addApplication({ name, project: PROJECT, kustomize: true });
      const argocd = await server();
      await synced(argocd, name, 'deploy-1');
      const repository = imageRepositoryOf(name);
      for (const version of ['built-1', 'built-2'])
        expect(await argocd.setImages(settings(name), [{ repository, version }], 0)).toMatchObject({
          ok: true,
        });
      const { spec } = await stage().object(name);
      expect(spec?.source).toMatchObject({
        targetRevision: name,
        kustomize: { images: [`${repository}:built-2`] },
      });
      const read = await stage().until('the comparison', async () => {
        const reply = await argocd.read(settings(name), { refresh: true });
        return reply.ok && reply.value.sync === 'OutOfSync' && reply.value;
      });
      expect(read.overrides).toEqual([{ images: [`${repository}:built-2`], parameters: {} }]);
      const pods = await synced(argocd, name, 'deploy-2');
      expect(imagesOf(pods)).toContain(`${repository}:built-2`);
    });

    test('is refused through the Kubernetes API by the policy of manifests/argocd, which names no image', async () => {
      const name = 'i-parameter-kubernetes';
      await stage().addApplication({ name, project: PROJECT, kustomize: true });
      const argocd = stage().objects();
      await synced(argocd, name, 'deploy-1');
      const repository = imageRepositoryOf(name);
      const reply = await argocd.setImages(settings(name), [{ repository, version: 'built-1' }], 0);
      expect(reply).toMatchObject({
        ok: false,
        error: { detail: expect.stringContaining('ValidatingAdmissionPolicy') },
      });
      const { spec } = await stage().object(name);
      expect(spec?.source).not.toHaveProperty('kustomize');
    });

    test('needs the right to update the Application', async () => {
      const name = 'i-parameter-server';
      const repository = imageRepositoryOf(name);
      const argocd = await server('sync-only');
      expect(await argocd.setImages(settings(name), [{ repository, version: 'x' }], 0)).toMatchObject({
        ok: false,
        error: { kind: 'forbidden' },
      });
    });
  });

  test.runIf(helm)('a Helm parameter that is set on the Application runs after the next sync', async () => {
    const name = 'i-parameter-helm';
    await stage().addApplication({ name, project: PROJECT, helm: true });
    const argocd = await server();
    await synced(argocd, name, 'deploy-1');
    const repository = imageRepositoryOf(name);
    for (const [helmParameter, version] of [
      ['other.tag', 'kept'],
      ['image.tag', 'built-1'],
      ['image.tag', 'built-2'],
    ] as const)
      expect(
        await argocd.setImages(settings(name), [{ repository, version, helmParameter }], 0),
      ).toMatchObject({ ok: true });
    const { spec } = await stage().object(name);
    expect(spec?.source?.helm?.parameters).toMatchObject([
      { name: 'other.tag', value: 'kept' },
      { name: 'image.tag', value: 'built-2' },
    ]);
    const pods = await synced(argocd, name, 'deploy-2');
    expect(imagesOf(pods)).toContain(`${repository}:built-2`);
    const read = await argocd.read(settings(name));
    expect(read).toMatchObject({
      ok: true,
      value: { overrides: [{ parameters: { 'other.tag': 'kept', 'image.tag': 'built-2' } }] },
    });
  });

  describe('a named revision', () => {
    test.each(['server', 'kubernetes'] as const)(
      'is synced although the branch has moved on, and the application is OutOfSync then, through the %s',
      async (way) => {
        const name = `i-revision-${way}`;
        await stage().addApplication({ name, project: PROJECT });
        const revision = await stage().push(name);
        const later = await stage().push(name);
        const argocd = await ways[way]();
        const reply = await argocd.sync(settings(name), 'deploy-1', { revision });
        expect(reply).toMatchObject({ ok: true });
        const view = await stage().until('the sync', async () => {
          const read = await argocd.read(settings(name), { refresh: true });
          return (
            read.ok &&
            read.value.operation?.phase === 'Succeeded' &&
            read.value.sync === 'OutOfSync' &&
            read.value.health === 'Healthy' &&
            read.value
          );
        });
        expect(view.operation?.revisions).toEqual([revision]);
        expect(view.revisions).toEqual([later]);
      },
    );

    test.each(['server', 'kubernetes'] as const)(
      'of one of two sources leaves the other at its branch, through the %s',
      async (way) => {
        const name = `i-sources-${way}`;
        await stage().addApplication({ name, project: PROJECT, secondSource: true });
        const revision = await stage().head(name);
        const second = await stage().head(`${name}-2`);
        const later = await stage().push(name);
        const argocd = await ways[way]();
        const revisions = [{ position: 1, revision }];
        expect(await argocd.sync(settings(name), 'deploy-1', { revisions })).toMatchObject({ ok: true });
        const view = await stage().until('the sync', async () => {
          const read = await argocd.read(settings(name), { refresh: true });
          return read.ok && read.value.operation?.phase === 'Succeeded' && read.value;
        });
        expect(view.operation?.revisions).toEqual([revision, second]);
        expect(view.revisions).toEqual([later, second]);
      },
    );

    test('is refused while the application syncs by itself', async () => {
      const name = 'i-revision-auto';
      await stage().addApplication({ name, project: PROJECT, autoSync: { prune: true } });
      const first = await stage().head(name);
      await stage().push(name);
      const argocd = await server();
      expect(await argocd.sync(settings(name), 'deploy-1', { revision: first })).toMatchObject({
        ok: false,
        error: { detail: expect.stringContaining('auto-sync currently set to') },
      });
      const read = await argocd.read(settings(name));
      expect(read).toMatchObject({ ok: true, value: { autoSync: true, autoPrune: true } });
    });
  });

  describe('prune', () => {
    test.each(['server', 'kubernetes'] as const)(
      'is that of the syncs of Argo CD itself where the config says nothing, and the config comes first, through the %s',
      async (way) => {
        const name = `i-prune-${way}`;
        await stage().addApplication({ name, project: PROJECT, extra: true });
        const argocd = await ways[way]();
        const { prune: _, ...silent } = settings(name);
        const pruned = async (application: ApplicationSettings, deploy: string) => {
          expect(await argocd.sync(application, deploy, { prune: true })).toMatchObject({ ok: true });
          return stage().until(deploy, async () => {
            const read = await argocd.read(application, { refresh: true });
            if (!read.ok || read.value.pendingOperation) return false;
            const { operation } = read.value;
            if (operation?.phase !== 'Succeeded' || !operation.deployIds.includes(deploy)) return false;
            const { status } = await stage().object(name);
            return status?.operationState?.operation.sync ?? {};
          });
        };
        await pruned(silent, 'deploy-1');
        await stage().dropExtra(name);
        expect((await pruned({ ...silent, prune: false }, 'deploy-2')).prune ?? false).toBe(false);
        expect((await pruned(silent, 'deploy-3')).prune).toBe(true);
        await stage().until('Synced', async () => {
          const read = await argocd.read(silent, { refresh: true });
          return read.ok && read.value.sync === 'Synced';
        });
      },
    );
  });

  describe('branch-deploy of a build with an image', () => {
    const tag = { exported: 'IMAGE_TAG' };
    const bound = (name: string) => ({
      project: PROJECT,
      images: [{ repository: imageRepositoryOf(name), tag }],
    });

    test.each(['server', 'kubernetes'] as const)(
      'a merge is deployed when the pod runs its image, through the %s',
      async (way) => {
        const name = `i-merged-${way}`;
        await stage().addApplication({ name, project: PROJECT });
        const argocd = await ways[way]();
        await synced(argocd, name, 'deploy-1');
        const sha = await stage().push(name);
        const desk = aDesk(stage(), name, argocd, bound(name));
        await desk.built(1, sha, { IMAGE_TAG: await stage().tagOf(name) });
        await desk.settled();
        expect(desk.said().at(-1)).toMatch(
          new RegExp(`^deployed: Synced and Healthy at ${sha.slice(0, 7)}.*1 of 1 pods? runs? ${name}`),
        );
      },
    );

    test('while the manifests name another image it is not deployed', async () => {
      const name = 'i-elsewhere';
      await stage().addApplication({ name, project: PROJECT });
      const argocd = await server();
      await synced(argocd, name, 'deploy-1');
      const desk = aDesk(stage(), name, argocd, bound(name));
      await desk.built(1, await stage().head(name), { IMAGE_TAG: 'of-the-build' });
      await desk.tick();
      expect(desk.actions()).not.toContain('deployed');
      expect(desk.said().at(-1)).toContain('of-the-build');
    });

    test.runIf(kustomize)('an image that is brought as a parameter is set, synced and runs', async () => {
      const name = 'i-brought';
      await stage().addApplication({ name, project: PROJECT, kustomize: true });
      const argocd = await server();
      await synced(argocd, name, 'deploy-1');
      const desk = aDesk(stage(), name, argocd, { ...bound(name), bring: 'parameter' });
      await desk.built(1, await stage().head(name), { IMAGE_TAG: 'of-the-build' });
      await desk.settled();
      expect(desk.said().at(-1)).toMatch(/^deployed: .*1 of 1 pods? runs? i-brought:of-the-build/);
    });
  });
}

/** How an image comes to the cluster, and how a deploy learns that it runs. */
import type { ApplicationSeed } from '@nightshift/lab/world/argocd/index.ts';
import { describe, expect, test } from 'vitest';
import { OF_IMAGES } from '#functions/branch-deploy/reasons.ts';
import type { ApplicationSettings } from '#model/settings.ts';
import { ACCOUNT, anApplication, aWorld, REGION, REPOSITORY } from './a-world.ts';

const PLACE = { account: ACCOUNT, region: REGION };
const IMAGE = `${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com/api`;
const MANIFESTS = 'https://github.com/example/manifests';

/** Its manifests are in a repository of their own, with three replicas of the image. */
function aConfigRepository(
  application: Partial<ApplicationSettings>,
  seed: Partial<ApplicationSeed> = {},
  policies: readonly string[] = ['get', 'sync', 'update', 'action/apps/Deployment/restart'],
) {
  const bound = anApplication({ name: 'api', project: 'develop', ...application });
  const world = aWorld({
    settings: {
      builds: [{ project: 'api-develop', repository: REPOSITORY, branch: 'develop', applications: [] }],
    },
  });
  world.argocd.addProject({ name: 'develop' });
  world.wire.state.token = world.argocd.addToken({ project: 'develop', role: 'nightshift', policies });
  world.codebuild.addRepository(MANIFESTS);
  world.codebuild.push({ repository: MANIFESTS, ref: 'refs/heads/main' });
  world.images.addRepository(PLACE, 'api');
  world.images.push(PLACE, { name: 'api', tag: 'old' });
  world.images.push(PLACE, { name: 'api', tag: 'develop' });
  world.argocd.addApplication({
    name: 'api',
    project: 'develop',
    repoURL: MANIFESTS,
    targetRevision: 'main',
    deployments: [{ namespace: 'app', name: 'api', image: `${IMAGE}:old`, replicas: 3 }],
    ...seed,
  });
  Object.assign(world.settings, {
    builds: world.settings.builds.map((binding) => ({ ...binding, applications: [bound] })),
  });
  /** A build, and the image that it pushed. */
  const build = async (tag?: string, platforms = 0) => {
    const built = await world.build();
    const pushed = world.images.push(PLACE, { name: 'api', tag: tag ?? built.sha.slice(0, 7), platforms });
    return { ...built, tag: tag ?? built.sha.slice(0, 7), pushed };
  };
  return { world, build };
}

const short = (digest: string) => `api@${digest.slice(0, 19)}…`;

describe('the digest of the pods decides', () => {
  test.each([
    ['an image of one platform', 0],
    ['an index of two platforms', 2],
  ])('%s that ECR knows runs: deployed, with its digest', async (_what, platforms) => {
    const { world, build } = aConfigRepository({ images: [{ repository: IMAGE, tag: '{sha7}' }] });
    const { event, tag, pushed } = await build(undefined, platforms);
    world.codebuild.push({ repository: MANIFESTS, ref: 'refs/heads/main' });
    world.argocd.changeApplication('api', {
      deployments: [{ namespace: 'app', name: 'api', image: `${IMAGE}:${tag}`, replicas: 3 }],
    });
    await world.invoke(event);
    expect(world.reasons().at(-1)).toMatch(/^deployed: /);
    expect(world.reasons().at(-1)).toContain(`3 of 3 pods run ${short(pushed.digest)}`);
  });

  test('a pod that runs the platform of the index that was built runs what was built', async () => {
    const { world, build } = aConfigRepository({ images: [{ repository: IMAGE, tag: '{sha7}' }] });
    const { event, pushed } = await build(undefined, 2);
    const [platform = ''] = pushed.platforms;
    world.argocd.changeApplication('api', {
      deployments: [{ namespace: 'app', name: 'api', image: `${IMAGE}@${platform}`, replicas: 1 }],
    });
    await world.invoke(event);
    expect(world.reasons().at(-1)).toContain(`1 of 1 pods run ${short(pushed.digest)}`);
  });

  test('a tag that was moved after the pods pulled it is not what was built', async () => {
    const { world, build } = aConfigRepository({ images: [{ repository: IMAGE, tag: '{sha7}' }] });
    const { event, tag } = await build();
    world.argocd.changeApplication('api', {
      deployments: [{ namespace: 'app', name: 'api', image: `${IMAGE}:${tag}`, replicas: 3 }],
    });
    await world.through(world.wire.sync(anApplication({ project: 'develop' }), 'somebody'));
    await world.pass(20_000);
    world.images.push(PLACE, { name: 'api', tag });
    await world.invoke(event);
    await world.ticks(3);
    expect(world.actions()).not.toContain('deployed');
    expect(world.reasons().at(-1)).toContain('0 of 3 pods run');
  });

  test('zero replicas of what the manifests name: deployed, no pod runs', async () => {
    const { world, build } = aConfigRepository({ images: [{ repository: IMAGE, tag: '{sha7}' }] });
    const { event, tag } = await build();
    world.argocd.changeApplication('api', {
      deployments: [{ namespace: 'app', name: 'api', image: `${IMAGE}:${tag}`, replicas: 0 }],
    });
    await world.invoke(event);
    expect(world.reasons().at(-1)).toMatch(/^deployed: .*; no pod runs$/);
  });

  test('zero replicas of an older image wait until the manifests name the built one', async () => {
    const { world, build } = aConfigRepository(
      { images: [{ repository: IMAGE, tag: '{sha7}' }] },
      { deployments: [{ namespace: 'app', name: 'api', image: `${IMAGE}:old`, replicas: 0 }] },
    );
    const { event } = await build();
    await world.invoke(event);
    await world.ticks(2);
    expect(world.actions()).toEqual(['sync', 'wait']);
  });

  test('manifests that name the image in one Deployment first, and in the other later, are synced again', async () => {
    const { world, build } = aConfigRepository({ images: [{ repository: IMAGE, tag: '{sha7}' }] });
    const { event, tag } = await build();
    const name = (api: string, worker: string) => {
      world.codebuild.push({ repository: MANIFESTS, ref: 'refs/heads/main' });
      world.argocd.changeApplication('api', {
        deployments: [
          { namespace: 'app', name: 'api', image: `${IMAGE}:${api}`, replicas: 1 },
          { namespace: 'app', name: 'worker', image: `${IMAGE}:${worker}`, replicas: 1 },
        ],
      });
    };
    name(tag, 'old');
    await world.invoke(event);
    expect(world.reasons().at(-1)).toMatch(/^wait: 1 of 2 pods run api@/);
    name(tag, tag);
    await world.ticks(2);
    expect(world.reasons().at(-1)).toMatch(/^deployed: .*2 of 2 pods run api@/);
  });

  test("a person's sync of the manifests that name the image is as good as ours", async () => {
    const { world, build } = aConfigRepository({ images: [{ repository: IMAGE, tag: '{sha7}' }] });
    const { event, tag } = await build();
    await world.invoke(event);
    world.codebuild.push({ repository: MANIFESTS, ref: 'refs/heads/main' });
    world.argocd.changeApplication('api', {
      deployments: [{ namespace: 'app', name: 'api', image: `${IMAGE}:${tag}`, replicas: 3 }],
    });
    await world.pass(2_000);
    world.argocd.startForeignSync('api');
    await world.ticks(2);
    expect(world.syncs()).toBe(1);
    expect(world.reasons().at(-1)).toMatch(/^deployed: .*3 of 3 pods run api@/);
  });

  test("a person's sync of older manifests ends the deploy: it is a choice", async () => {
    const { world, build } = aConfigRepository({ images: [{ repository: IMAGE, tag: '{sha7}' }] });
    const before = world.codebuild.push({ repository: MANIFESTS, ref: 'refs/heads/main' });
    world.codebuild.push({ repository: MANIFESTS, ref: 'refs/heads/main' });
    const { event } = await build();
    await world.invoke(event);
    world.argocd.startForeignSync('api', { revision: before.sha });
    await world.ticks(2);
    expect(world.reasons().at(-1)).toMatch(
      /^fail: an operation of admin to .* replaced ours and ended as Succeeded; .*0 of 3 pods run api@/,
    );
  });

  test.each(['before', 'after'])(
    "the manifests name the image %s a person's sync, in the same minute: it is deployed",
    async (when) => {
      const { world, build } = aConfigRepository({ images: [{ repository: IMAGE, tag: '{sha7}' }] });
      const { event, tag } = await build();
      await world.invoke(event);
      const write = () => {
        world.codebuild.push({ repository: MANIFESTS, ref: 'refs/heads/main' });
        world.argocd.changeApplication('api', {
          deployments: [{ namespace: 'app', name: 'api', image: `${IMAGE}:${tag}`, replicas: 3 }],
        });
      };
      if (when === 'before') write();
      world.argocd.startForeignSync('api');
      await world.pass(5_000);
      if (when === 'after') write();
      // Something else moves the manifests on.
      else world.codebuild.push({ repository: MANIFESTS, ref: 'refs/heads/main' });
      await world.ticks(3);
      expect(world.reasons().at(-1)).toMatch(/^deployed: .*3 of 3 pods run api@/);
    },
  );

  test("the manifests move on before and after a person's sync, which was seen while it ran: it is deployed", async () => {
    const { world, build } = aConfigRepository({ images: [{ repository: IMAGE, tag: '{sha7}' }] });
    const { event, tag } = await build();
    const write = (image: string, replicas: number) => {
      world.codebuild.push({ repository: MANIFESTS, ref: 'refs/heads/main' });
      world.argocd.changeApplication('api', {
        deployments: [{ namespace: 'app', name: 'api', image: `${IMAGE}:${image}`, replicas }],
      });
    };
    await world.invoke(event);
    write('old', 2);
    await world.pass(10_000);
    world.argocd.startForeignSync('api');
    await world.pass(1_000);
    await world.tick();
    expect(world.argocd.application('api')?.status.operationState?.phase).toBe('Running');
    write(tag, 3);
    await world.ticks(4);
    expect(world.reasons().at(-1)).toMatch(/^deployed: .*3 of 3 pods run api@/);
  });

  test('where Argo CD syncs each commit of the manifests by itself, the one that names the image is deployed', async () => {
    const { world, build } = aConfigRepository(
      { images: [{ repository: IMAGE, tag: '{sha7}' }] },
      { autoSync: {} },
    );
    const { event, tag } = await build();
    await world.invoke(event);
    for (const image of ['old-1', 'old-2', 'old-3', 'old-4', tag]) {
      if (image !== tag) world.images.push(PLACE, { name: 'api', tag: image });
      world.codebuild.push({ repository: MANIFESTS, ref: 'refs/heads/main' });
      world.argocd.changeApplication('api', {
        deployments: [{ namespace: 'app', name: 'api', image: `${IMAGE}:${image}`, replicas: 3 }],
      });
      await world.pass(30_000);
      await world.ticks(1);
    }
    await world.ticks(1);
    expect(world.reasons().filter((reason) => reason.startsWith('fail'))).toEqual([]);
    expect(world.reasons().at(-1)).toMatch(/^deployed: .*3 of 3 pods run api@/);
  });

  test('without the right to see pods, the summary of the tags has to do', async () => {
    const { world, build } = aConfigRepository({ images: [{ repository: IMAGE, tag: '{sha7}' }] });
    const { event, tag } = await build();
    world.argocd.changeApplication('api', {
      deployments: [{ namespace: 'app', name: 'api', image: `${IMAGE}:${tag}`, replicas: 3 }],
    });
    world.wire.state.fault = (call) =>
      call.startsWith('pods') ? { kind: 'forbidden', detail: 'pods is forbidden' } : undefined;
    await world.invoke(event);
    expect(world.reasons().at(-1)).toContain(`the pods run api:${tag} (by tag)`);
  });
});

describe("bring: 'restart'", () => {
  const fixed = { repository: IMAGE, tag: 'develop' };
  const mutable = {
    deployments: [{ namespace: 'app', name: 'api', image: `${IMAGE}:develop`, replicas: 3 }],
  };

  test('restarts the workloads once the sync changed nothing, and waits for the digest that was pushed', async () => {
    const { world, build } = aConfigRepository({ images: [fixed], bring: 'restart' }, mutable);
    const { event, pushed } = await build('develop');
    await world.invoke(event);
    expect(world.wire.calls.filter((call) => call.startsWith('restart'))).toEqual(['restart api']);
    expect(world.actions()).toEqual(['sync', 'sync', 'deployed']);
    expect(world.reasons()[1]).toContain('restarting Deployment api: 0 of 3 pods run');
    expect(world.reasons().at(-1)).toContain(`3 of 3 pods run ${short(pushed.digest)}`);
  });

  test('does not restart what has pulled the image already', async () => {
    const { world, build } = aConfigRepository({ images: [fixed], bring: 'restart' }, mutable);
    const { event } = await build('develop');
    world.workloads.restart?.('app', 'api');
    await world.pass(30_000);
    await world.invoke(event);
    expect(world.actions()).toEqual(['sync', 'deployed']);
  });

  test('what Argo CD has compared already, and pods that have pulled the image, need no sync; the reason counts them', async () => {
    const { world, build } = aConfigRepository(
      { images: [fixed], bring: 'restart' },
      { ...mutable, repoURL: REPOSITORY, targetRevision: 'develop' },
    );
    const { event, pushed, sha } = await build('develop');
    world.workloads.restart?.('app', 'api');
    await world.pass(300_000);
    await world.invoke(event);
    expect(world.reasons()).toEqual([
      `deployed: already Synced and Healthy at ${sha.slice(0, 7)}; 3 of 3 pods run ${short(pushed.digest)}`,
    ]);
  });

  test('fails after three restarts that pull nothing new', async () => {
    const { world, build } = aConfigRepository({ images: [fixed], bring: 'restart' }, mutable);
    world.workloads.pullsAgain = false;
    const { event } = await build('develop');
    await world.invoke(event);
    await world.ticks(10);
    expect(world.wire.calls.filter((call) => call.startsWith('restart'))).toHaveLength(3);
    expect(world.reasons().at(-1)).toMatch(/^fail: 0 of 3 pods run .* imagePullPolicy say Always/);
  });

  test('fails with the right that is missing', async () => {
    const { world, build } = aConfigRepository({ images: [fixed], bring: 'restart' }, mutable, [
      'get',
      'sync',
    ]);
    const { event } = await build('develop');
    await expect(world.invoke(event)).rejects.toThrow(
      /permission denied: applications, action\/apps\/Deployment\/restart, develop\/api/,
    );
  });

  test('is refused where ECR has no such tag', async () => {
    const { world } = aConfigRepository(
      { images: [{ repository: IMAGE, tag: 'nightly' }], bring: 'restart' },
      mutable,
    );
    const { event } = await world.build();
    await world.invoke(event);
    expect(world.reasons()).toEqual([
      `refuse: ${OF_IMAGES.unknownImage({ repository: IMAGE, version: 'nightly' })}`,
    ]);
  });
});

describe("bring: 'parameter'", () => {
  test.each([
    ['kustomize.images', undefined, `${IMAGE}:old`],
    ['a Helm parameter', 'image.tag', `${IMAGE}:{helm:image.tag}`],
  ])('sets %s on the Application, and syncs then', async (_what, helmParameter, image) => {
    const { world, build } = aConfigRepository(
      {
        images: [{ repository: IMAGE, tag: '{sha7}', ...(helmParameter ? { helmParameter } : {}) }],
        bring: 'parameter',
      },
      { deployments: [{ namespace: 'app', name: 'api', image, replicas: 2 }] },
    );
    const { event, pushed } = await build();
    await world.invoke(event);
    expect(world.actions()).toEqual(['sync', 'sync', 'deployed']);
    expect(world.reasons().at(-1)).toContain(`2 of 2 pods run ${short(pushed.digest)}`);
  });

  test('leaves what else is set there, and sets the same image once', async () => {
    const { world, build } = aConfigRepository(
      { images: [{ repository: IMAGE, tag: '{sha7}' }], bring: 'parameter' },
      {
        sources: [
          {
            repoURL: MANIFESTS,
            targetRevision: 'main',
            kustomize: { namePrefix: 'x-', images: ['envoy:1'] },
          },
        ],
      },
    );
    const { event, tag } = await build();
    await world.invoke(event);
    expect(world.argocd.application('api')?.spec.sources?.[0]?.['kustomize']).toEqual({
      namePrefix: 'x-',
      images: ['envoy:1', `${IMAGE}:${tag}`],
    });
    expect(world.wire.calls.filter((call) => call.startsWith('set images'))).toHaveLength(1);
  });

  test('names the ApplicationSet that puts it back', async () => {
    const { world, build } = aConfigRepository(
      { images: [{ repository: IMAGE, tag: '{sha7}' }], bring: 'parameter' },
      { applicationSet: 'services' },
    );
    const { event } = await build();
    const ended = world.invoke(event).then(() => world.ticks(3));
    await expect(ended).rejects.toThrow(/put back each time: ApplicationSet services made it/);
    expect(world.wire.calls.filter((call) => call.startsWith('set images'))).toHaveLength(3);
  });

  test('reports an image that is put back after the deploy has ended, once', async () => {
    const { world, build } = aConfigRepository({
      images: [{ repository: IMAGE, tag: '{sha7}' }],
      bring: 'parameter',
    });
    const { event } = await build();
    await world.invoke(event);
    expect(world.actions().at(-1)).toBe('deployed');
    const caller = world.argocd.authenticate(world.wire.state.token);
    const patch = JSON.stringify([{ op: 'remove', path: '/spec/source/kustomize' }]);
    world.argocd.patch(caller, { name: 'api', project: 'develop' }, { type: 'json', text: patch });
    await world.ticks(45);
    expect(
      world.reasons().filter((reason) => reason.startsWith('warn: the image that was deployed')),
    ).toEqual([`warn: ${OF_IMAGES.revertedLater(undefined)}`]);
  });

  test('fails with the right that is missing', async () => {
    const { world, build } = aConfigRepository(
      { images: [{ repository: IMAGE, tag: '{sha7}' }], bring: 'parameter' },
      {},
      ['get', 'sync'],
    );
    const { event } = await build();
    await expect(world.invoke(event)).rejects.toThrow(
      /permission denied: applications, update, develop\/api/,
    );
    expect(world.syncs()).toBe(0);
  });
});

test('a deploy that goes on and on ends after an hour, with what it was last waiting for', async () => {
  const { world, build } = aConfigRepository({ images: [{ repository: IMAGE, tag: '{sha7}' }] });
  Object.assign(world.settings, { imageMinutes: 60 });
  const { event } = await build();
  await world.invoke(event);
  // The manifests move on again and again, and never to the image.
  for (let minute = 0; minute < 70 && !world.actions().includes('fail'); minute++) {
    world.codebuild.push({ repository: MANIFESTS, ref: 'refs/heads/main' });
    await world.ticks(1);
  }
  expect(world.reasons().at(-1)).toMatch(/^fail: 0 of 3 pods run api@.*, for more than 60 minutes$/);
});

test('deploy.imageMinutes is how long the manifests may name another image', async () => {
  const { world, build } = aConfigRepository({ images: [{ repository: IMAGE, tag: '{sha7}' }] });
  Object.assign(world.settings, { imageMinutes: 5 });
  const { event } = await build();
  await world.invoke(event);
  await world.ticks(4);
  expect(world.actions()).not.toContain('fail');
  await world.ticks(3);
  expect(world.reasons().at(-1)).toMatch(/^fail: .*, for more than 5 minutes$/);
});

describe("revision: 'built'", () => {
  const named = (seed: Partial<ApplicationSeed> = {}) =>
    aWorld({
      settings: {
        builds: [
          {
            project: 'api-develop',
            repository: REPOSITORY,
            branch: 'develop',
            applications: [anApplication({ revision: 'built' })],
          },
        ],
      },
      application: seed,
    });

  test('syncs the commit that was built, though the branch has moved on', async () => {
    const world = named();
    world.wire.state.token = world.argocd.addToken({
      project: 'default',
      role: 'nightshift',
      policies: ['get', 'sync', 'override'],
    });
    const { event, sha } = await world.build();
    world.push();
    await world.invoke(event);
    expect(world.image()).toBe(`api:${sha}`);
    expect(world.actions()).toEqual(['sync', 'deployed']);
    expect(world.reasons().at(-1)).toContain(`Healthy at ${sha.slice(0, 7)}; the branch has moved on`);
  });

  test('of two sources names the commit of the one that was built, and leaves the other at its branch', async () => {
    const world = named({
      sources: [
        { repoURL: MANIFESTS, targetRevision: 'main' },
        { repoURL: REPOSITORY, targetRevision: 'develop' },
      ],
      deployments: [
        { namespace: 'app', name: 'api', image: 'api:{revision:1}', replicas: 1 },
        { namespace: 'app', name: 'proxy', image: 'proxy:{revision:0}', replicas: 1 },
      ],
      deployed: false,
    });
    world.codebuild.addRepository(MANIFESTS);
    world.wire.state.token = world.argocd.addToken({
      project: 'default',
      role: 'nightshift',
      policies: ['get', 'sync', 'override'],
    });
    const chart = world.codebuild.push({ repository: MANIFESTS, ref: 'refs/heads/main' });
    const { event, sha } = await world.build();
    const later = world.push();
    await world.invoke(event);
    expect([world.image(), world.image('proxy')]).toEqual([`api:${sha}`, `proxy:${chart.sha}`]);
    expect(world.actions()).toEqual(['sync', 'deployed']);
    expect(world.reasons().at(-1)).toContain(
      `has moved on to ${chart.sha.slice(0, 7)}, ${later.sha.slice(0, 7)}`,
    );
  });

  test('is a mistake of the config where Argo CD syncs by itself', async () => {
    const world = named({ autoSync: {} });
    const { event } = await world.build();
    await expect(world.invoke(event)).rejects.toThrow(/remove `revision` from the config, or `automated`/);
    expect(world.syncs()).toBe(0);
  });
});

test('a build that exports a digest which ECR does not know is refused', async () => {
  const digest = `sha256:${'e'.repeat(64)}`;
  const { world } = aConfigRepository({ images: [{ repository: IMAGE, tag: { exported: 'IMAGE' } }] });
  const { event } = await world.build();
  const { read } = world.builds;
  Object.assign(world.builds, {
    read: async (ids: readonly string[]) =>
      (await read(ids)).map((build) => ({ ...build, exported: { IMAGE: digest } })),
  });
  await world.invoke(event);
  expect(world.reasons()).toEqual([
    `refuse: ${OF_IMAGES.unknownImage({ repository: IMAGE, version: digest })}`,
  ]);
});

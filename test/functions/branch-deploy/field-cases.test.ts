/** Situations that public reports describe, D1 to D9, from the merge to what its commit shows. */
import type { BatchPart } from '@nightshift/lab/world/codebuild/index.ts';
import { describe, expect, test } from 'vitest';
import type { CommitStatus, Statuses } from '#functions/branch-deploy/ports.ts';
import { ACCOUNT, anApplication, aWorld, lastEvent, REGION, REPOSITORY, type World } from './a-world.ts';

function aGithub() {
  const taken: CommitStatus[] = [];
  const statuses: Statuses = {
    has: () => true,
    async post(status) {
      taken.push(status);
      return undefined;
    },
  };
  return {
    statuses,
    /** The latest state of a commit, for each application. */
    of: (sha: string) =>
      Object.fromEntries(
        taken.filter((status) => status.sha === sha).map(({ context, state }) => [context, state]),
      ),
  };
}

const PROJECTS = ['api', 'web', 'jobs'];
const CONTEXT = 'nightshift/develop/api';

/** Three projects of one repository, each built for its own folder, and each with an application. */
function aMonorepo(statuses: Statuses) {
  const world = aWorld({
    statuses,
    settings: {
      builds: PROJECTS.map((name) => ({
        project: `${name}-develop`,
        repository: REPOSITORY,
        branch: 'develop',
        applications: [anApplication({ name })],
      })),
    },
  });
  for (const name of PROJECTS)
    world.codebuild.changeProject(
      { account: ACCOUNT, region: REGION, name: `${name}-develop` },
      {
        webhook: {
          filterGroups: [
            [
              { type: 'EVENT', pattern: 'PUSH' },
              { type: 'HEAD_REF', pattern: '^refs/heads/develop$' },
              { type: 'FILE_PATH', pattern: `^${name}/` },
            ],
          ],
        },
      },
    );
  return world;
}

describe('D1: three merges to three folders of a monorepo', () => {
  const merge = async (world: ReturnType<typeof aMonorepo>) => {
    const shas: string[] = [];
    for (const name of PROJECTS) {
      shas.push(
        world.codebuild.push({
          repository: REPOSITORY,
          ref: 'refs/heads/develop',
          files: [`${name}/main.ts`],
        }).sha,
      );
      await world.pass(5_000);
    }
    await world.pass(32_000);
    return shas;
  };

  test('whose rollouts are Degraded are red, each of them', async () => {
    const github = aGithub();
    const world = aMonorepo(github.statuses);
    const shas = await merge(world);
    world.workloads.broken = true;
    await world.ticks(15);
    for (const name of PROJECTS) expect(world.actions(name).at(-1)).toBe('fail');
    for (const [index, sha] of shas.entries())
      expect(github.of(sha)).toEqual({ [`nightshift/develop/${PROJECTS[index]}`]: 'failure' });
  });

  test('whose rollouts are Healthy are green, each of them', async () => {
    const github = aGithub();
    const world = aMonorepo(github.statuses);
    const shas = await merge(world);
    await world.ticks(10);
    for (const name of PROJECTS) expect(world.actions(name)).toContain('deployed');
    expect(world.actions()).not.toContain('superseded');
    for (const [index, sha] of shas.entries())
      expect(github.of(sha)).toEqual({ [`nightshift/develop/${PROJECTS[index]}`]: 'success' });
  });
});

describe('D1: a commit that a newer build of the same project supersedes', () => {
  test.each([
    ['is green once that is live', false, 'success'],
    ['is red if that fails', true, 'failure'],
  ])('%s, and not before', async (_what, broken, state) => {
    const github = aGithub();
    const world = aWorld({ statuses: github.statuses, rolloutSeconds: 90 });
    const first = await world.build();
    await world.invoke(first.event);
    world.workloads.broken = broken;
    const second = await world.build();
    await world.invoke(second.event);
    expect(world.reasons()).toContain('superseded: build 2 of api-develop is newer');
    expect(github.of(first.sha)).toEqual({ [CONTEXT]: 'pending' });
    await world.ticks(8);
    expect(github.of(second.sha)).toEqual({ [CONTEXT]: state });
    expect(github.of(first.sha)).toEqual({ [CONTEXT]: state });
  });
});

describe('D3: the build of the next commit fails', () => {
  const twoMerges = async (
    nextEndsAs: 'FAILED' | 'SUCCEEDED',
    prepare: (world: World) => void = () => undefined,
  ) => {
    const github = aGithub();
    const world = aWorld({ statuses: github.statuses });
    prepare(world);
    const { sha: first } = world.push();
    await world.pass(20_000);
    world.codebuild.changeProject(
      { account: ACCOUNT, region: REGION, name: 'api-develop' },
      { outcome: nextEndsAs },
    );
    const { sha: second } = world.push();
    await world.pass(12_000);
    await world.invoke(lastEvent(world.events));
    await world.pass(30_000);
    await world.invoke(lastEvent(world.events));
    await world.ticks(5).catch(() => undefined);
    await world.ticks(10);
    return { world, github, first, second };
  };

  test('and it went live with the first: that is reported, and its commit is red', async () => {
    const { world, github, first, second } = await twoMerges('FAILED');
    expect(world.image()).toBe(`api:${second}`);
    expect(github.of(first)).toEqual({ [CONTEXT]: 'success' });
    expect(github.of(second)).toEqual({ [CONTEXT]: 'failure' });
    const reported = world.reasons().filter((reason) => reason.startsWith('warn'));
    expect(reported).toHaveLength(1);
    expect(reported[0]).toMatch(/is live in default\/api although build 2 of api-develop ended as FAILED/);
  });

  test('and a report of that which could not be recorded is repeated', async () => {
    let refused = 0;
    const { world } = await twoMerges('FAILED', ({ trail }) => {
      const { record } = trail;
      trail.record = async (decisions) => {
        if (decisions.some(({ action }) => action === 'warn') && refused++ === 0)
          throw new Error('the process died');
        return record(decisions);
      };
    });
    expect(world.actions().filter((action) => action === 'warn')).toHaveLength(1);
  });

  test('a build that succeeds is reported as deployed only', async () => {
    const { world, github, second } = await twoMerges('SUCCEEDED');
    expect(github.of(second)).toEqual({ [CONTEXT]: 'success' });
    expect(world.actions()).not.toContain('warn');
  });
});

describe('D4: an application that tracks the default branch', () => {
  test('main, where develop is bound, is a mistake of the config, and nothing is green', async () => {
    const github = aGithub();
    const world = aWorld({ statuses: github.statuses, application: { targetRevision: 'HEAD' } });
    const { sha, event } = await world.build();
    await expect(world.invoke(event)).rejects.toThrow(/tracks the default branch .* set its targetRevision/);
    expect(world.actions().at(-1)).toBe('fail');
    expect(github.of(sha)).toEqual({ [CONTEXT]: 'failure' });
  });
});

test('D2: an application whose repository is written in another form is held to the built commit', async () => {
  const world = aWorld({
    application: { targetRevision: 'main', repoURL: 'https://github.com/Example/API' },
  });
  const { event } = await world.build();
  await expect(world.invoke(event)).rejects.toThrow(/tracks main/);
  expect(world.syncs()).toBe(0);
});

describe('D9: the manifests are in a repository of their own', () => {
  const MANIFESTS = 'https://github.com/example/manifests';
  const IMAGE = '111111111111.dkr.ecr.ap-northeast-1.amazonaws.com/other';
  const running = (tag: string) => ({
    deployments: [{ namespace: 'app', name: 'other', image: `${IMAGE}:${tag}`, replicas: 1 }],
  });
  const aConfigRepository = (images: readonly { repository: string; tag: string }[]) => {
    const github = aGithub();
    const application = anApplication({ name: 'other', ...(images.length > 0 && { images }) });
    const world = aWorld({ statuses: github.statuses });
    world.codebuild.addRepository(MANIFESTS);
    world.codebuild.push({ repository: MANIFESTS, ref: 'refs/heads/main' });
    world.argocd.addApplication({
      name: 'other',
      repoURL: MANIFESTS,
      targetRevision: 'main',
      ...running('old'),
    });
    Object.assign(world.settings, {
      builds: world.settings.builds.map((binding) => ({ ...binding, applications: [application] })),
    });
    return { world, github };
  };
  const STATUS = 'nightshift/develop/other';

  test('deployed comes when the pods run the image, which the manifests name 20 s after the build', async () => {
    const { world, github } = aConfigRepository([{ repository: IMAGE, tag: '{sha7}' }]);
    const { sha, event } = await world.build();
    await world.invoke(event);
    expect(world.actions()).toEqual(['sync', 'wait']);
    world.codebuild.push({ repository: MANIFESTS, ref: 'refs/heads/main' });
    world.argocd.changeApplication('other', running(sha.slice(0, 7)));
    await world.ticks(5);
    expect(world.reasons().at(-1)).toMatch(
      new RegExp(
        `^deployed: Synced and Healthy at \\w+; 1 of 1 pods run other:${sha.slice(0, 7)} \\(by tag\\)$`,
      ),
    );
    expect(github.of(sha)).toEqual({ [STATUS]: 'success' });
  });

  test('it fails after a quarter of an hour if they never do', async () => {
    const { world, github } = aConfigRepository([{ repository: IMAGE, tag: '{sha7}' }]);
    const { sha, event } = await world.build();
    await world.invoke(event);
    await world.ticks(17);
    expect(world.reasons().at(-1)).toMatch(
      /^fail: 0 of 1 pods run other:\w+ \(by tag\), the others other@sha256:0+…, for more than 15/,
    );
    expect(github.of(sha)).toEqual({ [STATUS]: 'failure' });
  });

  test('without images it is unverified, and its commit ends, neither green nor red', async () => {
    const { world, github } = aConfigRepository([]);
    const { sha, event } = await world.build();
    await world.invoke(event);
    await world.ticks(2);
    expect(world.actions()).toEqual(['sync', 'unverified']);
    expect(github.of(sha)).toEqual({ [STATUS]: 'unknown' });
  });
});

describe('D6: a webhook that starts a batch of builds', () => {
  const parts = [
    { identifier: 'arm64', buildSeconds: 20 },
    { identifier: 'amd64', buildSeconds: 50 },
    { identifier: 'index', buildSeconds: 95 },
  ];
  const merge = async (batch: readonly BatchPart[]) => {
    const github = aGithub();
    const world = aWorld({ statuses: github.statuses });
    world.codebuild.changeProject({ account: ACCOUNT, region: REGION, name: 'api-develop' }, { batch });
    const { sha } = world.push();
    await world.pass(21_000);
    await world.invoke(lastEvent(world.events));
    expect(world.syncs()).toBe(0);
    expect(world.reasons()[0]).toMatch(
      /^none: the build is a part of batch api-develop:.*, which has not ended$/,
    );
    return { world, github, sha };
  };

  test('is deployed once, after the last of them has ended', async () => {
    const { world, github, sha } = await merge(parts);
    await world.ticks(10);
    expect(world.syncs()).toBe(1);
    expect(world.actions('api').filter((action) => action === 'deployed')).toHaveLength(1);
    expect(github.of(sha)).toEqual({ [CONTEXT]: 'success' });
  });

  test('is deployed although a part failed whose failure is ignored', async () => {
    const { world } = await merge([...parts, { identifier: 'docs', ignoreFailure: true, outcome: 'FAILED' }]);
    await world.ticks(10);
    expect(world.actions('api')).toContain('deployed');
  });

  test('is not deployed where one of them failed, though the others succeeded', async () => {
    const { world, github, sha } = await merge([...parts, { identifier: 'test', outcome: 'FAILED' }]);
    await world.ticks(10);
    expect(world.syncs()).toBe(0);
    expect(github.of(sha)).toEqual({});
  });
});

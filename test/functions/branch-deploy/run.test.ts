import { describe, expect, test } from 'vitest';
import { OF_BUILDS, OF_IMAGES, OF_SYNCS } from '#functions/branch-deploy/reasons.ts';
import { anApplication, aWorld, lastEvent, REPOSITORY, type World } from './a-world.ts';

const binding = {
  project: 'api-develop',
  repository: REPOSITORY,
  branch: 'develop',
  applications: [anApplication()],
};

describe('a merge at work', () => {
  test('a build of the bound branch is synced, and deployed means Synced and Healthy at its commit', async () => {
    const world = aWorld();
    const { sha, event } = await world.build();
    await world.invoke(event);

    expect(world.reasons()).toEqual([
      `sync: ${OF_BUILDS.succeeded([{ ...binding, build: 'b', number: 1, sha, recordedAt: '', trigger: '' }])}`,
      `deployed: ${OF_SYNCS.deployed([sha])}`,
    ]);
    expect(world.image()).toBe(`api:${sha}`);
    expect(world.decisions.at(-1)).toMatchObject({
      environment: 'develop',
      capability: 'branch-deploy',
      target: 'api',
      trigger: event.id,
      number: 1,
      sha,
    });
  });

  test('a deploy id travels with the sync', async () => {
    const world = aWorld();
    const { event } = await world.build();
    await world.invoke(event);
    const deployId = world.decisions.find(({ action }) => action === 'sync')?.['deployId'];
    expect(world.argocd.application('api')?.status.operationState?.operation.info).toEqual([
      { name: 'nightshift-deploy', value: deployId },
    ]);
  });

  test.each([
    ['as its auto-sync does', {}, { prune: true }, true],
    ['not where its auto-sync does not', {}, {}, false],
    ['not where its auto-sync is off', {}, { prune: true, enabled: false }, false],
    ['not where the config forbids it', { prune: false }, { prune: true }, false],
    ['where the config says so', { prune: true }, undefined, true],
  ] as const)('the sync prunes %s', async (_what, configured, autoSync, prunes) => {
    const world = aWorld({
      settings: { builds: [{ ...binding, applications: [anApplication(configured)] }] },
      ...(autoSync ? { application: { autoSync } } : {}),
    });
    const { event } = await world.build();
    await world.invoke(event);
    expect(world.wire.prunes).toEqual([prunes]);
  });

  test('a sync that Argo CD ended at its own time limit is repeated, and then it has failed', async () => {
    const message = 'Operation terminated, triggered by controller sync timeout';
    const once = aWorld();
    once.argocd.failNextSync('api', { phase: 'Failed', message });
    await once.invoke((await once.build()).event);
    expect(once.actions('api')).toEqual(['sync', 'sync', 'deployed']);

    const always = aWorld({ application: { syncSeconds: 600 }, managed: true });
    await always.invoke((await always.build()).event);
    await always.ticks(15);
    expect(always.actions('api').filter((action) => action === 'sync')).toHaveLength(3);
    expect(always.reasons().at(-1)).toContain(message);
    expect(always.actions('api').at(-1)).toBe('fail');
  });

  test('every application of the binding is synced', async () => {
    const applications = [anApplication(), anApplication({ name: 'worker' })];
    const world = aWorld({ settings: { builds: [{ ...binding, applications }] } });
    const { event } = await world.build();
    await world.invoke(event);
    expect(world.actions('api')).toEqual(['sync', 'deployed']);
    expect(world.actions('worker')).toEqual(['sync', 'deployed']);
  });

  test('one broken application does not stop the others, and the failure is loud', async () => {
    const applications = [anApplication({ name: 'gone', project: 'default' }), anApplication()];
    const world = aWorld({ settings: { builds: [{ ...binding, applications }] } });
    world.argocd.deleteApplication('gone', { seconds: 1 });
    const { event } = await world.build();
    await expect(world.invoke(event)).rejects.toThrow(/gone/);
    expect(world.actions('api')).toEqual(['sync', 'deployed']);
    expect(world.actions('gone')).toEqual(['fail']);
  });

  test('an application that is at the commit already is not synced again', async () => {
    const world = aWorld({ application: { autoSync: {} }, buildSeconds: 400 });
    world.push();
    await world.pass(410_000);
    await world.invoke(lastEvent(world.events));
    expect(world.actions()).toEqual(['deployed']);
    expect(world.syncs()).toBe(0);
  });

  test('an application of other repositories alone is unverified at what was synced of them', async () => {
    const manifests = 'https://github.com/example/manifests';
    const world = aWorld({ application: { repoURL: REPOSITORY } });
    world.codebuild.addRepository(manifests);
    const { sha } = world.codebuild.push({ repository: manifests, ref: 'refs/heads/main' });
    world.argocd.addApplication({
      name: 'other',
      repoURL: manifests,
      targetRevision: 'main',
      deployments: [{ namespace: 'app', name: 'other', image: 'other:{revision}', replicas: 1 }],
    });
    const settings = {
      ...world.settings,
      builds: [{ ...binding, applications: [anApplication({ name: 'other' })] }],
    };
    Object.assign(world.settings, settings);
    const { event } = await world.build();
    await world.invoke(event);
    expect(world.reasons().at(-1)).toBe(`unverified: ${OF_IMAGES.unverified(OF_SYNCS.deployed([sha]))}`);
  });

  test('of a multi-source application the source that was built counts', async () => {
    const charts = 'https://github.com/example/charts';
    const world = aWorld();
    world.codebuild.addRepository(charts);
    world.codebuild.push({ repository: charts, ref: 'refs/heads/main' });
    world.argocd.addApplication({
      name: 'multi',
      repoURL: charts,
      sources: [
        { repoURL: charts, targetRevision: 'main' },
        { repoURL: `${REPOSITORY}.git`, targetRevision: 'develop' },
      ],
      deployments: [{ namespace: 'app', name: 'multi', image: 'multi:{revision:1}', replicas: 1 }],
    });
    Object.assign(world.settings, {
      builds: [{ ...binding, applications: [anApplication({ name: 'multi' })] }],
    });
    const { sha, event } = await world.build();
    await world.invoke(event);
    expect(world.actions()).toEqual(['sync', 'deployed']);
    expect(world.image('multi')).toBe(`multi:${sha}`);
  });

  test('an application that tracks another branch is a mistake of the config, and nothing is synced', async () => {
    const world = aWorld({ application: { targetRevision: 'main' } });
    const { event } = await world.build();
    await expect(world.invoke(event)).rejects.toThrow(/tracks main/);
    expect(world.actions()).toEqual(['fail']);
    expect(world.syncs()).toBe(0);
  });

  test('a dry run decides and changes nothing', async () => {
    const world = aWorld({ settings: { dryRun: true } });
    const { event } = await world.build();
    await world.invoke(event);
    expect(world.decisions).toMatchObject([{ action: 'sync', dryRun: true }]);
    expect(world.wire.calls).toEqual([]);
  });
});

test('a dry run leaves a deploy that was requested before it as it is', async () => {
  const world = aWorld({ rolloutSeconds: 100 });
  const { event } = await world.build();
  await world.invoke(event);
  const { length } = world.wire.calls;
  Object.assign(world.settings, { dryRun: true });
  await world.ticks(16);
  expect(world.wire.calls).toHaveLength(length);
  expect(world.actions()).toEqual(['sync', 'wait']);
});

describe('what is not deployed, and why', () => {
  const nothingWasAsked = (world: World) => expect(world.wire.calls).toEqual([]);

  test.each(['FAILED', 'FAULT', 'TIMED_OUT', 'STOPPED'])('a build that ended as %s', async (status) => {
    const world = aWorld();
    const { event } = await world.build();
    await world.invoke({ ...event, detail: { ...event.detail, 'build-status': status } });
    expect(world.reasons()).toEqual([`ignore: ${OF_BUILDS.endedAs(status)}`]);
    nothingWasAsked(world);
  });

  test('a failed build is recorded once, however often its event comes', async () => {
    const world = aWorld();
    const { event } = await world.build();
    const failed = { ...event, detail: { ...event.detail, 'build-status': 'FAILED' } };
    await world.invokeAll([failed, failed]);
    expect(world.actions()).toEqual(['ignore']);
  });

  test('a build in progress leaves no trace, also when its event comes after its end', async () => {
    const world = aWorld();
    const { event } = await world.build();
    await world.invoke(event);
    await world.invoke({ ...event, detail: { ...event.detail, 'build-status': 'IN_PROGRESS' } });
    expect(world.actions()).toEqual(['sync', 'deployed', 'none']);
  });

  test('a project that is not bound', async () => {
    const world = aWorld();
    const { event } = await world.build();
    const detail = {
      ...event.detail,
      'project-name': 'web',
      'build-id': String(event.detail['build-id']).replace('api-develop', 'web'),
    };
    await world.invoke({ ...event, detail });
    expect(world.reasons()).toEqual([`ignore: ${OF_BUILDS.notBound('develop', 'web')}`]);
  });

  test.each([
    ['account', '111111111111', '222222222222'],
    ['region', 'ap-northeast-1', 'us-east-1'],
  ])('a build of another %s', async (_what, ours, other) => {
    const world = aWorld();
    const { event } = await world.build();
    const detail = { ...event.detail, 'build-id': String(event.detail['build-id']).replace(ours, other) };
    await world.invoke({ ...event, detail });
    expect(world.actions()).toEqual(['ignore']);
    nothingWasAsked(world);
  });

  test('a build that CodeBuild does not know', async () => {
    const world = aWorld();
    const { event } = await world.build();
    const id = String(event.detail['build-id']).replace(
      /[0-9a-f-]{36}$/,
      '00000000-0000-4000-8000-000000000000',
    );
    await world.invoke({ ...event, detail: { ...event.detail, 'build-id': id } });
    expect(world.reasons()).toEqual([`ignore: ${OF_BUILDS.unknownBuild}`]);
  });

  test('a build that somebody started by hand', async () => {
    const world = aWorld();
    world.codebuild.startBuild({
      account: '111111111111',
      region: 'ap-northeast-1',
      project: 'api-develop',
      initiator: 'alice',
      sourceVersion: 'develop',
    });
    await world.pass(32_000);
    await world.invoke(lastEvent(world.events));
    expect(world.reasons()).toEqual(['ignore: it was started by "alice", not by a webhook']);
    nothingWasAsked(world);
  });

  test('a pull request, although its head is of the bound branch', async () => {
    const world = aWorld();
    world.codebuild.changeProject(
      { account: '111111111111', region: 'ap-northeast-1', name: 'api-develop' },
      { webhook: { filterGroups: [[{ type: 'EVENT', pattern: 'PULL_REQUEST_CREATED' }]] } },
    );
    world.codebuild.openPullRequest({
      repository: REPOSITORY,
      head: 'refs/heads/develop',
      base: 'refs/heads/main',
    });
    await world.pass(32_000);
    await world.invoke(lastEvent(world.events));
    expect(world.reasons()).toEqual(['refuse: its source version is the pull request "pr/1", not a branch']);
    nothingWasAsked(world);
  });

  test.each([
    'refs/heads/develop-x',
    'refs/heads/feature/develop',
    'refs/heads/Develop',
    'refs/tags/develop',
  ])('a push to %s that an unanchored filter let through', async (ref) => {
    const world = aWorld();
    world.codebuild.changeProject(
      { account: '111111111111', region: 'ap-northeast-1', name: 'api-develop' },
      {
        webhook: {
          filterGroups: [
            [
              { type: 'EVENT', pattern: 'PUSH' },
              { type: 'HEAD_REF', pattern: '(?i)develop|develop|Develop' },
            ],
          ].map((group) =>
            group.map((filter) => ({ ...filter, pattern: filter.pattern.replace('(?i)', '') })),
          ) as never,
        },
      },
    );
    world.codebuild.push({ repository: REPOSITORY, ref });
    await world.pass(32_000);
    await world.invoke(lastEvent(world.events));
    expect(world.actions()).toEqual(['refuse']);
    nothingWasAsked(world);
  });

  test.each([
    ['nothing', undefined],
    ['a text', 'hello'],
    ['a list', []],
    ['an event of somebody else', { source: 'aws.ec2', 'detail-type': 'x', id: '1', detail: {} }],
    ['no detail', { source: 'aws.codebuild', 'detail-type': 'CodeBuild Build State Change', id: '1' }],
    [
      'a build id that is no ARN',
      {
        source: 'aws.codebuild',
        'detail-type': 'CodeBuild Build State Change',
        id: '1',
        detail: { 'build-id': '../x', 'build-status': 'SUCCEEDED' },
      },
    ],
  ])('%s is ignored with a reason', async (_what, payload) => {
    const world = aWorld();
    await world.invoke(payload);
    expect(world.decisions).toMatchObject([{ action: 'ignore', target: 'event' }]);
    expect(world.decisions[0]?.reason).not.toBe('');
  });
});

/** The git host delivers the push once more, and CodeBuild builds the commit again. */
async function again(world: World) {
  const sha = world.codebuild.git.revisionOf(REPOSITORY, 'refs/heads/develop');
  world.codebuild.push({ repository: REPOSITORY, ref: 'refs/heads/develop', ...(sha ? { sha } : {}) });
  await world.pass(32_000);
  return lastEvent(world.events);
}

describe('order', () => {
  test('the same event twice is one deploy', async () => {
    const world = aWorld();
    const { event } = await world.build();
    await world.invoke(event);
    await world.invoke(event);
    expect(world.actions()).toEqual(['sync', 'deployed', 'none']);
    expect(world.syncs()).toBe(1);
  });

  test('the same event twice at once is one sync and one end', async () => {
    const world = aWorld();
    const { event } = await world.build();
    await world.invokeAll([event, event]);
    expect(world.syncs()).toBe(1);
    expect(world.actions()).toEqual(['sync', 'deployed']);
  });

  test('a second build of a commit that is there needs no sync', async () => {
    const world = aWorld();
    const { event } = await world.build();
    await world.invoke(event);
    await world.invoke(await again(world));
    expect(world.actions()).toEqual(['sync', 'deployed', 'deployed']);
    expect(world.syncs()).toBe(1);
  });

  test('a second build of a commit that somebody rolled back brings it back', async () => {
    const world = aWorld();
    const before = String(world.codebuild.git.revisionOf(REPOSITORY, 'develop'));
    const { sha, event } = await world.build();
    await world.invoke(event);
    world.argocd.startForeignSync('api', { username: 'alice', revision: before });
    await world.pass(20_000);
    await world.invoke(await again(world));
    expect(world.actions().slice(-2)).toEqual(['sync', 'deployed']);
    expect(world.image()).toBe(`api:${sha}`);
  });

  test('an older success ends as superseded, without a sync', async () => {
    const world = aWorld({ buildSeconds: ({ number }) => (number === 1 ? 100 : 20) });
    world.push();
    await world.pass(5_000);
    const { sha } = world.push();
    await world.pass(25_000);
    const newer = lastEvent(world.events);
    await world.invoke(newer);
    await world.pass(100_000);
    const older = lastEvent(world.events);
    expect(older.id).not.toBe(newer.id);
    await world.invoke(older);

    expect(world.reasons().at(-1)).toBe('superseded: build 2 of api-develop is newer');
    expect(world.syncs()).toBe(1);
    expect(world.image()).toBe(`api:${sha}`);
  });

  test('a burst of 20 pushes needs at most two syncs, and the newest is what runs', async () => {
    const world = aWorld();
    let sha = '';
    for (let push = 0; push < 20; push++) {
      ({ sha } = world.push());
      await world.pass(400);
    }
    await world.pass(31_000);
    const ended = world.events.filter((event) => event.detail['build-status'] === 'SUCCEEDED');
    expect(ended).toHaveLength(20);
    await world.invokeAll(ended);
    await world.ticks(2);

    expect(world.syncs()).toBeLessThanOrEqual(2);
    expect(world.image()).toBe(`api:${sha}`);
    expect(world.actions().filter((action) => action === 'deployed')).toHaveLength(1);
    expect(world.actions().filter((action) => action === 'superseded')).toHaveLength(19);
  });

  test.each([
    ['all builds run at once', 1_000, 30],
    ['builds end while others are still pushed', 3_000, 40],
  ])('a burst of 20 pushes whose builds end one by one: %s', async (_what, gapMs, buildSeconds) => {
    const world = aWorld({ buildSeconds, rolloutSeconds: 3 });
    const invocations: Promise<void>[] = [];
    let taken = 0;
    const deliver = () => {
      for (const event of world.events.slice(taken)) invocations.push(world.start(event));
      taken = world.events.length;
    };
    let sha = '';
    for (let push = 0; push < 20; push++) {
      ({ sha } = world.push());
      await world.pass(gapMs);
      deliver();
    }
    for (let second = 0; second < 60; second++) {
      await world.pass(1_000);
      deliver();
    }
    await world.through(Promise.all(invocations).then(() => undefined));
    await world.ticks(2);
    expect(world.syncs()).toBeLessThanOrEqual(2);
    expect(world.image()).toBe(`api:${sha}`);
    expect(world.decisions.findLast(({ action }) => action === 'deployed')).toMatchObject({
      number: 20,
      sha,
    });
    expect(world.actions()).not.toContain('fail');
  });

  test('a push during a sync is synced when the sync is over, and the older one is superseded', async () => {
    const world = aWorld({ application: { syncSeconds: 20 }, buildSeconds: 10 });
    world.push();
    await world.pass(11_000);
    const first = lastEvent(world.events);
    const running = world.invoke(first);
    await running;
    const { sha } = world.push();
    await world.pass(11_000);
    await world.invoke(lastEvent(world.events));
    await world.ticks(2);
    expect(world.syncs()).toBe(2);
    expect(world.image()).toBe(`api:${sha}`);
    expect(world.actions().at(-1)).toBe('deployed');
  });

  test('a foreign operation is waited for, and then ours is asked for', async () => {
    const world = aWorld({ application: { syncSeconds: 10 } });
    const { event } = await world.build();
    world.argocd.startForeignSync('api');
    await world.invoke(event);
    await world.ticks(1);
    expect(world.syncs()).toBe(1);
    expect(world.actions().filter((action) => action !== 'wait')).toEqual(['sync', 'deployed']);
  });

  test('an operation of somebody else that does not end is reported once, and still waited for', async () => {
    const world = aWorld({ application: { syncSeconds: 3_000 } });
    world.argocd.startForeignSync('api', { username: 'alice' });
    const { event } = await world.build();
    await world.invoke(event);
    await world.ticks(45);
    expect(world.actions()).toEqual(['wait', 'warn']);
    world.argocd.changeApplication('api', { syncSeconds: 1 });
    await world.ticks(10);
    expect(world.actions().slice(-2)).toEqual(['sync', 'deployed']);
  });

  test('an operator who takes over is not fought', async () => {
    const world = aWorld({ rolloutSeconds: 50 });
    const before = world.codebuild.git.revisionOf(REPOSITORY, 'develop');
    const { event } = await world.build();
    await world.invoke(event);
    world.argocd.startForeignSync('api', { username: 'alice', ...(before ? { revision: before } : {}) });
    await world.ticks(2);
    expect(world.reasons().at(-1)).toMatch(/^fail: an operation of alice/);
    expect(world.syncs()).toBe(1);
  });

  test('D1: the branch has moved on and no newer build is there: what is live decides, and the newer one follows', async () => {
    const world = aWorld({ buildSeconds: ({ number }) => (number === 1 ? 20 : 60) });
    world.push();
    await world.pass(10_000);
    const { sha } = world.push();
    await world.pass(12_000);
    await world.invoke(lastEvent(world.events));
    expect(world.reasons().at(-1)).toMatch(
      /^deployed: Synced and Healthy at \w+, to which the branch has moved on/,
    );
    await world.pass(60_000);
    await world.invoke(lastEvent(world.events));
    expect(world.actions().at(-1)).toBe('deployed');
    expect(world.image()).toBe(`api:${sha}`);
  });
});

test('a build whose application is taken out of the config is given up, with a reason', async () => {
  const world = aWorld({ rolloutSeconds: 100 });
  const { event } = await world.build();
  await world.invoke(event);
  Object.assign(world.settings, {
    builds: [{ ...binding, applications: [anApplication({ name: 'other' })] }],
  });
  await world.ticks(3);
  expect(world.reasons().at(-1)).toBe(`superseded: ${OF_BUILDS.noLongerBound}`);
  expect(world.actions()).toHaveLength(3);
});

describe('two projects that build for one application', () => {
  const builds = ['api-develop', 'migrations'].map((project) => ({ ...binding, project }));

  test('one push, two builds: one commit, at most two syncs, both deployed', async () => {
    const world = aWorld({ settings: { builds } });
    const { sha } = world.push();
    await world.pass(32_000);
    const ended = world.events.filter((event) => event.detail['build-status'] === 'SUCCEEDED');
    expect(ended).toHaveLength(2);
    await world.invokeAll(ended);
    expect(world.syncs()).toBeLessThanOrEqual(2);
    expect(world.image()).toBe(`api:${sha}`);
    const deployed = world.decisions.filter(({ action }) => action === 'deployed');
    expect(deployed.map((decision) => String(decision['build']).split(':')[0]).sort()).toEqual([
      'api-develop',
      'migrations',
    ]);
  });

  test('a build that is slower than its neighbour’s next one is superseded, and the newest is deployed', async () => {
    const world = aWorld({
      settings: { builds },
      buildSeconds: (build) => (build.project === 'migrations' && build.number === 1 ? 60 : 20),
    });
    world.push();
    await world.pass(10_000);
    const { sha } = world.push();
    await world.pass(70_000);
    for (const event of world.events.filter(
      (candidate) => candidate.detail['build-status'] === 'SUCCEEDED',
    )) {
      await world.invoke(event);
    }
    await world.ticks(2);
    expect(world.image()).toBe(`api:${sha}`);
    expect(world.actions()).not.toContain('fail');
    const kept = await world.ports().deploys.get({ project: 'default', name: 'api' });
    expect(kept?.value).toMatchObject({
      requested: [],
      newest: {
        'api-develop': { number: 2, outcome: 'deployed' },
        migrations: { number: 2, outcome: 'deployed' },
      },
    });
  });
});

describe('the truth', () => {
  test('a rollout that takes longer than an invocation goes on in later ticks', async () => {
    const world = aWorld({ rolloutSeconds: 150 });
    const { event } = await world.build();
    await world.invoke(event);
    expect(world.actions()).toEqual(['sync', 'wait']);
    await world.ticks(4);
    expect(world.actions()).toEqual(['sync', 'wait', 'deployed']);
    expect(world.syncs()).toBe(1);
  });

  test('an end that was not recorded makes the run fail, and is recorded by a later tick', async () => {
    const world = aWorld();
    const { event } = await world.build();
    const { record } = world.trail;
    world.trail.record = async (decisions) => {
      if (decisions.some(({ action }) => action === 'deployed')) throw new Error('the table is throttled');
      return record(decisions);
    };
    await expect(world.invoke(event)).rejects.toThrow('the table is throttled');
    expect(world.actions()).toEqual(['sync']);
    world.trail.record = record;
    await world.ticks(5);
    expect(world.actions()).toEqual(['sync', 'deployed']);
  });

  test('a sync that succeeded is not a healthy application', async () => {
    const world = aWorld();
    const { event } = await world.build();
    world.workloads.broken = true;
    await world.invoke(event);
    await world.ticks(3);
    expect(world.reasons().at(-1)).toMatch(/^wait: synced to .* and Degraded/);
    await world.ticks(1);
    expect(world.reasons().at(-1)).toMatch(/^fail: synced to .* and Degraded/);
  });

  test('D7: Degraded for some seconds around a rollout is no failure', async () => {
    const world = aWorld();
    const { event } = await world.build();
    world.workloads.broken = true;
    await world.invoke(event);
    world.workloads.broken = false;
    await world.pass(60_000);
    await world.ticks(1);
    expect(world.actions()).toEqual(['sync', 'wait', 'deployed']);
  });

  test('a sync that failed is a failure, with the message of Argo CD', async () => {
    const world = aWorld();
    const { event } = await world.build();
    world.argocd.failNextSync('api', { phase: 'Failed', message: 'one or more objects failed to apply' });
    await world.invoke(event);
    expect(world.reasons().at(-1)).toBe(
      'fail: the sync ended as Failed: one or more objects failed to apply',
    );
  });

  test('Running with an end is a retry that waits, not an end', async () => {
    const world = aWorld({ application: { retry: { limit: 3, backoff: { duration: '5s' } } } });
    const { event } = await world.build();
    world.argocd.failNextSync('api', { phase: 'Failed', message: 'not yet' });
    await world.invoke(event);
    await world.ticks(1);
    expect(world.actions().filter((action) => action !== 'wait')).toEqual(['sync', 'deployed']);
  });

  test('D8: a canary that is Suspended for 5 min is deployed when it is Healthy', async () => {
    const world = aWorld();
    world.argocd.changeApplication('api', { suspended: true });
    const { event } = await world.build();
    await world.invoke(event);
    await world.ticks(5);
    expect(world.reasons().at(-1)).toMatch(/^wait: synced to .* and Suspended/);
    world.argocd.changeApplication('api', { suspended: false });
    await world.ticks(5);
    expect(world.actions()).toEqual(['sync', 'wait', 'deployed']);
  });

  test('D8: Suspended for an hour is a failure that says so', async () => {
    const world = aWorld();
    world.argocd.changeApplication('api', { suspended: true });
    const { event } = await world.build();
    await world.invoke(event);
    await world.ticks(62);
    expect(world.reasons().at(-1)).toMatch(/^fail: .* and Suspended: .* for more than 60 minutes$/);
  });

  test('an application that is deleted while we wait is a failure', async () => {
    const world = aWorld({ rolloutSeconds: 100 });
    const { event } = await world.build();
    await world.invoke(event);
    world.argocd.deleteApplication('api', { seconds: 300 });
    await world.ticks(1);
    expect(world.reasons().at(-1)).toBe(`fail: ${OF_SYNCS.deleting}`);
  });

  test('an application that is gone while we wait is a failure that somebody hears of', async () => {
    const world = aWorld({ rolloutSeconds: 100 });
    const { event } = await world.build();
    await world.invoke(event);
    world.argocd.deleteApplication('api', { seconds: 1 });
    await world.pass(5_000);
    await expect(world.ticks(1)).rejects.toThrow(/there is no application default\/api/);
    expect(world.actions().at(-1)).toBe('fail');
    await world.ticks(3);
  });

  test('what does not end within 30 minutes is a failure', async () => {
    const world = aWorld({ rolloutSeconds: 100_000 });
    const { event } = await world.build();
    await world.invoke(event);
    await world.ticks(32);
    expect(world.reasons().at(-1)).toMatch(/^fail: synced to .* and Progressing, for more than 30 minutes$/);
  });
});

describe('what Argo CD answers', () => {
  test('a token that was revoked fails loudly once, and the deploy is kept until there is another', async () => {
    const world = aWorld({ rolloutSeconds: 100 });
    const { event } = await world.build();
    await world.invoke(event);
    world.wire.state.token = 'revoked.since.then';
    await expect(world.ticks(1)).rejects.toThrow(/does not accept the token/);
    await world.ticks(10);
    expect(world.actions()).toEqual(['sync', 'wait', 'fail']);

    world.wire.state.token = world.argocd.addToken({ project: 'default', role: 'nightshift' });
    await world.ticks(6);
    expect(world.actions().at(-1)).toBe('deployed');
    expect(world.syncs()).toBe(1);
  });

  test('a token without the right to sync is a failure that somebody hears of', async () => {
    const world = aWorld();
    world.argocd.addToken({ project: 'default', role: 'nightshift', policies: ['get'] });
    world.wire.state.token = world.argocd.addToken({ project: 'default', role: 'reader', policies: ['get'] });
    const { event } = await world.build();
    await expect(world.invoke(event)).rejects.toThrow(/does not permit it for default\/api/);
    expect(world.actions()).toEqual(['fail']);
  });

  test('a sync window defers the deploy, and it follows when the window is over', async () => {
    const world = aWorld();
    const lift = world.argocd.addSyncWindow('default', {
      kind: 'deny',
      schedule: '* * * * *',
      duration: '1h',
      applications: ['*'],
    });
    const { event } = await world.build();
    await world.invoke(event);
    await world.ticks(12);
    expect(world.actions()).toEqual(['defer']);
    const asked = world.syncs();
    expect(asked).toBeLessThanOrEqual(4);
    lift();
    await world.ticks(6);
    expect(world.actions()).toEqual(['defer', 'sync', 'deployed']);
  });

  test.each([
    ['busy', { kind: 'busy', detail: 'another operation is already in progress' }],
    ['transient', { kind: 'transient', detail: '503' }],
  ] as const)('%s: asked again until it goes through', async (_what, failure) => {
    const world = aWorld();
    const { event } = await world.build();
    let left = 3;
    world.wire.state.fault = (call) => (call.startsWith('sync') && left-- > 0 ? failure : undefined);
    await world.invoke(event);
    await world.ticks(3);
    expect(world.actions().filter((action) => action !== 'wait')).toEqual(['sync', 'deployed']);
  });

  test('an unreachable Argo CD fails loudly after a quarter of an hour, once, and is asked on', async () => {
    const world = aWorld();
    const { event } = await world.build();
    world.wire.state.fault = () => ({ kind: 'transient', detail: 'argocd is unreachable: ECONNREFUSED' });
    await world.invoke(event);
    let loud = 0;
    for (let minute = 0; minute < 40; minute++) await world.ticks(1).catch(() => loud++);
    expect(loud).toBe(1);
    expect(world.actions()).toEqual(['wait', 'fail']);
    world.wire.state.fault = () => undefined;
    await world.ticks(6);
    expect(world.actions()).toEqual(['wait', 'fail', 'sync', 'deployed']);
  });

  test('a reply that was lost: the sync took effect, and is not asked for twice', async () => {
    const world = aWorld();
    const { event } = await world.build();
    const { wire } = world;
    const sync = wire.sync.bind(wire);
    wire.sync = async (application, deployId) => {
      const reply = await sync(application, deployId);
      return reply.ok
        ? {
            ok: false,
            error: { kind: 'transient', outcomeUnknown: true, detail: 'no answer within 10000 ms' },
          }
        : reply;
    };
    await world.invoke(event);
    await world.ticks(1);
    expect(world.syncs()).toBe(1);
    expect(world.actions().at(-1)).toBe('deployed');
  });

  test('a pause that the server asks for is kept', async () => {
    const world = aWorld();
    const { event } = await world.build();
    const times: number[] = [];
    world.wire.state.fault = (call) => {
      if (call.startsWith('read')) times.push(world.clock.now());
      return times.length < 3 ? { kind: 'transient', detail: '429', retryAfterSeconds: 9 } : undefined;
    };
    await world.invoke(event);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(9_000);
  });

  test('a sync that never arrived is asked for again', async () => {
    const world = aWorld();
    const { event } = await world.build();
    let lost = 1;
    world.wire.state.fault = (call) =>
      call.startsWith('sync') && lost-- > 0
        ? { kind: 'transient', outcomeUnknown: true, detail: 'no answer' }
        : undefined;
    await world.invoke(event);
    await world.ticks(2);
    expect(world.syncs()).toBe(2);
    expect(world.actions().at(-1)).toBe('deployed');
  });
});

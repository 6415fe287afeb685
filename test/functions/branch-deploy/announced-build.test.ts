import { describe, expect, test } from 'vitest';
import { OF_ANNOUNCEMENTS, OF_BUILDS } from '#functions/branch-deploy/reasons.ts';
import {
  ACCOUNT,
  AT_NIGHT,
  anApplication,
  aWorld,
  OFFICE,
  REGION,
  REPOSITORY,
  type World,
} from './a-world.ts';

const ECR = `${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com`;
const binding = {
  project: 'api-develop',
  announced: true,
  repository: REPOSITORY,
  branch: 'develop',
  applications: [anApplication()],
};

const aWorldOf = (overrides: object = {}, options: Parameters<typeof aWorld>[0] = {}) =>
  aWorld({ ...options, settings: { builds: [{ ...binding, ...overrides }], ...options.settings } });

function anAnnouncement(world: World, detail: object, envelope: object = {}) {
  return {
    version: '0',
    id: 'event-1',
    source: 'nightshift.build',
    'detail-type': 'api-develop',
    account: ACCOUNT,
    region: REGION,
    time: world.clock.date().toISOString(),
    resources: [],
    detail: { status: 'SUCCEEDED', run: '9876543210-1', number: 7, ...detail },
    ...envelope,
  };
}

describe('a build that ran elsewhere', () => {
  test('is deployed as one of CodeBuild, and CodeBuild is not asked', async () => {
    const world = aWorldOf();
    const { sha } = world.push();
    await world.invoke(anAnnouncement(world, { commit: sha }));
    expect(world.actions('api')).toEqual(['sync', 'deployed']);
    expect(world.decisions[0]).toMatchObject({ build: 'api-develop:9876543210-1', number: 7, sha });
    await world.ticks(6);
    expect(world.reads.builds).toBe(0);
  });

  test('waits for the morning, and is deployed once', async () => {
    const world = aWorldOf({}, { start: AT_NIGHT, settings: { schedule: OFFICE } });
    await world.state({ phase: 'asleep', desired: 'asleep' });
    const { sha } = world.push();
    const event = anAnnouncement(world, { commit: sha });
    await world.invoke(event);
    await world.invoke(event);
    expect(world.actions('api')).toEqual(['defer']);
    await world.pass(9 * 3_600_000 + 60_000);
    await world.state({ phase: 'awake', desired: 'awake' });
    await world.ticks(3);
    expect(world.actions('api').filter((action) => action === 'sync')).toHaveLength(1);
    expect(world.actions('api').at(-1)).toBe('deployed');
  });

  test('is known by its run: twice is once, and the older of two is superseded', async () => {
    const world = aWorldOf();
    const [first, second] = [world.push(), world.push()];
    const newer = anAnnouncement(world, { commit: second.sha, run: 'two', number: 8 });
    await world.invoke(newer);
    await world.invoke(newer);
    await world.invoke(anAnnouncement(world, { commit: first.sha, run: 'one', number: 7 }));
    expect(world.actions('api')).toEqual(['sync', 'deployed', 'superseded']);
    expect(world.reasons()).toContain(`none: ${OF_BUILDS.alreadyHandled}`);
  });

  test('that is run once more under its number is deployed once more', async () => {
    const world = aWorldOf();
    const { sha } = world.push();
    await world.invoke(anAnnouncement(world, { commit: sha, run: '9-1', status: 'FAILED' }));
    await world.pass(60_000);
    await world.invoke(anAnnouncement(world, { commit: sha, run: '9-2' }));
    await world.pass(60_000);
    await world.invoke(anAnnouncement(world, { commit: sha, run: '9-3' }));
    expect(world.actions('api').filter((action) => action === 'deployed')).toHaveLength(2);
    expect(world.actions('api')).not.toContain('superseded');
  });

  test('whose numbers begin again after hours is newer', async () => {
    const world = aWorldOf();
    await world.invoke(anAnnouncement(world, { commit: world.push().sha, number: 900 }));
    await world.pass(10 * 3_600_000);
    await world.invoke(anAnnouncement(world, { commit: world.push().sha, run: 'renamed', number: 1 }));
    expect(world.actions('api').filter((action) => action === 'deployed')).toHaveLength(2);
  });

  test('that failed is not deployed', async () => {
    const world = aWorldOf();
    await world.invoke(anAnnouncement(world, { commit: world.push().sha, status: 'FAILED' }));
    expect(world.reasons()).toEqual([`ignore: ${OF_BUILDS.endedAs('FAILED')}`]);
  });

  test('names the image that it made, of the bound repository only', async () => {
    const images = [{ repository: `${ECR}/api`, tag: { exported: 'IMAGE_TAG' } }];
    const world = aWorldOf({ applications: [anApplication({ images })] });
    const announce = (IMAGE_TAG: string, number: number) =>
      world.invoke(
        anAnnouncement(world, {
          commit: world.push().sha,
          run: `r${number}`,
          number,
          exported: { IMAGE_TAG },
        }),
      );
    await announce(`${ECR}/other:v1`, 1);
    await announce('999999999999.dkr.ecr.us-east-1.amazonaws.com/api:v1', 2);
    expect(world.actions('api')).toEqual(['refuse', 'refuse']);
    expect(world.syncs()).toBe(0);
  });
});

describe('an announcement is refused', () => {
  test.each([
    ['of another branch', { branch: 'main' }],
    ['of a branch that is spelled in another way', { branch: 'refs/heads/Develop' }],
    ['of a branch that ends so', { branch: 'refs/heads/feature/develop' }],
    ['of a tag', { branch: 'refs/tags/develop' }],
    ['of a pull request', { branch: 'refs/pull/7/merge' }],
    ['of another repository', { repository: 'https://github.com/somebody/api' }],
    ['of the repository without TLS', { repository: 'http://github.com/example/api' }],
  ])('%s', async (_what, detail) => {
    const world = aWorldOf();
    await world.invoke(anAnnouncement(world, { commit: world.push().sha, ...detail }));
    expect(world.decisions.map(({ action }) => action)).toEqual(['refuse']);
    expect(world.syncs()).toBe(0);
  });

  test.each([
    ['status', undefined],
    ['status', 'success'],
    ['run', 7],
    ['run', '../app#default'],
    ['run', ''],
    ['run', 'x'.repeat(101)],
    ['number', '7'],
    ['number', 0],
    ['number', 1.5],
    ['commit', 'develop'],
    ['commit', '0a1b2c3'],
    ['commit', 'A'.repeat(40)],
    ['branch', 7],
    ['repository', ['https://github.com/example/api']],
    ['exported', { IMAGE_TAG: 7 }],
    ['exported', ['IMAGE_TAG']],
    ['exported', { IMAGE_TAG: 'x'.repeat(1_001) }],
  ])('with a wrong %s: %j', async (key, value) => {
    const world = aWorldOf();
    await world.invoke(anAnnouncement(world, { commit: world.push().sha, [key]: value }));
    const [decision, ...more] = world.decisions;
    expect(more).toEqual([]);
    expect(decision?.action).toBe('refuse');
    expect(decision?.reason).toContain(`detail.${key} of the announcement is`);
    expect(decision?.reason).toMatch(/: send /);
    expect(decision?.reason.length).toBeLessThan(400);
  });

  test.each([['a text'], [undefined], [[]], [null]])('with %j for a detail', async (detail) => {
    const world = aWorldOf();
    await world.invoke({ ...anAnnouncement(world, {}), detail });
    const [decision] = world.decisions;
    expect(decision?.action).toBe('refuse');
    expect([
      OF_ANNOUNCEMENTS.noDetail,
      OF_ANNOUNCEMENTS.wrong('status', undefined, '"SUCCEEDED" or "FAILED"'),
    ]).toContain(decision?.reason);
  });

  test.each([
    ['another account', { account: '222222222222' }],
    ['another region', { region: 'us-east-1' }],
    ['a name that is not bound', { 'detail-type': 'web-develop' }],
  ])('from %s it is ignored', async (_what, envelope) => {
    const world = aWorldOf();
    await world.invoke(anAnnouncement(world, { commit: world.push().sha }, envelope));
    expect(world.decisions.map(({ action }) => action)).toEqual(['ignore']);
  });

  test('of a project that CodeBuild builds, and an event of CodeBuild under the name of an announced one', async () => {
    const ofCodeBuild = aWorldOf({ announced: false });
    await ofCodeBuild.invoke(anAnnouncement(ofCodeBuild, { commit: ofCodeBuild.push().sha }));
    expect(ofCodeBuild.decisions.map(({ action }) => action)).toEqual(['ignore']);
    const world = aWorldOf();
    await world.invoke((await world.build()).event);
    expect(world.decisions.map(({ action }) => action)).toEqual(['ignore']);
  });

  test('a time of the future does not make a build newer for ever', async () => {
    const world = aWorldOf();
    const future = new Date(world.clock.now() + 365 * 86_400_000).toISOString();
    await world.invoke(anAnnouncement(world, { commit: world.push().sha, number: 900 }, { time: future }));
    await world.pass(10 * 3_600_000);
    await world.invoke(anAnnouncement(world, { commit: world.push().sha, run: 'later', number: 1 }));
    expect(world.actions('api').filter((action) => action === 'deployed')).toHaveLength(2);
  });
});

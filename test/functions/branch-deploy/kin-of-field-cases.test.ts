/** Other inputs of the kinds that the field cases D1 to D9 are of. */
import { describe, expect, test } from 'vitest';
import { decide } from '#functions/branch-deploy/decide.ts';
import { runningOf } from '#functions/branch-deploy/images.ts';
import type { ApplicationView } from '#functions/branch-deploy/ports.ts';
import type { ApplicationRecord } from '#functions/branch-deploy/record.ts';
import { matchBranch, sameRepository } from '#model/branch.ts';
import { ACCOUNT, aWorld, lastEvent, REGION, REPOSITORY } from './a-world.ts';
import {
  aBuild,
  ago,
  anAttempt,
  anOperation,
  aRecord,
  aView,
  NEWER,
  now,
  OLD,
  OURS,
} from './an-application.ts';

describe('D1: superseded means that a newer build of the same project is there', () => {
  test.each([
    [
      'which is Healthy: deployed',
      false,
      /^deployed: Synced and Healthy at \w+, to which the branch has moved on/,
    ],
    ['which is Degraded: failed', true, /^fail: synced to \w+ and Degraded/],
  ])("a person's sync to a commit of somebody else behind ours, %s", async (_what, broken, verdict) => {
    const world = aWorld({ rolloutSeconds: 50 });
    const { event } = await world.build();
    await world.invoke(event);
    world.codebuild.changeProject(
      { account: ACCOUNT, region: REGION, name: 'api-develop' },
      { webhook: { filterGroups: [[{ type: 'FILE_PATH', pattern: '^api/' }]] } },
    );
    world.codebuild.push({ repository: REPOSITORY, ref: 'refs/heads/develop', files: ['web/main.ts'] });
    world.workloads.broken = broken;
    await world.pass(2_000);
    world.argocd.startForeignSync('api', { username: 'alice' });
    await world.ticks(8);
    expect(world.actions()).not.toContain('superseded');
    expect(world.reasons().at(-1)).toMatch(verdict);
    expect(world.syncs()).toBe(1);
  });

  test("a person's operation that fails is no newer build", () => {
    const operation = anOperation({ deployIds: [], by: 'alice', phase: 'Failed', revisions: [OLD] });
    const { step } = decide(aRecord(), { ok: true, value: aView({ operation, revisions: [OLD] }) }, now);
    expect(step).toMatchObject({ kind: 'settle', outcome: 'failed' });
  });
});

describe('D2: one repository in other forms', () => {
  test.each([
    ['ssh://git@ssh.github.com:443/example/api.git', REPOSITORY],
    ['git@github.com:/example/api.git', REPOSITORY],
    ['ssh://git@gitlab.com/Group/Sub/Api.git/', 'https://gitlab.com/group/sub/api'],
    ['https://git.example.com:8443/example/api.git', 'ssh://git@git.example.com:2222/example/api'],
    ['https://oauth2:token@gitlab.com/group/sub/api', 'git@gitlab.com:group/sub/api.git'],
    ['https://github.com:443/example/api', REPOSITORY],
  ])('%s is %s', (one, other) => {
    expect(sameRepository(one, other)).toBe(true);
    expect(sameRepository(other, one)).toBe(true);
  });

  test.each([
    ['https://github.com/example/api-manifests', REPOSITORY],
    ['git@github.com.example.org:example/api.git', REPOSITORY],
    ['https://gitlab.com/group/api', 'https://gitlab.com/group/sub/api'],
  ])('%s is not %s', (one, other) => {
    expect(sameRepository(one, other)).toBe(false);
  });

  test('a build whose address has a user and a port of TLS is admitted', () => {
    const build = { initiator: 'GitHub-Hookshot/0a1b2c3', sourceVersion: OURS };
    const location = 'https://x-access-token@github.com:443/Example/API.git';
    expect(matchBranch({ repository: REPOSITORY, branch: 'develop' }, { ...build, location })).toMatchObject({
      matches: true,
    });
  });
});

describe('D3: what goes live although nobody built it', () => {
  test.each(['FAULT', 'STOPPED'] as const)('a next build that ends as %s is reported', async (outcome) => {
    const world = aWorld();
    world.push();
    await world.pass(20_000);
    world.codebuild.changeProject({ account: ACCOUNT, region: REGION, name: 'api-develop' }, { outcome });
    world.push();
    await world.pass(12_000);
    await world.invoke(lastEvent(world.events));
    await world.pass(30_000);
    await world.invoke(lastEvent(world.events));
    await world.ticks(10);
    const warned = world.reasons().filter((reason) => reason.startsWith('warn'));
    expect(warned).toEqual([expect.stringContaining(`build 2 of api-develop ended as ${outcome}`)]);
  });
});

describe('D4: an application that tracks something else than the branch', () => {
  test.each(['refs/heads/main', 'v1.2.3', '*'])('%s is a mistake of the config', async (targetRevision) => {
    const view = aView({ sources: [{ repository: `${REPOSITORY}.git`, targetRevision }] });
    const { step } = decide(aRecord(), { ok: true, value: view }, now);
    expect(step).toMatchObject({ kind: 'settle', outcome: 'failed', misconfigured: true });
  });

  test('refs/heads/develop is the branch', () => {
    const view = aView({ sources: [{ repository: REPOSITORY, targetRevision: 'refs/heads/develop' }] });
    const { step } = decide(aRecord(), { ok: true, value: view }, now);
    expect(step).toMatchObject({ kind: 'settle', outcome: 'deployed' });
  });
});

describe('D5: a source hydrator', () => {
  const hydrated = (hydration: ApplicationView['hydration'], revisions: readonly string[]) =>
    decide(
      aRecord({ requested: [aBuild({ startedAt: ago(70).toISOString() })] }),
      {
        ok: true,
        value: aView({ ...(hydration && { hydration }), revisions, operation: anOperation({ revisions }) }),
      },
      now,
    ).step;

  test('that has failed for our commit is waited for, with its message', () => {
    const step = hydrated({ dry: OLD, hydrated: NEWER, message: 'helm template failed' }, [NEWER]);
    expect(step).toMatchObject({ kind: 'wait', reason: expect.stringContaining('helm template failed') });
  });

  test('that has made manifests which Argo CD has not synced yet is waited for, or synced', () => {
    const step = hydrated({ dry: OURS, hydrated: NEWER, message: '' }, [OLD]);
    expect(['wait', 'sync']).toContain(step.kind);
  });
});

describe('D7 and D8: nothing transient is final', () => {
  /** Looks at the given seconds after the sync; the last step. */
  const over = (looks: readonly (readonly [seconds: number, view: Partial<ApplicationView>])[]) => {
    const start = ago(50).getTime();
    let record: ApplicationRecord = aRecord({ attempt: anAttempt() });
    const kinds: string[] = [];
    for (const [seconds, view] of looks) {
      const at = new Date(start + seconds * 1_000);
      const decided = decide(record, { ok: true, value: aView({ reconciledAt: at, ...view }) }, at);
      record = decided.record;
      kinds.push(decided.step.kind === 'settle' ? decided.step.outcome : decided.step.kind);
    }
    return kinds;
  };
  const minutes = (count: number) => count * 60;

  test.each<[string, readonly (readonly [number, Partial<ApplicationView>])[], readonly string[]]>([
    [
      'Missing for two minutes',
      [
        [20, { health: 'Missing' }],
        [minutes(2), { health: 'Missing' }],
        [minutes(2.5), {}],
      ],
      ['wait', 'wait', 'deployed'],
    ],
    [
      'a comparison that fails for two minutes',
      [
        [20, { sync: 'Unknown', condition: 'ComparisonError: no repository server' }],
        [minutes(2), { sync: 'Unknown' }],
        [minutes(2.5), {}],
      ],
      ['wait', 'wait', 'deployed'],
    ],
    [
      'a canary of two pauses, whose last step comes after half an hour',
      [
        [20, { health: 'Suspended' }],
        [minutes(15), { health: 'Progressing' }],
        [minutes(16), { health: 'Suspended' }],
        [minutes(35), { health: 'Progressing' }],
        [minutes(36), {}],
      ],
      ['wait', 'wait', 'wait', 'wait', 'deployed'],
    ],
    [
      'Degraded for a moment after a pause of 35 minutes',
      [
        [20, { health: 'Suspended' }],
        [minutes(35), { health: 'Degraded' }],
        [minutes(37), {}],
      ],
      ['wait', 'wait', 'deployed'],
    ],
    [
      'Degraded for good after such a pause',
      [
        [20, { health: 'Suspended' }],
        [minutes(35), { health: 'Degraded' }],
        [minutes(38), { health: 'Degraded' }],
      ],
      ['wait', 'wait', 'failed'],
    ],
    [
      'pauses and steps without an end',
      [
        [20, { health: 'Suspended' }],
        [minutes(35), { health: 'Progressing' }],
        [minutes(61), { health: 'Progressing' }],
      ],
      ['wait', 'wait', 'failed'],
    ],
  ])('%s', (_what, looks, kinds) => {
    expect(over(looks)).toEqual(kinds);
  });
});

describe('D9: the built image is what runs', () => {
  const repository = `${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com/api`;
  const digest = `sha256:${'1'.repeat(64)}`;
  const build = aBuild({ images: [{ repository, version: 'v2', digests: [digest] }] });
  const container = (image: string, digests: readonly string[] = [], started = true) => ({
    image,
    started,
    digests,
  });
  const pods = (...containers: ReturnType<typeof container>[][]) =>
    aView({ pods: containers.map((all, index) => ({ name: `api-${index}`, containers: all })) });
  const ours = container(`${repository}:v2`, [digest]);

  test.each<[string, ApplicationView, string | undefined]>([
    ['a sidecar of another repository does not count', pods([ours, container('envoy:v1')]), 'runs'],
    [
      'an old init container of the same repository does',
      pods([ours, container(`${repository}:v1`)]),
      'other',
    ],
    [
      'the tag was moved on: another digest runs under it',
      pods([container(`${repository}:v2`, [`sha256:${'2'.repeat(64)}`])]),
      'other',
    ],
    ['one pod cannot pull it', pods([ours], [container(`${repository}:v2`, [], false)]), 'rolling'],
    ['pinned by tag and digest', pods([container(`${repository}:v2@${digest}`, [digest])]), 'runs'],
    [
      'the same name in another Region is another image',
      pods([container(`${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/api:v2`, [digest])]),
      'other',
    ],
  ])('%s', (_what, view, kind) => {
    expect(runningOf([build], view)?.kind).toBe(kind);
  });
});

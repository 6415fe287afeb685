import { describe, expect, test } from 'vitest';
import { createStatusQueue, STATUS_TIMES } from '#functions/adapters/forges/status-queue.ts';
import type { CommitStatus, DeployContext, Statuses, StatusFailure } from '#functions/branch-deploy/ports.ts';
import { OF_SYNCS } from '#functions/branch-deploy/reasons.ts';
import type { RequestedBuild } from '#functions/branch-deploy/record.ts';
import { postStatuses, report, statusOf } from '#functions/branch-deploy/report.ts';
import type { Action, Decision } from '#model/decision.ts';
import {
  ACCOUNT,
  AT_NIGHT,
  AT_WORK,
  aWorld,
  lastEvent,
  OFFICE,
  REGION,
  REPOSITORY,
  theSettings,
} from './a-world.ts';

const SHA = '0123456789abcdef0123456789abcdef01234567';

/** Accepts what GitHub would accept, and fails as `error` says. */
function aGithub(): Statuses & { taken: CommitStatus[]; error: StatusFailure | undefined; asked: number } {
  const github = {
    taken: [] as CommitStatus[],
    error: undefined as StatusFailure | undefined,
    asked: 0,
    has: (repository: string) => repository.startsWith('https://github.com/'),
    async post(status: CommitStatus) {
      github.asked++;
      await new Promise((resolve) => setImmediate(resolve));
      if (status.description.length > 140) throw new Error('422: description is too long (maximum is 140)');
      if (github.error) return github.error;
      github.taken.push(status);
      return undefined;
    },
  };
  return github;
}

function aBuild(overrides: Partial<RequestedBuild> = {}): RequestedBuild {
  return {
    project: 'api-develop',
    build: 'api-develop:1',
    number: 1,
    repository: REPOSITORY,
    branch: 'develop',
    sha: SHA,
    recordedAt: AT_WORK.toISOString(),
    trigger: 'event-1',
    ...overrides,
  };
}

/** An invocation that reports to a queue in front of GitHub. */
function anInvocation(github = aGithub()) {
  const recorded: Decision[] = [];
  const clock = { now: AT_WORK.getTime() };
  const context = {
    settings: theSettings(),
    recorder: {
      record: (decision: object) => void recorded.push(decision as Decision),
      recordWritten: async () => true,
    },
    statuses: createStatusQueue({ statuses: github, now: () => new Date(clock.now) }),
  } as unknown as DeployContext;
  return {
    github,
    recorded: () => recorded.filter(({ action }) => action === 'warn'),
    clock,
    about: (application: string, builds: RequestedBuild[], action: Action, reason: string) =>
      report(context, application, builds, { action, reason }),
    flush: () => postStatuses(context),
  };
}

const shown = (github: ReturnType<typeof aGithub>) =>
  github.taken.map(({ state, description }) => `${state} ${description}`);

describe('what a commit shows', () => {
  test('by day: that it is synced, and then the end', async () => {
    const github = aGithub();
    const world = aWorld({ statuses: github });
    const { sha, event } = await world.build();
    await world.invoke(event);
    const { sha: _, ...last } = github.taken.at(-1) as CommitStatus;
    expect(last).toEqual({
      repository: REPOSITORY,
      state: 'success',
      description: `deployed: ${OF_SYNCS.deployed([sha])}`,
      context: 'nightshift/develop/api',
      environment: 'develop',
      application: 'api',
      build: expect.stringMatching(/^api-develop:/),
      branch: 'develop',
      progress: 'deployed',
      links: { page: 'https://argocd.develop.example.com/applications/api?operation=true' },
    });
    expect(shown(github)[0]).toBe(`pending syncing: build 1 of api-develop (${sha.slice(0, 7)}) succeeded`);
    expect(new Set(github.taken.map((status) => status.sha))).toEqual(new Set([sha]));
  });

  test('at night: until when it is deferred, and in the morning the end', async () => {
    const github = aGithub();
    const world = aWorld({ start: AT_NIGHT, settings: { schedule: OFFICE }, statuses: github });
    await world.state({ phase: 'asleep', desired: 'asleep' });
    await world.invoke((await world.build()).event);
    expect(shown(github)).toHaveLength(1);
    expect(shown(github)[0]).toMatch(/^pending deferred until Thu 08:00/);
    await world.pass(9 * 3_600_000 + 60_000);
    await world.state({ phase: 'awake', desired: 'awake' });
    await world.ticks(3);
    expect(shown(github).at(-1)).toMatch(/^success deployed/);
  });

  test('of a sync that fails is a failure', async () => {
    const github = aGithub();
    const world = aWorld({ statuses: github });
    world.argocd.failNextSync('api', { phase: 'Failed', message: 'no such image' });
    await world.invoke((await world.build()).event);
    expect(shown(github).at(-1)).toBe('failure failed: the sync ended as Failed: no such image');
  });

  test.each([
    ['the deploy failed', 'fail', { outcome: 'failed' }, 'failure', 'failed: x'],
    ['a failure that is retried', 'fail', {}, 'pending', 'x'],
    ['what waits for a person', 'wait', { outcome: 'suspended' }, 'pending', 'waiting: x'],
    ['D3: a commit that is live although its build failed', 'warn', { live: true }, 'failure', 'live: x'],
    ['somebody in the way', 'warn', {}, 'pending', 'waiting: x'],
    ['a closed sync window', 'defer', {}, 'pending', 'x'],
    ['a cluster that is woken', 'wake', {}, 'pending', 'x'],
    ['D1: what a newer build carries', 'superseded', {}, 'pending', 'superseded: x'],
    ['D1: once that is deployed', 'superseded', { newer: 'deployed' }, 'success', 'superseded: x'],
    ['D1: once that has failed', 'superseded', { newer: 'failed' }, 'failure', 'superseded: x'],
    ['D9: nothing says whether it runs', 'unverified', { outcome: 'unverified' }, 'unknown', 'unverified: x'],
    ['D9: nor what contains it', 'superseded', { newer: 'unverified' }, 'unknown', 'superseded: x'],
    ['what a person replaced', 'superseded', { outcome: 'superseded' }, 'failure', 'superseded: x'],
  ] as const)('%s', (_what, action, facts, state, description) => {
    expect(statusOf(theSettings(), 'api', aBuild(), { action, reason: 'x', facts })).toMatchObject({
      state,
      description,
    });
  });

  test('nothing of a dry run, of a build without a commit, or of the older build of the same commit', () => {
    const of = (build: RequestedBuild, facts: Record<string, boolean> = {}) =>
      statusOf(theSettings(), 'api', build, { action: 'superseded', reason: 'x', facts });
    const { sha: _, ...without } = aBuild();
    expect(of(aBuild(), { dryRun: true })).toBeUndefined();
    expect(of(aBuild(), { sameCommit: true })).toBeUndefined();
    expect(of(without)).toBeUndefined();
    expect(statusOf(theSettings(), 'api', aBuild(), { action: 'refuse', reason: 'x' })).toBeUndefined();
  });

  test('is no longer than GitHub takes', () => {
    const status = statusOf(theSettings(), 'api', aBuild(), { action: 'deployed', reason: '🙂'.repeat(200) });
    expect([...(status?.description ?? '')]).toHaveLength(140);
    expect(status?.description.endsWith('🙂…')).toBe(true);
  });

  test('the older of two builds of one commit says nothing of it', async () => {
    const github = aGithub();
    const world = aWorld({ statuses: github });
    const first = await world.build();
    // The webhook is delivered once more.
    world.codebuild.startBuild({
      account: ACCOUNT,
      region: REGION,
      project: 'api-develop',
      initiator: 'GitHub-Hookshot/0a1b2c3',
      sourceVersion: 'develop',
    });
    await world.pass(32_000);
    world.argocd.failNextSync('api', { phase: 'Failed', message: 'no such image' });
    await world.invoke(lastEvent(world.events));
    await world.invoke(first.event);
    expect(world.actions('api')).toEqual(['sync', 'fail', 'superseded']);
    expect(shown(github).at(-1)).toBe('failure failed: the sync ended as Failed: no such image');
  });

  test('nothing where the repository is on another host', async () => {
    const { about, flush, github } = anInvocation();
    await about('api', [aBuild({ repository: 'https://gitlab.com/example/api' })], 'deployed', 'x');
    await flush();
    expect(github.asked).toBe(0);
  });
});

describe('when GitHub fails', () => {
  const OUTAGE: StatusFailure = { kind: 'transient', detail: 'github.com answered 502' };

  test('does not keep anything from being deployed, and is reported once', async () => {
    const github = aGithub();
    github.error = { kind: 'permanent', detail: 'github.com answered 404: Not Found' };
    const world = aWorld({ statuses: github });
    await world.invoke((await world.build()).event);
    await world.invoke((await world.build()).event);
    expect(world.actions('api').filter((action) => action === 'deployed')).toHaveLength(2);
    const warnings = world.decisions.filter(({ action }) => action === 'warn');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.reason).toMatch(/was not posted: github.com answered 404/);
  });

  test('is not waited for by the work: only the end of the run waits', async () => {
    const github = aGithub();
    const answers: (() => void)[] = [];
    github.post = () => new Promise((resolve) => answers.push(() => resolve(undefined)));
    const { about, flush } = anInvocation(github);
    await about('api', [aBuild()], 'sync', 'x');
    await about('api', [aBuild()], 'deployed', 'x');
    expect(answers).toHaveLength(1);
    let flushed = false;
    const flushing = flush().then(() => {
      flushed = true;
    });
    for (const turn of [0, 1]) {
      await new Promise((resolve) => setImmediate(resolve));
      expect(flushed).toBe(false);
      answers[turn]?.();
    }
    await flushing;
    expect(answers).toHaveLength(2);
  });

  test('that is transient loses nothing but what is out of date', async () => {
    const { about, flush, github, recorded } = anInvocation();
    github.error = OUTAGE;
    await about('api', [aBuild()], 'sync', 'x');
    await flush();
    expect(recorded()).toMatchObject([{ action: 'warn', target: 'api', trigger: 'event-1' }]);
    await about('api', [aBuild()], 'deployed', 'x');
    await flush();
    github.error = undefined;
    await flush();
    expect(shown(github)).toEqual(['success deployed: x']);
    expect(recorded()).toHaveLength(1);
  });

  test('loses what is pending: another process may have posted the end since', async () => {
    const { about, flush, github } = anInvocation();
    github.error = OUTAGE;
    await about('api', [aBuild()], 'sync', 'x');
    await about('web', [aBuild()], 'deployed', 'x');
    await flush();
    github.error = undefined;
    await flush();
    expect(shown(github)).toEqual(['success deployed: x']);
  });

  test('that is over within the run is not reported', async () => {
    const { about, flush, github, recorded } = anInvocation();
    github.error = OUTAGE;
    await about('api', [aBuild()], 'deployed', 'x');
    await new Promise((resolve) => setTimeout(resolve, 20));
    github.error = undefined;
    await flush();
    expect(shown(github)).toEqual(['success deployed: x']);
    expect(recorded()).toEqual([]);
  });

  test('a limit is kept to: nobody is asked before its time', async () => {
    const { about, flush, github, clock } = anInvocation();
    github.error = { ...OUTAGE, retryAfterSeconds: 90 };
    await about('api', [aBuild()], 'deployed', 'x');
    await about('web', [aBuild()], 'deployed', 'x');
    await flush();
    expect(github.asked).toBe(1);
    github.error = undefined;
    clock.now += 60_000;
    await flush();
    expect(github.asked).toBe(1);
    clock.now += 31_000;
    await flush();
    expect(github.taken.map(({ context }) => context)).toEqual([
      'nightshift/develop/api',
      'nightshift/develop/web',
    ]);
  });

  test('what was not accepted for an hour is dropped', async () => {
    const { about, flush, github, clock } = anInvocation();
    github.error = OUTAGE;
    await about('api', [aBuild()], 'deployed', 'x');
    await flush();
    github.error = undefined;
    clock.now += STATUS_TIMES.keepMs + 1;
    await flush();
    expect(github.taken).toEqual([]);
  });

  test('a secret that cannot be read is reported and breaks nothing', async () => {
    const github = aGithub();
    github.post = () => Promise.reject(new Error('the secret nightshift/github holds no string'));
    const { about, flush, recorded } = anInvocation(github);
    await about('api', [aBuild()], 'deployed', 'x');
    await flush();
    expect(recorded()[0]?.reason).toMatch(/holds no string/);
  });
});

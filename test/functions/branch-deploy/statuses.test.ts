import { describe, expect, test } from 'vitest';
import type { CommitStatus, Statuses, StatusTrouble } from '#functions/branch-deploy/ports.ts';
import type { RequestedBuild } from '#functions/branch-deploy/record.ts';
import { createStatusDesk, STATUS_TIMES, statusOf } from '#functions/branch-deploy/statuses.ts';
import type { Decision } from '#model/decision.ts';
import { ACCOUNT, AT_NIGHT, AT_WORK, aWorld, lastEvent, OFFICE, REGION, REPOSITORY } from './a-world.ts';

const SHA = '0123456789abcdef0123456789abcdef01234567';

/** Takes what GitHub would take, and says what it is told to say. */
function aGithub(): Statuses & { taken: CommitStatus[]; trouble: StatusTrouble | undefined; asked: number } {
  const github = {
    taken: [] as CommitStatus[],
    trouble: undefined as StatusTrouble | undefined,
    asked: 0,
    has: (repository: string) => repository.startsWith('https://github.com/'),
    async tell(status: CommitStatus) {
      github.asked++;
      await new Promise((resolve) => setImmediate(resolve));
      if (status.description.length > 140) throw new Error('422: description is too long (maximum is 140)');
      if (github.trouble) return github.trouble;
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

function aDesk(github = aGithub()) {
  const said: Decision[] = [];
  const clock = { now: AT_WORK.getTime() };
  const desk = createStatusDesk({
    environment: 'develop',
    statuses: github,
    now: () => new Date(clock.now),
  });
  const recorder = { record: (entry: object) => void said.push(entry as Decision) };
  const { about } = desk.watch({ about: async () => true }, false);
  return { desk: { flush: () => desk.flush(recorder) }, github, said, clock, about };
}

const shown = (github: ReturnType<typeof aGithub>) =>
  github.taken.map(({ state, description }) => `${state} ${description}`);

describe('what a commit shows', () => {
  test('by day: that it is synced, and then the verdict', async () => {
    const github = aGithub();
    const world = aWorld({ statuses: github });
    const { sha, event } = await world.build();
    await world.invoke(event);
    const { sha: _, ...last } = github.taken.at(-1) as CommitStatus;
    expect(last).toEqual({
      repository: REPOSITORY,
      state: 'success',
      description: `deployed: Synced and Healthy at ${sha.slice(0, 7)}`,
      context: 'nightshift/develop/api',
    });
    expect(shown(github)[0]).toBe(`pending syncing: build 1 of api-develop (${sha.slice(0, 7)}) succeeded`);
    expect(new Set(github.taken.map((status) => status.sha))).toEqual(new Set([sha]));
  });

  test('at night: until when it is deferred, and in the morning the verdict', async () => {
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
    ['the verdict failed', 'fail', { outcome: 'failed' }, 'failure', 'failed: x'],
    ['trouble that is tried on', 'fail', {}, 'pending', 'x'],
    ['what waits for a person', 'wait', { outcome: 'suspended' }, 'pending', 'waiting: x'],
    ['somebody in the way', 'warn', {}, 'pending', 'waiting: x'],
    ['a closed sync window', 'defer', {}, 'pending', 'x'],
    ['a cluster that is woken', 'wake', {}, 'pending', 'x'],
    ['what a newer build carries', 'superseded', { outcome: 'superseded' }, 'success', 'superseded: x'],
  ] as const)('%s', (_what, action, facts, state, description) => {
    expect(statusOf('develop', 'api', aBuild(), action, 'x', facts)).toMatchObject({ state, description });
  });

  test('nothing of a dry run, of a build without a commit, or of the older build of the same commit', () => {
    const of = (build: RequestedBuild, facts: Record<string, boolean> = {}) =>
      statusOf('develop', 'api', build, 'superseded', 'x', facts);
    const { sha: _, ...without } = aBuild();
    expect(of(aBuild(), { dryRun: true })).toBeUndefined();
    expect(of(aBuild(), { sameCommit: true })).toBeUndefined();
    expect(of(without)).toBeUndefined();
    expect(statusOf('develop', 'api', aBuild(), 'refuse', 'x', {})).toBeUndefined();
  });

  test('is no longer than GitHub takes', () => {
    const status = statusOf('develop', 'api', aBuild(), 'deployed', '🙂'.repeat(200), {});
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
    const { about, desk, github } = aDesk();
    await about('api', [aBuild({ repository: 'https://gitlab.com/example/api' })], 'deployed', 'x');
    await desk.flush();
    expect(github.asked).toBe(0);
  });
});

describe('trouble with GitHub', () => {
  const OUTAGE: StatusTrouble = { kind: 'transient', detail: 'github.com answered 502' };

  test('does not keep anything from being deployed, and is said once', async () => {
    const github = aGithub();
    github.trouble = { kind: 'refused', detail: 'github.com answered 404: Not Found' };
    const world = aWorld({ statuses: github });
    await world.invoke((await world.build()).event);
    await world.invoke((await world.build()).event);
    expect(world.actions('api').filter((action) => action === 'deployed')).toHaveLength(2);
    const warnings = world.decisions.filter(({ action }) => action === 'warn');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.reason).toMatch(/does not show what became of it: github.com answered 404/);
  });

  test('is not waited for by the work: only the end of the run waits', async () => {
    const github = aGithub();
    const answers: (() => void)[] = [];
    github.tell = () => new Promise((resolve) => answers.push(() => resolve(undefined)));
    const { about, desk } = aDesk(github);
    await about('api', [aBuild()], 'sync', 'x');
    await about('api', [aBuild()], 'deployed', 'x');
    expect(answers).toHaveLength(1);
    let flushed = false;
    const flushing = desk.flush().then(() => {
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

  test('that passes loses nothing but what is out of date', async () => {
    const { about, desk, github, said } = aDesk();
    github.trouble = OUTAGE;
    await about('api', [aBuild()], 'sync', 'x');
    await desk.flush();
    expect(said).toMatchObject([{ action: 'warn', target: 'api', trigger: 'event-1' }]);
    await about('api', [aBuild()], 'deployed', 'x');
    await desk.flush();
    github.trouble = undefined;
    await desk.flush();
    expect(shown(github)).toEqual(['success deployed: x']);
    expect(said).toHaveLength(1);
  });

  test('loses what is pending: another process may have told the verdict since', async () => {
    const { about, desk, github } = aDesk();
    github.trouble = OUTAGE;
    await about('api', [aBuild()], 'sync', 'x');
    await about('web', [aBuild()], 'deployed', 'x');
    await desk.flush();
    github.trouble = undefined;
    await desk.flush();
    expect(shown(github)).toEqual(['success deployed: x']);
  });

  test('that passes within the run is not said', async () => {
    const { about, desk, github, said } = aDesk();
    github.trouble = OUTAGE;
    await about('api', [aBuild()], 'deployed', 'x');
    await new Promise((resolve) => setTimeout(resolve, 20));
    github.trouble = undefined;
    await desk.flush();
    expect(shown(github)).toEqual(['success deployed: x']);
    expect(said).toEqual([]);
  });

  test('a limit is kept to: nobody is asked before its time', async () => {
    const { about, desk, github, clock } = aDesk();
    github.trouble = { ...OUTAGE, retryAfterSeconds: 90 };
    await about('api', [aBuild()], 'deployed', 'x');
    await about('web', [aBuild()], 'deployed', 'x');
    await desk.flush();
    expect(github.asked).toBe(1);
    github.trouble = undefined;
    clock.now += 60_000;
    await desk.flush();
    expect(github.asked).toBe(1);
    clock.now += 31_000;
    await desk.flush();
    expect(github.taken.map(({ context }) => context)).toEqual([
      'nightshift/develop/api',
      'nightshift/develop/web',
    ]);
  });

  test('what could not be told for an hour is forgotten', async () => {
    const { about, desk, github, clock } = aDesk();
    github.trouble = OUTAGE;
    await about('api', [aBuild()], 'deployed', 'x');
    await desk.flush();
    github.trouble = undefined;
    clock.now += STATUS_TIMES.keepMs + 1;
    await desk.flush();
    expect(github.taken).toEqual([]);
  });

  test('a secret that cannot be read is said and breaks nothing', async () => {
    const github = aGithub();
    github.tell = () => Promise.reject(new Error('the secret nightshift/github holds no string'));
    const { about, desk, said } = aDesk(github);
    await about('api', [aBuild()], 'deployed', 'x');
    await desk.flush();
    expect(said[0]?.reason).toMatch(/holds no string/);
  });
});

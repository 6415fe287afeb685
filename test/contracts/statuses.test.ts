/** What every adapter of a forge promises, over the wire to the lab's GitHub, GitLab and Bitbucket. */
import { serveForge } from '@nightshift/lab/http/forges.ts';
import { type CertificateAuthority, createCertificateAuthority } from '@nightshift/lab/http/tls.ts';
import { createGit } from '@nightshift/lab/world/codebuild/git.ts';
import { createContext } from '@nightshift/lab/world/context.ts';
import { createBitbucket } from '@nightshift/lab/world/forges/bitbucket.ts';
import { aForge, type Forge, type ForgeWorld } from '@nightshift/lab/world/forges/forge.ts';
import { createGithub, type GithubDeployment } from '@nightshift/lab/world/forges/github.ts';
import { createGitlab } from '@nightshift/lab/world/forges/gitlab.ts';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createBitbucketStatuses } from '#functions/adapters/forges/bitbucket-statuses.ts';
import { createGithubDeployments } from '#functions/adapters/forges/github-deployments.ts';
import { createGithubStatuses } from '#functions/adapters/forges/github-statuses.ts';
import { createGitlabStatuses } from '#functions/adapters/forges/gitlab-statuses.ts';
import type { CommitStatus, Statuses } from '#functions/branch-deploy/ports.ts';

const NOW = new Date('2026-11-25T05:00:00Z');
const TOKEN = 'token-0123456789';
const SHA = '0123456789abcdef0123456789abcdef01234567';
const PATH = 'example/api';

let ca: CertificateAuthority;
const opened: { close(): unknown }[] = [];
beforeAll(async () => {
  ca = await createCertificateAuthority();
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

interface Stage {
  readonly forge: ForgeWorld;
  readonly repository: string;
  readonly statuses: Statuses;
  /** The state of each status that is shown, in the forge's own words. */
  readonly shown: () => readonly string[];
  readonly hang: () => void;
}

interface Subject {
  /** In the forge's own words. */
  readonly words: {
    readonly queued: string;
    readonly running: string;
    readonly success: string;
    readonly failure: string;
    readonly unknown: string;
  };
  open(path: string, timeoutMs?: number): Promise<Stage>;
}

const secret = { read: async () => TOKEN, readAgain: async () => TOKEN };

async function aStage<F extends Forge>(options: {
  readonly path: string;
  readonly create: (forge: ForgeWorld) => F;
  /** Where repositories are, if not on the host that is served. */
  readonly site?: string;
  readonly connect: (host: string) => Statuses & { close(): void };
  readonly shown: (forge: F) => readonly string[];
}): Promise<Stage> {
  const context = createContext({ start: NOW, seed: 1 });
  const git = createGit(context);
  let made = undefined as { forge: ForgeWorld; served: F } | undefined;
  const endpoint = await serveForge((host) => {
    const forge = aForge(options.site ?? `https://${host}`, git);
    made = { forge, served: options.create(forge) };
    return made.served;
  }, ca);
  if (!made) throw new Error('the forge was not made');
  const { forge, served } = made;
  const repository = `${forge.url}/${options.path}`;
  git.addRepository(repository);
  git.push({ repository, ref: 'refs/heads/develop', sha: SHA });
  forge.tokens.set(TOKEN, {
    user: 'nightshift',
    repositories: [options.path],
    may: ['statuses', 'deployments'],
  });
  const statuses = options.connect(endpoint.host);
  opened.push(statuses, endpoint);
  return { forge, repository, statuses, shown: () => options.shown(served), hang: () => endpoint.hang() };
}

const common = (timeoutMs = 1_500) => ({ token: secret, now: () => NOW, timeoutMs });

const lastOf = ({ statuses }: GithubDeployment) => statuses.at(-1)?.state ?? 'none';

const subjects: Readonly<Record<string, Subject>> = {
  'commit statuses of GitHub': {
    words: {
      queued: 'pending',
      running: 'pending',
      success: 'success',
      failure: 'failure',
      unknown: 'error',
    },
    open: (path, timeoutMs) =>
      aStage({
        path,
        create: createGithub,
        connect: (host) => createGithubStatuses({ github: { host, ca: ca.pem }, ...common(timeoutMs) }),
        shown: ({ statuses }) => [
          ...new Map(statuses.map(({ context, state }) => [context, state])).values(),
        ],
      }),
  },
  'deployments of GitHub': {
    words: {
      queued: 'queued',
      running: 'in_progress',
      success: 'success',
      failure: 'failure',
      unknown: 'error',
    },
    open: (path, timeoutMs) =>
      aStage({
        path,
        create: createGithub,
        connect: (host) => createGithubDeployments({ github: { host, ca: ca.pem }, ...common(timeoutMs) }),
        shown: ({ deployments }) => deployments.map(lastOf),
      }),
  },
  'commit statuses of GitLab': {
    words: {
      queued: 'pending',
      running: 'running',
      success: 'success',
      failure: 'failed',
      unknown: 'canceled',
    },
    open: (path, timeoutMs) =>
      aStage({
        path,
        create: createGitlab,
        connect: (host) => createGitlabStatuses({ gitlab: { host, ca: ca.pem }, ...common(timeoutMs) }),
        shown: ({ jobs }) => [...new Map(jobs.map(({ name, status }) => [name, status])).values()],
      }),
  },
  'build statuses of Bitbucket': {
    words: {
      queued: 'INPROGRESS',
      running: 'INPROGRESS',
      success: 'SUCCESSFUL',
      failure: 'FAILED',
      unknown: 'STOPPED',
    },
    open: (path, timeoutMs) =>
      aStage({
        path,
        create: createBitbucket,
        site: 'https://bitbucket.org',
        connect: (host) =>
          createBitbucketStatuses({ api: { url: `https://${host}/2.0`, ca: ca.pem }, ...common(timeoutMs) }),
        shown: ({ statuses }) => statuses.map(({ state }) => state),
      }),
  },
};

const PROGRESS = {
  queued: { state: 'pending', progress: 'queued' },
  running: { state: 'pending', progress: 'running' },
  success: { state: 'success', progress: 'deployed' },
  failure: { state: 'failure', progress: 'failed' },
  unknown: { state: 'unknown', progress: 'unverified' },
} as const;

function aStatus(repository: string, overrides: Partial<CommitStatus> = {}): CommitStatus {
  const application = overrides.application ?? 'api';
  return {
    repository,
    sha: SHA,
    ...PROGRESS.success,
    description: 'deployed: Synced and Healthy',
    context: `nightshift/develop/${application}`,
    environment: 'develop',
    application,
    build: 'api-develop:1',
    branch: 'develop',
    ...overrides,
  };
}

describe.each(Object.entries(subjects))('%s', (name, { words, open }) => {
  test.each([
    [['queued', 'running', 'success']],
    [['running', 'failure', 'running', 'success']],
    [['queued', 'queued']],
    [['running', 'running', 'failure']],
    [['success', 'success']],
    [['running', 'unknown']],
    [['unknown', 'running', 'success']],
  ] as const)('%j: the last is what is shown', async (steps) => {
    const { repository, statuses, shown } = await open(PATH);
    for (const step of steps)
      expect(await statuses.post(aStatus(repository, PROGRESS[step]))).toBeUndefined();
    expect(shown()).toEqual([words[steps.at(-1) ?? 'queued']]);
  });

  test('shows what is syncing where it was deferred before, and accepts that it is deferred again', async () => {
    const { repository, statuses, shown } = await open(PATH);
    for (const step of ['queued', 'running', 'queued'] as const)
      expect(await statuses.post(aStatus(repository, PROGRESS[step]))).toBeUndefined();
    expect(shown()).toHaveLength(1);
  });

  test('has a status of its own for each application, however long its name is', async () => {
    const { repository, statuses, shown } = await open(PATH);
    for (const application of ['api', `${'a'.repeat(60)}-one`, `${'a'.repeat(60)}-two`])
      expect(await statuses.post(aStatus(repository, { application }))).toBeUndefined();
    expect(shown()).toEqual([words.success, words.success, words.success]);
  });

  test('takes the longest description and a link', async () => {
    const { repository, statuses } = await open(PATH);
    const links = {
      page: `https://cd.example.com/applications/${'a'.repeat(300)}`,
      environment: 'https://api.example.com',
    };
    expect(await statuses.post(aStatus(repository, { description: 'x'.repeat(140), links }))).toBeUndefined();
  });

  test('names a token that is not accepted, and never the token', async () => {
    const { forge, repository, statuses } = await open(PATH);
    forge.tokens.clear();
    const failure = await statuses.post(aStatus(repository));
    expect(failure).toMatchObject({ kind: 'permanent' });
    expect(failure?.detail).toContain('the token is not accepted');
    expect(failure?.detail).not.toContain(TOKEN);
  });

  test('names the right that the token lacks', async () => {
    const { forge, repository, statuses } = await open(PATH);
    forge.tokens.set(TOKEN, { user: 'nightshift', repositories: [PATH], may: [] });
    expect(await statuses.post(aStatus(repository))).toMatchObject({
      kind: 'permanent',
      detail: expect.stringMatching(
        /the token may not write (commit statuses|deployments|build statuses) of example\/api$/,
      ),
    });
    forge.tokens.set(TOKEN, { user: 'nightshift', repositories: [], may: ['statuses', 'deployments'] });
    expect(await statuses.post(aStatus(repository))).toMatchObject({ kind: 'permanent' });
  });

  test('is for a commit that exists', async () => {
    const { repository, statuses, shown } = await open(PATH);
    for (const sha of ['f'.repeat(40), 'develop', ''])
      expect(await statuses.post(aStatus(repository, { sha }))).toMatchObject({ kind: 'permanent' });
    expect(shown()).toEqual([]);
  });

  test('is for repositories of one host', async () => {
    const { repository, statuses, shown } = await open(PATH);
    expect(statuses.has(repository)).toBe(true);
    expect(statuses.has(`${repository}.git`)).toBe(true);
    for (const other of [
      'https://git.example.com/example/api',
      `${new URL(repository).origin}/example/..`,
      new URL(repository).origin,
      repository.replace('https:', 'http:'),
    ]) {
      expect(statuses.has(other)).toBe(false);
      expect(await statuses.post(aStatus(other))).toMatchObject({ kind: 'permanent' });
    }
    expect(shown()).toEqual([]);
  });

  test('waits as long as the forge says', async () => {
    const { forge, repository, statuses } = await open(PATH);
    forge.limitedFor = 30;
    expect(await statuses.post(aStatus(repository))).toMatchObject({
      kind: 'transient',
      retryAfterSeconds: 30,
    });
    expect(await statuses.post(aStatus(repository))).toBeUndefined();
  });

  test('takes silence for something that ends by itself', async () => {
    const { repository, statuses, hang } = await open(PATH, 100);
    hang();
    expect(await statuses.post(aStatus(repository))).toMatchObject({ kind: 'transient' });
    expect(name).not.toBe('');
  });
});

describe('GitLab', () => {
  test('has groups within groups', async () => {
    const { repository, statuses, shown } = await (subjects['commit statuses of GitLab'] as Subject).open(
      'group/team/api',
    );
    expect(await statuses.post(aStatus(repository))).toBeUndefined();
    expect(shown()).toEqual(['success']);
  });

  test('refuses while it updates the commit, and is asked again', async () => {
    let gitlab = undefined as ReturnType<typeof createGitlab> | undefined;
    const { repository, statuses } = await aStage({
      path: PATH,
      create: (forge) => {
        gitlab = createGitlab(forge);
        return gitlab;
      },
      connect: (host) => createGitlabStatuses({ gitlab: { host, ca: ca.pem }, ...common() }),
      shown: () => [],
    });
    gitlab?.lockOnce();
    expect(await statuses.post(aStatus(repository))).toMatchObject({ kind: 'transient' });
    expect(await statuses.post(aStatus(repository))).toBeUndefined();
  });
});

describe('a status of Bitbucket', () => {
  test('that somebody else wrote is not overwritten, and the reason is quoted', async () => {
    const { forge, repository, statuses } = await (subjects['build statuses of Bitbucket'] as Subject).open(
      PATH,
    );
    forge.tokens.set(TOKEN, { user: 'somebody', repositories: [PATH], may: ['statuses'] });
    expect(await statuses.post(aStatus(repository))).toBeUndefined();
    forge.tokens.set(TOKEN, { user: 'nightshift', repositories: [PATH], may: ['statuses'] });
    expect((await statuses.post(aStatus(repository)))?.detail).toContain(
      'You do not have permission to update',
    );
  });
});

describe('a deployment of GitHub', () => {
  const open = async () => {
    let github = undefined as ReturnType<typeof createGithub> | undefined;
    const hosts: string[] = [];
    const connect = (host: string) => {
      hosts.push(host);
      return createGithubDeployments({ github: { host, ca: ca.pem }, ...common() });
    };
    const stage = await aStage({
      path: PATH,
      create: (forge) => {
        github = createGithub(forge);
        return github;
      },
      connect,
      shown: () => [],
    });
    const another = () => {
      const one = connect(hosts[0] ?? '');
      opened.push(one);
      return one;
    };
    const deployments = () => github?.deployments ?? [];
    return { ...stage, deployments, another, github: github as unknown as ReturnType<typeof createGithub> };
  };

  test('has the environment, its address and the page of Argo CD, and waits for no commit status', async () => {
    const { repository, statuses, deployments, forge, github } = await open();
    const links = {
      page: 'https://cd.example.com/applications/api?operation=true',
      environment: 'https://api.example.com',
    };
    // Our own status of the commit is pending.
    github.answer({
      method: 'POST',
      path: `/repos/${PATH}/statuses/${SHA}`,
      query: new URLSearchParams(),
      headers: { authorization: `Bearer ${TOKEN}` },
      body: { state: 'pending', context: 'nightshift/develop/api' },
    });
    expect(forge.tokens.has(TOKEN)).toBe(true);
    expect(await statuses.post(aStatus(repository, { links }))).toBeUndefined();
    expect(deployments()).toMatchObject([
      { sha: SHA, environment: 'develop/api', production_environment: false, transient_environment: false },
    ]);
    expect(deployments()[0]?.statuses).toEqual([
      {
        state: 'success',
        description: 'deployed: Synced and Healthy',
        log_url: links.page,
        environment_url: links.environment,
      },
    ]);
  });

  test('is one for each build, whichever process goes on with it', async () => {
    const { repository, statuses, deployments, another } = await open();
    await statuses.post(aStatus(repository, PROGRESS.running));
    await another().post(aStatus(repository, PROGRESS.success));
    expect(deployments().map(lastOf)).toEqual(['success']);
    await another().post(aStatus(repository, { ...PROGRESS.running, build: 'api-develop:2' }));
    expect(deployments().map(lastOf)).toEqual(['success', 'in_progress']);
  });

  test('stays active until a newer one is live, and is inactive then', async () => {
    const { repository, statuses, deployments } = await open();
    await statuses.post(aStatus(repository));
    const second = { build: 'api-develop:2' };
    await statuses.post(aStatus(repository, { ...PROGRESS.running, ...second }));
    expect(deployments().map(lastOf)).toEqual(['success', 'in_progress']);
    await statuses.post(aStatus(repository, { ...PROGRESS.failure, ...second }));
    expect(deployments().map(lastOf)).toEqual(['success', 'failure']);
    await statuses.post(aStatus(repository, { build: 'api-develop:3' }));
    expect(deployments().map(lastOf)).toEqual(['inactive', 'failure', 'success']);
  });

  test('of another application of the repository is left alone', async () => {
    const { repository, statuses, deployments } = await open();
    await statuses.post(aStatus(repository));
    await statuses.post(aStatus(repository, { application: 'worker' }));
    expect(deployments().map(lastOf)).toEqual(['success', 'success']);
  });

  test('that a newer build supersedes is inactive; one that never began is not made', async () => {
    const { repository, statuses, deployments } = await open();
    const superseded = { state: 'pending', progress: 'superseded' } as const;
    await statuses.post(aStatus(repository, superseded));
    expect(deployments()).toEqual([]);
    await statuses.post(aStatus(repository, PROGRESS.queued));
    await statuses.post(aStatus(repository, superseded));
    expect(deployments().map(lastOf)).toEqual(['inactive']);
  });
});

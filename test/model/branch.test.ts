import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BuildSource, matchBranch, sameRepository } from '#model/branch.ts';

const SHA = '0123456789abcdef0123456789abcdef01234567';
const OTHER = 'fedcba9876543210fedcba9876543210fedcba98';
const SHA256 = SHA + SHA.slice(0, 24);
const binding = { repository: 'https://github.com/example/api', branch: 'develop' };

function aBuild(overrides: Partial<BuildSource> = {}): BuildSource {
  return {
    initiator: 'GitHub-Hookshot/0a1b2c3',
    location: 'https://github.com/example/api.git',
    sourceVersion: `refs/heads/develop^{${SHA}}`,
    resolvedSourceVersion: SHA,
    ...overrides,
  };
}

const match = (overrides: Partial<BuildSource>) => matchBranch(binding, aBuild(overrides));

describe('a build of the bound branch matches', () => {
  const resolved = { resolvedSourceVersion: OTHER };
  test.each<[string, Partial<BuildSource>, string | undefined]>([
    ['a branch at a commit: that commit, not the resolved one', resolved, SHA],
    ['a branch at a commit of SHA-256', { sourceVersion: `refs/heads/develop^{${SHA256}}` }, SHA256],
    ['a full ref', { sourceVersion: 'refs/heads/develop' }, SHA],
    ['a short name', { sourceVersion: 'develop' }, SHA],
    ['a commit alone: the binding names the branch', { sourceVersion: SHA, ...resolved }, SHA],
    ['a commit of SHA-256 alone', { sourceVersion: SHA256, ...resolved }, SHA256],
    ['no source version', { sourceVersion: undefined as never }, SHA],
    ['an empty source version', { sourceVersion: '' }, SHA],
    ['no commit at all', { sourceVersion: 'develop', resolvedSourceVersion: undefined as never }, undefined],
    ...[`x${SHA}`, `${SHA}x`, 'a', 'Z'.repeat(64)].map((text): [string, Partial<BuildSource>, undefined] => [
      `a resolved version that is not a commit: ${text}`,
      { sourceVersion: 'develop', resolvedSourceVersion: text },
      undefined,
    ]),
    [
      'exported variables that agree',
      {
        exported: {
          CODEBUILD_WEBHOOK_TRIGGER: 'branch/develop',
          CODEBUILD_WEBHOOK_HEAD_REF: 'refs/heads/develop',
        },
      },
      SHA,
    ],
  ])('%s', (_what, overrides, sha) => {
    expect(match(overrides)).toEqual({ matches: true, branch: 'develop', ...(sha ? { sha } : {}) });
  });

  test.each([
    'fix/pr/7',
    'old-tag/v1',
    'my-refs/pull/7/head',
    'a-refs/tags/v1',
    'develop/arn:',
    'merge/refs/',
    `x${SHA}`,
    `${SHA}x`,
    SHA256.slice(0, 63),
    `develop^{${SHA}} `,
  ])('a branch whose name only resembles something else: %s', (branch) => {
    for (const sourceVersion of [branch, `refs/heads/${branch}`])
      expect(matchBranch({ ...binding, branch }, aBuild({ sourceVersion }))).toEqual({
        matches: true,
        branch,
        sha: SHA,
      });
    expect(match({ sourceVersion: branch })).toMatchObject({ matches: false, action: 'refuse' });
  });
});

describe('a build of anything else is refused', () => {
  test.each([
    'refs/heads/develop-x',
    'refs/heads/Develop',
    'refs/heads/feature/develop',
    'refs/heads/develop/feature',
    'refs/heads/develop ',
    'feature/develop',
    'Develop',
    `refs/heads/develop-x^{${SHA}}`,
    'pr/7',
    'refs/pull/7/head',
    'refs/pull/7/merge',
    'refs/merge-requests/7/head',
    'refs/pull-requests/7/from',
    'refs/tags/develop',
    `refs/tags/develop^{${SHA}}`,
    'tag/develop',
    'arn:aws:s3:::bucket/key',
    'refs/remotes/origin/develop',
    'HEAD',
    SHA.slice(0, 12),
  ])('%s is not develop', (sourceVersion) => {
    expect(match({ sourceVersion })).toMatchObject({ matches: false, action: 'refuse' });
  });

  test.each<Record<string, string>>([
    { CODEBUILD_WEBHOOK_TRIGGER: 'pr/7' },
    { CODEBUILD_WEBHOOK_TRIGGER: 'tag/develop' },
    { CODEBUILD_WEBHOOK_TRIGGER: 'branch/develop-x' },
    { CODEBUILD_WEBHOOK_HEAD_REF: 'refs/heads/feature' },
    { CODEBUILD_WEBHOOK_HEAD_REF: 'develop' },
  ])('exported variables contradict: %j', (exported) => {
    expect(match({ sourceVersion: SHA, exported })).toMatchObject({ matches: false, action: 'refuse' });
  });

  test('also where the exported variables name the bound branch', () => {
    const exported = {
      CODEBUILD_WEBHOOK_TRIGGER: 'branch/develop',
      CODEBUILD_WEBHOOK_HEAD_REF: 'refs/heads/develop',
    };
    expect(match({ sourceVersion: 'refs/heads/x', exported }).matches).toBe(false);
    expect(match({ initiator: 'alice', exported }).matches).toBe(false);
  });

  test.each([
    'https://github.com/fork/api.git',
    'https://github.com.example.org/example/api',
    'https://example.org/github.com/example/api',
    'https://github.com@example.org/example/api',
    'https://github.com:8443/example/api',
    'git@example.org:example/api.git',
    'https://github.com/example/api.git.git',
    'http://github.com/example/api',
    '',
  ])('%j is another repository', (location) => {
    expect(match({ location })).toMatchObject({ matches: false, action: 'refuse' });
  });

  test.each([
    'https://github.com/example/API',
    'https://github.com/Example/api.git',
    'https://github.com/example/api/',
    'https://x-token-auth@github.com/example/api.git',
    'HTTPS://GitHub.com/example/api',
  ])('D2: %j is the bound repository', (location) => {
    expect(match({ location })).toMatchObject({ matches: true });
  });

  test('a password in the location of a build is not repeated', () => {
    const { reason } = match({ location: 'https://u:s3cret@github.com/fork/api' }) as { reason: string };
    expect(reason).toBe(
      'it was built from "https://github.com/fork/api", and https://github.com/example/api is bound',
    );
  });

  test('of all branches only the bound one matches', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (branch) => {
        fc.pre(branch !== 'develop');
        // A name that ends like `^{commit}` is read as one.
        return !match({ sourceVersion: `refs/heads/${branch}` }).matches || branch === `develop^{${SHA}}`;
      }),
    );
  });
});

describe('who started the build', () => {
  test.each(['GitHub-Hookshot/0a1b2c3', 'GitLab/18.4.0', 'Bitbucket-Webhooks/2.0'])(
    '%s is a webhook',
    (initiator) => {
      expect(match({ initiator }).matches).toBe(true);
    },
  );

  test.each([
    'alice',
    'codepipeline/deploy',
    'rule/nightly',
    'role/GitHub-Hookshot',
    'GitHub-Hookshot',
    'Bitbucket-Webhooks',
    'GitHub-HookshotX/1',
    'Bitbucket-WebhooksX',
    '',
  ])('%j is not, and the build is ignored', (initiator) => {
    expect(match({ initiator })).toMatchObject({ matches: false, action: 'ignore' });
  });
});

test.each<[string, string, boolean]>([
  ['https://a/b.git', 'https://a/b', true],
  ['https://a/b', 'https://a/b.git', true],
  ['https://a/b.github', 'https://a/bhub', false],
  ['https://a/b.git', 'https://a/b.git.git', false],
  ...[
    'git@github.com:example/api.git',
    'git@github.com:Example/API',
    'github.com:example/api',
    'ssh://git@github.com/example/api.git',
    'ssh://git@github.com:22/example/api',
    'ssh://git@ssh.github.com:443/example/api.git',
    'git+ssh://git@github.com/example/api',
    'git://github.com/example/api',
    'http://github.com/example/api',
    'https://user:token@github.com/Example/API.git/',
    'https://github.com:443/example/api',
    ' https://github.com//example/%61pi ',
  ].map((other): [string, string, boolean] => ['https://github.com/example/api', other, true]),
  ...[
    'git@github.com:example/api-x.git',
    'git@gitlab.com:example/api.git',
    'ssh://git@github.com/example/other',
    'oci://ghcr.io/example/api',
    '',
  ].map((other): [string, string, boolean] => ['https://github.com/example/api', other, false]),
  ['https://git.example.com:8443/a/b', 'https://git.example.com/a/b', true],
  ['https://git.example.com:8443/a/b', 'ssh://git@git.example.com:2222/a/b.git', true],
  ['git@ssh.dev.azure.com:v3/org/team/api', 'https://org@dev.azure.com/org/team/_git/api', true],
])('%s and %s are one repository: %s', (one, other, same) => {
  expect(sameRepository(one, other)).toBe(same);
});

describe('the reason why a build is not deployed', () => {
  const started = (initiator: string) => `it was started by "${initiator}", not by a webhook`;
  test.each<[Partial<BuildSource>, string]>([
    [{ initiator: 'alice' }, started('alice')],
    [
      { location: 'https://github.com/fork/api' },
      'it was built from "https://github.com/fork/api", and https://github.com/example/api is bound',
    ],
    [{ sourceVersion: 'main' }, 'its branch is "main", and "develop" is bound'],
    [{ sourceVersion: 'pr/7' }, 'its source version is the pull request "pr/7", not a branch'],
    [
      { sourceVersion: 'refs/merge-requests/7/head' },
      'its source version is the pull request "refs/merge-requests/7/head", not a branch',
    ],
    [
      { sourceVersion: `refs/tags/v1^{${SHA}}` },
      'its source version is the tag "refs/tags/v1", not a branch',
    ],
    [{ sourceVersion: 'tag/v1' }, 'its source version is the tag "tag/v1", not a branch'],
    [
      { sourceVersion: 'arn:aws:s3:::bucket/key' },
      'its source version is the archive "arn:aws:s3:::bucket/key", not a branch',
    ],
    [
      { sourceVersion: 'refs/remotes/origin/develop' },
      'its source version is "refs/remotes/origin/develop", not a branch',
    ],
    [{ exported: { CODEBUILD_WEBHOOK_TRIGGER: 'pr/7' } }, 'its webhook trigger was "pr/7"'],
    [{ exported: { CODEBUILD_WEBHOOK_HEAD_REF: 'refs/heads/x' } }, 'its head ref was "refs/heads/x"'],
    [{ initiator: 'x'.repeat(120) }, started('x'.repeat(120))],
    [{ initiator: 'x'.repeat(121) }, started(`${'x'.repeat(120)}…`)],
  ])('%j', (overrides, reason) => {
    expect(match(overrides)).toMatchObject({ matches: false, reason });
  });
});

describe('for a push to https://git.example.com/example/api, Argo CD and we find the same applications', () => {
  /** `GetWebURLRegex` of Argo CD 3.6.1, `util/webhook/webhook.go`. */
  const ARGOCD =
    /^((https?|ssh):\/\/)?([\w.][\w.-]{0,30}[\w.$-]?@)?((alt)?ssh\.)?git\.example\.com(:\d+)?[:/]example\/api(\.git)?$/i;
  test.each([
    'https://git.example.com/example/api',
    'https://git.example.com/example/api.git',
    'https://token@git.example.com/example/api.git',
    'https://Git.Example.com/Example/API.git',
    'https://git.example.com:8443/example/api.git',
    'http://git.example.com/example/api',
    'ssh://git@git.example.com/example/api.git',
    'ssh://git@git.example.com:2222/example/api.git',
    'ssh://git@altssh.git.example.com:443/example/api.git',
    'git@git.example.com:example/api.git',
    'https://git.example.com/example/api-manifests.git',
    'https://git.example.com/fork/api.git',
    'https://git.example.com.example.org/example/api.git',
    'https://git.example.com/example/sub/api.git',
    'git@git.example.com:example/other.git',
  ])('%s', (repoUrl) => {
    expect(sameRepository(repoUrl, 'https://git.example.com/example/api')).toBe(ARGOCD.test(repoUrl));
  });
});

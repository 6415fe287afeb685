import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BuildSource, matchBranch, sameRepository } from '#model/branch.ts';

const SHA = '0123456789abcdef0123456789abcdef01234567';
const OTHER = 'fedcba9876543210fedcba9876543210fedcba98';
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

describe('which branch a build was of', () => {
  test.each<[string, Partial<BuildSource>, string | undefined]>([
    ['a branch at a commit', {}, SHA],
    ['a branch at a commit: that commit, not the resolved one', { resolvedSourceVersion: OTHER }, SHA],
    ['a full ref', { sourceVersion: 'refs/heads/develop' }, SHA],
    ['a short name', { sourceVersion: 'develop' }, SHA],
    [
      'a commit alone: the binding says the branch',
      { sourceVersion: SHA, resolvedSourceVersion: OTHER },
      SHA,
    ],
    ['no source version', { sourceVersion: undefined as never }, SHA],
    ['no commit at all', { sourceVersion: 'develop', resolvedSourceVersion: undefined as never }, undefined],
    [
      'a resolved version that is no commit',
      { sourceVersion: 'develop', resolvedSourceVersion: 'x' },
      undefined,
    ],
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
    [
      'a commit of SHA-256',
      { sourceVersion: `refs/heads/develop^{${SHA}${SHA.slice(0, 24)}}` },
      SHA + SHA.slice(0, 24),
    ],
  ])('%s', (_what, overrides, sha) => {
    expect(matchBranch(binding, aBuild(overrides))).toEqual({
      matches: true,
      branch: 'develop',
      ...(sha ? { sha } : {}),
    });
  });

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
    'refs/tags/develop',
    `refs/tags/develop^{${SHA}}`,
    'tag/develop',
    'arn:aws:s3:::bucket/key',
    'refs/remotes/origin/develop',
    'HEAD',
    SHA.slice(0, 12),
  ])('%s is not develop', (sourceVersion) => {
    expect(matchBranch(binding, aBuild({ sourceVersion }))).toMatchObject({
      matches: false,
      action: 'refuse',
    });
  });

  test.each([
    { CODEBUILD_WEBHOOK_TRIGGER: 'pr/7' },
    { CODEBUILD_WEBHOOK_TRIGGER: 'tag/develop' },
    { CODEBUILD_WEBHOOK_TRIGGER: 'branch/develop-x' },
    { CODEBUILD_WEBHOOK_HEAD_REF: 'refs/heads/feature' },
    { CODEBUILD_WEBHOOK_HEAD_REF: 'develop' },
  ])('what was exported narrows: %j', (exported) => {
    expect(
      matchBranch(binding, aBuild({ sourceVersion: SHA, exported: exported as Record<string, string> })),
    ).toMatchObject({
      matches: false,
    });
  });

  test('what was exported never widens', () => {
    const exported = {
      CODEBUILD_WEBHOOK_TRIGGER: 'branch/develop',
      CODEBUILD_WEBHOOK_HEAD_REF: 'refs/heads/develop',
    };
    expect(matchBranch(binding, aBuild({ sourceVersion: 'refs/heads/x', exported })).matches).toBe(false);
    expect(matchBranch(binding, aBuild({ initiator: 'alice', exported })).matches).toBe(false);
  });
});

describe('who started it, and from what', () => {
  test.each(['GitHub-Hookshot', 'GitHub-Hookshot/0a1b2c3', 'GitLab/18.4.0', 'Bitbucket-Webhooks/2.0'])(
    '%s is a webhook',
    (initiator) => expect(matchBranch(binding, aBuild({ initiator })).matches).toBe(true),
  );

  test.each([
    'alice',
    'codepipeline/deploy',
    'rule/nightly',
    'role/GitHub-Hookshot',
    'GitHub-HookshotX/1',
    '',
  ])('%j is none, and the build is ignored', (initiator) =>
    expect(matchBranch(binding, aBuild({ initiator }))).toMatchObject({ matches: false, action: 'ignore' }),
  );

  test.each([
    'https://github.com/example/API',
    'https://github.com/example/api/',
    'https://github.com/fork/api.git',
    'https://github.com/example/api.git.git',
    'http://github.com/example/api',
    '',
  ])('%j is another repository', (location) =>
    expect(matchBranch(binding, aBuild({ location }))).toMatchObject({ matches: false, action: 'refuse' }),
  );

  test('.git at the end makes no difference', () => {
    expect(sameRepository('https://a/b.git', 'https://a/b')).toBe(true);
    expect(sameRepository('https://a/b', 'https://a/b.git')).toBe(true);
  });
});

test('a reason is short, whatever the build calls itself', () => {
  const answer = matchBranch(binding, aBuild({ sourceVersion: 'x'.repeat(10_000) }));
  expect(answer.matches ? '' : answer.reason.length).toBeLessThan(300);
});

test('of all branches only the bound one matches', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (branch) => {
      fc.pre(branch !== 'develop');
      const answer = matchBranch(binding, aBuild({ sourceVersion: `refs/heads/${branch}` }));
      // A name that ends like `^{commit}` is read as one.
      return !answer.matches || branch === `develop^{${SHA}}`;
    }),
  );
});

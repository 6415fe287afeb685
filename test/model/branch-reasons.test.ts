import { describe, expect, it } from 'vitest';
import { type BuildSource, matchBranch, sameRepository } from '#model/branch.ts';

const SHA = '0123456789abcdef0123456789abcdef01234567';
const SHA256 = SHA + SHA.slice(0, 24);
const binding = { repository: 'https://github.com/example/api', branch: 'develop' };

function answer(overrides: Partial<BuildSource>) {
  return matchBranch(binding, {
    initiator: 'GitHub-Hookshot/0a1b2c3',
    location: 'https://github.com/example/api.git',
    sourceVersion: 'refs/heads/develop',
    resolvedSourceVersion: SHA,
    ...overrides,
  });
}

describe('a build that is not deployed says why', () => {
  it.each<[Partial<BuildSource>, 'ignore' | 'refuse', string]>([
    [{ initiator: 'alice' }, 'ignore', 'it was started by "alice", not by a webhook'],
    [
      { initiator: 'Bitbucket-WebhooksX' },
      'ignore',
      'it was started by "Bitbucket-WebhooksX", not by a webhook',
    ],
    [
      { location: 'https://github.com/fork/api' },
      'refuse',
      'it was built from "https://github.com/fork/api", and https://github.com/example/api is bound',
    ],
    [{ sourceVersion: 'main' }, 'refuse', 'it is of branch "main", and "develop" is bound'],
    ...['pr/7', 'refs/pull/7/head', 'refs/merge-requests/7/head', 'refs/pull-requests/7/from'].map(
      (version): [Partial<BuildSource>, 'refuse', string] => [
        { sourceVersion: version },
        'refuse',
        `its source version is the pull request "${version}", not a branch`,
      ],
    ),
    ...['refs/tags/v1', 'tag/v1'].map((version): [Partial<BuildSource>, 'refuse', string] => [
      { sourceVersion: `${version}^{${SHA}}` },
      'refuse',
      `its source version is the tag "${version}", not a branch`,
    ]),
    [
      { sourceVersion: 'arn:aws:s3:::bucket/key' },
      'refuse',
      'its source version is the archive "arn:aws:s3:::bucket/key", not a branch',
    ],
    [
      { sourceVersion: 'refs/remotes/origin/develop' },
      'refuse',
      'its source version is "refs/remotes/origin/develop", not a branch',
    ],
    [{ exported: { CODEBUILD_WEBHOOK_TRIGGER: 'pr/7' } }, 'refuse', 'its webhook trigger was "pr/7"'],
    [{ exported: { CODEBUILD_WEBHOOK_HEAD_REF: 'refs/heads/x' } }, 'refuse', 'its head was "refs/heads/x"'],
  ])('%j', (overrides, action, reason) => {
    expect(answer(overrides)).toEqual({ matches: false, action, reason });
  });

  it('and shows at most 120 letters of what others wrote', () => {
    const started = (initiator: string) => `it was started by "${initiator}", not by a webhook`;
    expect(answer({ initiator: 'x'.repeat(120) })).toMatchObject({ reason: started('x'.repeat(120)) });
    expect(answer({ initiator: 'x'.repeat(121) })).toMatchObject({ reason: started(`${'x'.repeat(120)}…`) });
  });
});

describe('a branch whose name only looks like something else is a branch', () => {
  it.each([
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
  ])('%s', (branch) => {
    const given = matchBranch(
      { ...binding, branch },
      {
        initiator: 'GitHub-Hookshot/0a1b2c3',
        location: binding.repository,
        sourceVersion: `refs/heads/${branch}`,
      },
    );
    expect(given).toEqual({ matches: true, branch });
    expect(answer({ sourceVersion: branch })).toEqual({
      matches: false,
      action: 'refuse',
      reason: `it is of branch "${branch}", and "develop" is bound`,
    });
  });
});

describe('a commit', () => {
  it.each([SHA, SHA256])('alone is taken for the bound branch: %s', (sha) => {
    expect(answer({ sourceVersion: sha })).toEqual({ matches: true, branch: 'develop', sha });
  });

  it.each([`x${SHA}`, `${SHA}x`, 'a', 'Z'.repeat(64)])('is not %s', (resolvedSourceVersion) => {
    expect(answer({ resolvedSourceVersion })).toEqual({ matches: true, branch: 'develop' });
  });

  it('that is written after a branch wins over the resolved one, which stands in where there is none', () => {
    expect(answer({ sourceVersion: `refs/heads/develop^{${SHA256}}` })).toMatchObject({ sha: SHA256 });
    expect(answer({ sourceVersion: '' })).toEqual({ matches: true, branch: 'develop', sha: SHA });
  });
});

it('a webhook of Bitbucket may come without a version', () => {
  expect(answer({ initiator: 'Bitbucket-Webhooks' }).matches).toBe(true);
});

it('only a .git at the end is left out', () => {
  expect(sameRepository('https://a/b.github', 'https://a/bhub')).toBe(false);
});

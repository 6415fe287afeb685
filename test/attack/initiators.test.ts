import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchBranch } from '#model/branch.ts';

const REPOSITORY = 'https://github.com/example/api';
const match = (initiator: string) =>
  matchBranch(
    { repository: REPOSITORY, branch: 'develop' },
    { initiator, location: REPOSITORY, sourceVersion: 'refs/heads/develop' },
  ).matches;

describe('a build that somebody started by hand', () => {
  test.for([
    'GitHub-Hookshot',
    'Bitbucket-Webhooks',
    'GitLab',
    'GitHub-Hookshot/deploy-now',
    'GitHub-Hookshot/ana@example.com',
    'GitLab/session',
    'GitLab/botocore-session-1764430000',
    'Bitbucket-Webhooks/ana',
    'GitHub-Hookshot/0a1b2c3 ',
    'GitHub-Hookshot/0a1b2c3\nx',
    'codepipeline/GitHub-Hookshot',
  ])('as %j does not pass for a webhook', (initiator) => {
    expect(match(initiator)).toBe(false);
  });

  test('under the name of a user or of a pipeline never does, whatever the name', () => {
    const user = fc.stringMatching(/^[\w+=,.@-]{1,64}$/);
    fc.assert(
      fc.property(user, (name) => {
        expect(match(name)).toBe(false);
      }),
    );
    fc.assert(
      fc.property(user, (name) => {
        expect(match(`codepipeline/${name}`)).toBe(false);
      }),
    );
  });
});

test.for([
  'GitHub-Hookshot/0a1b2c3',
  'GitLab/18.4.0',
  'GitLab/18.4.0-ee',
  'GitLab/18.5.0-pre',
  'Bitbucket-Webhooks/2.0',
])('a delivery of %s does', (initiator) => {
  expect(match(initiator)).toBe(true);
});

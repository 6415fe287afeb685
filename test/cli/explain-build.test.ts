import { describe, expect, test } from 'vitest';
import { decisionsAbout } from '#cli/explain.ts';
import type { Decision } from '#model/decision.ts';

const UUID = '11111111-2222-4333-8444-555555555555';
const SHA = '0123456789abcdef0123456789abcdef01234567';

function aDecision(overrides: Partial<Decision> = {}): Decision {
  return {
    time: '2026-11-24T13:00:03.000Z',
    environment: 'develop',
    capability: 'branch-deploy',
    target: 'api',
    action: 'deployed',
    reason: 'Synced and Healthy',
    trigger: 'event',
    build: `api-develop:${UUID}`,
    sha: SHA,
    ...overrides,
  };
}

describe('what was decided about a build', () => {
  const decisions = [
    aDecision(),
    aDecision({ build: 'api-develop:99999999-2222-4333-8444-555555555555', sha: 'f'.repeat(40) }),
    aDecision({ target: 'api-develop', action: 'ignore', build: 'web-develop:1', sha: 'e'.repeat(40) }),
  ];

  test.each([
    `api-develop:${UUID}`,
    UUID,
    `arn:aws:codebuild:ap-northeast-1:111111111111:build/api-develop:${UUID}`,
    SHA,
    SHA.slice(0, 7),
  ])('is found by %s', (id) => {
    expect(decisionsAbout(id, decisions)).toEqual([decisions[0]]);
  });

  test.each(['555555555555', SHA.slice(0, 6), 'develop:'.concat(UUID)])('%s is no id of one', (id) => {
    expect(decisionsAbout(id, decisions)).toEqual([]);
  });
});

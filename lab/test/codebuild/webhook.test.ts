import { describe, expect, test } from 'vitest';
import type { WebhookEvent, WebhookFilter } from '#lab/world/codebuild/index.ts';
import { problemOf, startsBuild } from '#lab/world/codebuild/webhook.ts';

const aPush = (overrides: Partial<WebhookEvent> = {}): WebhookEvent => ({
  event: 'PUSH',
  headRef: 'refs/heads/develop',
  actor: '4711',
  message: 'change',
  files: ['src/main.ts'],
  ...overrides,
});
const pushOn = (pattern: string): WebhookFilter[] => [
  { type: 'EVENT', pattern: 'PUSH' },
  { type: 'HEAD_REF', pattern },
];

describe('webhook filters', () => {
  test('a pattern is found anywhere, so one without anchors admits other branches', () => {
    const webhook = { filterGroups: [pushOn('refs/heads/develop')] };
    expect(startsBuild(webhook, aPush({ headRef: 'refs/heads/develop-x' }))).toBe(true);
    expect(startsBuild(webhook, aPush({ headRef: 'refs/heads/main' }))).toBe(false);
  });

  test.each([
    'refs/heads/develop-x',
    'refs/heads/feature/develop',
    'refs/heads/Develop',
    'refs/tags/develop',
  ])('an anchored pattern does not admit %s', (headRef) => {
    const webhook = { filterGroups: [pushOn('^refs/heads/develop$')] };
    expect(startsBuild(webhook, aPush({ headRef }))).toBe(false);
    expect(startsBuild(webhook, aPush())).toBe(true);
  });

  test('one group is enough, and of a group every filter must pass', () => {
    const webhook = {
      filterGroups: [
        [...pushOn('^refs/heads/develop$'), { type: 'FILE_PATH', pattern: '^docs/' } as const],
        pushOn('^refs/heads/staging$'),
      ],
    };
    expect(startsBuild(webhook, aPush())).toBe(false);
    expect(startsBuild(webhook, aPush({ files: ['src/a.ts', 'docs/b.md'] }))).toBe(true);
    expect(startsBuild(webhook, aPush({ headRef: 'refs/heads/staging' }))).toBe(true);
  });

  test('an excluded pattern passes if it does not match', () => {
    const webhook = {
      filterGroups: [
        [
          ...pushOn('^refs/heads/'),
          { type: 'COMMIT_MESSAGE', pattern: '\\[skip ci\\]', excludeMatchedPattern: true } as const,
        ],
      ],
    };
    expect(startsBuild(webhook, aPush())).toBe(true);
    expect(startsBuild(webhook, aPush({ message: 'docs [skip ci]' }))).toBe(false);
  });

  test('a base is only known of pull requests', () => {
    const webhook = {
      filterGroups: [
        [
          { type: 'EVENT', pattern: 'PULL_REQUEST_CREATED, PULL_REQUEST_UPDATED' } as const,
          { type: 'BASE_REF', pattern: '^refs/heads/develop$' } as const,
        ],
      ],
    };
    const opened = aPush({
      event: 'PULL_REQUEST_CREATED',
      headRef: 'refs/heads/feature',
      baseRef: 'refs/heads/develop',
    });
    expect(startsBuild(webhook, opened)).toBe(true);
    expect(startsBuild(webhook, aPush())).toBe(false);
  });

  test('without filters pushes and pull requests build, but not merged ones', () => {
    expect(startsBuild({}, aPush())).toBe(true);
    expect(startsBuild({}, aPush({ event: 'PULL_REQUEST_CREATED' }))).toBe(true);
    expect(startsBuild({}, aPush({ event: 'PULL_REQUEST_MERGED' }))).toBe(false);
  });

  test('a group without an event, or with a pattern that is no expression, is refused', () => {
    expect(problemOf({ filterGroups: [[{ type: 'HEAD_REF', pattern: 'x' }]] })).toContain('EVENT');
    expect(problemOf({ filterGroups: [pushOn('(')] })).toContain('(');
    expect(problemOf({ filterGroups: [pushOn('^x$')] })).toBeUndefined();
  });
});

import { describe, expect, test } from 'vitest';
import { rolloutState, unhealthySince } from '#cli/rollout-state.ts';
import type { ApplicationView } from '#functions/branch-deploy/ports.ts';

const SHA = 'a'.repeat(40);
const NOW = new Date('2026-11-25T05:10:00Z');
const ago = (seconds: number) => new Date(NOW.getTime() - seconds * 1000);

function aView(overrides: Partial<ApplicationView> = {}): ApplicationView {
  return {
    sources: [{ repository: 'https://github.com/example/api', targetRevision: 'main' }],
    deleting: false,
    operation: {
      deployIds: ['rollout:1'],
      by: 'alice',
      automated: false,
      phase: 'Succeeded',
      message: '',
      startedAt: ago(70),
      finishedAt: ago(60),
      revisions: [SHA],
    },
    sync: 'Synced',
    revisions: [SHA],
    health: 'Healthy',
    healthMessage: '',
    reconciledAt: ago(30),
    ...overrides,
  };
}

const stateOf = (overrides: Partial<ApplicationView>, unhealthyForSeconds?: number, revision?: string) =>
  rolloutState(
    aView(overrides),
    {
      deployId: 'rollout:1',
      revision,
      unhealthySince: unhealthyForSeconds === undefined ? undefined : ago(unhealthyForSeconds),
    },
    NOW,
  );

describe('a rollout settles as the deploy of a build does', () => {
  test.each(['Degraded', 'Missing', 'Unknown'] as const)('%s is final once it has lasted', (health) => {
    expect(stateOf({ health }, 0)).toMatchObject({ kind: 'waiting' });
    expect(stateOf({ health }, 179)).toMatchObject({ kind: 'waiting' });
    expect(stateOf({ health }, 180)).toMatchObject({ kind: 'failed' });
  });

  test('what cannot be compared is no success, and quotes the condition', () => {
    const condition = 'ComparisonError: repository not accessible';
    expect(stateOf({ sync: 'Unknown', condition }, 10)).toMatchObject({ kind: 'waiting' });
    expect(stateOf({ sync: 'Unknown', condition }, 200, SHA)).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining(condition),
    });
  });

  test('Suspended and Progressing are watched on', () => {
    expect(stateOf({ health: 'Suspended' })).toMatchObject({ kind: 'waiting' });
    expect(stateOf({ health: 'Progressing' })).toMatchObject({ kind: 'waiting' });
  });

  test('OutOfSync is expected where another revision was asked for', () => {
    expect(stateOf({ sync: 'OutOfSync', revisions: ['b'.repeat(40)] }, undefined, SHA)).toMatchObject({
      kind: 'deployed',
    });
    expect(stateOf({ sync: 'OutOfSync' })).toMatchObject({ kind: 'waiting', refresh: true });
  });
});

test('the time of an unhealthy application begins with the first look, and again after it was healthy', () => {
  const first = unhealthySince(aView({ health: 'Degraded' }), undefined, NOW);
  expect(first).toEqual(NOW);
  expect(unhealthySince(aView({ health: 'Missing' }), ago(50), NOW)).toEqual(ago(50));
  expect(unhealthySince(aView(), ago(50), NOW)).toBeUndefined();
});

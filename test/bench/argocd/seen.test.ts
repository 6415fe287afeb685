import { describe, expect, test } from 'vitest';
import {
  earlySyncs,
  type Merge,
  nothingSeen,
  secondsUntilRunning,
  secondsUntilSynced,
  seeApplication,
  seePods,
  syncsOf,
} from './seen.ts';

const START = Date.parse('2026-11-30T01:00:00Z');

function anApplication({ revision = 'aaa', phase = 'Succeeded', startedAt = '2026-11-30T01:00:00Z' } = {}) {
  return {
    status: {
      sync: { status: 'Synced' },
      operationState: { phase, startedAt, operation: { sync: { revision } }, syncResult: { revision } },
    },
  };
}

function aPod(image: string, { isReady = true, isDeleted = false } = {}) {
  return {
    metadata: isDeleted ? { deletionTimestamp: '2026-11-30T01:00:00Z' } : {},
    spec: { containers: [{ image }] },
    status: { conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
  };
}

function aMerge(overrides: Partial<Merge> = {}): Merge {
  return { image: 'api:2', revision: 'aaa', pushedAt: START, builtAt: START + 30_000, ...overrides };
}

describe('syncs', () => {
  test('are counted once, however often the operation is listed and whatever becomes of it', () => {
    const seen = nothingSeen();
    seeApplication(seen, anApplication({ phase: 'Running' }), START);
    seeApplication(seen, anApplication(), START + 400);
    expect(syncsOf(seen, START)).toEqual([{ revision: 'aaa', startedAt: START, phase: 'Succeeded' }]);
  });

  test('of one commit are two where they started at two times', () => {
    const seen = nothingSeen();
    seeApplication(seen, anApplication(), START);
    seeApplication(seen, anApplication({ startedAt: '2026-11-30T01:01:00Z' }), START + 60_000);
    expect(syncsOf(seen, START)).toHaveLength(2);
    expect(syncsOf(seen, START + 30_000)).toHaveLength(1);
  });

  test('have no revision before Argo CD has resolved it, and are no sync until then', () => {
    const seen = nothingSeen();
    seeApplication(seen, anApplication({ revision: '', phase: 'Running' }), START);
    expect(syncsOf(seen, START)).toEqual([]);
  });

  test('are early where they started before the image of their commit was pushed', () => {
    const seen = nothingSeen();
    seeApplication(seen, anApplication(), START);
    seeApplication(seen, anApplication({ revision: 'bbb', startedAt: '2026-11-30T01:02:00Z' }), START + 1);
    const merges = [aMerge(), aMerge({ revision: 'bbb' })];
    expect(earlySyncs(syncsOf(seen, START), merges)).toBe(1);
  });
});

describe('seconds', () => {
  test('until an image runs end when it is the only one of the Ready pods', () => {
    const seen = nothingSeen();
    seePods(seen, [aPod('api:1'), aPod('api:2', { isReady: false })], undefined, START + 31_000);
    seePods(seen, [aPod('api:1'), aPod('api:2')], undefined, START + 32_000);
    seePods(seen, [aPod('api:1', { isDeleted: true }), aPod('api:2')], undefined, START + 33_000);
    seePods(seen, [aPod('api:2')], undefined, START + 34_000);
    expect(secondsUntilRunning(seen, [aMerge()], 'builtAt')).toEqual([3]);
    expect(secondsUntilRunning(seen, [aMerge()], 'pushedAt')).toEqual([33]);
  });

  test('of an image that never ran are left out', () => {
    expect(secondsUntilRunning(nothingSeen(), [aMerge()], 'builtAt')).toEqual([]);
  });

  test('until a commit is synced end with the first sync of it that succeeded', () => {
    const seen = nothingSeen();
    seeApplication(seen, anApplication({ phase: 'Running' }), START + 1_000);
    seeApplication(seen, anApplication(), START + 2_000);
    seeApplication(seen, anApplication({ startedAt: '2026-11-30T01:05:00Z' }), START + 300_000);
    expect(secondsUntilSynced(seen, [aMerge(), aMerge({ revision: 'bbb' })])).toEqual([2]);
  });
});

test('rollouts are those that the Deployment counts', () => {
  const seen = nothingSeen();
  const annotations = { 'deployment.kubernetes.io/revision': '4' };
  seePods(seen, [], { metadata: { annotations } }, START);
  expect(seen.rollouts).toBe(4);
});

import { describe, expect, test } from 'vitest';
import {
  type ApplicationRecord,
  attemptOf,
  emptyRecord,
  type RequestedBuild,
  request,
  settle,
} from '#functions/branch-deploy/record.ts';

const now = new Date('2026-11-25T05:00:00Z');

function aBuild(number: number, overrides: Partial<RequestedBuild> = {}): RequestedBuild {
  return {
    project: 'api-develop',
    build: `api-develop:${number}`,
    number,
    repository: 'https://github.com/example/api',
    branch: 'develop',
    sha: String(number).padStart(40, '0'),
    startedAt: new Date(now.getTime() + number * 60_000).toISOString(),
    recordedAt: now.toISOString(),
    trigger: 'event',
    ...overrides,
  };
}

const empty = emptyRecord({ name: 'api', project: 'default' });
const wanting = (record: ApplicationRecord, build: RequestedBuild): ApplicationRecord => {
  const result = request(record, build);
  if (result.result !== 'requested') throw new Error(result.result);
  return result.record;
};

describe('what is wanted', () => {
  test('the newer build replaces the older one of its project', () => {
    const result = request(wanting(empty, aBuild(1)), aBuild(2));
    expect(result).toMatchObject({
      result: 'requested',
      superseded: [{ number: 1 }],
      record: { requested: [{ number: 2 }] },
    });
  });

  test('an older one is told which is newer, also when that one has long ended', () => {
    const record = settle(wanting(empty, aBuild(5)), 'failed', 'why', now);
    expect(request(record, aBuild(4))).toMatchObject({ result: 'older', newest: { number: 5 } });
  });

  test('the same build is a duplicate, before and after its end', () => {
    const record = wanting(empty, aBuild(1));
    expect(request(record, aBuild(1)).result).toBe('duplicate');
    expect(request(settle(record, 'deployed', 'why', now), aBuild(1)).result).toBe('duplicate');
  });

  test('builds of two projects do not supersede each other', () => {
    const other = aBuild(1, { project: 'migrations', build: 'migrations:1' });
    const result = request(wanting(empty, aBuild(7)), other);
    expect(result).toMatchObject({
      result: 'requested',
      superseded: [],
      record: { requested: [{ number: 7 }, { number: 1 }] },
    });
  });

  test.each(['deployed', 'failed'] as const)(
    'a second build of a commit that %s is looked at anew',
    (outcome) => {
      const record = settle(wanting(empty, aBuild(1)), outcome, 'why', now);
      expect(request(record, aBuild(2, { sha: String(aBuild(1).sha) })).result).toBe('requested');
    },
  );

  test('a second build of a commit that is being synced is served by that sync', () => {
    const record = wanting(empty, aBuild(1));
    const syncing = { ...record, attempt: attemptOf(record, now) };
    expect(wanting(syncing, aBuild(2, { sha: String(aBuild(1).sha) })).attempt?.serves).toEqual([
      'api-develop:1',
      'api-develop:2',
    ]);
  });

  test('a project that was made anew counts from one again', () => {
    const record = settle(wanting(empty, aBuild(120)), 'deployed', 'why', now);
    const days = new Date(now.getTime() + 5 * 86_400_000).toISOString();
    expect(request(record, aBuild(1, { startedAt: days })).result).toBe('requested');
  });

  test('a build that was queued for hours is still the older one', () => {
    const record = wanting(empty, aBuild(10));
    const hours = new Date(now.getTime() + 8 * 3_600_000).toISOString();
    expect(request(record, aBuild(9, { startedAt: hours })).result).toBe('older');
  });

  test('what is wanted anew is not held back by what was put off before', () => {
    expect(wanting({ ...empty, notBefore: '2030-01-01T00:00:00Z' }, aBuild(1)).notBefore).toBeUndefined();
  });
});

describe('an attempt', () => {
  test('is repeated under its own id until it was accepted, and under a new one afterwards', () => {
    const record = wanting(empty, aBuild(1));
    const first = attemptOf(record, now);
    const repeated = attemptOf({ ...record, attempt: first }, now);
    expect(repeated.deployId).toBe(first.deployId);
    const second = attemptOf({ ...record, attempt: { ...first, acceptedAt: now.toISOString() } }, now);
    expect(second).toMatchObject({ tries: 2 });
    expect(second.deployId).not.toBe(first.deployId);
  });

  test('for a newer build it is the first', () => {
    const record = wanting(empty, aBuild(1));
    const attempt = { ...attemptOf(record, now), acceptedAt: now.toISOString(), tries: 2 };
    expect(attemptOf(wanting({ ...record, attempt }, aBuild(2)), now)).toMatchObject({
      tries: 1,
      serves: ['api-develop:2'],
    });
  });
});

test('what was settled is remembered and no longer wanted', () => {
  const record = settle(
    { ...wanting(empty, aBuild(1)), announced: 'x', blockedSince: 'y' },
    'deployed',
    'why',
    now,
  );
  expect(record).toEqual({
    name: 'api',
    project: 'default',
    requested: [],
    newest: { 'api-develop': { ...aBuild(1), outcome: 'deployed', settledAt: now.toISOString() } },
    unreported: [{ outcome: 'deployed', reason: 'why', builds: [aBuild(1)], at: now.toISOString() }],
  });
});

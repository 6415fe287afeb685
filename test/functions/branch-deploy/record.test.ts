import { describe, expect, test } from 'vitest';
import { type ApplicationRecord, emptyRecord, type RequestedBuild } from '#functions/branch-deploy/record.ts';
import {
  ASLEEP,
  isOrderInDoubt,
  nextAttempt,
  request,
  settle,
} from '#functions/branch-deploy/record-changes.ts';

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
const requesting = (record: ApplicationRecord, build: RequestedBuild): ApplicationRecord => {
  const result = request(record, build);
  if (result.kind !== 'requested') throw new Error(result.kind);
  return result.record;
};

describe('what is requested', () => {
  test('the newer build replaces the older one of its project', () => {
    const result = request(requesting(empty, aBuild(1)), aBuild(2));
    expect(result).toMatchObject({
      kind: 'requested',
      superseded: [{ number: 1 }],
      record: { requested: [{ number: 2 }] },
    });
  });

  test('an older one learns which is newer, also when that one has long ended', () => {
    const record = settle(requesting(empty, aBuild(5)), { outcome: 'failed', reason: 'why' }, now);
    expect(request(record, aBuild(4))).toMatchObject({ kind: 'older', newest: { number: 5 } });
  });

  test('one that comes first after the wake begins the time of the sync that the evening cut off anew', () => {
    const record = requesting(empty, aBuild(1));
    const evening = new Date(now.getTime() - 3 * 3_600_000);
    const attempt = { ...nextAttempt(record, evening), acceptedAt: evening.toISOString() };
    const asleep = { ...record, attempt, lastReport: `${ASLEEP}${now.toISOString()}` };
    expect(requesting(asleep, aBuild(2)).attempt).toMatchObject({
      clusterSlept: true,
      begunAt: now.toISOString(),
      watchedSince: now.toISOString(),
    });
    const awake = { ...record, attempt };
    expect(requesting(awake, aBuild(2)).attempt).toEqual(attempt);
  });

  test('the same build is a duplicate, before and after its end', () => {
    const record = requesting(empty, aBuild(1));
    expect(request(record, aBuild(1)).kind).toBe('duplicate');
    expect(request(settle(record, { outcome: 'deployed', reason: 'why' }, now), aBuild(1)).kind).toBe(
      'duplicate',
    );
  });

  test('builds of two projects do not supersede each other', () => {
    const other = aBuild(1, { project: 'migrations', build: 'migrations:1' });
    const result = request(requesting(empty, aBuild(7)), other);
    expect(result).toMatchObject({
      kind: 'requested',
      superseded: [],
      record: { requested: [{ number: 7 }, { number: 1 }] },
    });
  });

  test.each(['deployed', 'failed'] as const)(
    'a second build of a commit that %s is looked at anew',
    (outcome) => {
      const record = settle(requesting(empty, aBuild(1)), { outcome, reason: 'why' }, now);
      expect(request(record, aBuild(2, { sha: String(aBuild(1).sha) })).kind).toBe('requested');
    },
  );

  test('a second build of a commit that is being synced is served by that sync', () => {
    const record = requesting(empty, aBuild(1));
    const syncing = { ...record, attempt: nextAttempt(record, now) };
    expect(requesting(syncing, aBuild(2, { sha: String(aBuild(1).sha) })).attempt?.builds).toEqual([
      'api-develop:1',
      'api-develop:2',
    ]);
  });

  test('a project that was made anew counts from one again', () => {
    const record = settle(requesting(empty, aBuild(120)), { outcome: 'deployed', reason: 'why' }, now);
    const days = new Date(now.getTime() + 5 * 86_400_000).toISOString();
    expect(request(record, aBuild(1, { startedAt: days })).kind).toBe('requested');
  });

  test('a project that was created again within hours counts from one again', () => {
    const at = (minutes: number) => new Date(now.getTime() + minutes * 60_000);
    const record = requesting(empty, aBuild(120, { startedAt: now.toISOString() }));
    const anew = aBuild(1, { build: 'api-develop:anew', startedAt: at(20).toISOString() });
    expect(isOrderInDoubt(record, anew)).toBe(true);
    expect(request(record, anew, at(10)).kind).toBe('requested');
    expect(request(record, anew, at(-10)).kind).toBe('older');
    expect(request(record, anew, at(30)).kind).toBe('older');
    expect(isOrderInDoubt(record, aBuild(119, { startedAt: at(-1).toISOString() }))).toBe(false);
    expect(isOrderInDoubt(record, aBuild(121, { startedAt: at(20).toISOString() }))).toBe(false);
  });

  test('D6: the second build of a batch is a duplicate', () => {
    const record = requesting(empty, aBuild(1, { batch: 'api-develop:b1' }));
    expect(request(record, aBuild(2, { batch: 'api-develop:b1' })).kind).toBe('duplicate');
    expect(request(record, aBuild(3, { batch: 'api-develop:b2' })).kind).toBe('requested');
  });

  test('a build that was queued for hours is still the older one', () => {
    const record = requesting(empty, aBuild(10));
    const hours = new Date(now.getTime() + 8 * 3_600_000).toISOString();
    expect(request(record, aBuild(9, { startedAt: hours })).kind).toBe('older');
  });

  test('what is requested anew is not held back by what was put off before', () => {
    expect(requesting({ ...empty, notBefore: '2030-01-01T00:00:00Z' }, aBuild(1)).notBefore).toBeUndefined();
  });
});

describe('an attempt', () => {
  test('is repeated under its own id until it was accepted, and under a new one afterwards', () => {
    const record = requesting(empty, aBuild(1));
    const first = nextAttempt(record, now);
    const repeated = nextAttempt({ ...record, attempt: first }, now);
    expect(repeated.deployId).toBe(first.deployId);
    const second = nextAttempt({ ...record, attempt: { ...first, acceptedAt: now.toISOString() } }, now);
    expect(second).toMatchObject({ tries: 2 });
    expect(second.deployId).not.toBe(first.deployId);
  });

  test('for a newer build it is the first', () => {
    const record = requesting(empty, aBuild(1));
    const attempt = { ...nextAttempt(record, now), acceptedAt: now.toISOString(), tries: 2 };
    expect(nextAttempt(requesting({ ...record, attempt }, aBuild(2)), now)).toMatchObject({
      tries: 1,
      builds: ['api-develop:2'],
    });
  });
});

test('what was settled is remembered and no longer requested', () => {
  const record = settle(
    { ...requesting(empty, aBuild(1)), lastReport: 'x', blockedSince: 'y' },
    { outcome: 'deployed', reason: 'why' },
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

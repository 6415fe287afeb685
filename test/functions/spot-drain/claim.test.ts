import { describe, expect, test } from 'vitest';
import {
  type ClaimRequest,
  concludeClaim,
  countRemaining,
  type DrainResult,
  decideClaim,
  hasOpenHook,
  isCompleting,
  resumeClaim,
} from '#functions/spot-drain/claim.ts';
import type { DrainReport, PodOutcome } from '#functions/spot-drain/pod-state.ts';
import type { Claim } from '#functions/spot-drain/records.ts';
import { aClaim, aHook, aRequest, at, NOW, type Overrides, past, WORKER } from './a-claim.ts';
import { aPod } from './a-cluster.ts';

const HOOK = aHook();
const DONE = { state: 'done', podsRemaining: 0, leaseUntil: past() } as const;
/** An announced change that is still far. */
const DEFERRED = {
  cause: 'health',
  deadline: undefined,
  drainUntil: at(86_400),
  notBefore: at(82_800),
} as const;
const ours = { owner: 'me', leaseUntil: WORKER.leaseUntil.toISOString() };

function decided(existing: Overrides<Claim>, request: Overrides<ClaimRequest> = {}) {
  return decideClaim(aClaim(existing), aRequest(request), WORKER, NOW);
}

describe('an instance that nobody handles', () => {
  test('is taken from now on', () => {
    expect(decideClaim(undefined, aRequest(), WORKER, NOW)).toEqual({
      kind: 'take',
      claim: { ...aRequest(), ...ours, state: 'working', attempts: 1, claimedAt: NOW.toISOString() },
    });
  });
});

describe('an instance that somebody handles', () => {
  test.each<[string, Overrides<Claim>, Overrides<ClaimRequest>, string]>([
    ['a duplicate ends', {}, {}, 'none'],
    ['a duplicate after the end ends', DONE, {}, 'none'],
    ['an earlier deadline takes over', {}, { deadline: at(60) }, 'take'],
    ['an equal deadline ends', {}, { deadline: at(115) }, 'none'],
    ['a later deadline ends', {}, { deadline: at(600) }, 'none'],
    ['a deadline takes over a drain without one', { deadline: undefined }, {}, 'take'],
    ['a drain without a deadline ends', {}, { deadline: undefined }, 'none'],
    ['a drain takes over a cordon', { task: 'cordon', state: 'done', leaseUntil: past() }, {}, 'take'],
    ['a cordon ends at a drain', {}, { task: 'cordon' }, 'none'],
    ['a cordon ends at a cordon', { task: 'cordon' }, { task: 'cordon' }, 'none'],
    ['a drain that failed is tried again', { state: 'failed', leaseUntil: past() }, {}, 'take'],
    ['a drain whose worker is gone is taken', { leaseUntil: past() }, {}, 'take'],
    ['a paused drain is left to the tick', { state: 'paused', leaseUntil: past() }, {}, 'none'],
    [
      'a paused drain goes on at once for a new hook',
      { state: 'paused', leaseUntil: past() },
      { hooks: [HOOK] },
      'take',
    ],
    ['a new hook joins a drain under way', {}, { hooks: [HOOK] }, 'join'],
    ['a new hook of a drained instance is only completed', DONE, { hooks: [HOOK] }, 'complete'],
    [
      'a known hook that is being completed is left to its worker',
      { state: 'done', hooks: [HOOK] },
      { hooks: [HOOK] },
      'none',
    ],
    [
      'a known hook that could not be completed is tried again',
      { state: 'done', hooks: [HOOK], leaseUntil: past() },
      { hooks: [HOOK] },
      'complete',
    ],
    [
      'a known hook that is completed ends',
      { state: 'done', hooks: [{ ...HOOK, completed: true }], leaseUntil: past() },
      { hooks: [HOOK] },
      'none',
    ],
    ['an earlier deadline after an empty drain ends', DONE, { deadline: at(60) }, 'none'],
    [
      'an earlier deadline after a drain that left pods takes over',
      { ...DONE, podsRemaining: 2 },
      { deadline: at(60) },
      'take',
    ],
    [
      'a node that appeared after its hook was completed is drained',
      { task: 'complete', state: 'done', leaseUntil: past() },
      {},
      'take',
    ],
    ['the lease is over at the instant at which it ends', { leaseUntil: NOW.toISOString() }, {}, 'take'],
    ['and not before', { leaseUntil: new Date(NOW.getTime() + 1).toISOString() }, {}, 'none'],
  ])('%s', (_name, existing, request, expected) => {
    expect(decided(existing, request).kind).toBe(expected);
  });

  /** The words, in one place. */
  test.each<[string, Overrides<Claim>, Overrides<ClaimRequest>, string]>([
    ['is at work', {}, {}, 'already being handled by'],
    [
      'is at work and gets a further hook',
      {},
      { hooks: [HOOK] },
      'its lifecycle action will be completed by',
    ],
    ['is done', DONE, {}, 'already handled by'],
    [
      'has paused',
      { state: 'paused', leaseUntil: past() },
      {},
      'the next tick resumes the drain that was started by',
    ],
  ])('the reason names the other invocation: it %s', (_name, existing, request, words) => {
    expect(decided(existing, request)).toMatchObject({
      reason: `${words} invocation other for event event-1, claimed at 2026-08-27T03:00:01.000Z`,
    });
  });

  test('whose notice became more urgent is taken over, with its hooks and since when it is handled', () => {
    const other = { ...HOOK, token: 'token-2' };
    const request = aRequest({ deadline: at(60), hooks: [other] });
    expect(decideClaim(aClaim({ hooks: [HOOK], attempts: 2 }), request, WORKER, NOW)).toEqual({
      kind: 'take',
      claim: {
        ...request,
        ...ours,
        state: 'working',
        attempts: 1,
        claimedAt: at(1),
        hooks: [HOOK, other],
      },
    });
  });

  test('that was let go is taken where it was left, and the attempt is counted', () => {
    const existing = { attempts: 1, leaseUntil: past(), state: 'failed' } as const;
    expect(decided(existing)).toEqual({
      kind: 'take',
      claim: { ...aClaim(existing), ...ours, state: 'working', attempts: 2 },
    });
  });

  test('gets a further hook while it is handled, and nothing else changes', () => {
    expect(decided({}, { hooks: [HOOK] })).toMatchObject({
      kind: 'join',
      claim: { ...aClaim(), hooks: [HOOK] },
    });
  });

  test('has its further hook completed once it is done, and is done all the same', () => {
    expect(decided(DONE, { hooks: [HOOK] })).toEqual({
      kind: 'complete',
      claim: { ...aClaim(DONE), ...ours, attempts: 2, hooks: [HOOK] },
    });
  });
});

describe('an event after the end of a drain starts from the beginning', () => {
  const startsAnew = (seconds: number, existing: Overrides<Claim> = {}) => {
    const done = { ...DONE, doneAt: at(5), ...existing };
    const decision = decided(done, { noticeTime: at(5 + seconds), trigger: 'event-9' });
    return (
      decision.kind === 'take' &&
      decision.claim.attempts === 1 &&
      decision.claim.claimedAt === NOW.toISOString()
    );
  };

  test('when it comes more than ten minutes later', () => {
    expect(startsAnew(601)).toBe(true);
    expect(startsAnew(600)).toBe(false);
  });

  test('but not while the drain is not over, or a hook is open', () => {
    expect(startsAnew(601, { state: 'working' })).toBe(false);
    expect(startsAnew(601, { hooks: [HOOK] })).toBe(false);
    expect(startsAnew(601, { hooks: [aHook({ completed: true })] })).toBe(true);
    expect(startsAnew(601, { doneAt: undefined })).toBe(false);
  });
});

describe('what outranks what', () => {
  test.each<[string, Overrides<Claim>, Overrides<ClaimRequest>]>([
    ['a cordon a completion', { task: 'complete', deadline: undefined }, { task: 'cordon' }],
    ['a drain a completion', { task: 'complete' }, {}],
    ['a drain a cordon', { task: 'cordon' }, { deadline: undefined }],
    ['an earlier end a later one', {}, { deadline: at(114) }],
    [
      'a drain one whose marks are removed again: rebalance',
      { state: 'done', podsRemaining: 0, cause: 'rebalance' },
      { deadline: at(60) },
    ],
    [
      'a drain one whose marks are removed again: health',
      { state: 'done', podsRemaining: 0, cause: 'health' },
      { deadline: at(60) },
    ],
    ['an earlier end a drain that goes on with no pod left', { podsRemaining: 0 }, { deadline: at(60) }],
    ['a drain a cordon that is over', { state: 'done', podsRemaining: 0, task: 'cordon' }, {}],
    [
      'a lifecycle action a change that is far, whose worker died before it paused the claim',
      { ...DEFERRED, leaseUntil: past() },
      { cause: 'lifecycle', deadline: undefined, drainUntil: at(3600), hooks: [HOOK] },
    ],
    [
      'a lifecycle action a change that is far, whose worker is about to pause the claim',
      DEFERRED,
      { cause: 'lifecycle', deadline: undefined, drainUntil: at(3600), hooks: [HOOK] },
    ],
    [
      'another date of a change, whose worker died before it paused the claim',
      { ...DEFERRED, leaseUntil: past() },
      { ...DEFERRED, notBefore: at(90_000) },
    ],
  ])('%s', (_what, existing, request) => {
    // The new event's claim, and not the old one's taken up.
    expect(decided(existing, request)).toMatchObject({
      kind: 'take',
      claim: { trigger: 'event-2', claimedAt: at(1), attempts: 1 },
    });
  });

  test.each<[string, Overrides<Claim>, Overrides<ClaimRequest>]>([
    ['an equal end', {}, {}],
    ['an earlier end of a cordon', { task: 'cordon', deadline: at(600) }, { task: 'cordon' }],
    ['an earlier end of a completion', { task: 'complete', deadline: at(600) }, { task: 'complete' }],
    ['a cordon', {}, { task: 'cordon', deadline: at(1) }],
    ['an earlier end after an empty drain', { state: 'done', podsRemaining: 0 }, { deadline: at(60) }],
    ['the same date of a change', DEFERRED, DEFERRED],
  ])('not %s', (_what, existing, request) => {
    expect(decided(existing, request)).toMatchObject({ kind: 'none' });
  });
});

describe('a hook is known', () => {
  test.each([
    ['token', 'token-2'],
    ['name', 'other'],
    ['group', 'others'],
  ])('by its %s too', (field, value) => {
    expect(decided({ hooks: [HOOK] }, { hooks: [{ ...HOOK, [field]: value }] }).kind).toBe('join');
    expect(decided({ hooks: [HOOK] }, { hooks: [HOOK] }).kind).toBe('none');
  });

  test('and open until it is completed', () => {
    expect(hasOpenHook(aClaim())).toBe(false);
    expect(hasOpenHook(aClaim({ hooks: [aHook({ completed: true }), HOOK] }))).toBe(true);
    expect(hasOpenHook(aClaim({ hooks: [aHook({ completed: true })] }))).toBe(false);
  });
});

test('whoever holds the lease of a drain that is over completes its open hooks', () => {
  const completing = (overrides: Overrides<Claim>) =>
    isCompleting(aClaim({ state: 'done', hooks: [HOOK], ...overrides }), NOW);
  expect(completing({})).toBe(true);
  expect(completing({ state: 'working' })).toBe(false);
  expect(completing({ leaseUntil: past() })).toBe(false);
  expect(completing({ hooks: [aHook({ completed: true })] })).toBe(false);
});

describe('the tick', () => {
  test.each<[string, Overrides<Claim>, boolean]>([
    ['resumes a paused drain', { state: 'paused', leaseUntil: past() }, true],
    ['resumes a drain that was cut off', { state: 'working', leaseUntil: past() }, true],
    ['leaves a drain under way alone', { state: 'working' }, false],
    ['leaves what is done alone', { state: 'done', leaseUntil: past() }, false],
    ['tries to complete a hook again', { state: 'done', leaseUntil: past(), hooks: [HOOK] }, true],
    ['tries a failed drain again', { state: 'failed', leaseUntil: past() }, true],
    [
      'gives up a drain that fails again and again',
      { state: 'failed', leaseUntil: past(), attempts: 3 },
      false,
    ],
    [
      'gives up a failed drain whose time is over',
      { state: 'failed', leaseUntil: past(), drainUntil: past() },
      false,
    ],
    [
      'gives it up at the instant at which its time is over',
      { state: 'failed', leaseUntil: past(), drainUntil: NOW.toISOString() },
      false,
    ],
    [
      'and not before',
      { state: 'failed', leaseUntil: past(), drainUntil: new Date(NOW.getTime() + 1).toISOString() },
      true,
    ],
  ])('%s', (_name, existing, isResumed) => {
    expect(resumeClaim(aClaim(existing), WORKER, NOW) !== undefined).toBe(isResumed);
  });

  test.each([
    ['paused', [], 'working', 1],
    ['working', [], 'working', 2],
    ['failed', [], 'working', 2],
    ['done', [HOOK], 'done', 2],
  ] as const)('counts an attempt, and a pause as none: %s', (state, hooks, next, attempts) => {
    const existing = aClaim({ state, hooks, leaseUntil: past() });
    expect(resumeClaim(existing, WORKER, NOW)).toEqual({ ...existing, ...ours, state: next, attempts });
  });
});

describe('a claim whose drain', () => {
  const now = NOW.toISOString();
  const concluded = (result: DrainResult, existing: Overrides<Claim> = {}) =>
    concludeClaim(aClaim(existing), result, NOW);
  const noDeadline = { deadline: undefined, drainUntil: at(3_600) };

  test('moved every pod is done, with what became of them', () => {
    const result = drained('empty', ['evicted', 'evicted', 'finished', 'already-terminating', 'skipped']);
    expect(concluded(result)).toEqual({
      ...aClaim(),
      state: 'done',
      leaseUntil: now,
      doneAt: now,
      podsRemaining: 0,
      podCounts: { evicted: 2, finished: 1, alreadyTerminating: 1, forced: 0 },
    });
  });

  test('moved every pod is done, also where it had time left', () => {
    expect(concluded(drained('empty', ['evicted']), noDeadline)).toMatchObject({
      state: 'done',
      doneAt: now,
    });
  });

  test('took several invocations counts the pods of all', () => {
    const podCounts = { evicted: 1, finished: 2, alreadyTerminating: 3, forced: 4 };
    const result = drained('timed-out', ['evicted', 'forced', 'blocked', 'terminating', 'failed']);
    expect(concluded(result, { podCounts })).toMatchObject({
      state: 'done',
      podsRemaining: 3,
      podCounts: { evicted: 2, finished: 2, alreadyTerminating: 3, forced: 5 },
    });
    expect(result.kind === 'drained' && countRemaining(result.report)).toBe(3);
  });

  test('failed keeps what was known of its pods', () => {
    const podCounts = { evicted: 1, finished: 0, alreadyTerminating: 0, forced: 0 };
    const failed = { kind: 'failed', isPermanent: false } as const;
    expect(concluded(failed, { podCounts })).toMatchObject({ state: 'failed', doneAt: now, podCounts });
    expect(concluded(failed).podsRemaining).toBeUndefined();
  });

  test('was refused by RBAC has failed', () => {
    const result = drained('empty', ['failed'], 'pods/eviction is forbidden');
    expect(concluded(result)).toMatchObject({ state: 'failed', podCounts: { evicted: 0 } });
  });

  test('was not needed is done', () => {
    expect(concluded({ kind: 'not-drained' })).toMatchObject({ state: 'done', podsRemaining: 0 });
  });

  test('keeps its lease until its lifecycle actions are completed', () => {
    expect(concluded(drained('empty', []), { hooks: [HOOK] }).leaseUntil).toBe(aClaim().leaseUntil);
    expect(concluded(drained('empty', []), { hooks: [aHook({ completed: true })] }).leaseUntil).toBe(now);
  });

  test.each<[string, Overrides<Claim>, Claim['state']]>([
    ['no deadline is near', {}, 'paused'],
    ['its action lives for long enough', { hooks: [aHook({ heartbeatSeconds: 360 })] }, 'paused'],
    ['a short action is completed', { hooks: [aHook({ heartbeatSeconds: 60, completed: true })] }, 'paused'],
    ['its action is left to the watchdog', { hooks: [aHook({ heartbeatSeconds: 30 })] }, 'paused'],
    ['the instance goes', { deadline: at(3_600) }, 'done'],
    ['our own stop takes the node', { nightlyStop: true }, 'done'],
    ['its time is over', { drainUntil: now }, 'done'],
  ])('ran out of time is paused or done: %s', (_why, existing, state) => {
    expect(concluded(drained('timed-out', ['blocked']), { ...noDeadline, ...existing }).state).toBe(state);
  });

  test('is paused has no end yet, and its lease is free for the tick', () => {
    const paused = concluded(drained('timed-out', ['evicted', 'blocked']), { ...noDeadline, hooks: [] });
    expect(paused).toMatchObject({ state: 'paused', leaseUntil: now, podCounts: { evicted: 1 } });
    expect(paused.doneAt ?? paused.podsRemaining).toBeUndefined();
  });
});

function drained(end: DrainReport['end'], outcomes: readonly PodOutcome[], refused?: string): DrainResult {
  const pods = outcomes.map((outcome) => ({ pod: aPod(), outcome }));
  return { kind: 'drained', report: { end, pods, refused } };
}

/** A change that AWS announced for a later day, beside what happens to the instance before. */
import { describe, expect, test } from 'vitest';
import {
  afterUndo,
  type ClaimRequest,
  decideClaim,
  isChangeOver,
  withDueChange,
} from '#functions/spot-drain/claim.ts';
import type { Claim } from '#functions/spot-drain/records.ts';
import { aClaim, aHook, aRequest, at, NOW, type Overrides, past, WORKER } from './a-claim.ts';

const now = NOW.toISOString();
const change = { notBefore: at(3_600), drainUntil: at(86_400), trigger: 'event-0', noticeTime: at(0) };
const announced = {
  cause: 'health',
  state: 'paused',
  leaseUntil: past(),
  deadline: undefined,
  ...change,
} as const;
const rebalance = { cause: 'rebalance', task: 'cordon', deadline: undefined, drainUntil: at(600) } as const;
const decided = (existing: Overrides<Claim>, request: Overrides<ClaimRequest>) =>
  decideClaim(aClaim(existing), aRequest(request), WORKER, NOW);

describe('before the day of the change', () => {
  test.each<[string, Overrides<Claim>, string]>([
    ['is done first', {}, 'take'],
    ['is done first where the worker died before it paused', { state: 'working' }, 'take'],
    ['is done first while the worker is about to pause', { state: 'working', leaseUntil: at(60) }, 'take'],
    ['is done first where the tick is late', { notBefore: at(5) }, 'take'],
    [
      'waits where the day has come and the drain goes on',
      { state: 'working', leaseUntil: at(60), notBefore: now },
      'none',
    ],
    ['waits where the drain has begun', { cordonedAt: at(5) }, 'none'],
  ])('another event %s', (_, existing, kind) => {
    expect(decided({ ...announced, ...existing }, rebalance).kind).toBe(kind);
  });

  test('another event leaves the change in the claim for later', () => {
    expect(decided(announced, rebalance)).toMatchObject({ kind: 'take', claim: { announced: change } });
    const begun = decided({ ...announced, cordonedAt: at(5) }, { hooks: [aHook()], deadline: at(60) });
    expect(begun).toMatchObject({ kind: 'take', claim: { cordonedAt: at(5) } });
    expect(begun.kind === 'take' && begun.claim.announced).toBeUndefined();
  });

  test('an older notice about the change is ignored, older events of other kinds are not', () => {
    const older = { noticeTime: at(-60) };
    expect(decided(announced, { cause: 'health', notBefore: at(7_200), ...older }).kind).toBe('none');
    expect(decided(announced, { ...rebalance, ...older }).kind).toBe('take');
  });

  test('a notice about the change that is older than another event is kept for later', () => {
    const health = { cause: 'health', notBefore: at(7_200), noticeTime: at(-60) } as const;
    expect(decided({}, health)).toMatchObject({
      kind: 'note',
      claim: { announced: { notBefore: at(7_200), noticeTime: at(-60) } },
    });
  });
});

describe('once what came before is undone', () => {
  const undone = aClaim({ ...rebalance, force: true, nightlyStop: true, announced: change, attempts: 3 });

  test('the claim waits for the change, whose drain forces nothing and is no stop of ours', () => {
    const { instanceId, node, owner, leaseUntil, claimedAt } = undone;
    expect(afterUndo(undone)).toEqual({
      ...change,
      instanceId,
      node,
      owner,
      leaseUntil,
      claimedAt,
      cause: 'health',
      task: 'drain',
      force: false,
      nightlyStop: false,
      state: 'paused',
      attempts: 0,
      hooks: [],
    });
  });

  test('there is no claim without a change', () => {
    expect(afterUndo(aClaim(rebalance))).toBeUndefined();
  });
});

describe('on the day of the change', () => {
  const claim = (overrides: Overrides<Claim> = {}, notBefore = now) =>
    aClaim({
      ...rebalance,
      state: 'done',
      leaseUntil: past(),
      cordonedAt: at(2),
      announced: { ...change, notBefore },
      ...overrides,
    });
  const begins = (one: Claim) => {
    const next = withDueChange(one, NOW);
    return next === one ? false : next.cause === 'health' && next.state === 'paused';
  };

  test('the claim becomes one for the change, and the node stays ours', () => {
    expect(withDueChange(claim(), NOW)).toMatchObject({
      cause: 'health',
      task: 'drain',
      state: 'paused',
      force: false,
      cordonedAt: at(2),
      notBefore: now,
    });
  });

  test.each<[string, Claim, boolean]>([
    ['begins at its instant', claim(), true],
    ['does not begin a second before', claim({}, at(11)), false],
    ['does not begin where there is none', claim({ announced: undefined }), false],
    ['does not begin while somebody is at the node', claim({ leaseUntil: at(60) }), false],
    ['does not begin where a lifecycle action ends the instance', claim({ hooks: [aHook()] }), false],
    [
      'does not begin where such an action was completed',
      claim({ hooks: [aHook({ completed: true })] }),
      false,
    ],
    ['does not begin where the instance goes', claim({ deadline: at(60) }), false],
    ['begins where the instance should have gone and did not', claim({ deadline: at(5) }), true],
    ['begins at the very end that was known', claim({ deadline: now }), true],
  ])('its drain %s', (_, one, isBegun) => {
    expect(begins(one)).toBe(isBegun);
  });
});

describe('a change that is announced again after its end', () => {
  const over = {
    cause: 'health',
    state: 'working',
    leaseUntil: past(),
    deadline: undefined,
    trigger: 'event-0',
    noticeTime: at(-300),
    changeOverAt: at(-200),
  } as const;
  const again = { cause: 'health', deadline: undefined, trigger: 'event-2' } as const;

  test('is the one that the claim is for, and is not over', () => {
    const decision = decided(over, { ...again, noticeTime: at(-100) });
    expect(decision).toMatchObject({ kind: 'take', claim: { trigger: 'event-2', noticeTime: at(-100) } });
    expect(decision.kind === 'take' && isChangeOver(decision.claim)).toBe(false);
  });

  test('stays over where the event has the time of its end, or is about something else', () => {
    for (const request of [
      { ...again, noticeTime: at(-200) },
      { noticeTime: at(-100), deadline: undefined },
    ])
      expect(decided(over, request)).toMatchObject({ kind: 'take', claim: { trigger: 'event-0' } });
  });

  test('is over from the time of its end on, and no claim for something else is', () => {
    expect(isChangeOver(aClaim(over))).toBe(true);
    expect(isChangeOver(aClaim({ ...over, noticeTime: over.changeOverAt }))).toBe(true);
    expect(isChangeOver(aClaim({ ...over, cause: 'rebalance' }))).toBe(false);
    expect(isChangeOver(aClaim({ ...over, changeOverAt: undefined }))).toBe(false);
  });
});

import { describe, expect, it } from 'vitest';
import { judgeClaim, resumeClaim, type Wish } from '#functions/spot-drain/claim.ts';
import type { Claim } from '#functions/spot-drain/records.ts';
import { aClaim, aHook, at, aWish, NOW, type Overrides, past, WORKER } from './a-claim.ts';

const HOOK = aHook();

describe('an instance that nobody deals with', () => {
  it('is taken', () => {
    expect(judgeClaim(undefined, aWish(), WORKER, NOW)).toMatchObject({
      do: 'take',
      escalates: false,
      claim: { owner: 'me', state: 'working', attempts: 1, leaseUntil: '2026-08-27T03:03:00.000Z' },
    });
  });
});

describe('an instance that somebody deals with', () => {
  it.each<[string, Overrides<Claim>, Overrides<Wish>, string]>([
    ['a duplicate ends', {}, {}, 'end'],
    ['a duplicate after the end ends', { state: 'done', leaseUntil: past(), left: 0 }, {}, 'end'],
    ['an earlier deadline takes over', {}, { deadline: at(60) }, 'take'],
    ['a later deadline ends', {}, { deadline: at(600) }, 'end'],
    ['a deadline takes over a drain without one', { deadline: undefined }, {}, 'take'],
    ['a drain without a deadline ends', {}, { deadline: undefined }, 'end'],
    ['a drain takes over a cordon', { depth: 'cordon', state: 'done', leaseUntil: past() }, {}, 'take'],
    ['a cordon ends at a drain', {}, { depth: 'cordon' }, 'end'],
    ['a cordon ends at a cordon', { depth: 'cordon' }, { depth: 'cordon' }, 'end'],
    ['a drain that failed is tried again', { state: 'failed', leaseUntil: past() }, {}, 'take'],
    ['a drain whose worker is no more is taken', { leaseUntil: past() }, {}, 'take'],
    ['a paused drain is left to the tick', { state: 'paused', leaseUntil: past() }, {}, 'end'],
    [
      'a paused drain goes on at once for a new hook',
      { state: 'paused', leaseUntil: past() },
      { hooks: [HOOK] },
      'take',
    ],
    ['a new hook joins a drain under way', {}, { hooks: [HOOK] }, 'join'],
    [
      'a new hook of a drained instance is only completed',
      { state: 'done', leaseUntil: past(), left: 0 },
      { hooks: [HOOK] },
      'complete',
    ],
    [
      'a known hook that is being completed is left to its worker',
      { state: 'done', hooks: [HOOK] },
      { hooks: [HOOK] },
      'end',
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
      'end',
    ],
    [
      'an earlier deadline after an empty drain ends',
      { state: 'done', left: 0, leaseUntil: past() },
      { deadline: at(60) },
      'end',
    ],
    [
      'an earlier deadline after a drain that left pods takes over',
      { state: 'done', left: 2, leaseUntil: past() },
      { deadline: at(60) },
      'take',
    ],
    [
      'a node that appeared after its hook was completed is drained',
      { depth: 'none', state: 'done', leaseUntil: past() },
      {},
      'take',
    ],
  ])('%s', (_name, held, wish, expected) => {
    expect(judgeClaim(aClaim(held), aWish(wish), WORKER, NOW).do).toBe(expected);
  });

  it('keeps the hooks of whoever it was taken from', () => {
    const other = { ...HOOK, token: 'token-2' };
    const judged = judgeClaim(
      aClaim({ hooks: [HOOK] }),
      aWish({ deadline: at(60), hooks: [other] }),
      WORKER,
      NOW,
    );
    expect(judged).toMatchObject({ escalates: true, claim: { hooks: [HOOK, other], owner: 'me' } });
  });

  it('begins a new story when it comes back much later, after a stop and a start', () => {
    const held = aClaim({ state: 'done', left: 0, leaseUntil: past(), doneAt: '2026-08-27T02:00:00Z' });
    expect(judgeClaim(held, aWish(), WORKER, NOW)).toMatchObject({ do: 'take', claim: { attempts: 1 } });
  });
});

describe('the tick', () => {
  it.each<[string, Overrides<Claim>, boolean]>([
    ['goes on with a paused drain', { state: 'paused', leaseUntil: past() }, true],
    ['goes on with a drain that was cut off', { state: 'working', leaseUntil: past() }, true],
    ['leaves a drain under way alone', { state: 'working' }, false],
    ['leaves what is done alone', { state: 'done', leaseUntil: past() }, false],
    ['tries to complete a hook again', { state: 'done', leaseUntil: past(), hooks: [HOOK] }, true],
    ['tries a failed drain again', { state: 'failed', leaseUntil: past() }, true],
    [
      'gives up on a drain that fails again and again',
      { state: 'failed', leaseUntil: past(), attempts: 3 },
      false,
    ],
    [
      'gives up on a failed drain whose time is over',
      { state: 'failed', leaseUntil: past(), until: past() },
      false,
    ],
  ])('%s', (_name, held, resumed) => {
    expect(resumeClaim(aClaim(held), WORKER, NOW) !== undefined).toBe(resumed);
  });

  it('does not count a pause as a failure', () => {
    expect(
      resumeClaim(aClaim({ state: 'paused', leaseUntil: past(), attempts: 1 }), WORKER, NOW)?.attempts,
    ).toBe(1);
    expect(
      resumeClaim(aClaim({ state: 'working', leaseUntil: past(), attempts: 1 }), WORKER, NOW)?.attempts,
    ).toBe(2);
  });
});

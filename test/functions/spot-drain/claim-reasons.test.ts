import { describe, expect, it } from 'vitest';
import { hasOpenHook, isCompleting, judgeClaim, resumeClaim } from '#functions/spot-drain/claim.ts';
import { aClaim, aHook, at, aWish, NOW, past, WORKER } from './a-claim.ts';

/** Every judgement in full: what the claim becomes, and the words that people read. */

const ours = { owner: 'me', leaseUntil: WORKER.leaseUntil.toISOString() };
const story = 'since 2026-08-27T03:00:01.000Z by event-1';
const judge = (held: Parameters<typeof aClaim>[0], wish: Parameters<typeof aWish>[0] = {}) =>
  judgeClaim(aClaim(held), aWish(wish), WORKER, NOW);

describe('an instance', () => {
  it('that nobody deals with is taken from now on', () => {
    expect(judgeClaim(undefined, aWish(), WORKER, NOW)).toEqual({
      do: 'take',
      escalates: false,
      claim: { ...aWish(), ...ours, state: 'working', attempts: 1, since: NOW.toISOString() },
    });
  });

  it('whose notice became more urgent is taken over, with its hooks and its beginning', () => {
    const wish = aWish({ deadline: at(60) });
    expect(judgeClaim(aClaim({ hooks: [aHook()], attempts: 2 }), wish, WORKER, NOW)).toEqual({
      do: 'take',
      escalates: true,
      claim: { ...wish, ...ours, state: 'working', attempts: 1, since: at(1), hooks: [aHook()] },
    });
  });

  it('that was let go is taken up where it was left, and the try is counted', () => {
    const held = { attempts: 1, leaseUntil: past(), state: 'failed' } as const;
    expect(judge(held)).toEqual({
      do: 'take',
      escalates: false,
      claim: { ...aClaim(held), ...ours, state: 'working', attempts: 2 },
    });
  });

  it('that somebody deals with is left to them', () => {
    expect(judge({})).toEqual({ do: 'end', reason: `the instance is being dealt with ${story}` });
  });

  it('that somebody deals with gets a further hook, and nothing else changes', () => {
    expect(judge({}, { hooks: [aHook()] })).toEqual({
      do: 'join',
      claim: { ...aClaim(), hooks: [aHook()] },
      reason: `whoever deals with the instance ${story} completes its lifecycle action too`,
    });
  });

  it('that was dealt with is over', () => {
    expect(judge({ state: 'done', left: 0, leaseUntil: past() })).toEqual({
      do: 'end',
      reason: `the instance was dealt with ${story}`,
    });
  });

  it('that was dealt with has its further hook completed, and is done all the same', () => {
    const held = { state: 'done', left: 0, leaseUntil: past() } as const;
    expect(judge(held, { hooks: [aHook()] })).toEqual({
      do: 'complete',
      claim: { ...aClaim(held), ...ours, attempts: 2, hooks: [aHook()] },
      reason: `the instance was dealt with ${story}: only its lifecycle action is left`,
    });
  });

  it('whose drain was put aside is left to the tick', () => {
    expect(judge({ state: 'paused', leaseUntil: past() })).toEqual({
      do: 'end',
      reason: `the drain ${story} goes on with the next tick`,
    });
  });

  it('is free at the instant at which the lease ends', () => {
    expect(judge({ leaseUntil: NOW.toISOString() }).do).toBe('take');
    expect(judge({ leaseUntil: new Date(NOW.getTime() + 1).toISOString() }).do).toBe('end');
  });
});

describe('a new story', () => {
  const later = (seconds: number, held: Parameters<typeof aClaim>[0] = {}) => {
    const done = { state: 'done', left: 0, leaseUntil: past(), doneAt: at(5), ...held } as const;
    const judged = judge(done, { noticedAt: at(5 + seconds), trigger: 'event-9' });
    return judged.do === 'take' && !judged.escalates && judged.claim.attempts === 1;
  };

  it('begins more than ten minutes after the end of the last', () => {
    expect(later(601)).toBe(true);
    expect(later(600)).toBe(false);
  });

  it('does not begin while the last is not over, or a hook is open', () => {
    expect(later(601, { state: 'working' })).toBe(false);
    expect(later(601, { hooks: [aHook()] })).toBe(false);
    expect(later(601, { hooks: [aHook({ completed: true })] })).toBe(true);
    expect(later(601, { doneAt: undefined })).toBe(false);
  });
});

describe('what is stronger', () => {
  it.each<[string, Parameters<typeof aClaim>[0], Parameters<typeof aWish>[0]]>([
    ['a cordon over nothing', { depth: 'none', deadline: undefined }, { depth: 'cordon' }],
    ['a drain over nothing', { depth: 'none' }, {}],
    ['a drain over a cordon', { depth: 'cordon' }, { deadline: undefined }],
    ['an earlier end over a later one', {}, { deadline: at(114) }],
    [
      'a drain over one whose marks are taken away again: rebalance',
      { state: 'done', left: 0, cause: 'rebalance' },
      { deadline: at(60) },
    ],
    [
      'a drain over one whose marks are taken away again: health',
      { state: 'done', left: 0, cause: 'health' },
      { deadline: at(60) },
    ],
    ['an earlier end over a drain that goes on with no pod left', { left: 0 }, { deadline: at(60) }],
    ['a drain over a cordon that is over', { state: 'done', left: 0, depth: 'cordon' }, {}],
  ])('%s', (_what, held, wish) => {
    expect(judge(held, wish)).toMatchObject({ do: 'take', escalates: true });
  });

  it.each<[string, Parameters<typeof aClaim>[0], Parameters<typeof aWish>[0]]>([
    ['an equal end', {}, {}],
    ['an earlier end of a cordon', { depth: 'cordon', deadline: at(600) }, { depth: 'cordon' }],
    ['an earlier end of nothing', { depth: 'none', deadline: at(600) }, { depth: 'none' }],
    ['a cordon', {}, { depth: 'cordon', deadline: at(1) }],
    ['an earlier end after an empty drain', { state: 'done', left: 0 }, { deadline: at(60) }],
  ])('is not %s', (_what, held, wish) => {
    expect(judge(held, wish)).toMatchObject({ do: 'end' });
  });
});

describe('a hook is known', () => {
  it.each([
    ['token', 'token-2'],
    ['name', 'other'],
    ['group', 'others'],
  ])('by its %s too', (field, value) => {
    expect(judge({ hooks: [aHook()] }, { hooks: [{ ...aHook(), [field]: value }] }).do).toBe('join');
    expect(judge({ hooks: [aHook()] }, { hooks: [aHook()] }).do).toBe('end');
  });

  it('and open until it is completed', () => {
    expect(hasOpenHook(aClaim())).toBe(false);
    expect(hasOpenHook(aClaim({ hooks: [aHook({ completed: true }), aHook()] }))).toBe(true);
    expect(hasOpenHook(aClaim({ hooks: [aHook({ completed: true })] }))).toBe(false);
  });
});

it('whoever holds the lease of a drain that is over completes its open hooks', () => {
  const completing = (overrides: Parameters<typeof aClaim>[0]) =>
    isCompleting(aClaim({ state: 'done', hooks: [aHook()], ...overrides }), NOW);
  expect(completing({})).toBe(true);
  expect(completing({ state: 'working' })).toBe(false);
  expect(completing({ leaseUntil: past() })).toBe(false);
  expect(completing({ hooks: [aHook({ completed: true })] })).toBe(false);
});

describe('the tick takes up', () => {
  it.each([
    ['paused', [], 'working', 1],
    ['working', [], 'working', 2],
    ['failed', [], 'working', 2],
    ['done', [aHook()], 'done', 2],
  ] as const)('what is %s', (state, hooks, next, attempts) => {
    const held = aClaim({ state, hooks, leaseUntil: past() });
    expect(resumeClaim(held, WORKER, NOW)).toEqual({ ...held, ...ours, state: next, attempts });
  });

  it('what failed, until its time is over', () => {
    const failed = (until: string) => aClaim({ state: 'failed', leaseUntil: past(), until });
    expect(resumeClaim(failed(NOW.toISOString()), WORKER, NOW)).toBeUndefined();
    expect(resumeClaim(failed(new Date(NOW.getTime() + 1).toISOString()), WORKER, NOW)).toBeDefined();
  });
});

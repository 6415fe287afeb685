/** What a lifecycle action changes in a claim, and when it is completed: CONTINUE cannot be taken back. */
import { describe, expect, test } from 'vitest';
import {
  actionOf,
  type ClaimRequest,
  canWaitForTick,
  concludeClaim,
  type DrainResult,
  decideClaim,
  isCompletionDue,
  resumeClaim,
} from '#functions/spot-drain/claim.ts';
import type { DrainReport, PodOutcome } from '#functions/spot-drain/pod-state.ts';
import type { Claim } from '#functions/spot-drain/records.ts';
import { aClaim, aHook, aRequest, at, NOW, type Overrides, past, WORKER } from './a-claim.ts';
import { aPod } from './a-cluster.ts';

const HOOK = aHook();
const now = NOW.toISOString();
const noDeadline = { deadline: undefined, drainUntil: at(3_600) } as const;
const decided = (existing: Overrides<Claim>, request: Overrides<ClaimRequest> = {}) =>
  decideClaim(aClaim(existing), aRequest(request), WORKER, NOW);
const drained = (end: DrainReport['end'], outcomes: readonly PodOutcome[] = [], refused?: string) =>
  ({
    kind: 'drained',
    report: { end, pods: outcomes.map((outcome) => ({ pod: aPod(), outcome })), refused },
  }) satisfies DrainResult;

describe('the lifecycle actions of an instance are completed', () => {
  test.each<[string, Overrides<Claim>, DrainResult, boolean]>([
    ['where there was nothing to drain', noDeadline, { kind: 'not-drained' }, true],
    ['where nothing is to be done yet', noDeadline, { kind: 'deferred' }, true],
    ['once every pod has moved', noDeadline, drained('empty'), true],
    ['not while pods are left and there is time', noDeadline, drained('timed-out', ['blocked']), false],
    [
      'once their time is over, to the instant',
      { ...noDeadline, drainUntil: now },
      drained('timed-out', ['blocked']),
      true,
    ],
    ['not a second before', { ...noDeadline, drainUntil: at(11) }, drained('timed-out', ['blocked']), false],
    ['where RBAC refuses a pod', noDeadline, drained('timed-out', ['failed'], 'forbidden'), true],
    ['where RBAC refuses the drain', noDeadline, { kind: 'failed', isPermanent: true }, true],
    ['not after a failure that may pass', noDeadline, { kind: 'failed', isPermanent: false }, false],
    [
      'after such a failure once their time is over',
      { ...noDeadline, drainUntil: now },
      { kind: 'failed', isPermanent: false },
      true,
    ],
    [
      'of our own nightly stop without waiting for budgets',
      { ...noDeadline, nightlyStop: true },
      drained('timed-out', ['blocked']),
      true,
    ],
  ])('%s', (_, claim, result, isDue) => {
    expect(isCompletionDue(aClaim(claim), result, NOW)).toBe(isDue);
  });

  test('by the tick where they live until then without a heartbeat', () => {
    const waits = (...heartbeats: number[]) =>
      canWaitForTick(aClaim({ hooks: heartbeats.map((heartbeatSeconds) => aHook({ heartbeatSeconds })) }));
    expect([waits(), waits(359), waits(360), waits(360, 30)]).toEqual([true, false, true, false]);
    expect(canWaitForTick(aClaim({ hooks: [aHook({ heartbeatSeconds: 30, completed: true })] }))).toBe(true);
  });

  test('each under its own name', () => {
    const names = [HOOK, aHook({ token: 'token-2' }), aHook({ name: 'x' }), aHook({ group: 'y' })].map(
      actionOf,
    );
    expect(new Set(names).size).toBe(4);
    expect(actionOf(aHook({ completed: true }))).toBe(names[0]);
  });
});

describe('a claim whose work ended', () => {
  const concluded = (result: DrainResult, existing: Overrides<Claim> = {}) =>
    concludeClaim(aClaim(existing), result, NOW);

  test('before its day is paused with a free lease, and has no end', () => {
    expect(concluded({ kind: 'deferred' })).toEqual({ ...aClaim(), state: 'paused', leaseUntil: now });
  });

  test('keeps its lease only where its lifecycle actions are completed now', () => {
    const open = { ...noDeadline, hooks: [HOOK] };
    expect(concluded(drained('empty'), open).leaseUntil).toBe(aClaim().leaseUntil);
    expect(concluded({ kind: 'failed', isPermanent: false }, open)).toMatchObject({
      state: 'failed',
      leaseUntil: now,
    });
  });

  test('keeps the pods that are still to be looked for on other nodes', () => {
    const returned = ['shop/web-1'] as unknown as Claim['returned'];
    expect(concluded({ kind: 'not-drained' }, { returned }).returned).toEqual(returned);
    const result = drained('empty');
    const other = ['shop/web-2'] as unknown as NonNullable<Claim['returned']>;
    expect(
      concluded({ ...result, report: { ...result.report, returned: other } } as DrainResult, { returned })
        .returned,
    ).toEqual(other);
  });
});

describe('a lifecycle action that comes after the drain', () => {
  const done = { state: 'done', leaseUntil: past(), ...noDeadline } as const;

  test('gives the pods that were left its own time', () => {
    const decision = decided(
      { ...done, podsRemaining: 2 },
      { ...noDeadline, hooks: [HOOK], drainUntil: at(7_200) },
    );
    expect(decision).toMatchObject({
      kind: 'take',
      claim: { state: 'working', drainUntil: at(7_200), hooks: [HOOK], owner: 'me' },
    });
  });

  test.each<[string, Overrides<Claim>, Overrides<ClaimRequest>]>([
    ['no pod was left', { podsRemaining: 0 }, {}],
    ['it is not known that any was left', { podsRemaining: undefined }, {}],
    ['it asks for no drain', { podsRemaining: 2 }, { task: 'complete' }],
  ])('is completed alone where %s', (_, existing, request) => {
    const decision = decided({ ...done, ...existing }, { ...noDeadline, hooks: [HOOK], ...request });
    expect(decision).toMatchObject({ kind: 'complete', claim: { state: 'done' } });
  });

  test('does not begin the drain again where it is known', () => {
    const decision = decided({ ...done, podsRemaining: 2, hooks: [HOOK] }, { ...noDeadline, hooks: [HOOK] });
    expect(decision.kind).toBe('complete');
  });
});

describe('the end of a drain that somebody is at', () => {
  const joined = (existing: Overrides<Claim>, request: Overrides<ClaimRequest>) => {
    const decision = decided({ ...noDeadline, ...existing }, { ...noDeadline, hooks: [HOOK], ...request });
    return decision.kind === 'join' ? decision.claim.drainUntil : decision.kind;
  };

  test('is the later one of its lifecycle actions', () => {
    expect(joined({}, { drainUntil: at(7_200) })).toBe(at(7_200));
    expect(joined({}, { drainUntil: at(60) })).toBe(at(3_600));
  });

  test('stays where the end of the instance is known', () => {
    expect(joined({ deadline: at(115) }, { drainUntil: at(7_200) })).toBe(at(3_600));
  });
});

test('an action that was found without its event is the one that an event has named', () => {
  const { token: _token, ...found } = HOOK;
  expect(decided({ hooks: [HOOK] }, { hooks: [found] }).kind).toBe('none');
  expect(decided({ hooks: [found] }, { hooks: [HOOK] }).kind).toBe('none');
  expect(decided({ hooks: [HOOK] }, { hooks: [aHook({ token: 'token-2' })] }).kind).toBe('join');
});

test('the same request goes on although its own attempt before still has the lease', () => {
  expect(decided({ owner: 'me' })).toMatchObject({ kind: 'take', claim: { attempts: 2 } });
  expect(decided({}).kind).toBe('none');
});

describe('an announced change', () => {
  const announced = (overrides: Overrides<Claim> = {}) =>
    aClaim({
      cause: 'health',
      state: 'paused',
      leaseUntil: past(),
      deadline: undefined,
      drainUntil: at(86_400),
      notBefore: at(3_600),
      ...overrides,
    });
  const resumed = (claim: Claim, time = NOW) => resumeClaim(claim, WORKER, time)?.owner;

  test('is not begun before its day, and is from its first instant on', () => {
    expect(resumed(announced())).toBeUndefined();
    expect(resumed(announced(), new Date(at(3_599)))).toBeUndefined();
    expect(resumed(announced(), new Date(at(3_600)))).toBe('me');
  });

  test('is begun at once for a lifecycle action that is open', () => {
    expect(resumed(announced({ hooks: [HOOK] }))).toBe('me');
    expect(resumed(announced({ hooks: [aHook({ completed: true })] }))).toBeUndefined();
  });
});

/**
 * Who deals with an instance. Several events can speak of one instance, in any order and more than once; it is drained
 * once, and every hook is completed once. Pure.
 */
import type { Claim, ClaimedHook } from './records.ts';

/** What an event would have done. */
export type Wish = Omit<
  Claim,
  'owner' | 'leaseUntil' | 'state' | 'attempts' | 'since' | 'doneAt' | 'left' | 'tally'
>;

export type Judgement =
  /** Nobody deals with it, or too weakly, or whoever did has failed: this invocation does. */
  | { readonly do: 'take'; readonly claim: Claim; readonly escalates: boolean }
  /** Another invocation is at it, and is only told of the new hook. */
  | { readonly do: 'join'; readonly claim: Claim; readonly reason: string }
  /** The drain is over; only the new hook is left. */
  | { readonly do: 'complete'; readonly claim: Claim; readonly reason: string }
  | { readonly do: 'end'; readonly reason: string };

export interface Worker {
  readonly owner: string;
  readonly leaseUntil: Date;
}

/** Events of one story come within this time of its end. A later one is a new story. */
const STORY_MS = 10 * 60_000;

export function judgeClaim(held: Claim | undefined, wish: Wish, worker: Worker, now: Date): Judgement {
  if (!held || isOldStory(held, wish))
    return { do: 'take', claim: claimOf(wish, worker, now), escalates: false };

  const hooks = mergeHooks(held.hooks, wish.hooks);
  const newHook = hooks.length > held.hooks.length;
  const escalates = isStronger(wish, held);
  if (escalates) {
    const claim = { ...claimOf(wish, worker, now), since: held.since, hooks };
    return { do: 'take', claim, escalates: true };
  }
  const taken: Claim = {
    ...held,
    hooks,
    state: 'working',
    owner: worker.owner,
    leaseUntil: worker.leaseUntil.toISOString(),
    attempts: held.attempts + 1,
  };
  const by = `since ${held.since} by ${held.trigger}`;
  if (isBusy(held, now)) {
    return newHook
      ? {
          do: 'join',
          claim: { ...held, hooks },
          reason: `whoever deals with the instance ${by} completes its lifecycle action too`,
        }
      : { do: 'end', reason: `the instance is being dealt with ${by}` };
  }
  if (held.state === 'done') {
    return hasOpenHook(taken)
      ? {
          do: 'complete',
          claim: { ...taken, state: 'done' },
          reason: `the instance was dealt with ${by}: only its lifecycle action is left`,
        }
      : { do: 'end', reason: `the instance was dealt with ${by}` };
  }
  if (held.state === 'paused' && !newHook)
    return { do: 'end', reason: `the drain ${by} goes on with the next tick` };
  return { do: 'take', claim: taken, escalates: false };
}

/** A claim that the tick goes on with: it was put aside, or whoever worked on it is no more, or it failed and may be tried again. */
export function resumeClaim(held: Claim, worker: Worker, now: Date): Claim | undefined {
  if (isBusy(held, now)) return undefined;
  const retry =
    held.state === 'failed' && held.attempts < MOST_ATTEMPTS && now.getTime() < Date.parse(held.until);
  if (held.state !== 'paused' && held.state !== 'working' && !retry && !hasOpenHook(held)) return undefined;
  return {
    ...held,
    state: held.state === 'done' ? 'done' : 'working',
    owner: worker.owner,
    leaseUntil: worker.leaseUntil.toISOString(),
    attempts: held.attempts + (held.state === 'paused' ? 0 : 1),
  };
}

export function hasOpenHook(claim: Claim): boolean {
  return claim.hooks.some((hook) => !hook.completed);
}

/** The drain is over, and whoever did it is about to complete the hooks: a call to Auto Scaling, and it is written down. */
export function isCompleting(held: Claim, now: Date): boolean {
  return held.state === 'done' && hasOpenHook(held) && isBusy(held, now);
}

function isBusy(held: Claim, now: Date): boolean {
  return Date.parse(held.leaseUntil) > now.getTime();
}

/** After so many failures only an event tries again. */
const MOST_ATTEMPTS = 3;

function claimOf(wish: Wish, worker: Worker, now: Date): Claim {
  return {
    ...wish,
    owner: worker.owner,
    leaseUntil: worker.leaseUntil.toISOString(),
    state: 'working',
    attempts: 1,
    since: now.toISOString(),
  };
}

/** A drain outranks a cordon, and a known end outranks a later or an unknown one. An empty node is not drained again. */
function isStronger(wish: Wish, held: Claim): boolean {
  if (held.state === 'done' && held.depth === 'drain' && held.left === 0 && !UNDONE.has(held.cause))
    return false;
  const depth = DEPTHS.indexOf(wish.depth) - DEPTHS.indexOf(held.depth);
  if (depth !== 0) return depth > 0;
  if (wish.depth !== 'drain') return false;
  const wished = wish.deadline ? Date.parse(wish.deadline) : Number.POSITIVE_INFINITY;
  const promised = held.deadline ? Date.parse(held.deadline) : Number.POSITIVE_INFINITY;
  return wished < promised;
}

/** The marks of these are taken away again: whatever follows must take the node over. */
const UNDONE: ReadonlySet<string> = new Set(['rebalance', 'health']);

const DEPTHS: readonly Claim['depth'][] = ['none', 'cordon', 'drain'];

function isOldStory(held: Claim, wish: Wish): boolean {
  return (
    held.state === 'done' &&
    held.doneAt !== undefined &&
    Date.parse(wish.noticedAt) > Date.parse(held.doneAt) + STORY_MS &&
    !hasOpenHook(held)
  );
}

function mergeHooks(held: readonly ClaimedHook[], wished: readonly ClaimedHook[]): readonly ClaimedHook[] {
  const fresh = wished.filter(
    (hook) =>
      !held.some(
        (other) => other.token === hook.token && other.name === hook.name && other.group === hook.group,
      ),
  );
  return [...held, ...fresh];
}

/**
 * Which invocation handles an instance. Several events can announce its end, in any order and more than once; it is
 * drained once, and every lifecycle action is completed once. Pure.
 */
import type { DrainReport, PodOutcome } from './pod-state.ts';
import type { Announced, Claim, ClaimedHook, PodCounts } from './records.ts';

/** What an event would do to the instance. */
export type ClaimRequest = Omit<
  Claim,
  | 'owner'
  | 'leaseUntil'
  | 'state'
  | 'attempts'
  | 'claimedAt'
  | 'doneAt'
  | 'podsRemaining'
  | 'podCounts'
  | 'cordonedAt'
  | 'returned'
  | 'announced'
  | 'changeOverAt'
  | 'hasVolumes'
>;

export type ClaimDecision =
  /** Nobody handles it, or for less, or whoever did has failed: this invocation does. */
  | { readonly kind: 'take'; readonly claim: Claim }
  /** Another invocation is at it, and only has to complete the new lifecycle action too. */
  | { readonly kind: 'join'; readonly claim: Claim; readonly reason: string }
  /** Something else is done with the instance, or was: the claim keeps the announced change for later. */
  | { readonly kind: 'note'; readonly claim: Claim }
  /** The drain is over; only the new lifecycle action is left. */
  | { readonly kind: 'complete'; readonly claim: Claim }
  | { readonly kind: 'none'; readonly reason: string };

export interface Worker {
  readonly owner: string;
  readonly leaseUntil: Date;
}

/** How an invocation's work on the node ended. */
export type DrainResult =
  | { readonly kind: 'drained'; readonly report: DrainReport }
  /** Nothing is to be done before a later time. */
  | { readonly kind: 'deferred' }
  /** There was no node, or it was to be cordoned only. */
  | { readonly kind: 'not-drained' }
  /** `isPermanent`: RBAC refuses it, and another attempt would end in the same way. */
  | { readonly kind: 'failed'; readonly isPermanent: boolean };

/** A later event than so long after the end of a drain starts from the beginning: the instance may have come back. */
const HANDLED_FOR_MS = 10 * 60_000;
/** After so many failures only an event tries again. */
const MOST_ATTEMPTS = 3;
/** The tick comes every five minutes: what would end before that without a heartbeat is left to the watchdog. */
const TICK_HEARTBEAT_SECONDS = 360;

export function decideClaim(
  known: Claim | undefined,
  request: ClaimRequest,
  worker: Worker,
  now: Date,
): ClaimDecision {
  if (!known) return { kind: 'take', claim: newClaim(request, worker, now) };
  if (isOutdated(request, known))
    return { kind: 'none', reason: 'a newer event about the scheduled change has been handled' };
  const existing = request.cause === 'health' ? announcedAgain(known, request) : known;
  const change = announcedBy(request);
  if (change && !isAnnounced(existing, now))
    return { kind: 'note', claim: { ...existing, announced: change } };
  const announced = request.cause === 'health' ? undefined : changeOf(existing, now);
  const fresh = { ...newClaim(request, worker, now), announced, changeOverAt: existing.changeOverAt };
  if (isExpired(existing, request)) return { kind: 'take', claim: fresh };

  const hooks = mergeHooks(existing.hooks, request.hooks);
  const isNewHook = hooks.some((hook) => !existing.hooks.includes(hook));
  if (outranks(request, existing, now)) {
    const { claimedAt, cordonedAt, returned } = existing;
    return { kind: 'take', claim: { ...fresh, claimedAt, cordonedAt, returned, hooks } };
  }
  const by = `invocation ${existing.owner} for event ${existing.trigger}, claimed at ${existing.claimedAt}`;
  // The same request is repeated only when its attempt before has died.
  const isRepeated = existing.owner === worker.owner;
  if (isLeased(existing, now) && !isRepeated) {
    return isNewHook
      ? {
          kind: 'join',
          claim: { ...extended(existing, request), hooks },
          reason: `its lifecycle action will be completed by ${by}`,
        }
      : { kind: 'none', reason: `already being handled by ${by}` };
  }
  const taken = { ...assign(existing, worker), hooks, attempts: existing.attempts + 1 };
  if (existing.state === 'done') {
    // The hook gives the pods that were left more time, and the volumes of those that are gone.
    const isLeft = (existing.podsRemaining ?? 0) > 0 || existing.hasVolumes === true;
    if (isNewHook && request.task === 'drain' && isLeft)
      return { kind: 'take', claim: { ...extended(taken, request), state: 'working' } };
    return hasOpenHook(taken)
      ? { kind: 'complete', claim: taken }
      : { kind: 'none', reason: `already handled by ${by}` };
  }
  if (existing.state === 'paused' && !isNewHook)
    return { kind: 'none', reason: `the next tick resumes the drain that was started by ${by}` };
  return { kind: 'take', claim: isNewHook ? extended(taken, request) : taken };
}

/** A lifecycle action that comes later gives the drain until its own end, unless the end of the instance is known. */
function extended(claim: Claim, { drainUntil }: ClaimRequest): Claim {
  const isLater = Date.parse(drainUntil) > Date.parse(claim.drainUntil);
  return claim.deadline === undefined && isLater ? { ...claim, drainUntil } : claim;
}

/** A claim that the tick resumes: it was paused, or its worker is gone, or it failed and may be tried again. */
export function resumeClaim(existing: Claim, worker: Worker, now: Date): Claim | undefined {
  if (isLeased(existing, now) || isDeferred(existing, now)) return undefined;
  const isRetried =
    existing.state === 'failed' && mayRetry(existing) && now.getTime() < Date.parse(existing.drainUntil);
  const isUnfinished = existing.state === 'paused' || existing.state === 'working';
  if (!isUnfinished && !isRetried && !hasOpenHook(existing)) return undefined;
  const attempts = existing.attempts + (existing.state === 'paused' ? 0 : 1);
  return { ...assign(existing, worker), attempts };
}

export function mayRetry({ attempts }: Claim): boolean {
  return attempts < MOST_ATTEMPTS;
}

/** The claim once its drain has ended, or was paused. */
export function concludeClaim(claim: Claim, result: DrainResult, now: Date): Claim {
  const at = now.toISOString();
  if (result.kind === 'deferred') return { ...claim, state: 'paused', leaseUntil: at };
  const report = result.kind === 'drained' ? result.report : undefined;
  const podCounts = report ? addCounts(report, claim.podCounts) : claim.podCounts;
  const returned = report?.returned ?? claim.returned;
  const hadVolumes = report?.pods.some(
    ({ pod, outcome }) => outcome !== 'skipped' && (pod.volumeClaims ?? 0) > 0,
  );
  const hasVolumes = hadVolumes === true || claim.hasVolumes;
  if (report?.end === 'timed-out' && mayPause(claim, now))
    return { ...claim, state: 'paused', leaseUntil: at, podCounts, returned, hasVolumes };
  const isUnfinished = report?.areVolumesUnknown === true && hasOpenHook(claim);
  const hasFailed = result.kind === 'failed' || report?.refused !== undefined || isUnfinished;
  const isKeptOpen = hasOpenHook(claim) && !isCompletionDue(claim, result, now);
  return {
    ...claim,
    state: hasFailed ? 'failed' : 'done',
    // While lifecycle actions are completed this invocation is still at work.
    leaseUntil: hasOpenHook(claim) && !isKeptOpen ? claim.leaseUntil : at,
    doneAt: at,
    podCounts,
    returned,
    hasVolumes,
    podsRemaining: hasFailed ? claim.podsRemaining : report ? countRemaining(report) : 0,
  };
}

/**
 * CONTINUE cannot be taken back: it is sent when no pod is left that the drain moves, when RBAC refuses the drain, or when
 * the action's time, or that of the instance, is over.
 */
export function isCompletionDue(claim: Claim, result: DrainResult, now: Date): boolean {
  if (result.kind === 'not-drained' || result.kind === 'deferred') return true;
  if (now.getTime() >= Date.parse(claim.drainUntil)) return true;
  if (result.kind === 'failed') return result.isPermanent;
  const { report } = result;
  // Our own stop does not wait for budgets to its end.
  return report.end === 'empty' || report.refused !== undefined || claim.nightlyStop;
}

/** Pods that the drain should have moved and did not. */
export function countRemaining(report: DrainReport): number {
  return countPods(report, 'blocked') + countPods(report, 'terminating') + countPods(report, 'failed');
}

/** The drain is over, and its owner is about to complete the lifecycle actions: a call and a write, no more. */
export function isCompleting(existing: Claim, now: Date): boolean {
  return existing.state === 'done' && hasOpenHook(existing) && isLeased(existing, now);
}

export function hasOpenHook(claim: Claim): boolean {
  return openHooks(claim).length > 0;
}

export function openHooks(claim: Claim): readonly ClaimedHook[] {
  return claim.hooks.filter((hook) => !hook.completed);
}

/** It waits for the day of an announced change, and no lifecycle action hurries it. */
function isDeferred(claim: Claim, now: Date): boolean {
  return claim.notBefore !== undefined && now.getTime() < Date.parse(claim.notBefore) && !hasOpenHook(claim);
}

export function isLeased(claim: Claim, now: Date): boolean {
  return Date.parse(claim.leaseUntil) > now.getTime();
}

export function countPods(report: DrainReport, outcome: PodOutcome): number {
  return report.pods.filter((pod) => pod.outcome === outcome).length;
}

/** A drain can take several invocations. */
function addCounts(report: DrainReport, before: PodCounts | undefined): PodCounts {
  return {
    evicted: (before?.evicted ?? 0) + countPods(report, 'evicted'),
    finished: (before?.finished ?? 0) + countPods(report, 'finished'),
    alreadyTerminating: (before?.alreadyTerminating ?? 0) + countPods(report, 'already-terminating'),
    forced: (before?.forced ?? 0) + countPods(report, 'forced'),
  };
}

/** No deadline is near, and nothing is lost by going on with the next tick. */
function mayPause(claim: Claim, now: Date): boolean {
  return claim.deadline === undefined && !claim.nightlyStop && now.getTime() < Date.parse(claim.drainUntil);
}

/** Its lifecycle actions live until the next tick without a heartbeat. */
export function canWaitForTick(claim: Claim): boolean {
  return openHooks(claim).every((hook) => hook.heartbeatSeconds >= TICK_HEARTBEAT_SECONDS);
}

/** One lifecycle action of an instance; where its event was not seen, the group and the hook name it. */
export function actionOf({ group, name, token }: ClaimedHook): string {
  return JSON.stringify([group, name, token]);
}

function newClaim(request: ClaimRequest, worker: Worker, now: Date): Claim {
  return {
    ...request,
    owner: worker.owner,
    leaseUntil: worker.leaseUntil.toISOString(),
    // Nothing is worked on before its day, whatever becomes of this worker.
    state: request.notBefore === undefined ? 'working' : 'paused',
    attempts: 1,
    claimedAt: now.toISOString(),
  };
}

function assign(claim: Claim, { owner, leaseUntil }: Worker): Claim {
  const state = claim.state === 'done' ? 'done' : 'working';
  return { ...claim, state, owner, leaseUntil: leaseUntil.toISOString() };
}

/** A drain outranks a cordon, and a known end outranks a later or an unknown one. An empty node is not drained again. */
function outranks(request: ClaimRequest, existing: Claim, now: Date): boolean {
  const isEmptied = existing.state === 'done' && existing.task === 'drain' && existing.podsRemaining === 0;
  if (isEmptied && !UNDONE.has(existing.cause)) return false;
  if (isAnnounced(existing, now)) return request.notBefore !== existing.notBefore;
  const rank = TASKS.indexOf(request.task) - TASKS.indexOf(existing.task);
  if (rank !== 0) return rank > 0;
  if (request.task !== 'drain') return false;
  return deadlineOf(request) < deadlineOf(existing);
}

/**
 * Its drain has not begun: whatever comes before the change goes first, and so does another date for it. Also where its
 * worker died, or is at work, before it paused the claim.
 */
function isAnnounced({ notBefore, state, cordonedAt }: Claim, now: Date): boolean {
  if (notBefore === undefined || cordonedAt !== undefined) return false;
  return state === 'paused' || now.getTime() < Date.parse(notBefore);
}

function announcedBy({ notBefore, drainUntil, trigger, noticeTime }: ClaimRequest): Announced | undefined {
  return notBefore === undefined ? undefined : { notBefore, drainUntil, trigger, noticeTime };
}

/** Of an event that ends a change: it was announced again since. */
export function isAnnouncedAfter({ announced, cause, noticeTime }: Claim, at: Date): boolean {
  const newest = announced?.noticeTime ?? (cause === 'health' ? noticeTime : undefined);
  return newest !== undefined && Date.parse(newest) > at.getTime();
}

/** The change that the claim is for has ended: its marks are to be undone. */
export function isChangeOver({ cause, changeOverAt, noticeTime }: Claim): boolean {
  return (
    cause === 'health' && changeOverAt !== undefined && Date.parse(changeOverAt) >= Date.parse(noticeTime)
  );
}

/** The claim of a change that is over, once a newer event announces it again: its marks stay. */
export function announcedAgain(
  claim: Claim,
  { trigger, noticeTime }: Pick<Claim, 'trigger' | 'noticeTime'>,
): Claim {
  const isNewer = Date.parse(noticeTime) > Date.parse(claim.changeOverAt ?? noticeTime);
  return isChangeOver(claim) && isNewer ? { ...claim, trigger, noticeTime } : claim;
}

/** Events come late and out of order: the newest has the date of a change. */
function isOutdated(request: ClaimRequest, existing: Claim): boolean {
  const { announced, cause, changeOverAt, noticeTime } = existing;
  const known = [announced?.noticeTime, changeOverAt, cause === 'health' ? noticeTime : undefined];
  const isOlder = (time: string | undefined) =>
    time !== undefined && Date.parse(request.noticeTime) < Date.parse(time);
  return request.cause === 'health' && known.some(isOlder);
}

/** The announced change that is still to come, whatever else the claim is for. */
function changeOf(claim: Claim, now: Date): Announced | undefined {
  return claim.announced ?? (isAnnounced(claim, now) ? announcedBy(claim) : undefined);
}

/** What came before an announced change is over and undone: the claim waits for the change. Undefined where there is none. */
export function afterUndo(claim: Claim): Claim | undefined {
  const { announced, instanceId, node, owner, leaseUntil, claimedAt } = claim;
  if (!announced) return undefined;
  return {
    ...announced,
    instanceId,
    node,
    cause: 'health',
    task: 'drain',
    force: false,
    nightlyStop: false,
    owner,
    leaseUntil,
    state: 'paused',
    attempts: 0,
    claimedAt,
    hooks: [],
  };
}

/**
 * A change is over, and with it what was done for it. Its end is kept for a while: an attempt for its announcement may come
 * later.
 */
export function endOfChange(claim: EndOfChange): Claim {
  const { instanceId, node, trigger, owner, changeOverAt } = claim;
  return {
    instanceId,
    node,
    cause: 'health-closed',
    task: 'complete',
    force: false,
    nightlyStop: false,
    drainUntil: changeOverAt,
    trigger,
    noticeTime: changeOverAt,
    owner,
    leaseUntil: changeOverAt,
    state: 'done',
    attempts: 0,
    claimedAt: changeOverAt,
    doneAt: changeOverAt,
    changeOverAt,
    hooks: [],
  };
}

type EndOfChange = Pick<Claim, 'instanceId' | 'node' | 'trigger' | 'owner'> & {
  readonly changeOverAt: string;
};

/** The day of an announced change has come while the claim is one for something else: its drain begins. */
export function withDueChange(claim: Claim, now: Date): Claim {
  const { announced, deadline, hooks } = claim;
  const isDue = announced !== undefined && now.getTime() >= Date.parse(announced.notBefore);
  const isGoing = hooks.length > 0 || (deadline !== undefined && now.getTime() < Date.parse(deadline));
  const waiting = isDue && !isGoing && !isLeased(claim, now) ? afterUndo(claim) : undefined;
  return waiting ? { ...waiting, cordonedAt: claim.cordonedAt, returned: claim.returned } : claim;
}

function deadlineOf({ deadline }: Pick<Claim, 'deadline'>): number {
  return deadline ? Date.parse(deadline) : Number.POSITIVE_INFINITY;
}

/** The marks of these are removed again: whatever follows must take the node over. */
const UNDONE: ReadonlySet<string> = new Set(['rebalance', 'health']);

const TASKS: readonly Claim['task'][] = ['complete', 'cordon', 'drain'];

function isExpired(existing: Claim, request: ClaimRequest): boolean {
  return (
    existing.state === 'done' &&
    existing.doneAt !== undefined &&
    Date.parse(request.noticeTime) > Date.parse(existing.doneAt) + HANDLED_FOR_MS &&
    !hasOpenHook(existing)
  );
}

/** An action that was found without its event is the one that the event names. */
function mergeHooks(
  existing: readonly ClaimedHook[],
  requested: readonly ClaimedHook[],
): readonly ClaimedHook[] {
  const added = requested.filter((hook) => !existing.some((other) => isSameAction(hook, other)));
  return [...existing, ...added];
}

function isSameAction(one: ClaimedHook, other: ClaimedHook): boolean {
  const isSameToken = one.token === other.token || one.token === undefined || other.token === undefined;
  return isSameToken && one.name === other.name && one.group === other.group;
}

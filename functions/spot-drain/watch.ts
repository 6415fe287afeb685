/**
 * The watchdog: a call that is requested with each claim, and comes after its lease. It takes over a claim whose worker
 * has died; while the worker lives, it comes again. EventBridge requests one too, beside the notice: for a worker that
 * died before its first request.
 */
import type { Versioned } from '#functions/shared/versioned.ts';
import { MINUTE_MS } from '#model/duration.ts';
import { canWaitForTick, hasOpenHook, isLeased, mayRetry, resumeClaim } from './claim.ts';
import { isWarning } from './decide.ts';
import type { Notice, Parsed } from './event.ts';
import { patienceUntil, whileTransient } from './patience.ts';
import { readPause } from './pause.ts';
import type { Context } from './ports.ts';
import type { Claim } from './records.ts';
import { respond } from './respond.ts';
import { resume } from './resume.ts';

type Check = Extract<Parsed, { readonly kind: 'watchdog' }>;

export type WatchDecision =
  | { readonly kind: 'respond' | 'resume' }
  /** Its worker lives: look again once the lease would be over. */
  | { readonly kind: 'later'; readonly delaySeconds: number }
  | { readonly kind: 'none'; readonly reason: string };

/**
 * Without a claim its worker died before it wrote one. Later the claim was removed because the node is uncordoned again,
 * and a watchdog of an earlier worker must not begin anew. Long enough for the retry of the event a minute later.
 */
const UNCLAIMED_MS = 2 * MINUTE_MS;

/** What becomes of a claim that a watchdog finds. Pure. */
export function decideWatch(
  claim: Claim | undefined,
  owner: string,
  now: Date,
  noticeAt: Date | undefined,
): WatchDecision {
  if (!claim)
    return noticeAt && now.getTime() - noticeAt.getTime() < UNCLAIMED_MS
      ? { kind: 'respond' }
      : { kind: 'none', reason: 'its claim was removed' };
  if (isLeased(claim, now)) {
    // Whoever took it over has sent a watchdog of its own.
    if (claim.owner !== owner) return { kind: 'none', reason: `it is handled by invocation ${claim.owner}` };
    const leftMs = Date.parse(claim.leaseUntil) - now.getTime();
    return { kind: 'later', delaySeconds: Math.ceil(leftMs / 1_000) + 1 };
  }
  if (claim.state === 'paused' && canWaitForTick(claim))
    return { kind: 'none', reason: 'the next tick resumes it' };
  if (claim.state === 'failed' && !mayRetry(claim))
    return { kind: 'none', reason: 'it has failed too often' };
  const resumed = resumeClaim(claim, { owner, leaseUntil: now }, now);
  return resumed ? { kind: 'resume' } : { kind: 'none', reason: 'its drain is over' };
}

export async function watch(context: Context, check: Check): Promise<void> {
  await Promise.all(
    check.instanceIds.map((instanceId) =>
      watchOne(context, check, instanceId).catch((error) => context.recorder.failed(instanceId, error)),
    ),
  );
}

async function watchOne(context: Context, check: Check, instanceId: string): Promise<void> {
  const { claims, clock, recorder, settings, watchdog } = context;
  const notice = check.notices.find((one) => one.instanceId === instanceId);
  const found = await whileTransient(context, patienceUntil(context, undefined), () =>
    claims.read(instanceId),
  );
  const decision = decideWatch(found?.value, check.owner, clock.now(), notice?.at);
  const none = (reason: string) =>
    recorder.record({
      target: found?.value.node ?? instanceId,
      action: 'none',
      reason,
      trigger: check.trigger,
    });
  switch (decision.kind) {
    case 'none':
      if (notice && isWarning(notice) && !settings.dryRun && isUnclaimed(notice, found?.value, clock.now()))
        return respond(context, notice, { isWatched: true });
      return none(decision.reason);
    case 'later': {
      const next = { owner: check.owner, instanceIds: [instanceId], event: notice && check.event };
      return watchdog.send(next, decision.delaySeconds);
    }
    case 'respond':
      return notice && isWarning(notice) && !settings.dryRun
        ? respond(context, notice, { isWatched: true })
        : none('it has no claim');
    case 'resume':
      return found && resumeFound(context, found);
  }
}

/** The claim is one for an earlier notice: the worker of this one died before it claimed the instance anew. */
function isUnclaimed({ at, hook, trigger }: Notice, claim: Claim | undefined, now: Date): boolean {
  if (!claim || now.getTime() - at.getTime() >= UNCLAIMED_MS) return false;
  const isKnown = claim.trigger === trigger || claim.hooks.some(({ token }) => hook && token === hook.token);
  return !isKnown && Date.parse(claim.noticeTime) < at.getTime();
}

async function resumeFound(context: Context, found: Versioned<Claim>): Promise<void> {
  const { night, recorder } = context;
  const { deadline } = found.value;
  const paused = await readPause(context, deadline === undefined ? undefined : new Date(deadline));
  if (paused && !hasOpenHook(found.value)) return leaveToTick(context, found.value, paused);
  const state = await recorder.guard('state of the night', () => night.state());
  await resume(context, found, state, paused);
}

/** After the pause the tick goes on with it, where its instance is still there. */
function leaveToTick({ recorder }: Context, { instanceId, node, trigger }: Claim, paused: string): void {
  const reason = `${paused}: the drain is not resumed`;
  recorder.record({ target: node ?? instanceId, action: 'none', reason, trigger, facts: { paused: true } });
}

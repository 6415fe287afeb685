/** The claim of an instance in the table: taken by one invocation, kept up to date, and its lifecycle actions completed. */

import { NightshiftError } from '#functions/shared/errors.ts';
import type { Versioned } from '#functions/shared/versioned.ts';
import {
  type ClaimRequest,
  concludeClaim,
  type DrainResult,
  decideClaim,
  hasOpenHook,
  isCompleting,
  openHooks,
  type Worker,
} from './claim.ts';
import type { Context, KnownInstance } from './ports.ts';
import type { Claim } from './records.ts';

export type Claimed =
  | { readonly kind: 'take' | 'complete'; readonly claim: Versioned<Claim>; readonly isFirst: boolean }
  /** Another invocation handles it, or has. */
  | { readonly kind: 'no-action'; readonly action: 'ignore'; readonly reason: string };

/** How often a claim is read again when others write it at the same time. */
const MOST_CONFLICTS = 10;
/** Whoever takes a claim over while its lifecycle actions are being completed would complete them again: it waits. */
const COMPLETION_CHECKS = 8;
const COMPLETION_CHECK_MS = 250;

/** Of several invocations for one instance at once, one takes it. */
export async function claimInstance(
  context: Context,
  request: ClaimRequest,
  known: KnownInstance,
): Promise<Claimed> {
  const { claims, clock } = context;
  // What was read a moment ago is overwritten only if it is still there.
  let existing = known.claim;
  let conflicts = 0;
  for (let checks = 0; conflicts < MOST_CONFLICTS; existing = await claims.read(request.instanceId)) {
    const now = clock.now();
    if (existing && isCompleting(existing.value, now) && checks < COMPLETION_CHECKS) {
      checks++;
      await clock.sleep(COMPLETION_CHECK_MS);
      continue;
    }
    const decision = decideClaim(existing?.value, request, workerOf(context), now);
    if (decision.kind === 'none') return leaveToOther(decision.reason);
    const saved = await claims.saveIf(decision.claim, existing?.version ?? 'absent', now);
    if (saved && decision.kind === 'join') return leaveToOther(decision.reason);
    if (saved && decision.kind !== 'join')
      return { kind: decision.kind, claim: saved, isFirst: existing === undefined };
    conflicts++;
  }
  throw new NightshiftError(
    `the claim of ${request.instanceId} was written by others ${MOST_CONFLICTS} times in a row: try again`,
  );
}

function leaveToOther(reason: string): Claimed {
  return { kind: 'no-action', action: 'ignore', reason };
}

export function workerOf({ invocation }: Context): Worker {
  return { owner: invocation.id, leaseUntil: invocation.endsAt };
}

/**
 * Changes the newest claim, so that lifecycle actions that were added meanwhile are kept. Undefined where another
 * invocation has taken it. A table that cannot be written does not keep the work from going on.
 */
export async function updateClaim(
  context: Context,
  claim: Versioned<Claim>,
  change: (claim: Claim) => Claim,
): Promise<Versioned<Claim> | undefined> {
  try {
    return await saveChange(context, claim, change);
  } catch (error) {
    context.recorder.failed(`claim of ${claim.value.instanceId}`, error);
    return { ...claim, value: change(claim.value) };
  }
}

/** The claim once its drain has ended, or was paused. Undefined where another invocation goes on. */
export async function saveResult(
  context: Context,
  claim: Versioned<Claim>,
  result: DrainResult,
): Promise<Versioned<Claim> | undefined> {
  if (result.kind === 'drained' && result.report.end === 'taken-over') return undefined;
  return updateClaim(context, claim, (newest) => concludeClaim(newest, result, context.clock.now()));
}

/** False where another invocation has taken the claim. Sends the heartbeats that are due. */
export async function checkClaim(
  context: Context,
  claim: Claim,
  heartbeats: Map<string, number>,
): Promise<boolean> {
  const { instanceId } = claim;
  const current = await context.recorder.guard(`claim of ${instanceId}`, () =>
    context.claims.read(instanceId),
  );
  if (!current) return true;
  if (current.value.owner !== claim.owner) return false;
  const now = context.clock.now().getTime();
  const due = openHooks(current.value).filter((hook) => {
    const last = heartbeats.get(hook.token) ?? Date.parse(hook.startedAt);
    return now - last >= (hook.heartbeatSeconds * 1_000) / 3;
  });
  await Promise.all(
    due.map((hook) =>
      context.recorder.guard(`heartbeat of ${hook.name}`, async () => {
        await context.lifecycle.heartbeat(hook, instanceId);
        heartbeats.set(hook.token, now);
      }),
    ),
  );
  return true;
}

/** Before a pause: it must carry the lifecycle actions to the next tick. */
export async function sendHeartbeats(context: Context, claim: Claim): Promise<void> {
  await Promise.all(
    openHooks(claim).map((hook) =>
      context.recorder.guard(`heartbeat of ${hook.name}`, () =>
        context.lifecycle.heartbeat(hook, claim.instanceId),
      ),
    ),
  );
}

/** Completes every open lifecycle action of the claim with CONTINUE, also those that are added meanwhile. */
export async function completeHooks(
  context: Context,
  claim: Versioned<Claim>,
  about: { readonly target: string; readonly trigger: string },
): Promise<void> {
  const { instanceId } = claim.value;
  let current: Versioned<Claim> | undefined = claim;
  while (current && hasOpenHook(current.value)) {
    const before: Versioned<Claim> = current;
    const completed = await completeOpenHooks(context, before.value, about);
    current = await context.recorder.guard(`claim of ${instanceId}`, () =>
      saveChange(context, before, (newest) => ({
        ...newest,
        hooks: newest.hooks.map((hook) => (completed.has(hook.token) ? { ...hook, completed: true } : hook)),
        leaseUntil: context.clock.now().toISOString(),
      })),
    );
    // What could not be completed is for the retry and the tick.
    if (completed.size === 0) return;
  }
}

/** The tokens of those that were completed. */
async function completeOpenHooks(
  { recorder, lifecycle }: Context,
  claim: Claim,
  about: { readonly target: string; readonly trigger: string },
): Promise<ReadonlySet<string>> {
  const { instanceId } = claim;
  const completed = new Set<string>();
  for (const hook of openHooks(claim)) {
    await recorder.guard(`hook ${hook.name}`, async () => {
      const outcome = await lifecycle.complete(hook, instanceId);
      completed.add(hook.token);
      recorder.record({
        ...about,
        action: 'complete',
        reason: `the lifecycle action of the group ${hook.group} ${outcome === 'completed' ? 'was completed with CONTINUE' : 'had ended already'}`,
        facts: { instanceId, group: hook.group, hook: hook.name, outcome },
      });
    });
  }
  return completed;
}

async function saveChange(
  { claims, clock }: Context,
  claim: Versioned<Claim>,
  change: (claim: Claim) => Claim,
): Promise<Versioned<Claim> | undefined> {
  let current: Versioned<Claim> | undefined = claim;
  while (current && current.value.owner === claim.value.owner) {
    const saved = await claims.saveIf(change(current.value), current.version, clock.now());
    if (saved) return saved;
    current = await claims.read(claim.value.instanceId);
  }
  return undefined;
}

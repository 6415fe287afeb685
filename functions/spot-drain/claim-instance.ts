/** The claim of an instance in the table: taken by one invocation, kept up to date, and its lifecycle actions completed. */

import { NightshiftError } from '#functions/shared/errors.ts';
import type { Versioned } from '#functions/shared/versioned.ts';
import {
  actionOf,
  type ClaimRequest,
  concludeClaim,
  type DrainResult,
  decideClaim,
  hasOpenHook,
  isCompleting,
  openHooks,
  type Worker,
} from './claim.ts';
import { patienceUntil, whileTransient } from './patience.ts';
import type { Context, KnownInstance } from './ports.ts';
import type { Claim } from './records.ts';

/** Three renewals may fail before another invocation takes a claim over. */
const LEASE_MS = 16_000;

export type Claimed =
  | { readonly kind: 'take' | 'complete'; readonly claim: Versioned<Claim>; readonly isFirst: boolean }
  /** The claim is one for something else, and keeps the announced change. */
  | { readonly kind: 'note'; readonly claim: Versioned<Claim> }
  /** Another invocation handles it, or has. */
  | { readonly kind: 'no-action'; readonly action: 'ignore'; readonly reason: string };

/** How often a claim is read again when others write it at the same time. */
const MOST_CONFLICTS = 10;
/** Whoever takes a claim over while its lifecycle actions are being completed would complete them again: it waits. */
const COMPLETION_CHECKS = 8;
const COMPLETION_CHECK_MS = 250;

/** Of several invocations for one instance at once, one takes it. Asks again while the table is unavailable. */
export async function claimInstance(
  context: Context,
  request: ClaimRequest,
  known: KnownInstance,
): Promise<Claimed> {
  const { claims } = context;
  let attempts = 0;
  return whileTransient(context, patienceUntil(context, request.deadline), async () =>
    // A write whose reply was lost may have taken effect.
    takeClaim(context, request, attempts++ === 0 ? known.claim : await claims.read(request.instanceId)),
  );
}

async function takeClaim(
  context: Context,
  request: ClaimRequest,
  first: Versioned<Claim> | undefined,
): Promise<Claimed> {
  const { claims, clock } = context;
  // What was read a moment ago is overwritten only if it is still there.
  let existing = first;
  let conflicts = 0;
  for (let checks = 0; conflicts < MOST_CONFLICTS; existing = await claims.read(request.instanceId)) {
    const now = clock.now();
    const isOther = existing?.value.owner !== context.invocation.id;
    if (existing && isOther && isCompleting(existing.value, now) && checks < COMPLETION_CHECKS) {
      checks++;
      await clock.sleep(COMPLETION_CHECK_MS);
      continue;
    }
    const decision = decideClaim(existing?.value, request, workerOf(context), now);
    if (decision.kind === 'none') return leaveToOther(decision.reason);
    const saved = await claims.saveIf(decision.claim, existing?.version ?? 'absent', now);
    if (saved && decision.kind === 'join') return leaveToOther(decision.reason);
    if (saved && decision.kind === 'note') return { kind: 'note', claim: saved };
    if (saved && decision.kind !== 'join' && decision.kind !== 'note')
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

export function workerOf({ clock, invocation }: Context): Worker {
  const leaseUntil = Math.min(clock.now().getTime() + LEASE_MS, invocation.endsAt.getTime());
  return { owner: invocation.id, leaseUntil: new Date(leaseUntil) };
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
  progress: Partial<Claim> = {},
): Promise<Versioned<Claim> | undefined> {
  if (result.kind === 'drained' && result.report.end === 'taken-over') return undefined;
  return updateClaim(context, claim, (newest) =>
    concludeClaim({ ...newest, ...progress }, result, context.clock.now()),
  );
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
        hooks: newest.hooks.map((hook) =>
          completed.has(actionOf(hook)) ? { ...hook, completed: true } : hook,
        ),
        leaseUntil: context.clock.now().toISOString(),
      })),
    );
    // What could not be completed is for the retry and the tick.
    if (completed.size === 0) return;
  }
}

/** Those that were completed, by `actionOf`. */
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
      completed.add(actionOf(hook));
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

export async function saveChange(
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

/**
 * Brings one application to what was requested of it, as far as this invocation's time goes: observe, decide, write
 * down, apply. Of two invocations at once one writes and the other observes again.
 */

import { NightshiftError, RecordedError } from '#functions/shared/errors.ts';
import { type Backoff, backoffMs } from '#functions/shared/retry.ts';
import type { ApplicationSettings } from '#model/settings.ts';
import { type Decided, decide, decideAfterSync, LIMITS, type Step } from './decide.ts';
import { observe } from './observe.ts';
import type { DeployContext, Result } from './ports.ts';
import { OF_SYNCS } from './reasons.ts';
import { type ApplicationRecord, changeRecord, isPending } from './record.ts';
import { report, reportEnd } from './report.ts';

export interface ReconcileOptions {
  /** No pause goes beyond this instant. */
  readonly until: Date;
  /** `own-sync` waits only once this invocation has started a sync; `always` waits for the end. */
  readonly wait: 'always' | 'own-sync';
}

/** Argo CD cannot be used as it is configured, or fails for so long that somebody has to look. */
export class DeployError extends RecordedError {
  override name = 'DeployError';
}

/** What the loop does after a step. */
type Next =
  | { readonly kind: 'observe' }
  | { readonly kind: 'stop' }
  | { readonly kind: 'poll'; readonly reason: string; readonly refresh?: boolean; readonly started?: boolean }
  | { readonly kind: 'back-off'; readonly reason: string; readonly atLeastMs?: number };

/** Throws `DeployError`, after everything was written down and recorded, where somebody has to act. */
export async function reconcile(
  application: ApplicationSettings,
  context: DeployContext,
  { until, wait }: ReconcileOptions,
): Promise<void> {
  const { now, pause, random } = context;
  let refresh = false;
  let started = false;
  let polls = 0;
  let failures = 0;
  for (;;) {
    const decided = await observeAndDecide(application, context, refresh);
    if (!decided) return;
    const next = await apply(application, context, decided);
    refresh = next.kind === 'poll' && next.refresh === true;
    if (next.kind === 'observe') continue;
    if (next.kind === 'stop') return;

    if (next.kind === 'poll' && next.started) {
      started = true;
      polls = 0;
    }
    const ms = next.kind === 'poll' ? pollMs(polls++) : backOffMs(failures++, random(), next.atLeastMs);
    const isPatient = wait === 'always' || started;
    if (!isPatient || now().getTime() + ms > until.getTime())
      return reportWaiting(application, context, next.reason);
    await pause(ms);
  }
}

type Written = Decided & { readonly before: ApplicationRecord };

/** The next step, written down. Undefined where nothing is to be done now. */
async function observeAndDecide(
  application: ApplicationSettings,
  context: DeployContext,
  refresh: boolean,
): Promise<Written | undefined> {
  const { deploys, now } = context;
  let decided = undefined as Decided | undefined;
  const changed = await changeRecord(deploys, application, async (record) => {
    if (!isPending(record) || Date.parse(record.notBefore ?? '') > now().getTime()) return undefined;
    decided = decide(record, await observe(application, record, context, { refresh }), now());
    return decided.record;
  });
  return changed && decided && { ...decided, before: changed.before };
}

async function apply(
  application: ApplicationSettings,
  context: DeployContext,
  { step, record, before, autoPrune }: Written,
): Promise<Next> {
  const { name } = application;
  switch (step.kind) {
    case 'sync':
      return sync(application, context, { step, record, before, ...(autoPrune && { autoPrune }) });
    case 'bring':
      return bring(application, context, { step, record, before });
    case 'settle':
      await reportEnd(context, record);
      if (step.misconfigured) throw new DeployError(`${name}: ${step.reason}`);
      return { kind: 'observe' };
    case 'postpone':
      if (step.isNew) await report(context, name, record.requested, step);
      if (step.isNew && step.action === 'fail') throw new DeployError(`${name}: ${step.reason}`);
      return { kind: 'stop' };
    case 'wait':
    case 'retry':
      if (step.blocked && record.lastReport !== before.lastReport) {
        const reason = OF_SYNCS.tooLong(step.reason, LIMITS.blockedMs / 60_000);
        await report(context, name, record.requested, { action: 'warn', reason });
      }
      return step.kind === 'wait' ? { ...step, kind: 'poll' } : { ...step, kind: 'back-off' };
  }
}

/** Requests the sync that was written down. */
async function sync(
  application: ApplicationSettings,
  context: DeployContext,
  { step, record, before, autoPrune }: Written & { readonly step: Extract<Step, { kind: 'sync' }> },
): Promise<Next> {
  const { argocd, deploys, now } = context;
  const sent = record.attempt;
  if (!sent) throw new NightshiftError(`the sync of ${application.name} was not written down`);
  const options = { ...step.options, ...(autoPrune ? { prune: true } : {}) };
  const reply = await argocd.sync(application, sent.deployId, options);
  if (reply.ok) {
    await changeRecord(deploys, application, (current) =>
      current.attempt?.deployId === sent.deployId
        ? { ...current, attempt: { ...current.attempt, acceptedAt: now().toISOString() } }
        : undefined,
    );
    const facts = { deployId: sent.deployId, syncs: sent.tries };
    await report(context, application.name, record.requested, { action: 'sync', reason: step.reason, facts });
    return { kind: 'poll', reason: OF_SYNCS.requested, started: true };
  }
  let decided = undefined as Decided | undefined;
  const changed = await changeRecord(deploys, application, (current) => {
    if (current.attempt?.deployId !== sent.deployId) return undefined;
    decided = decideAfterSync(current, { sent: current.attempt, before: before.attempt }, reply.error, now());
    return decided.record;
  });
  // Another invocation goes on with it.
  if (!changed || !decided) return { kind: 'back-off', reason: reply.error.detail };
  return apply(application, context, { ...decided, before: changed.before });
}

/** Sets the images, or restarts the workloads, as was written down. */
async function bring(
  application: ApplicationSettings,
  context: DeployContext,
  { step: { how, reason }, record, before }: Written & { readonly step: Extract<Step, { kind: 'bring' }> },
): Promise<Next> {
  const { argocd, deploys, now } = context;
  const replies: Result<void>[] = [];
  if (how.kind === 'parameter') replies.push(await argocd.setImages(application, how.images, how.source));
  else for (const workload of how.workloads) replies.push(await argocd.restart(application, workload, now()));
  const failure = replies.find((reply) => !reply.ok);
  if (!failure || failure.ok) {
    await report(context, application.name, record.requested, {
      action: 'sync',
      reason,
      facts: { how: how.kind },
    });
    return { kind: 'poll', reason, started: true };
  }
  let decided = undefined as Decided | undefined;
  const changed = await changeRecord(deploys, application, (current) => {
    if (!isPending(current)) return undefined;
    // It may be repeated without harm, so that a failure does not count.
    const { brought: _, ...rest } = current;
    const record = before.brought ? { ...rest, brought: before.brought } : rest;
    const attempts = { sent: current.attempt, before: current.attempt };
    decided = decideAfterSync(record, attempts, failure.error, now());
    return decided.record;
  });
  if (!changed || !decided) return { kind: 'back-off', reason: failure.error.detail };
  return apply(application, context, { ...decided, before });
}

/** The time of this invocation is over, and the deploy is not. */
async function reportWaiting(
  application: ApplicationSettings,
  context: DeployContext,
  reason: string,
): Promise<void> {
  const changed = await changeRecord(context.deploys, application, (current) => {
    if (!isPending(current) || current.lastReport?.startsWith('blocked:')) return undefined;
    const builds = current.requested.map(({ build }) => build);
    const lastReport = `waiting:${current.attempt?.deployId ?? builds.join()}`;
    return current.lastReport === lastReport ? undefined : { ...current, lastReport };
  });
  if (changed) await report(context, application.name, changed.before.requested, { action: 'wait', reason });
}

/** 1 s, growing to 4 s. */
function pollMs(polls: number): number {
  return Math.min(4_000, 1_000 * 1.5 ** polls);
}

const AFTER_FAILURE: Backoff = { firstMs: 500, longestMs: 8_000 };

/** 0.5 s, doubling to 8 s, less up to a half at random, so that many applications do not ask at once. */
function backOffMs(failures: number, random: number, atLeastMs = 0): number {
  return Math.max(Math.ceil(backoffMs(failures + 1, random, AFTER_FAILURE)), atLeastMs);
}

/**
 * Carries what is wanted of one application to its verdict, as far as this invocation's time goes. Every step is
 * written down over the version that was read: of two invocations at once one goes on and the other looks again.
 */

import type { DecisionRecorder } from '#functions/shared/decision-recorder.ts';
import { RecordedError } from '#functions/shared/errors.ts';
import { type Backoff, backoffMs } from '#functions/shared/retry.ts';
import type { Versioned } from '#functions/shared/versioned.ts';
import type { ApplicationSettings } from '#model/settings.ts';
import { changeRecord } from './change.ts';
import { describe, LIMITS, nextStep, type Step } from './decide.ts';
import type { ApplicationView, Argocd, DesiredDeploys, Trouble } from './ports.ts';
import { type ApplicationRecord, attemptOf, isPending, settle } from './record.ts';
import type { BuildReporter } from './report.ts';
import { sayVerdict } from './verdicts.ts';

export interface CarryPorts {
  readonly argocd: Argocd;
  readonly deploys: DesiredDeploys;
  readonly recorder: DecisionRecorder;
  readonly reporter: BuildReporter;
  readonly now: () => Date;
  /** Real waiting, in milliseconds. */
  readonly pause: (ms: number) => Promise<void>;
  /** In [0, 1). */
  readonly random: () => number;
}

export interface CarryOptions {
  /** Go on looking until then, real or not: judged by `now`. */
  readonly until: Date;
  /** `progress` looks on only while this pass has started something; `always` waits for the verdict. */
  readonly wait: 'always' | 'progress';
}

/** Argo CD cannot be used as it is configured, or not for so long that somebody has to look. */
export class DeployTroubleError extends RecordedError {
  override name = 'DeployTroubleError';
}

const POLL_MS = { first: 1_000, longest: 4_000 };
const BACKOFF: Backoff = { firstMs: 500, longestMs: 8_000 };
/** How long Argo CD may be out of reach before it is said aloud, and how long it is asked nevertheless. */
export const PATIENCE_MS = { loud: 15 * 60_000, giveUp: 24 * 3_600_000 };
/** After so long without an answer Argo CD was away, not just slow. */
const AWAY_MS = 60_000;
/** How long until the next look at something that does not change by the minute. */
const LATER_MS = 5 * 60_000;

/** Throws `DeployTroubleError`, after everything was written down, where it should wake somebody. */
export async function carry(
  application: ApplicationSettings,
  ports: CarryPorts,
  options: CarryOptions,
): Promise<void> {
  const { argocd, deploys, reporter, now } = ports;
  let looks = 0;
  let refusals = 0;
  let started = false;
  let refresh = false;

  for (;;) {
    const kept = await deploys.get(application);
    if (!kept || !isPending(kept.value)) return;
    const record = kept.value;
    if (record.notBefore && Date.parse(record.notBefore) > now().getTime()) return;

    const read = await argocd.read(application, { refresh });
    const seen = read.ok ? { ...kept, value: withSeen(record, read.value, now()) } : kept;
    const outcome = read.ok
      ? await take(nextStep(seen.value, read.value, now()), seen)
      : await face(read.trouble, seen);
    refresh = outcome.refresh ?? false;
    if (outcome.error) throw outcome.error;
    if (outcome.next === 'now') continue;
    if (outcome.next === 'stop') return;

    const backoff = outcome.next === 'backoff';
    const ms = backoff
      ? Math.max(Math.ceil(backoffMs(++refusals, ports.random(), BACKOFF)), outcome.atLeastMs ?? 0)
      : growing(POLL_MS, looks++);
    const looksOn = options.wait === 'always' || started;
    if (!looksOn || now().getTime() + ms > options.until.getTime()) {
      await tellWaiting(outcome.reason ?? 'it goes on');
      return;
    }
    await ports.pause(ms);
  }

  interface Turn {
    readonly next: 'now' | 'poll' | 'backoff' | 'stop';
    readonly reason?: string;
    readonly refresh?: boolean;
    /** The server asks for such a pause. */
    readonly atLeastMs?: number;
    readonly error?: Error;
  }

  async function take(step: Step, kept: Versioned<ApplicationRecord>): Promise<Turn> {
    const record = withoutTrouble(kept.value);
    switch (step.do) {
      case 'sync':
        return sync(step.reason, kept);
      case 'settle': {
        const settled = settle(record, step.outcome, step.reason, now(), step.builds);
        if ((await deploys.save(settled, kept.version)) === undefined) return { next: 'now' };
        await sayVerdict(settled, ports);
        return step.misconfigured
          ? { next: 'stop', error: new DeployTroubleError(`${application.name}: ${step.reason}`) }
          : { next: 'now' };
      }
      case 'wait': {
        const since = record.blockedSince;
        if (!step.blocked) {
          const { blockedSince: _, ...cleared } = record;
          if ((since || record !== kept.value) && !(await deploys.save(cleared, kept.version)))
            return { next: 'now' };
          return { next: 'poll', reason: step.reason, ...(step.refresh ? { refresh: true } : {}) };
        }
        if (!since) {
          await deploys.save({ ...record, blockedSince: now().toISOString() }, kept.version);
        } else if (now().getTime() - Date.parse(since) > LIMITS.blockedMs) {
          await tell(
            `blocked:${since}`,
            'warn',
            `${step.reason}, for more than ${LIMITS.blockedMs / 60_000} minutes`,
          );
        }
        return { next: 'poll', reason: step.reason };
      }
    }
  }

  async function sync(reason: string, kept: Versioned<ApplicationRecord>): Promise<Turn> {
    const { blockedSince: _, ...record } = withoutTrouble(kept.value);
    const attempt = attemptOf(record, now());
    const claimed = await deploys.save({ ...record, attempt }, kept.version);
    if (claimed === undefined) return { next: 'now' };
    const reply = await argocd.sync(application, attempt.deployId);
    if (reply.ok) {
      started = true;
      looks = 0;
      await change((current) =>
        current.attempt?.deployId === attempt.deployId
          ? { ...current, attempt: { ...current.attempt, acceptedAt: now().toISOString() } }
          : undefined,
      );
      await reporter.about(application.name, record.requested, 'sync', reason, {
        deployId: attempt.deployId,
        syncs: attempt.tries,
      });
      return { next: 'poll', reason: 'the sync was asked for' };
    }
    if (!reply.trouble.unclear) {
      await change((current) => {
        if (current.attempt?.deployId !== attempt.deployId) return undefined;
        const { attempt: __, ...rest } = current;
        return record.attempt ? { ...rest, attempt: record.attempt } : rest;
      });
    }
    const current = await deploys.get(application);
    return current ? face(reply.trouble, current) : { next: 'stop' };
  }

  /** Argo CD did not do it. */
  async function face(trouble: Trouble, kept: Versioned<ApplicationRecord>): Promise<Turn> {
    const record = kept.value;
    switch (trouble.kind) {
      case 'busy':
        if (!record.blockedSince) {
          await deploys.save({ ...withoutTrouble(record), blockedSince: now().toISOString() }, kept.version);
        }
        return { next: 'backoff', reason: `Argo CD is busy: ${trouble.detail}` };
      case 'window':
        await tell(
          'window',
          'defer',
          `a sync window forbids it: ${trouble.detail}; asked again every 5 minutes`,
          {
            notBefore: later(),
          },
        );
        return { next: 'stop' };
      case 'deleting':
      case 'invalid':
      case 'forbidden':
      case 'missing': {
        const reason = REASON_OF[trouble.kind](application, trouble.detail);
        const step: Step = {
          do: 'settle',
          outcome: 'failed',
          reason,
          misconfigured: trouble.kind !== 'deleting',
        };
        return take(step, kept);
      }
      case 'unauthorized':
      case 'transient':
        return endure(trouble, kept);
    }
  }

  /** It may pass: asked again with growing pauses, said aloud when it lasts, given up after a day. */
  async function endure(trouble: Trouble, kept: Versioned<ApplicationRecord>): Promise<Turn> {
    const record = kept.value;
    const since = record.failure?.since ?? now().toISOString();
    const lastedMs = now().getTime() - Date.parse(since);
    if (lastedMs > PATIENCE_MS.giveUp) {
      return take(
        {
          do: 'settle',
          outcome: 'failed',
          reason: `given up after a day: ${trouble.detail}`,
          misconfigured: true,
        },
        kept,
      );
    }
    const alarming = trouble.kind === 'unauthorized' || lastedMs > PATIENCE_MS.loud;
    const wasReported = record.failure?.kind === trouble.kind && record.failure.reported === true;
    if (!record.failure || record.failure.kind !== trouble.kind || (alarming && !wasReported)) {
      const saved = await deploys.save(
        {
          ...record,
          failure: { since, kind: trouble.kind, ...(alarming ? { reported: true } : {}) },
          ...(alarming ? { notBefore: later() } : {}),
        },
        kept.version,
      );
      if (saved === undefined) return { next: 'now' };
      if (alarming) {
        await reporter.about(
          application.name,
          record.requested,
          'fail',
          `${trouble.detail}: it is kept and tried again`,
        );
        return { next: 'stop', error: new DeployTroubleError(`${application.name}: ${trouble.detail}`) };
      }
    } else if (alarming) {
      await deploys.save({ ...record, notBefore: later() }, kept.version);
      return { next: 'stop' };
    }
    return {
      next: 'backoff',
      reason: trouble.detail,
      ...(trouble.retryAfterSeconds ? { atLeastMs: trouble.retryAfterSeconds * 1_000 } : {}),
    };
  }

  async function tellWaiting(reason: string): Promise<void> {
    const kept = await deploys.get(application);
    if (!kept || !isPending(kept.value) || kept.value.announced?.startsWith('blocked:')) return;
    await tell(`waiting:${kept.value.attempt?.deployId ?? describe(kept.value.requested)}`, 'wait', reason);
  }

  /** Says it once, however often it is seen. */
  async function tell(
    what: string,
    action: 'wait' | 'defer' | 'warn',
    reason: string,
    also: { readonly notBefore?: string } = {},
  ): Promise<void> {
    const changed = await change((current) =>
      current.announced === what && !also.notBefore ? undefined : { ...current, ...also, announced: what },
    );
    if (changed && changed.before.announced !== what) {
      await reporter.about(application.name, changed.before.requested, action, reason);
    }
  }

  function change(edit: (current: ApplicationRecord) => ApplicationRecord | undefined) {
    return changeRecord(deploys, application, edit);
  }

  function later(): string {
    return new Date(now().getTime() + LATER_MS).toISOString();
  }
}

const REASON_OF = {
  deleting: (_application: ApplicationSettings, detail: string) =>
    `the application is being deleted: ${detail}`,
  invalid: (_application: ApplicationSettings, detail: string) => `Argo CD refuses the sync: ${detail}`,
  forbidden: (application: ApplicationSettings, detail: string) =>
    `the token may not get and sync ${application.project}/${application.name}: ${detail}`,
  missing: (application: ApplicationSettings, detail: string) =>
    `there is no application ${application.project}/${application.name}: ${detail}`,
} as const;

/**
 * An operation that carries our deploy id was accepted, also if the reply that said so was lost. And while Argo CD did
 * not answer nobody could watch: the time for a verdict begins anew.
 */
function withSeen(before: ApplicationRecord, view: ApplicationView, now: Date): ApplicationRecord {
  const record = wasAway(before, now) ? watchedFrom(before, now) : before;
  const { attempt } = record;
  if (!attempt || attempt.acceptedAt) return record;
  const shown = [...(view.pendingOperation?.deployIds ?? []), ...(view.operation?.deployIds ?? [])];
  if (!shown.includes(attempt.deployId)) return record;
  return { ...record, attempt: { ...attempt, acceptedAt: now.toISOString() } };
}

function wasAway({ failure }: ApplicationRecord, now: Date): boolean {
  return failure !== undefined && now.getTime() - Date.parse(failure.since) > AWAY_MS;
}

function watchedFrom(record: ApplicationRecord, now: Date): ApplicationRecord {
  const { attempt } = record;
  return attempt ? { ...record, attempt: { ...attempt, watchedSince: now.toISOString() } } : record;
}

function withoutTrouble(record: ApplicationRecord): ApplicationRecord {
  if (!record.failure && !record.notBefore) return record;
  const { failure: _, notBefore: __, ...rest } = record;
  return rest;
}

function growing({ first, longest }: { first: number; longest: number }, turn: number): number {
  return Math.min(longest, first * 1.5 ** turn);
}

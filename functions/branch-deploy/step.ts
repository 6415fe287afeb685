/** What comes next for one application, and how long each wait may take. */
import type { SyncOptions, Workload } from './ports.ts';
import { OF_SYNCS } from './reasons.ts';
import type { ApplicationRecord, BuiltImage, Outcome } from './record.ts';

export const LIMITS = {
  /** A sync that was requested and is not shown after so long is requested again. Longer than any request takes. */
  unseenMs: 30_000,
  /** An operation, or a rollout, of ours may take so long. Argo CD itself has no limit. */
  deployMs: 30 * 60_000,
  /** Somebody else's operation is reported after so long, and still waited for. */
  blockedMs: 30 * 60_000,
  /** Suspended ends by itself, as in a canary, or by a person: it is watched for so long. */
  suspendedMs: 60 * 60_000,
  /** OutOfSync right after a sync may still settle. */
  settleMs: 2 * 60_000,
  /** Until the manifests name the image that was built, unless the config says otherwise. */
  imageMs: 15 * 60_000,
  /** The whole deploy, with everything that it waits for. */
  wholeMs: 60 * 60_000,
  /** Images are set, or workloads restarted, so often for the same builds, and after so long again. */
  broughtTries: 3,
  setAgainMs: 10_000,
  restartAgainMs: 2 * 60_000,
  /** Syncs for the same builds, each to new manifests, until they name the image. */
  imageTries: 10,
  /** So may Degraded, Missing and Unknown: they are final once they have lasted for so long. */
  unhealthyMs: 3 * 60_000,
  /** Syncs for the same builds: when the first ended at an old revision, or was broken by the night. */
  tries: 3,
  /** Requests to Argo CD may fail for so long before it is reported, and are given up after so long. */
  failingMs: { report: 15 * 60_000, giveUp: 24 * 3_600_000 },
  /** After requests failed for so long nobody could watch a sync: its time begins again. */
  awayMs: 60_000,
  /** Until the next request where nothing changes by the minute. */
  postponeMs: 5 * 60_000,
} as const;

export type Failing = NonNullable<ApplicationRecord['failing']>;

export type Step =
  | {
      readonly kind: 'sync';
      readonly reason: string;
      /** The commits that were built, where they are to be named. */
      readonly options?: SyncOptions;
    }
  | {
      readonly kind: 'wait';
      readonly reason: string;
      /** Ask Argo CD to compare again. */
      readonly refresh?: boolean;
      /** Somebody else's operation is running. */
      readonly blocked?: boolean;
      /** A sync window is closed: it does not count for the limit of the whole deploy. */
      readonly unlimited?: boolean;
    }
  | {
      readonly kind: 'retry';
      readonly reason: string;
      readonly blocked?: boolean;
      readonly failing?: Failing;
      readonly atLeastMs?: number;
    }
  | {
      readonly kind: 'postpone';
      readonly action: 'defer' | 'fail';
      readonly reason: string;
      /** It was not reported before. */
      readonly isNew: boolean;
      readonly failing?: Failing;
    }
  /** Sets the images on the Application, or restarts the workloads. */
  | {
      readonly kind: 'bring';
      readonly reason: string;
      readonly how:
        | { readonly kind: 'parameter'; readonly images: readonly BuiltImage[]; readonly source: number }
        | { readonly kind: 'restart'; readonly workloads: readonly Workload[] };
    }
  | {
      readonly kind: 'settle';
      readonly outcome: Outcome;
      readonly reason: string;
      /** Only these builds; all that are requested where it is left out. */
      readonly builds?: readonly string[];
      /** Our configuration is wrong: somebody has to correct it. */
      readonly misconfigured?: boolean;
    };

export type Settle = Extract<Step, { kind: 'settle' }>;

export const settled = (outcome: Outcome, reason: string): Settle => ({ kind: 'settle', outcome, reason });
export const failed = (reason: string) => settled('failed', reason);
export const misconfigured = (reason: string): Settle => ({ ...failed(reason), misconfigured: true });

/** Waits until the limit, and fails then with what it waited for. */
export function waitAtMost(
  waitedMs: number,
  reason: string,
  { limitMs = LIMITS.deployMs, refresh = false }: { limitMs?: number; refresh?: boolean } = {},
): Step {
  if (waitedMs > limitMs) return failed(OF_SYNCS.tooLong(reason, limitMs / 60_000));
  return { kind: 'wait', reason, ...(refresh ? { refresh } : {}) };
}

/**
 * What became of a commit, shown on the commit: one status for each application, beside the decisions and never in
 * their way. A status is sent while the work goes on, the latest of each commit and application only. One that was not
 * taken is said once; a verdict is told again by later runs of this warm process.
 */
import type { DecisionRecorder } from '#functions/shared/decision-recorder.ts';
import { messageOf } from '#functions/shared/errors.ts';
import type { Action, Scalar } from '#model/decision.ts';
import { shortSha } from './decide.ts';
import type { CommitStatus, Statuses, StatusTrouble } from './ports.ts';
import type { RequestedBuild } from './record.ts';
import type { BuildReporter } from './report.ts';

export const STATUS_TIMES = {
  /** The end of an invocation waits so long for statuses, and for the request that is under way. */
  budgetMs: 6_000,
  /** A status that could not be told for so long is forgotten. */
  keepMs: 3_600_000,
  /** Trouble with one repository is said once in so long. */
  repeatMs: 3_600_000,
} as const;

/** GitHub takes no more. */
const LONGEST_DESCRIPTION = 140;

export interface StatusDesk {
  /** The reporter of an invocation, with a status for each decision that a commit should show; none in a dry run. */
  watch(reporter: BuildReporter, dryRun: boolean): BuildReporter;
  /** At the end of each invocation: nothing is under way afterwards. */
  flush(recorder: Pick<DecisionRecorder, 'record'>): Promise<void>;
}

export function createStatusDesk(options: {
  readonly environment: string;
  readonly statuses: Statuses;
  readonly now: () => Date;
}): StatusDesk {
  const { environment, statuses } = options;
  const now = () => options.now().getTime();
  /** By commit and context; what is put again goes to the end. */
  const waiting = new Map<string, Entry>();
  const troubles = new Map<string, { readonly entry: Entry; readonly trouble: StatusTrouble }>();
  const saidAt = new Map<string, number>();
  let quietUntil = 0;
  let deadline = Number.POSITIVE_INFINITY;
  let running: Promise<void> | undefined;

  const send = () => {
    running ??= sendEach().finally(() => {
      running = undefined;
    });
    return running;
  };

  async function sendEach(): Promise<void> {
    const tried = new Set<Entry>();
    for (;;) {
      const entry = [...waiting.values()].find((candidate) => !tried.has(candidate));
      if (!entry || now() >= deadline || now() < quietUntil) return;
      tried.add(entry);
      const trouble = await statuses
        .tell(entry.status)
        // The secret cannot be read, as a rule: as loud as anything else that keeps the commit from being told.
        .catch((error: unknown): StatusTrouble => ({ kind: 'transient', detail: messageOf(error) }));
      const over = trouble?.kind !== 'transient';
      if (over && waiting.get(entry.key) === entry) waiting.delete(entry.key);
      if (!trouble) troubles.delete(entry.key);
      else troubles.set(entry.key, { entry, trouble });
      if (trouble?.retryAfterSeconds) quietUntil = now() + trouble.retryAfterSeconds * 1_000;
    }
  }

  function sayTroubles(recorder: Pick<DecisionRecorder, 'record'>): void {
    for (const [key, { entry, trouble }] of troubles) {
      troubles.delete(key);
      const { repository, sha } = entry.status;
      if (now() - (saidAt.get(repository) ?? Number.NEGATIVE_INFINITY) < STATUS_TIMES.repeatMs) continue;
      saidAt.set(repository, now());
      recorder.record({
        target: entry.application,
        action: 'warn',
        reason: `the commit ${shortSha(sha)} does not show what became of it: ${trouble.detail}`,
        trigger: entry.trigger,
        facts: { repository, sha, build: entry.build },
      });
    }
  }

  return {
    watch: (reporter, dryRun) => ({
      async about(application, builds, action, reason, facts = {}) {
        const written = await reporter.about(application, builds, action, reason, facts);
        const known = { ...facts, ...(dryRun ? { dryRun } : {}) };
        for (const build of builds) {
          const status = statusOf(environment, application, build, action, reason, known);
          if (!status || !statuses.has(status.repository)) continue;
          const key = `${status.repository} ${status.sha} ${status.context}`;
          waiting.delete(key);
          waiting.set(key, {
            key,
            status,
            application,
            build: build.build,
            trigger: build.trigger,
            since: now(),
          });
          void send();
        }
        return written;
      },
    }),
    async flush(recorder) {
      for (const { key, since } of waiting.values())
        if (now() - since > STATUS_TIMES.keepMs) waiting.delete(key);
      deadline = now() + STATUS_TIMES.budgetMs;
      try {
        await running;
        await send();
      } finally {
        deadline = Number.POSITIVE_INFINITY;
      }
      // Another process may have told the verdict by the time this one runs again: a late "pending" would never end.
      for (const { key, status } of waiting.values()) if (status.state === 'pending') waiting.delete(key);
      sayTroubles(recorder);
    },
  };
}

interface Entry {
  readonly key: string;
  readonly status: CommitStatus;
  readonly application: string;
  readonly build: string;
  readonly trigger: string;
  readonly since: number;
}

/** What the commit of a build shows of a decision; undefined where it shows nothing of it. */
export function statusOf(
  environment: string,
  application: string,
  build: RequestedBuild,
  action: Action,
  reason: string,
  facts: Readonly<Record<string, Scalar | undefined>>,
): CommitStatus | undefined {
  if (!build.sha || facts['dryRun'] === true) return undefined;
  // The newer build is of the very commit, and it is for that one to say what becomes of it.
  if (facts['sameCommit'] === true) return undefined;
  const said = SAID[action]?.(facts['outcome'] !== undefined);
  if (!said) return undefined;
  const [state, word] = said;
  return {
    repository: build.repository,
    sha: build.sha,
    state,
    description: shortened(word ? `${word}: ${reason}` : reason),
    context: `nightshift/${environment}/${application}`,
  };
}

/** By action, and by whether it is the verdict. docs/decisions/0016 says why what was superseded is no failure. */
const SAID: Partial<Record<Action, (verdict: boolean) => readonly [CommitStatus['state'], word?: string]>> = {
  defer: () => ['pending'],
  wake: () => ['pending'],
  sync: () => ['pending', 'syncing'],
  wait: () => ['pending', 'waiting'],
  warn: () => ['pending', 'waiting'],
  deployed: () => ['success', 'deployed'],
  superseded: () => ['success', 'superseded'],
  fail: (verdict) => (verdict ? ['failure', 'failed'] : ['pending']),
};

function shortened(text: string): string {
  const characters = [...text];
  return characters.length > LONGEST_DESCRIPTION
    ? `${characters.slice(0, LONGEST_DESCRIPTION - 1).join('')}…`
    : text;
}

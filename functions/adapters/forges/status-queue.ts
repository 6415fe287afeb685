/**
 * Posts commit statuses while the work goes on, the latest of each commit and application only. One that was not
 * accepted is reported once; the end of a deploy is posted again by later invocations of this warm process.
 */
import type {
  CommitStatus,
  Statuses,
  StatusFailure,
  StatusQueue,
  StatusSource,
} from '#functions/branch-deploy/ports.ts';
import { messageOf } from '#functions/shared/errors.ts';

export const STATUS_TIMES = {
  /** The end of an invocation waits so long for statuses, and for the request that is running. */
  budgetMs: 6_000,
  /** A status that was not accepted for so long is dropped. */
  keepMs: 3_600_000,
  /** Failures of one repository are reported once in so long. */
  repeatMs: 3_600_000,
} as const;

interface Entry {
  readonly key: string;
  readonly status: CommitStatus;
  readonly source: StatusSource;
  readonly since: number;
}

export function createStatusQueue(options: {
  readonly statuses: Statuses;
  readonly now: () => Date;
}): StatusQueue {
  const { statuses } = options;
  const now = () => options.now().getTime();
  /** By commit and context; what is added again goes to the end. */
  const waiting = new Map<string, Entry>();
  const failures = createFailures(now);
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
      const failure = await statuses
        .post(entry.status)
        // Mostly the secret that cannot be read: reported like any other failure.
        .catch((error: unknown): StatusFailure => ({ kind: 'transient', detail: messageOf(error) }));
      if (failure?.kind !== 'transient' && waiting.get(entry.key) === entry) waiting.delete(entry.key);
      failures.set(entry, failure);
      if (failure?.retryAfterSeconds) quietUntil = now() + failure.retryAfterSeconds * 1_000;
    }
  }

  return {
    add(status, source) {
      if (!statuses.has(status.repository)) return;
      const key = `${status.repository} ${status.sha} ${status.context}`;
      waiting.delete(key);
      waiting.set(key, { key, status, source, since: now() });
      void send();
    },
    async flush() {
      for (const { key, since } of waiting.values())
        if (now() - since > STATUS_TIMES.keepMs) waiting.delete(key);
      deadline = now() + STATUS_TIMES.budgetMs;
      try {
        await running;
        await send();
      } finally {
        deadline = Number.POSITIVE_INFINITY;
      }
      // Another process may have posted the end by the time this one runs again: a late "pending" would never end.
      for (const { key, status } of waiting.values()) if (status.state === 'pending') waiting.delete(key);
      return failures.take();
    },
  };
}

/** The last failure of each entry; of one repository they are taken once in an hour. */
function createFailures(now: () => number) {
  const failures = new Map<string, { readonly entry: Entry; readonly failure: StatusFailure }>();
  const takenAt = new Map<string, number>();
  return {
    set(entry: Entry, failure: StatusFailure | undefined) {
      if (failure) failures.set(entry.key, { entry, failure });
      else failures.delete(entry.key);
    },
    take() {
      const taken: (StatusSource & { readonly status: CommitStatus; readonly detail: string })[] = [];
      for (const { entry, failure } of failures.values()) {
        const { status, source } = entry;
        const before = takenAt.get(status.repository) ?? Number.NEGATIVE_INFINITY;
        if (now() - before < STATUS_TIMES.repeatMs) continue;
        takenAt.set(status.repository, now());
        taken.push({ ...source, status, detail: failure.detail });
      }
      failures.clear();
      return taken;
    },
  };
}

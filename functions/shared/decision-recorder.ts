/** What an invocation decides and what fails in it: recorded without holding up the work, and thrown at the end. */
import type { Action, Capability, Decision, Scalar } from '#model/decision.ts';
import { HOUR_MS } from '#model/duration.ts';
import { CorruptRecordError, messageOf, PartialFailureError, RecordedError } from './errors.ts';
import type { DecisionTrail } from './observability.ts';

export interface RecorderContext {
  readonly environment: string;
  readonly capability: Capability;
  /** What led to this invocation; an entry may name another. */
  readonly trigger: string;
  readonly now: () => Date;
  readonly trail: DecisionTrail;
  /** Nothing is changed: the reasons of changes say so. */
  readonly dryRun?: boolean;
  /** Nothing is changed: why, and until when. */
  readonly paused?: string | undefined;
  /** `close` writes all decisions together. */
  readonly isBatch?: boolean;
  /** The same failure is recorded again after that time only. It always fails the invocation. */
  readonly failuresOnceWithinMs?: number;
  /** What was reported before this invocation; `isNews` adds to it. */
  readonly reported?: Reported;
}

/** When something was reported last (ISO 8601), by a name for it. */
export type Reported = Map<string, string>;

export interface Entry {
  readonly target: string;
  readonly action: Action;
  readonly reason: string;
  /** Where it is not that of the invocation. */
  readonly trigger?: string | undefined;
  /** Further keys of the decision. */
  readonly facts?: Readonly<Record<string, Scalar | undefined>> | undefined;
}

export interface Failure {
  readonly target: string;
  readonly error: unknown;
}

export interface DecisionRecorder {
  readonly decisions: readonly Decision[];
  readonly failures: readonly Failure[];
  /** Written in the background. Where that fails, the invocation does. */
  record(entry: Entry): void;
  /** The same, for work that continues only when it is written: false where that failed. */
  recordWritten(...entries: readonly Entry[]): Promise<boolean>;
  /** Something failed; the work goes on. A `RecordedError` has its decision already. */
  failed(target: string, error: unknown, trigger?: string): void;
  /** Does the work and records its failure: then undefined. */
  guard<T>(target: string, work: () => Promise<T>): Promise<T | undefined>;
  /** The same for each target: one that fails does not stop the others. */
  guardEach<T>(
    targets: readonly T[],
    nameOf: (target: T) => string,
    work: (target: T, index: number) => Promise<void>,
  ): Promise<void>;
  /** Whether it was not reported within that time, an hour by default; then it counts as reported now. */
  isNews(key: string, withinMs?: number): boolean;
  /** Waits until everything is written. Throws `PartialFailureError` where anything failed. */
  close(): Promise<void>;
}

const DECISION_LOG = 'decision log';
/** Actions that change nothing, in a dry run or not. */
const CHANGES_NOTHING: ReadonlySet<Action> = new Set(['none', 'ignore', 'refuse', 'fail']);

export function createDecisionRecorder(context: RecorderContext): DecisionRecorder {
  const { trail, reported = new Map() } = context;
  const decisions: Decision[] = [];
  const failures: Failure[] = [];
  const writing: Promise<boolean>[] = [];

  const write = (made: readonly Decision[]): Promise<boolean> => {
    const written = trail.record(made).then(
      () => true,
      (error: unknown) => {
        failures.push({ target: DECISION_LOG, error });
        return false;
      },
    );
    writing.push(written);
    return written;
  };
  const { promise: batch, resolve: batchWritten } = Promise.withResolvers<boolean>();

  const recorder: DecisionRecorder = {
    decisions,
    failures,
    record(entry) {
      void recorder.recordWritten(entry);
    },
    recordWritten(...entries) {
      const made = entries.map((entry) => decisionOf(context, entry));
      decisions.push(...made);
      return context.isBatch ? batch : write(made);
    },
    failed(target, error, trigger) {
      failures.push({ target, error });
      if (error instanceof RecordedError) return;
      const reason = messageOf(error);
      const { failuresOnceWithinMs: withinMs } = context;
      // Numbers differ each time: ids of requests, versions, times.
      const key = `failed#${target}#${reason.replace(/[0-9a-f-]*\d[0-9a-f-]*/gi, '').slice(0, 80)}`;
      if (withinMs === undefined || recorder.isNews(key, withinMs))
        recorder.record({ target, action: 'fail', reason, trigger });
    },
    async guard(target, work) {
      try {
        return await work();
      } catch (error) {
        recorder.failed(target, error);
        return undefined;
      }
    },
    async guardEach(targets, nameOf, work) {
      await Promise.all(
        targets.map((target, index) => recorder.guard(nameOf(target), () => work(target, index))),
      );
    },
    isNews(key, withinMs = HOUR_MS) {
      const now = context.now();
      const last = reported.get(key);
      if (last !== undefined && now.getTime() - Date.parse(last) < withinMs) return false;
      reported.set(key, now.toISOString());
      return true;
    },
    async close() {
      if (context.isBatch) batchWritten(await write([...decisions]));
      await Promise.all(writing);
      if (failures.length > 0) throw new PartialFailureError(failures);
    },
  };
  return recorder;
}

/** Names and sentences of others have no limit: these are cut before they reach the log, the table or people. */
const LONGEST = { name: 300, sentence: 2_000 };

function decisionOf(context: RecorderContext, { target, action, reason, trigger, facts }: Entry): Decision {
  const { paused, dryRun } = context;
  const why = CHANGES_NOTHING.has(action) ? undefined : (paused ?? (dryRun ? 'dry run' : undefined));
  const sentence = cut(reason, LONGEST.sentence);
  return {
    time: context.now().toISOString(),
    environment: context.environment,
    capability: context.capability,
    target: cut(target, LONGEST.name),
    action,
    reason: why ? `${why}, nothing was changed: ${sentence}` : sentence,
    trigger: cut(trigger ?? context.trigger, LONGEST.name),
    ...(facts &&
      Object.fromEntries(
        Object.entries(facts).map(([name, fact]) => [
          name,
          typeof fact === 'string' ? cut(fact, LONGEST.sentence) : fact,
        ]),
      )),
    ...(why ? { [paused ? 'paused' : 'dryRun']: true } : {}),
  };
}

function cut(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit)}…` : text;
}

/** Items that cannot be read stop only the work on what they are about, and are reported once an hour. */
export function reportCorrupt(recorder: DecisionRecorder, items: readonly string[]): void {
  for (const item of items)
    if (recorder.isNews(`corrupt#${item}`))
      recorder.record({ target: item, action: 'fail', reason: new CorruptRecordError(item).message });
}

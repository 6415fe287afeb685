/** Stand-in until functions/shared/decision-recorder.ts is there. */
import { messageOf, PartialFailureError } from '#functions/shared/errors.ts';
import type { DecisionTrail } from '#functions/shared/observability.ts';
import type { Action, Scalar } from '#model/decision.ts';

export interface Entry {
  readonly target: string;
  readonly action: Action;
  readonly reason: string;
  readonly facts?: Readonly<Record<string, Scalar | undefined>> | undefined;
  readonly trigger?: string | undefined;
}

export interface DecisionRecorder {
  record(decision: Entry): void;
  failed(target: string, error: unknown): void;
  guard<T>(target: string, work: () => Promise<T>): Promise<T | undefined>;
  close(): Promise<void>;
}

export function createDecisionRecorder(options: {
  readonly environment: string;
  readonly trail: DecisionTrail;
  readonly now: () => Date;
  readonly capability: 'spot-drain';
  readonly trigger: string;
}): DecisionRecorder {
  const failures: { target: string; error: unknown }[] = [];
  const writing: Promise<void>[] = [];
  const recorder: DecisionRecorder = {
    record({ target, action, reason, facts, trigger = options.trigger }) {
      const { environment, capability, now, trail } = options;
      const time = now().toISOString();
      const decision = {
        time,
        environment,
        capability,
        target,
        action,
        reason,
        trigger,
      } as const;
      writing.push(
        trail.record([{ ...decision, ...facts }]).catch((error: unknown) => {
          failures.push({ target: 'decision log', error });
        }),
      );
    },
    failed(target, error) {
      failures.push({ target, error });
      recorder.record({ target, action: 'fail', reason: messageOf(error) });
    },
    async guard(target, work) {
      try {
        return await work();
      } catch (error) {
        recorder.failed(target, error);
        return undefined;
      }
    },
    async close() {
      await Promise.all(writing);
      if (failures.length > 0) throw new PartialFailureError(failures);
    },
  };
  return recorder;
}

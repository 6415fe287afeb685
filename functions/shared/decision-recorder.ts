/** Records what one invocation decides, and what failed in it. */
import type { Action, Capability, Decision, Scalar } from '#model/decision.ts';
import { PartialFailureError } from './errors.ts';

export interface RecordedDecision {
  readonly target: string;
  readonly action: Action;
  readonly reason: string;
  readonly facts?: Readonly<Record<string, Scalar | undefined>>;
  /** Default: the trigger of the invocation. */
  readonly trigger?: string;
}

export interface DecisionRecorder {
  record(decision: RecordedDecision): Promise<void>;
  /** One target failed: the work on the others goes on, and `close` throws. */
  failed(target: string, error: unknown): void;
  /** Runs it; what it throws is a failure of the target. */
  guard<T>(target: string, work: () => Promise<T>): Promise<T | undefined>;
  /** Throws `PartialFailureError` where something failed. */
  close(): Promise<void>;
}

export function createDecisionRecorder(options: {
  readonly environment: string;
  readonly capability: Capability;
  readonly trigger: string;
  readonly trail: { record(decisions: readonly Decision[]): Promise<void> };
  readonly now: () => Date;
}): DecisionRecorder {
  const { environment, capability, trail, now } = options;
  const failures: { target: string; error: unknown }[] = [];
  return {
    record: ({ target, action, reason, facts, trigger = options.trigger }) =>
      trail.record([
        { time: now().toISOString(), environment, capability, target, action, reason, trigger, ...facts },
      ]),
    failed: (target, error) => void failures.push({ target, error }),
    async guard(target, work) {
      try {
        return await work();
      } catch (error) {
        failures.push({ target, error });
        return undefined;
      }
    },
    async close() {
      if (failures.length > 0) throw new PartialFailureError(failures);
    },
  };
}

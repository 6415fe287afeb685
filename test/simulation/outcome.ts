/** The promises, and the outcome of one simulated story. */
import type { FaultKind, Severity } from './faults.ts';

export const PROMISES = {
  1: 'Sizes are never lost',
  2: 'Production is out of reach',
  3: 'An event lost, doubled, late or out of order ends in the same state',
  4: 'Nothing is reported that was not observed',
  5: 'Budgets are respected as long as time allows',
  6: 'Every lifecycle action is completed once, with CONTINUE',
  7: 'Every decision has a reason',
  8: 'One bad resource never stops the work on the others',
  9: 'Every failure is reported',
} as const;
export type PromiseId = keyof typeof PROMISES;
export const PROMISE_IDS = [1, 2, 3, 4, 5, 6, 7, 8, 9] as const satisfies readonly PromiseId[];

export interface Violation {
  readonly promise: PromiseId;
  readonly what: string;
}

export interface Outcome {
  readonly seed: number;
  readonly violations: readonly Violation[];
  /** How often each promise was checked. */
  readonly exercised: Readonly<Partial<Record<PromiseId, number>>>;
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly events: Readonly<Record<string, number>>;
  /** What happened, in order: printed with a failure. */
  readonly trace: readonly string[];
  /** How many happenings can be left out, by index, to make a failure shorter. */
  readonly happenings: number;
}

/** One story of a seed. The same seed, severity and omissions give the same outcome on every machine. */
export type Simulate = (options: {
  readonly seed: number;
  readonly severity: Severity;
  readonly without?: ReadonlySet<number>;
}) => Promise<Outcome>;

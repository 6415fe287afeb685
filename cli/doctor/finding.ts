/** The checks of the doctor and what they find. */
import type { EnvironmentFacts } from './facts.ts';
import type { Observation } from './observation.ts';

export type Severity = 'ok' | 'warning' | 'failure' | 'unknown';

/** One result of a check. `unknown` when a fact that it requires could not be observed. */
export interface CheckResult {
  readonly severity: Severity;
  /** The name of the group, webhook, project … that it is about. */
  readonly target?: string;
  readonly found: string;
  /** How to fix it. Absent when nothing is wrong. */
  readonly advice?: string;
  /** The permission that was missing: `ec2:DescribeSubnets`, or `list pods` in Kubernetes. */
  readonly permission?: string;
}

export interface Check<Facts = EnvironmentFacts> {
  readonly name: string;
  /** Why it matters: one sentence. */
  readonly why: string;
  /** Pure. No result when the check does not apply to the environment. */
  evaluate(facts: Facts): readonly CheckResult[];
}

export interface Finding extends CheckResult {
  readonly environment: string;
  readonly check: string;
  readonly why: string;
}

type Values<T extends readonly Observation<unknown>[]> = {
  [K in keyof T]: T[K] extends Observation<infer V> ? V : never;
};

/** Evaluates when every observation has a value; otherwise returns one `unknown` result for each missing one. */
export function whenObserved<const T extends readonly Observation<unknown>[]>(
  observations: T,
  evaluate: (...values: Values<T>) => readonly CheckResult[],
): readonly CheckResult[] {
  const missing = observations.flatMap((one) => ('missing' in one ? [one.missing] : []));
  if (missing.length > 0) {
    const distinct = new Map(missing.map((one) => [`${one.permission} ${one.reason}`, one]));
    return [...distinct.values()].map(({ reason, permission }) => ({
      severity: 'unknown',
      found: reason,
      advice: permission
        ? `allow ${permission} for the credentials of this shell`
        : 'fix the cause and run doctor again',
      ...(permission ? { permission } : {}),
    }));
  }
  const values = observations.map((one) => ('value' in one ? one.value : undefined));
  return evaluate(...(values as Values<T>));
}

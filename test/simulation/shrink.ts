import type { Severity } from './faults.ts';
import type { Outcome, PromiseId, Simulate } from './outcome.ts';

/** Leaves out one happening after the other, as long as the same promise still breaks. */
export async function shrink(
  simulate: Simulate,
  failure: { readonly seed: number; readonly severity: Severity; readonly promise: PromiseId },
): Promise<{ readonly outcome: Outcome; readonly severity: Severity }> {
  const breaks = (outcome: Outcome) => outcome.violations.some((one) => one.promise === failure.promise);
  let severity = failure.severity;
  let without = new Set<number>();
  let outcome = await simulate({ seed: failure.seed, severity });
  // A failure without faults is easier to understand than one with them.
  for (const calmer of ['none', 'light'] as const) {
    if (severity === calmer) break;
    const tried = await simulate({ seed: failure.seed, severity: calmer });
    if (!breaks(tried)) continue;
    severity = calmer;
    outcome = tried;
    break;
  }
  for (let index = 0; index < outcome.happenings; index++) {
    const fewer = new Set([...without, index]);
    const tried = await simulate({ seed: failure.seed, severity, without: fewer });
    if (!breaks(tried)) continue;
    without = fewer;
    outcome = tried;
  }
  return { outcome, severity };
}

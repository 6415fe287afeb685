/** What needs a person: failures that nothing after them has settled. Pure. */
import type { Decision } from '#model/decision.ts';

export interface FailureView {
  readonly target: string;
  readonly capability: Decision['capability'];
  readonly at: string;
  readonly reason: string;
}

/** Decisions that say nothing about whether the failure before them is over. */
const NEUTRAL: ReadonlySet<Decision['action']> = new Set(['none', 'ignore', 'wait', 'defer', 'warn']);

/** The latest failure of each target, newest first, unless a later decision about the target succeeded. */
export function failuresOf(decisions: readonly Decision[]): readonly FailureView[] {
  const open = new Map<string, FailureView>();
  for (const { action, capability, target, time, reason } of decisions) {
    const key = `${capability} ${target}`;
    if (action === 'fail') {
      open.delete(key);
      open.set(key, { target, capability, at: time, reason });
    } else if (!NEUTRAL.has(action)) open.delete(key);
  }
  return [...open.values()].reverse();
}

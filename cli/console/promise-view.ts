/** How many of the last mornings were ready by the time that was promised. Pure. */
import { phaseOf } from '#functions/night-schedule/learn-lead.ts';
import type { Morning } from '#functions/night-schedule/records.ts';
import type { ReadyPhase } from '#model/settings.ts';
import { reported, summaryOf } from '../mornings.ts';

export interface PromiseView {
  readonly kept: number;
  readonly promised: number;
  /** Oldest first. */
  readonly mornings: readonly {
    readonly promised: string;
    readonly ready?: string | undefined;
    readonly isKept: boolean;
  }[];
}

/** Undefined where nothing was promised yet. */
export function promiseOf(
  mornings: readonly Morning[] | undefined,
  readyBy: false | ReadyPhase,
): PromiseView | undefined {
  if (!readyBy) return undefined;
  const all = (mornings ?? []).map((one) => reported(one, phaseOf(readyBy)));
  const { kept, promised } = summaryOf(all);
  if (promised === 0) return undefined;
  return {
    kept,
    promised,
    mornings: all.flatMap((one) =>
      one.promised !== undefined && (one.verdict === 'kept' || one.verdict === 'missed')
        ? [{ promised: one.promised, ready: one.ready, isKept: one.verdict === 'kept' }]
        : [],
    ),
  };
}

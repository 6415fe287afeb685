/** When a start that runs will be ready, from the mornings before it. Pure. */
import { MINUTE_MS, SECOND_MS } from '#model/duration.ts';
import { median } from './learn-lead.ts';
import type { Morning, MorningPhase } from './records.ts';

/** The order in which the phases of a start are reached. */
export const PHASES: readonly MorningPhase[] = ['instances', 'nodes', 'argocd', 'applications', 'url'];

export interface Prediction {
  readonly expected: Date;
  /** Only so few of the earlier mornings would be ready later: see `UNLIKELY`. */
  readonly latest: Date;
}

/** The share of the cases that is left out of `latest`: a smaller one warns people of mornings that are in time all the same. */
const UNLIKELY = 0.02;
const ENOUGH_TO_LEAVE_ONE_OUT = 5;

/**
 * What is left of the phase that is awaited now, by the mornings in which it took longer than it has taken already, and
 * what followed it in all of them. Undefined where nothing was observed before.
 */
export function predictReady(
  current: Morning,
  before: readonly Morning[],
  target: MorningPhase,
  now: Date,
): Prediction | undefined {
  const phases = PHASES.slice(0, PHASES.indexOf(target) + 1);
  const last = phases.findLast((one) => current.seconds[one] !== undefined);
  const next = phases.find(
    (one) => current.seconds[one] === undefined && before.some(({ seconds }) => seconds[one] !== undefined),
  );
  if (next === undefined) return undefined;
  const elapsed = (now.getTime() - Date.parse(current.asked)) / SECOND_MS;
  const startOf = ({ seconds }: Morning) => (last === undefined ? 0 : seconds[last]);
  const spent = elapsed - (startOf(current) ?? 0);
  const steps = before.flatMap((morning) => spansOf(startOf(morning), morning.seconds[next]));
  const rests = before.flatMap(({ seconds }) => spansOf(seconds[next], seconds[target]));
  const slower = steps.filter((step) => step > spent);
  // Slower than each of them: nothing says how much is left, so the least is assumed.
  const left = slower.length > 0 ? slower.map((step) => step - spent) : [UNKNOWN_REST_SECONDS];
  const at = (seconds: number) => new Date(now.getTime() + seconds * SECOND_MS);
  // Each with each: the phases of a morning are slow for different reasons.
  const totals = left.flatMap((one) => (rests.length > 0 ? rests : [0]).map((rest) => one + rest));
  const unlikely = Math.floor(totals.length * UNLIKELY);
  // Of few mornings that share is less than one: the one bad morning among them would warn people on each one after it.
  const isOneOfFew = steps.length * UNLIKELY < 1 && left.length >= ENOUGH_TO_LEAVE_ONE_OUT;
  const leftOut = isOneOfFew ? Math.max(unlikely, totals.length / left.length) : unlikely;
  return { expected: at(median(totals)), latest: at(slowestBut(leftOut, totals)) };
}

/** The slowest when so many of them are left out. */
function slowestBut(count: number, values: readonly number[]): number {
  return [...values].sort((a, b) => b - a)[count] ?? 0;
}

const UNKNOWN_REST_SECONDS = 60;

function spansOf(start: number | undefined, end: number | undefined): readonly number[] {
  return start === undefined || end === undefined ? [] : [Math.max(0, end - start)];
}

/** Before this much time is left, only what is expected is announced; then also what is possible. */
const LAST_CALL_MS = 7 * MINUTE_MS;

/** By how much the promise will be missed, where people are to be warned of it now. */
export function minutesMissed(
  prediction: Prediction | undefined,
  promised: Date,
  now: Date,
): { readonly minutes: number; readonly isExpected: boolean } | undefined {
  if (!prediction) return undefined;
  const late = (at: Date) => Math.ceil((at.getTime() - promised.getTime()) / MINUTE_MS);
  if (late(prediction.expected) > 0) return { minutes: late(prediction.expected), isExpected: true };
  const isLastCall = promised.getTime() - now.getTime() <= LAST_CALL_MS;
  const minutes = late(prediction.latest);
  return isLastCall && minutes > 0 ? { minutes, isExpected: false } : undefined;
}

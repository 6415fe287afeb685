/**
 * While nodes may become Ready at any moment, one invocation observes every few seconds, so that the start is confirmed
 * seconds after the last of them and not at the next tick. Outside of that time nothing waits: waiting costs money.
 */
import { MINUTE_MS, SECOND_MS } from '#model/duration.ts';
import type { Morning } from './records.ts';

/** Between the end of one pass and the next. */
const WAIT_MS = 5 * SECOND_MS;
/** Then the next tick takes over; the function's timeout is later, so that a slow last pass still ends. */
const FOLLOWED_MS = 55 * SECOND_MS;
/** A start may be so much faster than the fastest that was observed. */
const FASTER = 0.7;
/** A start that takes longer is not followed any more: the tick is enough for it. */
const LONGEST_MS = 20 * MINUTE_MS;

export interface FollowOptions {
  readonly now: () => Date;
  readonly wait: (ms: number) => Promise<void>;
}

/** Calls `pass` until the nodes are Ready, or for most of a minute. It says whether the start is to be followed further. */
export async function followStart(pass: () => Promise<boolean>, { now, wait }: FollowOptions): Promise<void> {
  const end = now().getTime() + FOLLOWED_MS;
  while (now().getTime() + WAIT_MS <= end) {
    await wait(WAIT_MS);
    if (!(await pass())) return;
  }
}

/** Whether the nodes of the start that runs may be Ready before the next tick. Pure. */
export function isSoonReady(mornings: readonly Morning[], now: Date): boolean {
  const current = mornings.at(-1);
  if (!current?.isOpen || current.seconds['nodes'] !== undefined) return false;
  const elapsed = now.getTime() - Date.parse(current.asked);
  if (elapsed > LONGEST_MS) return false;
  const before = mornings.slice(0, -1).flatMap(({ seconds }) => seconds['nodes'] ?? []);
  const fastest = before.length > 0 ? Math.min(...before) * SECOND_MS * FASTER : 0;
  return elapsed + MINUTE_MS >= fastest;
}

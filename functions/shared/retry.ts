/** Tries again what may succeed the next time: bounded by time, with growing pauses that differ from caller to caller. */
import { NightshiftError } from './errors.ts';
import type { Expected, Versioned } from './versioned.ts';

export interface RetryClock {
  now(): Date;
  sleep(ms: number): Promise<void>;
  /** In [0, 1): jitter. */
  random(): number;
}

export interface Backoff {
  readonly firstMs: number;
  readonly longestMs: number;
}

export interface RetryOptions {
  /** No attempt begins after this instant. */
  readonly until: Date;
  readonly clock: RetryClock;
  /** Whether the next attempt may end otherwise. Any other error is thrown at once. */
  readonly isTransient: (error: unknown) => boolean;
  /** What the service asks for. Where it asks for longer than there is time, the error is thrown. */
  readonly retryAfterMs?: (error: unknown) => number | undefined;
  readonly backoff?: Backoff;
}

const BACKOFF: Backoff = { firstMs: 500, longestMs: 4_000 };

/** The pause after that many attempts: twice as long each time, and a quarter of it is chance. */
export function backoffMs(attempts: number, random: number, backoff: Backoff = BACKOFF): number {
  const { firstMs, longestMs } = backoff;
  const full = Math.min(longestMs, firstMs * 2 ** Math.max(0, attempts - 1));
  return Math.max(firstMs, full * (0.75 + random / 4));
}

/** Throws the error of the last attempt. */
export async function retry<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { clock, until } = options;
  for (let attempts = 1; ; attempts++) {
    try {
      return await work();
    } catch (error) {
      const left = until.getTime() - clock.now().getTime();
      const asked = options.retryAfterMs?.(error) ?? 0;
      if (!options.isTransient(error) || left <= 0 || asked > left) throw error;
      const pause = Math.max(asked, backoffMs(attempts, clock.random(), options.backoff));
      await clock.sleep(Math.min(pause, left));
    }
  }
}

/** Of many invocations at once one writes at a time: each conflict is the progress of another. */
const MOST_CONFLICTS = 100;

export interface Change<T> {
  readonly read: () => Promise<Versioned<T> | undefined>;
  /** Where nothing is there yet. */
  readonly initial: T;
  /** What is to be written over it. Undefined ends the change; the same object writes nothing. */
  readonly edit: (current: T) => T | undefined | Promise<T | undefined>;
  readonly saveIf: (next: T, expected: Expected) => Promise<Versioned<T> | undefined>;
  /** For the error: `the record of default/api`. */
  readonly what: string;
}

/** Reads, edits and writes if nobody wrote in between; otherwise begins anew. */
export async function change<T>({
  read,
  initial,
  edit,
  saveIf,
  what,
}: Change<T>): Promise<{ readonly before: T; readonly after: T } | undefined> {
  for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
    const found = await read();
    const before = found ? found.value : initial;
    const after = await edit(before);
    if (after === undefined) return undefined;
    if (after === before || (await saveIf(after, found?.version ?? 'absent'))) return { before, after };
  }
  throw new NightshiftError(`${what} was changed by other invocations ${MOST_CONFLICTS} times in a row`);
}

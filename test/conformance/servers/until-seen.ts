/** Waits for what real servers do, in real time. */
import { setTimeout as wait } from 'node:timers/promises';

/** Looks every `everyMs` until there is something to see. Throws with `what` after `patienceMs`. */
export async function untilSeen<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  { patienceMs, everyMs }: { readonly patienceMs: number; readonly everyMs: number },
): Promise<T> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (performance.now() > end) throw new Error(`after ${patienceMs / 1_000} s it is not so that ${what}`);
    await wait(everyMs);
  }
}

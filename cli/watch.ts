/** Draws a text again and again, until it is interrupted. */
import { setTimeout as pause } from 'node:timers/promises';
import { RefusedError } from './errors.ts';
import type { Io } from './io.ts';

export const DEFAULT_WATCH_SECONDS = '30';
const [SHORTEST, LONGEST] = [5, 3600];

/** `seconds` as typed. Throws a `RefusedError` for an invalid number. */
export function watchSeconds(typed: string | true): number {
  const text = typed === true ? DEFAULT_WATCH_SECONDS : typed;
  const seconds = Number(text);
  if (Number.isInteger(seconds) && seconds >= SHORTEST && seconds <= LONGEST) return seconds;
  throw new RefusedError(`--watch ${text}: write seconds from ${SHORTEST} to ${LONGEST}, like --watch 30`);
}

/** On a terminal each text replaces the one before; elsewhere they follow each other. */
export async function watch(
  draw: () => Promise<string>,
  { seconds, signal, io }: { readonly seconds: number; readonly signal: AbortSignal; readonly io: Io },
): Promise<void> {
  while (!signal.aborted) {
    const text = await draw();
    if (signal.aborted) return;
    io.clear?.();
    io.out(`${io.now().toISOString().slice(0, 19)}Z, every ${seconds} s; Ctrl-C ends it\n\n${text}`);
    await pause(seconds * 1_000, undefined, { signal }).catch((error: Error) => {
      if (error.name !== 'AbortError') throw error;
    });
  }
}

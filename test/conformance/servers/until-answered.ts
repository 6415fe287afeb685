import { setTimeout as wait } from 'node:timers/promises';
import { UnreachableError } from '#functions/adapters/http.ts';

const ASK_AGAIN_MS = 500;

/** As every kubelet does: a busy server is asked again, and its reply may have been lost. */
export async function untilAnswered(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof UnreachableError) || signal.aborted) throw error;
      await wait(ASK_AGAIN_MS, undefined, { signal });
    }
  }
}

/** Server-sent events: every view of an environment as it changes. */
import type { Context, Handler } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { EnvironmentPoller } from './environment-poller.ts';
import type { EnvironmentView } from './environment-view.ts';

const KEEP_ALIVE_MS = 15_000;

export interface Announcement {
  readonly names: readonly string[];
  /** A recorded day, not an account. */
  readonly demo: boolean;
}

/** Sends the environments' names first. Ends when the page disconnects or the console closes. */
export function streamEnvironments(
  poller: EnvironmentPoller,
  announcement: Announcement,
  closing: AbortSignal,
): Handler {
  return (context: Context) =>
    streamSSE(context, async (stream) => {
      const queue = new ViewQueue();
      const unsubscribe = poller.subscribe((view) => queue.push(view));
      await stream.writeSSE({ event: 'environments', data: JSON.stringify(announcement) });
      stream.onAbort(() => queue.wake());
      closing.addEventListener('abort', () => queue.wake(), { once: true });
      while (!stream.aborted && !closing.aborted) {
        const view = queue.shift();
        if (view) await stream.writeSSE({ event: 'environment', data: JSON.stringify(view) });
        else if (await queue.isIdleFor(KEEP_ALIVE_MS)) await stream.writeSSE({ event: 'alive', data: '' });
      }
      unsubscribe();
    });
}

class ViewQueue {
  readonly #views: EnvironmentView[] = [];
  #wake: () => void = () => undefined;

  push(view: EnvironmentView): void {
    this.#views.push(view);
    this.#wake();
  }

  shift(): EnvironmentView | undefined {
    return this.#views.shift();
  }

  wake(): void {
    this.#wake();
  }

  /** False as soon as a view arrives or `wake` is called. */
  isIdleFor(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(true), ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(false);
      };
    });
  }
}

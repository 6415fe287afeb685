/** Runs a function for events as Lambda does: an attempt that fails, is killed or times out is repeated. */
import type { SimulatedClock } from './clock.ts';
import type { Faults, Pass } from './faults.ts';

export interface Attempt {
  readonly pass: Pass;
  /** Unique, as the request id of an invocation is. */
  readonly id: string;
  /** When Lambda ends it. */
  readonly endsAt: Date;
}

export interface AttemptEnd {
  readonly attempt: Attempt;
  readonly how: 'succeeded' | 'failed' | 'killed';
  readonly error?: unknown;
}

export interface Invocations {
  /** For the clock: resolves when every woken function has reached its next wait. */
  settle(): Promise<void>;
  /** Starts now and returns at once. `ended` is called for each attempt, and when the last retry failed. */
  start(work: (attempt: Attempt) => Promise<unknown>, ended?: Ended): void;
  /** How many run now. */
  active(): number;
}

export interface Ended {
  readonly attempt?: (end: AttemptEnd) => void;
  readonly givenUp?: () => void;
}

export interface InvocationOptions {
  readonly timeoutMs: number;
  readonly retries: number;
  /** Before each retry, in order; the last one goes on. Lambda waits one minute, then two. */
  readonly retryAfterMs: readonly [number, ...number[]];
}

const MINUTE = 60_000;

/** As lib/ sets them. Of spot-drain an event is dropped after two minutes, with one retry. */
export const LAMBDA = {
  night: { timeoutMs: 90_000, retries: 1, retryAfterMs: [MINUTE] },
  drain: { timeoutMs: 3 * MINUTE, retries: 1, retryAfterMs: [MINUTE] },
  deploy: { timeoutMs: 2 * MINUTE, retries: 2, retryAfterMs: [MINUTE, 2 * MINUTE] },
} as const satisfies Record<string, InvocationOptions>;

/** A turn of the event loop is slow, but only then are the targets of weak references released. */
const TURN_EVERY = 16;

export function createInvocations(
  clock: () => SimulatedClock,
  faults: Faults,
  { timeoutMs, retries, retryAfterMs }: InvocationOptions,
): Invocations {
  let active = 0;
  let count = 0;
  let settles = 0;

  const attempt = (
    work: (attempt: Attempt) => Promise<unknown>,
    ended: Ended,
    id: string,
    retry: number,
  ): void => {
    const pass = faults.newPass();
    clock().stir();
    const endsAt = new Date(clock().now() + timeoutMs);
    const one: Attempt = { pass, id, endsAt };
    const timeout = clock().at(endsAt.getTime(), pass.kill);
    active += 1;
    const finish = (how: AttemptEnd['how'], error?: unknown) => {
      active -= 1;
      timeout.cancel();
      ended.attempt?.({ attempt: one, how, ...(error === undefined ? {} : { error }) });
      if (how === 'succeeded') return;
      if (retry >= retries) {
        ended.givenUp?.();
        return;
      }
      const wait = retryAfterMs[Math.min(retry, retryAfterMs.length - 1)] ?? retryAfterMs[0];
      clock().after(wait, () => attempt(work, ended, id, retry + 1));
    };
    void Promise.race([
      work(one).then(
        () => () => finish('succeeded'),
        (error: unknown) => () => finish(pass.crashed() ? 'killed' : 'failed', error),
      ),
      pass.killed.then(() => () => finish('killed')),
    ]).then((end) => end());
  };

  return {
    settle() {
      // Node runs a tick when no promise is left that could go on.
      const wait = settles++ % TURN_EVERY === 0 ? setImmediate : process.nextTick;
      return new Promise((resolve) => wait(resolve));
    },
    start: (work, ended = {}) => attempt(work, ended, `invocation-${++count}`, 0),
    active: () => active,
  };
}

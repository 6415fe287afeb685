/**
 * Time limits of calls to AWS. The limits of the SDK's own connection handler end with the headers of a reply: a body
 * that stalls, or drips, would hold a call up for ever.
 */
import { NightshiftError } from '#functions/shared/errors.ts';

/** From the first byte of an attempt to the last of its reply. The SDK then tries again. */
const ATTEMPT_MS = 10_000;
/** All attempts, and the pauses between them. */
const CALL_MS = 25_000;

/** The SDK takes an error of this name for one that may pass. */
class CallTimeoutError extends NightshiftError {
  override name = 'TimeoutError';
}

interface Limits {
  readonly attemptMs: number;
  readonly callMs: number;
}

type Handler = (input: never) => Promise<unknown>;

/** What of a client of the SDK is needed here; its own types are those of one service. */
interface LimitedClient {
  readonly middlewareStack: {
    add(
      middleware: (next: Handler) => Handler,
      options: {
        readonly step: 'initialize' | 'deserialize';
        readonly priority: 'high';
        readonly name: string;
      },
    ): void;
  };
}

export function withTimeLimit<C>(
  client: C,
  { attemptMs, callMs }: Limits = { attemptMs: ATTEMPT_MS, callMs: CALL_MS },
): C {
  const { middlewareStack } = client as unknown as LimitedClient;
  const within =
    (ms: number, what: string) =>
    (next: Handler): Handler =>
    (input) =>
      limited(next(input), ms, what);
  // Around the handler, and around what reads the body of the reply.
  middlewareStack.add(within(attemptMs, 'attempt'), {
    step: 'deserialize',
    priority: 'high',
    name: 'attemptLimit',
  });
  middlewareStack.add(within(callMs, 'call'), { step: 'initialize', priority: 'high', name: 'callLimit' });
  return client;
}

async function limited<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  const { promise: over, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new CallTimeoutError(`the ${what} took longer than ${ms} ms: no whole reply came`)),
    ms,
  );
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}

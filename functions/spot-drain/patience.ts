/** How long what fails for the moment is asked again: as long as there is time, and never for a constant. */
import { retry } from '#functions/shared/retry.ts';
import { type Clock, type Context, TransientError } from './ports.ts';

/** Kept of an invocation for what comes after the work: the result, reports and lifecycle actions. */
const RESERVE_MS = 10_000;

/** The work of an invocation ends then, done or not. */
export function workUntil({ invocation }: Pick<Context, 'invocation'>): Date {
  return new Date(invocation.endsAt.getTime() - RESERVE_MS);
}

/** The end of an instance, if it is known, or of the invocation's work. */
export function patienceUntil(
  context: Pick<Context, 'invocation'>,
  deadline: Date | string | undefined,
): Date {
  const end = workUntil(context);
  return deadline === undefined ? end : new Date(Math.min(new Date(deadline).getTime(), end.getTime()));
}

/** Asks again while it fails with a `TransientError`, until then. */
export function whileTransient<T>(
  { clock }: { readonly clock: Clock },
  until: Date,
  request: () => Promise<T>,
): Promise<T> {
  return retry(request, { until, clock, isTransient: (error) => error instanceof TransientError });
}

/**
 * What the Argo CD server's replies mean. Its errors are `{code, message}` with a code of gRPC; the HTTP status of one
 * code differs between releases (code 9 is 400 or 412), so code and message are read first. A body without them is not
 * Argo CD's: a load balancer or a proxy answered, and that passes.
 */
import type { HttpReply } from '#functions/adapters/http.ts';
import type { Trouble } from '#functions/branch-deploy/ports.ts';
import { shortened } from './application.ts';

const FAILED_PRECONDITION = 9;
const PERMISSION_DENIED = 7;
const NOT_FOUND = 5;
const UNAUTHENTICATED = 16;
/** Canceled, Unknown, DeadlineExceeded, Internal: it may have happened nevertheless. */
const UNCLEAR = [1, 2, 4, 13];
/** ResourceExhausted, Aborted, Unavailable. */
const PASSING = [8, 10, 14];

export function troubleOf(host: string, reply: HttpReply): Trouble {
  const { status } = reply;
  if (status >= 300 && status < 400) {
    return {
      kind: 'invalid',
      detail: `${host} answered ${status} and points to ${hostOf(reply.headers['location'])}: redirects are not followed, set argocd.url to the server itself`,
    };
  }
  const { code, message } = errorOf(reply.body);
  const said = message || `${host} answered ${status}`;
  const passing: Trouble = { kind: 'transient', detail: said, ...retryAfterOf(reply) };

  if (code === UNAUTHENTICATED || (code === undefined && status === 401)) {
    return { kind: 'unauthorized', detail: `Argo CD does not take the token: ${said}` };
  }
  if (code === undefined) {
    return {
      ...passing,
      unclear: true,
      detail: `${host} answered ${status} with something that is not Argo CD's`,
    };
  }
  if (code === FAILED_PRECONDITION) {
    if (/another operation is already in progress/i.test(message)) return { kind: 'busy', detail: said };
    if (/is deleting/i.test(message)) return { kind: 'deleting', detail: said };
    return { kind: 'invalid', detail: said };
  }
  if (code === PERMISSION_DENIED) {
    return { kind: /blocked by sync window/i.test(message) ? 'window' : 'forbidden', detail: said };
  }
  if (code === NOT_FOUND) return { kind: 'missing', detail: said };
  if (UNCLEAR.includes(code)) return { ...passing, unclear: true };
  if (PASSING.includes(code) || status >= 500 || status === 408 || status === 409 || status === 429)
    return passing;
  return { kind: 'invalid', detail: said };
}

/** The body as JSON; undefined for anything else. */
export function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}

function errorOf(body: string): { code?: number; message: string } {
  const value = jsonOf(body);
  if (typeof value !== 'object' || value === null) return { message: '' };
  const { code, message, error } = value as { code?: unknown; message?: unknown; error?: unknown };
  const text = typeof message === 'string' ? message : typeof error === 'string' ? error : '';
  return { ...(typeof code === 'number' ? { code } : {}), message: shortened(text) };
}

/** Whole seconds; a date is not worth the trouble. At most ten minutes. */
function retryAfterOf(reply: HttpReply): { retryAfterSeconds?: number } {
  const seconds = Number(reply.headers['retry-after']);
  return Number.isFinite(seconds) && seconds > 0 ? { retryAfterSeconds: Math.min(seconds, 600) } : {};
}

/** Of a location only the host is shown: its query may hold what is not for a log. */
function hostOf(location: string | string[] | undefined): string {
  const text = Array.isArray(location) ? location[0] : location;
  try {
    return new URL(text ?? '').host || 'nowhere';
  } catch {
    return text?.startsWith('/') ? 'another path' : 'nowhere';
  }
}

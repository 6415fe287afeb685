/**
 * What the Argo CD server's replies mean. Its errors are `{code, message}` with a code of gRPC; the HTTP status of one
 * code differs between releases (code 9 is 400 or 412), so code and message are read first. A body without them is not
 * Argo CD's: a load balancer or a proxy answered, which is transient.
 */
import type { HttpReply } from '#functions/adapters/http.ts';
import type { ArgocdFailure } from '#functions/branch-deploy/ports.ts';
import { shortened } from './application.ts';

const FAILED_PRECONDITION = 9;
const PERMISSION_DENIED = 7;
const NOT_FOUND = 5;
const UNAUTHENTICATED = 16;
/** Canceled, Unknown, DeadlineExceeded, Internal: the request may have taken effect. */
const OUTCOME_UNKNOWN = [1, 2, 4, 13];
/** ResourceExhausted, Aborted, Unavailable. */
const TRANSIENT = [8, 10, 14];

export function failureOf(host: string, reply: HttpReply): ArgocdFailure {
  const { status } = reply;
  if (status >= 300 && status < 400) {
    return {
      kind: 'permanent',
      detail: `${host} answered ${status} and points to ${hostOf(reply.headers['location'])}: redirects are not followed, set argocd.url to the server itself`,
    };
  }
  const { code, message } = errorOf(reply.body);
  const detail = message || `${host} answered ${status}`;
  const transient: ArgocdFailure = { kind: 'transient', detail, ...retryAfterOf(reply) };

  if (code === UNAUTHENTICATED || (code === undefined && status === 401)) {
    return { kind: 'unauthorized', detail: `Argo CD does not accept the token: ${detail}` };
  }
  if (code === undefined) {
    return {
      ...transient,
      outcomeUnknown: true,
      detail: `${host} answered ${status} with something that is not Argo CD's`,
    };
  }
  if (code === FAILED_PRECONDITION) {
    if (/another operation is already in progress/i.test(message)) return { kind: 'busy', detail };
    if (/is deleting/i.test(message)) return { kind: 'deleting', detail };
    return { kind: 'permanent', detail };
  }
  if (code === PERMISSION_DENIED) {
    return { kind: /blocked by sync window/i.test(message) ? 'window' : 'forbidden', detail };
  }
  if (code === NOT_FOUND) return { kind: 'missing', detail };
  if (OUTCOME_UNKNOWN.includes(code)) return { ...transient, outcomeUnknown: true };
  if (TRANSIENT.includes(code) || status >= 500 || status === 408 || status === 409 || status === 429)
    return transient;
  return { kind: 'permanent', detail };
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

/** Whole seconds; a date is not parsed. At most ten minutes. */
function retryAfterOf(reply: HttpReply): { retryAfterSeconds?: number } {
  const seconds = Number(reply.headers['retry-after']);
  return Number.isFinite(seconds) && seconds > 0 ? { retryAfterSeconds: Math.min(seconds, 600) } : {};
}

/** Of a location only the host is shown: its query may hold a secret. */
function hostOf(location: string | string[] | undefined): string {
  const text = Array.isArray(location) ? location[0] : location;
  try {
    return new URL(text ?? '').host || 'nowhere';
  } catch {
    return text?.startsWith('/') ? 'another path' : 'nowhere';
  }
}

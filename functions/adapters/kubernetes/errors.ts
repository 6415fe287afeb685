/** What a Kubernetes API server refuses, in the words of its Status object. */
import { isAdmissionDenial } from '#functions/shared/admission.ts';
import { NightshiftError } from '#functions/shared/errors.ts';

export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** The API server answered with a status of 400 or more. */
export class KubernetesError extends NightshiftError {
  override name = 'KubernetesError';
  readonly status: number;
  /** `NotFound`, `Conflict`, `Forbidden`, `TooManyRequests` …; empty where the reply was no Status object. */
  readonly reason: string;
  readonly causes: readonly StatusCause[];
  /** From the header `Retry-After`, or else from the Status object. */
  readonly retryAfterSeconds: number | undefined;
  /** The server's own sentence. */
  readonly detail: string;

  constructor(options: {
    request: string;
    status: number;
    reason?: string;
    causes?: readonly StatusCause[];
    retryAfterSeconds?: number;
    detail?: string;
  }) {
    super(
      `kubernetes refused ${options.request}: ${[options.status, options.reason, options.detail].filter(Boolean).join(' ')}`,
      { facts: { status: options.status, request: options.request } },
    );
    this.status = options.status;
    this.reason = options.reason ?? '';
    this.causes = options.causes ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.detail = options.detail ?? '';
  }
}

/** A reply that is not in the form that Kubernetes gives it: from a proxy in between, or cut off. It shows nothing. */
export class MalformedReplyError extends NightshiftError {
  override name = 'MalformedReplyError';
}

/** The object does not exist. A 404 that is no Status object, or that of an admission webhook, does not show that. */
export function isNotFound(error: unknown): boolean {
  return (
    error instanceof KubernetesError &&
    error.status === 404 &&
    error.reason === 'NotFound' &&
    !isAdmissionDenial(error.detail)
  );
}

/** The object of that name has another uid than the patch: `metadata.uid: Invalid value: "…": field is immutable`. */
export function isOfAnotherObject(error: unknown): boolean {
  return (
    error instanceof KubernetesError &&
    error.status === 422 &&
    error.causes.some(({ field }) => field === 'metadata.uid')
  );
}

export function isConflict(error: unknown): boolean {
  return error instanceof KubernetesError && error.status === 409;
}

/**
 * `nodes "ip-10-0-0-1" is forbidden: User "nightshift" cannot patch resource "nodes" in API group "" at the cluster scope`.
 * From the beginning of the message: what an admission webhook or policy denies is a 403 with a text of its own.
 */
const RBAC_REFUSAL = /^(?:[^\s"]+ (?:"[^"]*" )?is )?forbidden: User "[^"]*" cannot /i;

/** RBAC refuses: that does not change until somebody grants the rights. Every other 403, and a 401, may. */
export function isRbacRefusal(reply: { readonly status: number; readonly detail: string }): boolean {
  return reply.status === 403 && RBAC_REFUSAL.test(reply.detail);
}

export function isDenied(error: unknown): boolean {
  return error instanceof KubernetesError && isRbacRefusal(error);
}

/** The continue token of a list is too old: the list starts again. */
export function isExpired(error: unknown): boolean {
  return error instanceof KubernetesError && error.status === 410;
}

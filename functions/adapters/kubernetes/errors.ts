/** What a Kubernetes API server refuses, in the words of its Status object. */
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

export function isNotFound(error: unknown): boolean {
  return error instanceof KubernetesError && error.status === 404;
}

export function isConflict(error: unknown): boolean {
  return error instanceof KubernetesError && error.status === 409;
}

/** RBAC refused (or the access entry is missing): a retry does not help. */
export function isDenied(error: unknown): boolean {
  return error instanceof KubernetesError && (error.status === 401 || error.status === 403);
}

/** The continue token of a list is too old: the list starts again. */
export function isExpired(error: unknown): boolean {
  return error instanceof KubernetesError && error.status === 410;
}

/** The errors that the function's own Kubernetes client throws for a refusal and for an injected fault. */

import type { StatusError } from '@nightshift/lab/world/kubernetes/index.ts';
import { UnreachableError } from '#functions/adapters/http.ts';
import { KubernetesError } from '#functions/adapters/kubernetes/errors.ts';
import type { FaultKind } from './faults.ts';

export function refusal(request: string, { status, code }: StatusError): KubernetesError {
  const retryAfterSeconds = status.details?.retryAfterSeconds;
  return new KubernetesError({
    request,
    status: code,
    reason: status.reason ?? '',
    causes: (status.details?.causes ?? []).map((cause) => ({
      reason: cause.reason ?? '',
      message: cause.message ?? '',
      field: cause.field ?? '',
    })),
    detail: status.message ?? '',
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

/** Throttling by the API server's priority and fairness, a server error, or no reply. */
export function faultError(kind: FaultKind, request: string, detail: string, isRefusal: boolean): Error {
  if (kind === 'throttled')
    return new KubernetesError({
      request,
      status: 429,
      reason: 'TooManyRequests',
      detail,
      ...(isRefusal ? { retryAfterSeconds: 1 } : {}),
    });
  if (kind === 'server-error')
    return new KubernetesError({ request, status: 500, reason: 'InternalError', detail });
  return new UnreachableError(detail);
}

/** What the function's own Kubernetes client makes of a refusal, and of what goes wrong on the way. */

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

/** What the client would have made of it: the API server's priority and fairness, a broken server, no reply. */
export function faultError(kind: FaultKind, request: string, detail: string, refusing: boolean): Error {
  if (kind === 'throttled')
    return new KubernetesError({
      request,
      status: 429,
      reason: 'TooManyRequests',
      detail,
      ...(refusing ? { retryAfterSeconds: 1 } : {}),
    });
  if (kind === 'server-error')
    return new KubernetesError({ request, status: 500, reason: 'InternalError', detail });
  return new UnreachableError(detail);
}

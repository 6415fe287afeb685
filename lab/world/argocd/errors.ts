/** The gRPC status codes of Argo CD's API server. */
export const CODES = {
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  failedPrecondition: 9,
  aborted: 10,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** An error of the API server. The gateway turns `code` into an HTTP status. */
export class ArgocdError extends Error {
  override name = 'ArgocdError';
  readonly code: number;

  constructor(code: keyof typeof CODES | number, message: string) {
    super(message);
    this.code = typeof code === 'number' ? code : CODES[code];
  }
}

/** grpc-gateway 1.16, `HTTPStatusFromCode`. FailedPrecondition is 400 (412 in old releases). */
export function httpStatusOf(code: number): number {
  const statuses: Readonly<Record<number, number>> = {
    1: 408,
    3: 400,
    4: 504,
    5: 404,
    6: 409,
    7: 403,
    8: 429,
    9: 400,
    10: 409,
    11: 400,
    12: 501,
    14: 503,
    16: 401,
  };
  return statuses[code] ?? 500;
}

export const permissionDenied = () => new ArgocdError('permissionDenied', 'permission denied');

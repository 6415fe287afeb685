/** The API server's errors: `Status` objects in its own wording. */
import type { StatusCause, StatusDetails } from 'kubernetes-types/meta/v1.d.ts';

export interface StatusBody {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: { continue?: string };
  status: 'Success' | 'Failure';
  message?: string;
  reason?: string;
  details?: StatusDetails;
  /** Absent for a 200. */
  code?: number;
}

export class StatusError extends Error {
  override name = 'StatusError';
  readonly status: StatusBody & { code: number };

  constructor(status: StatusBody & { code: number }) {
    super(status.message ?? status.reason ?? `status ${status.code}`);
    this.status = status;
  }

  get code(): number {
    return this.status.code;
  }

  get reason(): string | undefined {
    return this.status.reason;
  }
}

/** A resource as errors name it: `pods`, `deployments.apps`. */
export interface GroupResource {
  readonly group: string;
  readonly plural: string;
}

export function success(details?: StatusDetails): StatusBody {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    ...(details ? { details } : {}),
  };
}

export function failure(
  code: number,
  reason: string | undefined,
  message: string,
  details?: StatusDetails,
): StatusError {
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason ? { reason } : {}),
    ...(details ? { details } : {}),
    code,
  });
}

const qualified = (resource: GroupResource) =>
  resource.group ? `${resource.plural}.${resource.group}` : resource.plural;

const detailsOf = (resource: GroupResource, name: string): StatusDetails => ({
  ...(name ? { name } : {}),
  ...(resource.group ? { group: resource.group } : {}),
  kind: resource.plural,
});

export const unauthorized = () => failure(401, 'Unauthorized', 'Unauthorized');

export const badRequest = (message: string) => failure(400, 'BadRequest', message);

export const notFound = (resource: GroupResource, name: string) =>
  failure(404, 'NotFound', `${qualified(resource)} "${name}" not found`, detailsOf(resource, name));

/** Unknown path. */
export const unknownPath = () =>
  failure(404, 'NotFound', 'the server could not find the requested resource', {});

export const alreadyExists = (resource: GroupResource, name: string) =>
  failure(409, 'AlreadyExists', `${qualified(resource)} "${name}" already exists`, detailsOf(resource, name));

export const conflict = (resource: GroupResource, name: string, why: string) =>
  failure(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`,
    detailsOf(resource, name),
  );

export const MODIFIED =
  'the object has been modified; please apply your changes to the latest version and try again';

export const forbidden = (
  resource: GroupResource,
  name: string,
  why: string,
  causes?: readonly StatusCause[],
) =>
  failure(
    403,
    'Forbidden',
    name
      ? `${qualified(resource)} "${name}" is forbidden: ${why}`
      : `${qualified(resource)} is forbidden: ${why}`,
    { ...detailsOf(resource, name), ...(causes ? { causes: [...causes] } : {}) },
  );

export interface FieldProblem {
  readonly field: string;
  /** `Required value`, `Invalid value: "x": must be …`, `Forbidden: …` */
  readonly message: string;
  readonly reason:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueForbidden'
    | 'FieldValueDuplicate'
    | 'FieldValueNotSupported';
}

export const invalid = (
  kind: { readonly group: string; readonly kind: string },
  name: string,
  problems: readonly FieldProblem[],
) => {
  const written = problems.map((problem) => `${problem.field}: ${problem.message}`);
  const list = written.length === 1 ? written[0] : `[${written.join(', ')}]`;
  return failure(
    422,
    'Invalid',
    `${kind.group ? `${kind.kind}.${kind.group}` : kind.kind} "${name}" is invalid: ${list}`,
    {
      ...(name ? { name } : {}),
      ...(kind.group ? { group: kind.group } : {}),
      kind: kind.kind,
      causes: problems.map(({ field, message, reason }) => ({ reason, message, field })),
    },
  );
};

export const methodNotAllowed = () =>
  failure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});

export const notAcceptable = (accepted: readonly string[]) =>
  failure(406, 'NotAcceptable', `only the following media types are accepted: ${accepted.join(', ')}`);

export const unsupportedMediaType = (accepted: readonly string[]) =>
  failure(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );

export const expired = (message: string, continueToken?: string) => {
  const error = failure(410, 'Expired', message);
  if (continueToken !== undefined) error.status.metadata.continue = continueToken;
  return error;
};

/** `retryAfterSeconds` of 0 sends no Retry-After header, as the eviction of a budget without room. */
export const tooManyRequests = (
  message: string,
  retryAfterSeconds: number,
  causes: readonly StatusCause[] = [],
) =>
  failure(429, 'TooManyRequests', message, {
    ...(causes.length > 0 ? { causes: [...causes] } : {}),
    ...(retryAfterSeconds > 0 ? { retryAfterSeconds } : {}),
  });

export function isStatus(error: unknown, code?: number): error is StatusError {
  return error instanceof StatusError && (code === undefined || error.code === code);
}

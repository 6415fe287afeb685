/**
 * An error of an AWS service, with its code and message. The protocol layer serializes it.
 * Any other error is a bug of the lab and is returned as the service's internal error.
 */
export class AwsError extends Error {
  override name = 'AwsError';
  /** `ResourceInUseException`, `ValidationError` … */
  readonly code: string;
  /** HTTP status: 400 for most refusals. */
  readonly status: number;
  /** Further members of a modelled error (`clusterName`, `nodegroupName` …). */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    options: { status?: number; members?: Readonly<Record<string, unknown>>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options.status ?? 400;
    this.members = options.members ?? {};
  }
}

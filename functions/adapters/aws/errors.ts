/** What the adapters ask about an error of the SDK. */

/** The name of an error of the SDK, for the predicates of the adapters. */
export function errorName(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

/** No whole reply, a broken or a busy server: asking again may succeed. */
export function isTransientAwsError(error: unknown): boolean {
  if (isThrottled(error)) return true;
  const { $metadata, $fault, code } = (error ?? {}) as {
    readonly $metadata?: { readonly httpStatusCode?: number };
    readonly $fault?: string;
    readonly code?: unknown;
  };
  const status = $metadata?.httpStatusCode ?? 0;
  const isOfNetwork = typeof code === 'string' && NETWORK_CODES.has(code);
  return (
    $fault === 'server' ||
    status >= 500 ||
    status === 429 ||
    isOfNetwork ||
    errorName(error) === 'TimeoutError'
  );
}

const NETWORK_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

export function isThrottled(error: unknown): boolean {
  return [
    'Throttling',
    'ThrottlingException',
    'ThrottledException',
    'RequestThrottled',
    'RequestThrottledException',
    'TooManyRequestsException',
    'RequestLimitExceeded',
    'ProvisionedThroughputExceededException',
  ].includes(errorName(error));
}

/** What the adapters ask about an error of the SDK. */

/** The name of an error of the SDK, for the predicates of the adapters. */
export function errorName(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

export function isThrottled(error: unknown): boolean {
  return [
    'Throttling',
    'ThrottlingException',
    'TooManyRequestsException',
    'RequestLimitExceeded',
    'ProvisionedThroughputExceededException',
  ].includes(errorName(error));
}

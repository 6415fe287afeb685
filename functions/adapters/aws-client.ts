/**
 * What every SDK client of a function is made with. Credentials come from the environment only: a function never has
 * others, and the SDK's default chain would add 108 KB to each bundle.
 */
export function awsClientDefaults(environment: NodeJS.ProcessEnv = process.env) {
  return {
    region: environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'] ?? '',
    credentials: async () => ({
      accessKeyId: environment['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: environment['AWS_SECRET_ACCESS_KEY'] ?? '',
      ...(environment['AWS_SESSION_TOKEN'] ? { sessionToken: environment['AWS_SESSION_TOKEN'] } : {}),
    }),
    maxAttempts: 4,
    // The SDK waits for ever by default; an answer that does not come must not cost the whole invocation. A small
    // function has a fraction of a processor: with a second to connect, a burst of calls failed by its own slowness.
    requestHandler: { connectionTimeout: 4_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
  };
}

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

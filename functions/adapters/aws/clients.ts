/** The SDK clients that a start needs, so that no handler imports the SDK. What a function does not call is not bundled. */
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { environmentCredentials } from './environment-credentials.ts';
import { withTimeLimit } from './time-limit.ts';

/**
 * What every SDK client of a function is made with. Credentials come from the environment only: a function never has
 * others, and the bundles have no default chain (`lib/bundle/stubs/`).
 */
export function awsClientDefaults(environment: NodeJS.ProcessEnv = process.env) {
  return {
    region: environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'] ?? '',
    credentials: environmentCredentials(environment),
    maxAttempts: 4,
    // The SDK has no timeout by default; a reply that does not come must not cost the whole invocation. A small
    // function has a fraction of a processor: with a second to connect, a burst of calls failed by its own slowness.
    requestHandler: {
      connectionTimeout: 4_000,
      requestTimeout: 10_000,
      throwOnRequestTimeout: true,
      // A socket on which nothing comes any more.
      socketTimeout: 10_000,
    },
  };
}

export const createAutoScalingClient = () => withTimeLimit(new AutoScalingClient(awsClientDefaults()));

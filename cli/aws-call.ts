/** Calls AWS for one environment, and explains an error that an operator can fix: the missing permission, the account. */
import type { EnvironmentConfig } from '#model/config.ts';
import { signInHint } from './account-access.ts';
import { awsErrorKind, networkErrorOf } from './aws-errors.ts';
import { CloudError } from './errors.ts';

export interface AwsCall {
  readonly permission: string;
  readonly resourceArn: string;
  /** `the table nightshift-develop` */
  readonly resource: string;
  readonly environmentName: string;
  readonly environment: EnvironmentConfig;
}

/** Throws a `CloudError` for an error that an operator can fix; any other error is rethrown as it is. */
export async function callAws<T>(call: AwsCall, send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (cause) {
    // The role of the environment was refused: that is the answer, whatever was called.
    if (cause instanceof CloudError) throw cause;
    const message = cause instanceof Error ? messageFor(call, cause) : undefined;
    if (message === undefined) throw cause;
    throw new CloudError(`${call.environmentName}: ${message}`, { cause });
  }
}

function messageFor({ permission, resourceArn, resource, environment }: AwsCall, cause: Error) {
  const place = `account ${environment.account}, ${environment.region}`;
  switch (awsErrorKind(cause)) {
    case 'denied':
      return `AWS denied ${permission} on ${resourceArn}: allow it for ${principalIn(cause.message)}`;
    case 'no-credentials':
      return environment.profile === undefined
        ? `no AWS credentials found: set AWS_PROFILE or AWS_ACCESS_KEY_ID for ${place}`
        : `no AWS credentials found (${cause.message}): ${signInHint(environment.profile)}`;
    case 'rejected-credentials':
      return `AWS rejected the credentials (${cause.message}): ${environment.profile === undefined ? 'sign in again' : signInHint(environment.profile)} for ${place}`;
    default:
  }
  if (cause.name === 'ResourceNotFoundException')
    return `${resource} does not exist: deploy the stack, or use credentials of ${place}`;
  const network = networkErrorOf(cause);
  if (network !== undefined)
    return `${resource} is unreachable (${network}): check the network, and AWS_ENDPOINT_URL if it is set`;
  const status = (cause as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  return status === undefined ? undefined : `${resource} returned ${cause.name}: ${cause.message}`;
}

function principalIn(message: string): string {
  return /User: (\S+) is not/.exec(message)?.[1] ?? 'these credentials';
}

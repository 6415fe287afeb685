/** What an error of the AWS SDK means to an operator. */

export type AwsErrorKind = 'no-credentials' | 'rejected-credentials' | 'denied';

const KINDS: Readonly<Record<AwsErrorKind, readonly string[]>> = {
  'no-credentials': ['CredentialsProviderError', 'TokenProviderError'],
  'rejected-credentials': [
    'ExpiredToken',
    'ExpiredTokenException',
    'RequestExpired',
    'UnrecognizedClientException',
    'InvalidClientTokenId',
    'InvalidSignatureException',
    'SignatureDoesNotMatch',
    'AuthFailure',
  ],
  denied: ['AccessDenied', 'AccessDeniedException', 'UnauthorizedOperation', 'AuthorizationError'],
};

const NETWORK_CODES = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ECONNRESET', 'ETIMEDOUT', 'EHOSTUNREACH'];

/** Undefined for every other error. */
export function awsErrorKind({ name }: Error): AwsErrorKind | undefined {
  return (Object.keys(KINDS) as AwsErrorKind[]).find((kind) => KINDS[kind].includes(name));
}

/** The code or message of an error of the network; undefined when the request was answered. */
export function networkErrorOf(error: Error): string | undefined {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (NETWORK_CODES.includes(code)) return code;
  return error.name === 'TimeoutError' ? code || error.message : undefined;
}

/** Asks for one thing; what can be refused or missing becomes an answer of its own, so that the others are asked too. */
import { KubernetesError } from '#functions/adapters/kubernetes/client.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import { CloudError } from '../../io.ts';
import type { Answer } from '../finding.ts';

const REFUSED = ['AccessDenied', 'AccessDeniedException', 'UnauthorizedOperation', 'AuthorizationError'];
const NO_CREDENTIALS = ['CredentialsProviderError', 'TokenProviderError'];
const WRONG_CREDENTIALS = [
  'ExpiredToken',
  'ExpiredTokenException',
  'RequestExpired',
  'UnrecognizedClientException',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
  'AuthFailure',
];
const NETWORK = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ECONNRESET', 'ETIMEDOUT', 'EHOSTUNREACH'];

/** Throws a `CloudError` where no question can be answered: there are no credentials, or AWS does not take them. */
export async function asking<T>(permission: string, run: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await run() };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (NO_CREDENTIALS.includes(error.name)) {
      throw new CloudError('there are no AWS credentials: set AWS_PROFILE or AWS_ACCESS_KEY_ID', {
        cause: error,
      });
    }
    if (WRONG_CREDENTIALS.includes(error.name)) {
      throw new CloudError(`AWS does not accept the credentials (${error.message}): sign in again`, {
        cause: error,
      });
    }
    if (error instanceof KubernetesError) return fromKubernetes(permission, error);
    if (REFUSED.includes(error.name)) return { missing: { why: `AWS refused ${permission}`, permission } };
    if (error instanceof NightshiftError || error instanceof CloudError)
      return { missing: { why: error.message } };
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (NETWORK.includes(code) || error.name === 'TimeoutError') {
      return {
        missing: { why: `${permission} could not be asked (${code || error.message}): check the network` },
      };
    }
    if ('$metadata' in error)
      return { missing: { why: `${permission} answered ${error.name}: ${error.message}` } };
    throw error;
  }
}

function fromKubernetes(permission: string, error: KubernetesError): Answer<never> {
  if (error.status === 401) {
    return {
      missing: {
        why: 'the cluster does not know the credentials of this shell',
        permission: 'an EKS access entry with AmazonEKSAdminViewPolicy',
      },
    };
  }
  if (error.status === 403) return { missing: { why: `the cluster refused ${permission}`, permission } };
  return { missing: { why: error.message } };
}

/** The answer with another value. */
export function mapped<T, U>(answer: Answer<T>, change: (value: T) => U): Answer<U> {
  return 'missing' in answer ? answer : { value: change(answer.value) };
}

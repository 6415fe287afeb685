/** Runs one request. A refused or failed request becomes a missing observation, so that the other requests still run. */
import { KubernetesError } from '#functions/adapters/kubernetes/client.ts';
import { NightshiftError } from '#functions/shared/errors.ts';
import { AccessError } from '../../account-access.ts';
import { awsErrorKind, networkErrorOf } from '../../aws-errors.ts';
import { CloudError } from '../../errors.ts';
import type { Observation } from '../observation.ts';

/** Throws a `CloudError` when no request can succeed: AWS credentials are missing or rejected. */
export async function observe<T>(permission: string, read: () => Promise<T>): Promise<Observation<T>> {
  try {
    return { value: await read() };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (error instanceof AccessError) throw error;
    if (error instanceof KubernetesError) return refusedByKubernetes(permission, error);
    switch (awsErrorKind(error)) {
      case 'no-credentials':
        throw new CloudError('no AWS credentials found: set AWS_PROFILE or AWS_ACCESS_KEY_ID', {
          cause: error,
        });
      case 'rejected-credentials':
        throw new CloudError(`AWS rejected the credentials (${error.message}): sign in again`, {
          cause: error,
        });
      case 'denied':
        return { missing: { reason: `AWS denied ${permission}`, permission } };
      default:
    }
    if (error instanceof NightshiftError || error instanceof CloudError)
      return { missing: { reason: error.message } };
    const network = networkErrorOf(error);
    if (network !== undefined)
      return { missing: { reason: `${permission}: request failed (${network}): check the network` } };
    if ('$metadata' in error)
      return { missing: { reason: `${permission} returned ${error.name}: ${error.message}` } };
    throw error;
  }
}

function refusedByKubernetes(permission: string, error: KubernetesError): Observation<never> {
  if (error.status === 401) {
    return {
      missing: {
        reason: 'the cluster rejected the credentials of this shell',
        permission: 'an EKS access entry with AmazonEKSAdminViewPolicy',
      },
    };
  }
  if (error.status === 403) return { missing: { reason: `the cluster denied ${permission}`, permission } };
  return { missing: { reason: error.message } };
}

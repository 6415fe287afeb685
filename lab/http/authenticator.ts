/**
 * Who a Kubernetes token belongs to, as EKS finds out: the presigned URL in the token says which role or user it is,
 * and the cluster's access entries say what that one is called and which groups it is in.
 */
import type { AwsWorld, EksCluster } from '../world/aws/index.ts';
import type { User } from '../world/kubernetes/index.ts';
import { type PresignedIdentity, PresignedUrlError, verifyPresigned } from './aws/presigned.ts';

const PREFIX = 'k8s-aws-v1.';

/** Undefined for a token that is not accepted, or whose principal has no access entry. */
export function createAuthenticator(aws: AwsWorld, cluster: EksCluster): (token: string) => User | undefined {
  return (token) => {
    const identity = identityOf(aws, cluster, token);
    const entry = identity && cluster.accessEntries.get(identity.principalArn);
    if (!entry) return undefined;
    return {
      // `@` may not stand in a user name of Kubernetes.
      username: entry.username.replaceAll(
        '{{SessionName}}',
        (identity.sessionName ?? '').replaceAll('@', '-'),
      ),
      groups: entry.kubernetesGroups,
    };
  };
}

function identityOf(aws: AwsWorld, cluster: EksCluster, token: string): PresignedIdentity | undefined {
  if (!token.startsWith(PREFIX)) return undefined;
  const url = Buffer.from(token.slice(PREFIX.length), 'base64url').toString('utf8');
  try {
    return verifyPresigned(aws, url, { 'x-k8s-aws-id': cluster.name });
  } catch (error) {
    if (error instanceof PresignedUrlError) return undefined;
    throw error;
  }
}

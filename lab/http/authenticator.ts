/**
 * Authenticates a Kubernetes token as EKS does: the presigned URL in the token identifies the role or user,
 * and the cluster's access entries give its user name and groups.
 */
import type { AwsWorld, EksCluster } from '../world/aws/index.ts';
import type { User } from '../world/kubernetes/index.ts';
import { type PresignedIdentity, PresignedUrlError, verifyPresigned } from './aws/presigned.ts';

const PREFIX = 'k8s-aws-v1.';
const LONGEST = 4_096;
/** An API server asks its authenticator again after two minutes: https://kubernetes.io/docs/reference/access-authn-authz/authentication/ */
const KEPT_MS = 120_000;
const MOST_KEPT = 1_000;

/**
 * Undefined for a token that is not accepted, or whose principal has no access entry. `sts`: where the lab's own STS
 * answers, once it does.
 */
export function createAuthenticator(
  aws: AwsWorld,
  cluster: EksCluster,
  sts: () => string | undefined = () => undefined,
): (token: string) => User | undefined {
  const known = new Map<string, { readonly identity: PresignedIdentity; readonly until: number }>();
  const identify = (token: string): PresignedIdentity | undefined => {
    const now = aws.context.clock.now();
    const kept = known.get(token);
    if (kept && now <= kept.until) return kept.identity;
    const identity = identityOf(aws, cluster, token, sts());
    if (known.size >= MOST_KEPT) known.clear();
    if (identity) known.set(token, { identity, until: Math.min(identity.expiresAt, now + KEPT_MS) });
    else known.delete(token);
    return identity;
  };
  return (token) => {
    const identity = identify(token);
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

function identityOf(
  aws: AwsWorld,
  cluster: EksCluster,
  token: string,
  sts: string | undefined,
): PresignedIdentity | undefined {
  if (token.length > LONGEST || !token.startsWith(PREFIX)) return undefined;
  const encoded = token.slice(PREFIX.length);
  // Unpadded, and of the alphabet for URLs alone: Node would read any other.
  if (!/^[\w-]*$/.test(encoded)) return undefined;
  const url = Buffer.from(encoded, 'base64url').toString('utf8');
  try {
    return verifyPresigned(aws, url, { 'x-k8s-aws-id': cluster.name }, sts);
  } catch (error) {
    if (error instanceof PresignedUrlError) return undefined;
    throw error;
  }
}

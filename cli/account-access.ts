/** How the command line reaches the account of an environment: the shell's credentials, a profile, or a role. */
import { awsErrorKind, networkErrorOf } from './aws-errors.ts';
import { CloudError } from './errors.ts';

/** What a config says about the access to an account. */
export interface AccountAccess {
  readonly profile?: string | undefined;
  readonly roleArn?: string | undefined;
  readonly externalId?: string | undefined;
}

/** The account cannot be reached at all: no request to it can succeed. */
export class AccessError extends CloudError {
  override name = 'AccessError';
}

/** What the clients of the SDK take. */
export interface ClientAccess {
  readonly profile?: string;
  readonly credentials?: () => Promise<SessionCredentials>;
}

export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** `name` is the environment, or the account, in the message of an error. Sends no request before credentials are needed. */
export function clientAccess(name: string, region: string, access: AccountAccess): ClientAccess {
  const { profile, roleArn } = access;
  if (roleArn === undefined) return profile === undefined ? {} : { profile };
  return { credentials: () => assumeRole(name, region, { ...access, roleArn }) };
}

async function assumeRole(
  name: string,
  region: string,
  { profile, roleArn, externalId }: AccountAccess & { readonly roleArn: string },
): Promise<SessionCredentials> {
  const { AssumeRoleCommand, STSClient } = await import('@aws-sdk/client-sts');
  const sts = new STSClient({ region, maxAttempts: 3, ...(profile === undefined ? {} : { profile }) });
  try {
    const { Credentials } = await sts.send(
      new AssumeRoleCommand({
        RoleArn: roleArn,
        RoleSessionName: 'nightshift',
        ...(externalId === undefined ? {} : { ExternalId: externalId }),
      }),
    );
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
    if (!AccessKeyId || !SecretAccessKey || !SessionToken)
      throw new AccessError(`${name}: AWS STS returned no credentials for ${roleArn}`);
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
      ...(Expiration ? { expiration: Expiration } : {}),
    };
  } catch (cause) {
    const problem = cause instanceof Error ? problemOf(cause, roleArn, profile) : undefined;
    if (problem === undefined) throw cause;
    throw new AccessError(`${name}: ${problem}`, { cause });
  } finally {
    sts.destroy();
  }
}

function problemOf(cause: Error, roleArn: string, profile: string | undefined): string | undefined {
  switch (awsErrorKind(cause)) {
    case 'denied':
      return `AWS denied sts:AssumeRole on ${roleArn}: allow it, also in the trust policy of the role, and check externalId`;
    case 'no-credentials':
      return `no AWS credentials to assume ${roleArn}: ${signInHint(profile)}`;
    case 'rejected-credentials':
      return `AWS rejected the credentials that assume ${roleArn} (${cause.message}): ${signInHint(profile)}`;
    default:
  }
  const network = networkErrorOf(cause);
  return network === undefined ? undefined : `AWS STS is unreachable (${network}): check the network`;
}

/** What a person does to get credentials. */
export function signInHint(profile: string | undefined): string {
  return profile === undefined
    ? 'set AWS_PROFILE or AWS_ACCESS_KEY_ID'
    : `sign in with "aws sso login --profile ${profile}", or correct the profile "${profile}" of the config`;
}

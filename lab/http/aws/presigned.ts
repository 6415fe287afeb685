/** The presigned GetCallerIdentity URL inside a Kubernetes token, checked as aws-iam-authenticator checks it. */
import type { AwsWorld } from '../../world/aws/index.ts';

export interface PresignedIdentity {
  readonly account: string;
  /** As STS gives it: `arn:aws:sts::111111111111:assumed-role/name/session`. */
  readonly callerArn: string;
  /** Of the role or user: `arn:aws:iam::111111111111:role/name`. This is what access entries name. */
  readonly principalArn: string;
  readonly userId: string;
  readonly sessionName: string | undefined;
  readonly accessKeyId: string;
}

export class PresignedUrlError extends Error {
  override name = 'PresignedUrlError';
}

/** Throws a `PresignedUrlError` that says what is wrong. `headers` are those that the authenticator sends with the URL. */
export function verifyPresigned(
  _aws: AwsWorld,
  _url: string,
  _headers: Readonly<Record<string, string>>,
): PresignedIdentity {
  throw new PresignedUrlError('the authenticator is being built');
}

/** A secret that is one string, read when it is first needed and cached as long as the function is warm. */
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { NightshiftError } from '#functions/shared/errors.ts';
import { awsClientDefaults } from './clients.ts';
import { errorName } from './errors.ts';
import { withTimeLimit } from './time-limit.ts';

export interface Secret {
  /** The cached value, or the one that is read now. Never logged; it is in no error of ours. */
  read(): Promise<string>;
  /** Reads it again: the cached value was refused. */
  readAgain(): Promise<string>;
}

export class SecretError extends NightshiftError {
  override name = 'SecretError';
}

export const createSecretsManagerClient = () => withTimeLimit(new SecretsManagerClient(awsClientDefaults()));

/** Throws the SDK's error where it cannot be read, and `SecretError` where there is none, or no usable string in it. */
export function createSecret(client: Pick<SecretsManagerClient, 'send'>, id: string): Secret {
  let cached: Promise<string> | undefined;

  const fetch = async () => {
    const { SecretString } = await client
      .send(new GetSecretValueCommand({ SecretId: id }))
      .catch((cause: unknown) => {
        if (errorName(cause) !== 'ResourceNotFoundException') throw cause;
        throw new SecretError(
          `there is no secret ${id} in this account and region: create it with the bare token as its text`,
          { cause },
        );
      });
    const value = SecretString?.trim() ?? '';
    if (!value) throw new SecretError(`the secret ${id} holds no string: put the token there as plain text`);
    // What is not printable cannot be part of a header; the value itself is not shown.
    if (!/^[\x21-\x7e]+$/.test(value) || value.startsWith('{')) {
      throw new SecretError(
        `the secret ${id} holds JSON, spaces or control characters: put the bare token there`,
      );
    }
    return value;
  };
  const load = () => {
    const loading = fetch();
    cached = loading;
    loading.catch(() => {
      if (cached === loading) cached = undefined;
    });
    return loading;
  };
  return { read: () => cached ?? load(), readAgain: load };
}

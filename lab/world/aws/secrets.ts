/** Secrets Manager: strings by name, with one current version each. */
import { AwsError } from './error.ts';
import type { Scope, Secret } from './model.ts';
import { keyOf, type State } from './state.ts';

export interface Secrets {
  put(secret: Scope & { readonly name: string; readonly value: string }): Secret;
  /** By name or ARN (whole, or without its six random characters). */
  get(scope: Scope, secretId: string): Secret;
  find(scope: Scope, secretId: string): Secret | undefined;
}

export function createSecrets(state: State): Secrets {
  const secrets = new Map<string, Secret>();
  const find: Secrets['find'] = (scope, secretId) =>
    [...secrets.values()].find(
      (secret) =>
        secret.account === scope.account &&
        secret.region === scope.region &&
        [secret.name, secret.arn, secret.arn.slice(0, -7)].includes(secretId),
    );
  return {
    put({ account, region, name, value }) {
      const known = secrets.get(keyOf({ account, region }, name));
      if (known) {
        known.value = value;
        known.versionId = state.context.uuid();
        known.changedAt = state.now();
        return known;
      }
      const secret: Secret = {
        account,
        region,
        name,
        arn: `arn:aws:secretsmanager:${region}:${account}:secret:${name}-${state.context.hex(6)}`,
        value,
        versionId: state.context.uuid(),
        createdAt: state.now(),
        changedAt: state.now(),
      };
      secrets.set(keyOf(secret, name), secret);
      return secret;
    },
    find,
    get(scope, secretId) {
      const secret = find(scope, secretId);
      if (secret) return secret;
      throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
    },
  };
}

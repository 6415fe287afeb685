/** Secrets Manager: strings by name, each with its current version and the one before. */
import { AwsError } from './error.ts';
import type { Scope, Secret } from './model.ts';
import { keyOf, type State } from './state.ts';

export interface Secrets {
  put(secret: Scope & { readonly name: string; readonly value: string; readonly versionId?: string }): Secret;
  /** By name or ARN (whole, or without its six random characters). */
  get(scope: Scope, secretId: string): Secret;
  find(scope: Scope, secretId: string): Secret | undefined;
  /** In order of creation. */
  all(scope: Scope): readonly Secret[];
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
    put({ account, region, name, value, versionId = state.context.uuid() }) {
      const known = secrets.get(keyOf({ account, region }, name));
      if (known) {
        known.previous = { value: known.value, versionId: known.versionId, changedAt: known.changedAt };
        known.value = value;
        known.versionId = versionId;
        known.changedAt = state.now();
        return known;
      }
      const secret: Secret = {
        account,
        region,
        name,
        arn: `arn:aws:secretsmanager:${region}:${account}:secret:${name}-${state.context.hex(6)}`,
        value,
        versionId,
        createdAt: state.now(),
        changedAt: state.now(),
      };
      secrets.set(keyOf(secret, name), secret);
      return secret;
    },
    find,
    all: (scope) =>
      [...secrets.values()].filter(
        ({ account, region }) => account === scope.account && region === scope.region,
      ),
    get(scope, secretId) {
      const secret = find(scope, secretId);
      if (secret) return secret;
      throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
    },
  };
}

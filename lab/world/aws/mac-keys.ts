/** KMS keys that compute and verify message authentication codes. The key material never leaves this file. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { AwsError } from './error.ts';
import type { Scope } from './model.ts';
import type { State } from './state.ts';

export interface MacKeySeed extends Scope {
  /** The id: a UUID. */
  readonly id: string;
}

export interface MacKeys {
  /** An HMAC_256 key. */
  add(key: MacKeySeed): void;
  /** The ARN of the key that an id or an ARN names, or undefined. */
  arnOf(scope: Scope, keyId: string): string | undefined;
  generate(scope: Scope, keyId: string, algorithm: string, message: Buffer): Buffer;
  /** Throws `KMSInvalidMacException` for a code that is not the key's: it never returns false. */
  verify(scope: Scope, keyId: string, algorithm: string, message: Buffer, mac: Buffer): void;
}

/** The algorithm of an HMAC_256 key. */
const ALGORITHM = 'HMAC_SHA_256';
const ALGORITHMS = ['HMAC_SHA_224', 'HMAC_SHA_256', 'HMAC_SHA_384', 'HMAC_SHA_512'];

export function createMacKeys(state: State): MacKeys {
  const keys = new Map<string, { readonly arn: string; readonly material: Buffer }>();
  const arn = ({ account, region }: Scope, id: string) =>
    id.startsWith('arn:') ? id : `arn:aws:kms:${region}:${account}:key/${id}`;

  const keyOf = (scope: Scope, keyId: string, algorithm: string) => {
    const named = arn(scope, keyId);
    const key = keys.get(named);
    // A key of another region or account is not found here.
    if (!key || named.split(':')[3] !== scope.region)
      throw new AwsError('NotFoundException', `Key '${named}' does not exist`);
    if (!ALGORITHMS.includes(algorithm))
      throw new AwsError(
        'ValidationException',
        `1 validation error detected: Value '${algorithm}' at 'macAlgorithm' failed to satisfy constraint: Member must satisfy enum value set: [${ALGORITHMS.join(', ')}]`,
      );
    if (algorithm !== ALGORITHM)
      throw new AwsError(
        'InvalidKeyUsageException',
        `Algorithm ${algorithm} is incompatible with key spec HMAC_256.`,
      );
    return key;
  };
  const compute = (material: Buffer, message: Buffer) =>
    createHmac('sha256', material).update(message).digest();

  return {
    add(key) {
      const material = Buffer.from(state.context.hex(64), 'hex');
      keys.set(arn(key, key.id), { arn: arn(key, key.id), material });
    },
    arnOf: (scope, keyId) => keys.get(arn(scope, keyId))?.arn,
    generate: (scope, keyId, algorithm, message) => compute(keyOf(scope, keyId, algorithm).material, message),
    verify(scope, keyId, algorithm, message, mac) {
      const ours = compute(keyOf(scope, keyId, algorithm).material, message);
      if (mac.length !== ours.length || !timingSafeEqual(mac, ours))
        throw new AwsError('KMSInvalidMacException', '');
    },
  };
}
